"""A gateway as small as the wire allows (docs/frontend.md, "Reliable clients"): lists, and no clock.

Strategy: a session is a list of frames and a table of answers. What is handled is written down, so that tests can count
it; replies come when a test says so, or at once.
"""

import json
from typing import Any


class Session:
    """What the gateway keeps: frames that are not acknowledged, answers by id, and ids that are being handled."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tokens: list[str] = []
        self.seq = 0
        self.kept: list[tuple[int, dict[str, Any]]] = []
        self.answers: dict[Any, list[dict[str, Any]]] = {}
        self.running: dict[Any, dict[str, Any]] = {}
        self.connection: Connection | None = None
        self.topics: set[str] = set()

    def push(self, frame: dict[str, Any]) -> None:
        """A frame for the client, now or when it comes again."""
        self.seq += 1
        self.kept.append((self.seq, frame))
        if self.connection is not None:
            self.connection.write({**frame, "seq": self.seq})


class Gateway:
    """Every session, and what the handler has been asked.

    Attributes:
        handled: ``(session, message)``, each time that the handler ran.
        instant: answer at once; otherwise `complete` does.
        room: frames that are kept for a client.
        expires: when the credential of every connection runs out.
        guard: until when each credential that is to come in the first frame holds; ``None``: none is to come.
    """

    def __init__(self, *, instant: bool = True, room: int = 1000, heartbeat: float = 25.0) -> None:
        self.instant = instant
        self.room = room
        self.heartbeat = heartbeat
        self.handled: list[tuple[str, dict[str, Any]]] = []
        self.sessions: list[Session] = []
        self.names = self.tokens = 0
        self.expires: float | None = None
        self.guard: dict[str, float | None] | None = None

    def forget(self) -> None:
        """Lose every session, as a gateway that is killed does."""
        self.sessions.clear()

    def publish(self, type: str, payload: Any, topic: str | None = None) -> None:
        """An event for everyone, or for those who have subscribed."""
        frame = {"type": type, "payload": payload} | ({} if topic is None else {"topic": topic})
        for session in self.sessions:
            if topic is None or topic in session.topics:
                session.push(frame)

    def complete(self, session: Session, id: Any) -> None:
        """The handler has done its work."""
        message = session.running.pop(id)
        answer = session.answers[id] = self.answer(message)
        for frame in answer:
            session.push(frame)

    def answer(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """What the handler says: the payload back, in parts for ``count``, nothing for ``note``."""
        id, type, payload = message["id"], message["type"], message.get("payload")
        if type == "count":
            parts = [{"type": "part", "id": id, "payload": number} for number in range(payload)]
            return [*parts, {"type": "part", "id": id, "final": True}]
        if type == "note":
            return [{"type": "$ok", "id": id}]
        if type == "$auth":
            granted = {"principal": "ada", "scopes": ["read"], "expires": self.expires}
            return [{"type": "$ok", "id": id, "payload": granted}]
        if type == "refuse":
            return [{"type": "error", "id": id, "error": payload}]
        return [{"type": "reply", "id": id, "payload": payload}]


class Connection:
    """One connection of the model; ``sent`` is what has been written to the client."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.session: Session | None = None
        self.sent: list[bytes] = []
        self._known = gateway.guard is None

    def write(self, frame: dict[str, Any]) -> None:
        """Write a frame."""
        self.sent.append(json.dumps(frame).encode())

    def gone(self) -> None:
        """The connection is no more."""
        if self.session is not None and self.session.connection is self:
            self.session.connection = None

    def knows(self, frame: dict[str, Any]) -> bool:
        """Whether it is known whose frame this is."""
        if self._known:
            return True
        assert frame["type"] == "$auth"
        guard, token = self.gateway.guard, frame["payload"]["token"]
        assert guard is not None
        if token in guard:
            self._known = True
            self.write({"type": "$ok", "payload": {"principal": "ada", "scopes": [], "expires": guard[token]}})
        else:
            error = {"code": "unauthorized", "message": "not you", "retryable": False, "hint": "ask"}
            self.write({"type": "error", "error": error})
        return False

    def take(self, data: bytes) -> None:
        """A frame of the client's."""
        frame = json.loads(data)
        type = frame["type"]
        if not self.knows(frame):
            return
        if self.session is None:
            assert type == "$hello"
            self._greet(frame)
            return
        session = self.session
        session.tokens = session.tokens[-1:]
        if type == "$ack":
            assert frame["seq"] <= session.seq
            session.kept = [(seq, kept) for seq, kept in session.kept if seq > frame["seq"]]
        elif type == "$ping":
            session.push({"type": "$pong", "id": frame["id"]})
        elif type in ("$subscribe", "$unsubscribe"):
            change = session.topics.add if type == "$subscribe" else session.topics.discard
            change(frame["payload"]["topic"])
            session.push({"type": "$ok", "id": frame["id"]})
        elif frame["id"] in session.answers:
            for answer in session.answers[frame["id"]]:
                session.push(answer)
        elif frame["id"] not in session.running:
            self.gateway.handled.append((session.name, frame))
            session.running[frame["id"]] = frame
            if self.gateway.instant:
                self.gateway.complete(session, frame["id"])

    def _greet(self, frame: dict[str, Any]) -> None:
        token, seq = frame.get("resume"), frame.get("seq", 0)
        found = next((each for each in self.gateway.sessions if token in each.tokens), None)
        reason = None if token is None else "unknown_session"
        if found is not None:
            found.kept = found.kept[-self.gateway.room :]
            oldest = found.kept[0][0] if found.kept else found.seq + 1
            if seq + 1 < oldest:
                self.gateway.sessions.remove(found)
                found, reason = None, "buffer_overflow"
        resumed = found is not None
        self.gateway.tokens += 1
        if found is None:
            self.gateway.names += 1
            found = Session(f"s{self.gateway.names}")
            self.gateway.sessions.append(found)
        found.tokens = [*([token] if resumed else []), f"{found.name}-{self.gateway.tokens}"]
        if found.connection is not None:
            found.connection.session = None
        found.connection, self.session = self, found
        payload = {
            "session": found.name,
            "resume": found.tokens[-1],
            "epoch": 1,
            "resumed": resumed,
            "reason": None if resumed else reason,
            "heartbeat": self.gateway.heartbeat,
            "expires": self.gateway.expires,
        }
        self.write({"type": "$welcome", "payload": payload})
        for number, kept in found.kept:
            if number > seq:
                self.write({**kept, "seq": number})
