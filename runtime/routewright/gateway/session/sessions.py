"""The sessions of one gateway process: who may come back to which, and how long they wait for that.

Strategy: a token's hash leads to its session: here, on disk (a process before this one left it there) or in another
gateway process. Whatever keeps a client from its session has a reason, which the client is told; it then has a new one.
"""

import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from routewright.gateway.commands import answer
from routewright.gateway.session.buffer import Gone
from routewright.gateway.session.handover import Handover
from routewright.gateway.session.reliable import Hello, ReliableConnection
from routewright.gateway.session.restart import CODE, Restart
from routewright.gateway.session.saved import NOT_THEIRS, Claim, Saved, not_theirs, restore, snapshot
from routewright.gateway.session.session import Session
from routewright.gateway.session.store import DiskStore, SessionStore
from routewright.gateway.session.token import hashed
from routewright.gateway.socket import State
from routewright.gateway.subscribing import judge_again
from routewright.table.policy import Delivery

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway

REMEMBERED = 4096
"""Tokens of ended sessions for which the reason is still known."""

NOT_FOUND = frozenset({"unknown_session", "unreachable"})
"""Reasons for which it makes no sense to look again at once."""


class Sessions:
    """Every reliable session of one gateway.

    Attributes:
        tokens: hash of each valid token -> its session.
        away: sessions whose client is not there.
        greeting: sockets that have not said hello, and until when they may.
        started, resumed, replayed, repeated: counts of sessions, resumes, frames sent again, and requests that were
            answered as before.
        refused: resumes that were refused, by reason.
    """

    def __init__(self, gateway: "Gateway", store: SessionStore | None = None) -> None:
        self.gateway = gateway
        self.store: SessionStore = store or DiskStore(gateway.project)
        self.tokens: dict[bytes, Session] = {}
        self.away: set[Session] = set()
        self.greeting: dict[ReliableConnection, float] = {}
        self.started = 0
        self.resumed = 0
        self.replayed = 0
        self.repeated = 0
        self.refused: Counter[str] = Counter()
        self.handover = Handover(self)
        self._ended: OrderedDict[bytes, str] = OrderedDict()
        self._looked_for: dict[bytes, list[tuple[ReliableConnection, Hello]]] = {}
        self.restart = Restart(self)

    # Greeting

    def greet(self, socket: ReliableConnection) -> None:
        """A socket is open; its hello is to come."""
        self.greeting[socket] = self.gateway.clock() + self.gateway.settings.limits.handshake

    def hello(self, socket: ReliableConnection, hello: Hello) -> None:
        """Give a socket the session that it asks for, or a new one."""
        self.greeting.pop(socket, None)
        if hello.resume is None:
            self._start(socket, None)
            return
        token = hashed(hello.resume)
        if self._known(socket, token, hello.seq or 0):
            return
        if (waiting := self._looked_for.get(token)) is not None:
            waiting.append((socket, hello))
        else:
            self._looked_for[token] = []
            self.gateway.spawn(self._look(socket, token, hello.seq or 0))

    def _known(self, socket: ReliableConnection, token: bytes, seq: int) -> bool:
        """Give a socket the session of a token, or a new one where it is known why not; false if it is unknown."""
        if (session := self.tokens.get(token)) is not None:
            reason = self._refusal(socket, session)
            if reason is None and not self.restart.claimed(session, socket):
                self._start(socket, "ended")
            elif reason is None:
                self._resume(socket, session, token, seq)
            else:
                if reason not in NOT_THEIRS:
                    self.end(session, 4001, reason)
                self._start(socket, reason)
            return True
        if (known := self._ended.get(token)) is not None:
            self._start(socket, known)
            return True
        return False

    def _refusal(self, socket: ReliableConnection, session: Session) -> str | None:
        reason = not_theirs(session, Claim.of(socket.info))
        return reason or (None if socket.endpoint is session.endpoint else "route_changed")

    async def _look(self, socket: ReliableConnection, token: bytes, seq: int) -> None:
        """Look for a session that is not here. Whoever else shows its token meanwhile waits, as the first may be a try
        that has failed already."""
        reason = "unknown_session"
        try:
            reason = await self._looked(socket, token, seq)
        finally:
            for other, hello in self._looked_for.pop(token):
                if other.state is not State.OPEN:
                    continue
                if reason in NOT_FOUND:
                    self._start(other, reason)
                else:
                    self.hello(other, hello)

    async def _looked(self, socket: ReliableConnection, token: bytes, seq: int) -> str:
        """Give a socket the session that is found, or a new one; why, or nothing. What is published meanwhile is
        collected."""
        session = self._session(socket)
        saved: Saved | str | None = await self.store.take(token)
        if saved is None and self.handover.others:
            saved = await self.handover.ask(session, token)
        if not isinstance(saved, Saved):
            reason = saved or "unknown_session"
        elif (reason := self._unfit(socket, saved)) == "":
            self._bring_back(socket, session, saved, token, seq)
            return ""
        else:
            self.handover.dismissed(saved)
            if reason in NOT_THEIRS:
                self.restart.collect(saved)
        session.finish(1006)
        self.gateway.exit(session)
        if socket.state is State.OPEN:
            # an answer that came too late for an earlier try may have brought it
            if saved is None and self._known(socket, token, seq):
                return ""
            self._start(socket, reason)
        return reason

    def _unfit(self, socket: ReliableConnection, saved: Saved) -> str:
        claim = Claim.of(socket.info)
        if claim.principal != saved.claim.principal:
            return "wrong_principal"
        if claim != saved.claim:
            return "wrong_route"
        if socket.endpoint.retired or socket.endpoint.route.contract != saved.contract:
            return "route_changed"
        return "" if saved.left > 0 else "expired"

    def _bring_back(self, socket: ReliableConnection, session: Session, saved: Saved, token: bytes, seq: int) -> None:
        """Go on with a session that was begun elsewhere. Handlers see a new one."""
        collected = session.buffer
        restore(saved, session)
        session.tokens.new = token
        self.tokens[token] = session
        self.handover.arrived(session)
        self.gateway.introduce(session)
        try:
            for _, frame in collected.after(0, self.gateway.clock()):
                session.send_text(frame)
        except Gone:
            seq = -1
        if session.state is not State.OPEN:
            self._start(socket, "ended")
        elif socket.state is State.OPEN:
            self._resume(socket, session, token, seq)
        else:
            session.away_since = self.gateway.clock() - saved.away
            self.away.add(session)

    def _start(self, socket: ReliableConnection, reason: str | None) -> None:
        """A new session; ``reason`` says why it is not the one that was asked for."""
        if reason is not None:
            self.refused[reason] += 1
        self.started += 1
        session = self._session(socket)
        self._attach(socket, session, None, reason, resumed=False)
        self.gateway.introduce(session)
        socket.go_on()

    def _session(self, socket: ReliableConnection) -> Session:
        info = msgspec.structs.replace(socket.info, id=self.gateway.next_session())
        bounds = socket.endpoint.route.delivery or Delivery()
        session = Session(self.gateway, socket.endpoint, info, secrets.token_urlsafe(12), bounds)
        self.gateway.expiries.set(session, info.expires)
        self.gateway.enter(session)
        return session

    def _resume(self, socket: ReliableConnection, session: Session, token: bytes, seq: int) -> None:
        """Hand a session over to the socket that has its token, or end it if too much of it is gone."""
        try:
            frames = session.buffer.after(seq, self.gateway.clock())
        except Gone as gone:
            self.end(session, 4004, gone.reason)
            self._start(socket, gone.reason)
            return
        session.buffer.ack(seq)
        session.known_as(socket.info)
        self.resumed += 1
        self.replayed += len(frames)
        self._attach(socket, session, token, None, resumed=True)
        for number, frame in frames:
            socket.send_numbered(number, frame)
        # not earlier: what it tells the client comes after what the client has missed
        judge_again(session)
        socket.go_on()

    def _attach(
        self, socket: ReliableConnection, session: Session, used: bytes | None, reason: str | None, *, resumed: bool
    ) -> None:
        rival = session.socket
        if rival is not None:
            self.release(session)
            rival.close(4004, "another connection has taken the session over")
        # from now on the session counts, not the socket
        self.gateway.exit(socket)
        for hash in session.tokens.valid:
            self.tokens.pop(hash, None)
            self.remember([hash], "taken_over")
        token = session.tokens.rotate(used)
        for hash in session.tokens.valid:
            self.tokens[hash] = session
            self._ended.pop(hash, None)
        self.away.discard(session)
        socket.owner = session
        socket.welcome_with(self._welcome(session, token, reason, resumed=resumed))
        session.attach(socket)

    def _welcome(self, session: Session, token: str, reason: str | None, *, resumed: bool) -> bytes:
        gateway = self.gateway
        bounds = session.buffer.bounds
        limits: dict[str, Any] = {
            "messageBytes": session.endpoint.route.limits.message_bytes,
            "inFlight": session.endpoint.in_flight,
            "delivery": {"window": bounds.window, "messages": bounds.messages, "bytes": bounds.bytes},
        }
        payload = {
            "session": session.public,
            "resume": token,
            "epoch": gateway.epoch,
            "resumed": resumed,
            "reason": reason,
            "heartbeat": gateway.settings.heartbeat,
            "expires": session.info.expires,
            "spec": gateway.table.digest,
            "limits": limits,
        }
        return answer("$welcome", None, payload)

    def proved(self, session: Session) -> None:
        """The client has its new token, so the one before is void."""
        old = session.tokens.received()
        if old is not None and self.tokens.get(old) is session:
            del self.tokens[old]
            self.remember([old], "taken_over")

    # Leaving

    def lost(self, socket: ReliableConnection, code: int) -> None:
        """A socket is gone. Its session waits for the next one, unless the client said good-bye."""
        self.greeting.pop(socket, None)
        session = socket.owner
        if session is None:
            self.gateway.exit(socket)
            return
        socket.owner = None
        session.detach()
        if code == 1000:
            self.end(session, code, "ended")
        else:
            self.away.add(session)

    def hand_over(self, session: Session, process: int) -> Saved:
        """Give a session to another process. What runs for it here goes on, and its answers follow."""
        socket = session.socket
        self.release(session)
        if socket is not None:
            socket.close(4004, "another connection has taken the session over")
        session.forget_commands()
        saved = snapshot(session)
        for hash in session.tokens.valid:
            self.tokens.pop(hash, None)
        session.elsewhere = process
        self.restart.leaving.pop(session, None)
        self.gateway.events.closed(session)
        self.away.add(session)
        # what was not begun is not known there: its client sends it again
        session.held = None
        session.endpoint.connections.discard(session)
        session.leave(4004, "another connection has taken the session over")
        return saved

    def release(self, session: Session) -> None:
        """Take a session's socket away; it counts by itself until it is closed."""
        socket = session.socket
        if socket is not None:
            session.detach()
            socket.owner = None
            self.gateway.enter(socket)

    def close(self, session: Session, code: int, text: str) -> None:
        """End a session for everybody; over a restart it is kept."""
        if code == CODE and self.gateway.drain.begun and session.elsewhere is None:
            self.restart.leave(session)
            return
        socket = session.socket
        self.release(session)
        if socket is not None:
            socket.close(code, text)
        self.end(session, code, "route_changed" if code == 4001 else "ended")

    def end(self, session: Session, code: int, reason: str) -> None:
        """End a session, and with it its socket, if it has one."""
        socket = session.socket
        if socket is not None:
            self.release(session)
            socket.close(code, reason)
        session.finish(code)
        self.away.discard(session)
        for hash in session.tokens.valid:
            if self.tokens.get(hash) is session:
                del self.tokens[hash]
                self.remember([hash], reason)
        self.handover.ended_here(session)
        if self.restart.ended(session):
            self.gateway.closed(session, code)
        else:
            self.gateway.exit(session)

    def known(self, hash: bytes) -> str | None:
        """Why a token is not valid any more, if that is known."""
        return self._ended.get(hash)

    def remember(self, hashes: Iterable[bytes], reason: str) -> None:
        """These tokens are not valid any more."""
        self._ended.update(dict.fromkeys(hashes, reason))
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)

    # From time to time

    def tick(self, now: float) -> None:
        """End the sessions whose client has been away for too long, and the greetings that did not come."""
        for session in [session for session in self.away if session.left(now) <= 0]:
            self.end(session, 4003, "expired")
        for socket in [socket for socket, until in self.greeting.items() if until <= now]:
            del self.greeting[socket]
            socket.close(4003, "no $hello")

    def reloaded(self) -> None:
        """Tell every client that another epoch is in force."""
        frame = answer("$epoch", None, {"epoch": self.gateway.epoch, "spec": self.gateway.table.digest})
        for session in list(self.gateway.sessions.values()):
            if isinstance(session, Session):
                session.bound_by(session.endpoint.route.delivery)
                session.send_text(frame)

    def figures(self) -> dict[str, Any]:
        """What has been counted, as JSON."""
        return {
            "open": len({id(session) for session in self.tokens.values()}),
            "detached": len(self.away),
            "started": self.started,
            "resumed": self.resumed,
            "refused": dict(self.refused),
            "replayed": self.replayed,
            "repeated": self.repeated,
        }
