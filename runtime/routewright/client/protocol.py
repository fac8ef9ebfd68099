"""The client's side of a session, without I/O: frames in, happenings and frames out.

Strategy: whoever owns a connection tells it what comes (`opened`, `received`, `closed`, and the time), takes what is to
be written (`outgoing`), and acts on the happenings that are returned. The same rules hold for both kinds of connection:

- A message is kept until it is answered. Ids grow, and messages are written in that order, also when they are written
  again after a reconnect: the gateway knows those that it has had by their ids.
- A reliable gateway answers every message, be it with ``$ok``. A plain one may not: what is sent there without an
  answer being awaited is let go when it is written.
- A frame whose ``seq`` has been seen is dropped. Acknowledgements are cumulative and coalesced: one for so many frames,
  or after so many seconds.
- Where the session could not be resumed (or the gateway knows none), messages that may have been handled are repeated
  only if they are idempotent; the outcome of the others is unknown, and said to be.

It knows no clock: times are arguments, in seconds, of a clock that never goes back.
"""

import math
from enum import Enum

import msgspec

from routewright.client import frames
from routewright.client.errors import QueueFull, RequestFailed
from routewright.client.frames import Frame, Unreadable
from routewright.client.happenings import Broken, Happened, Happening, Opened, Refused, Reply, Unknown
from routewright.client.state import Kept, State
from routewright.client.stats import Stats

EARLY = 0.8
"""The part of a heartbeat's time after which one is sent: it is to be there within that time."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages, and bytes of them, may wait for a connection or an answer; how many frames or seconds are
    acknowledged at once; seconds between heartbeats on a connection whose gateway does not say."""

    messages: int = 10_000
    bytes: int = 16 * 1024 * 1024
    ack_every: int = 32
    ack_after: float = 0.1
    heartbeat: float = 25.0


_WAITING = "for a connection, or an answer: wait for that, or give connect() larger bounds=Bounds(...)"

_REFUSED = {"unauthorized": 4501, "forbidden": 4503}
"""What a connection closes with whose credential is refused."""

_HERE = 'the route takes no credential in the first frame: leave token_in="message" out'
_HINTS = {
    ("session", "unauthorized"): 'give connect() a token, and token_in="message"',
    ("credential", "invalid_message"): _HERE,
    ("credential", "unknown_type"): _HERE,
}
"""What an application does, where the gateway's hint is for those who write frames."""


class _Phase(Enum):
    CLOSED = 0
    PROVING = 1
    GREETING = 2
    OPEN = 3


class Protocol:
    """One session over any number of connections.

    Attributes:
        state: what continues it; to be saved after `outgoing` and before that is written, where it is to outlive the
            program.
        changed: the state has changed since this was last set to false.
        reliable: the connection has negotiated the subprotocol.
    """

    def __init__(self, state: State, bounds: Bounds | None = None, stats: Stats | None = None) -> None:
        self.state = state
        self.changed = False
        self.reliable = False
        self.stats = stats or Stats()
        self._bounds = bounds or Bounds()
        self._phase = _Phase.CLOSED
        self._out: list[tuple[int, bytes]] = []
        self._kept = sum(len(kept.frame) for kept in state.unanswered.values())
        self._unawaited = sum(not kept.reply for kept in state.unanswered.values())
        self._begun = state.resume is not None
        self._heartbeat = self._bounds.heartbeat
        self._largest: int | None = None
        self._expires: float | None = None
        self._acked = state.seq
        self._ack_at: float | None = None
        self._ping: tuple[int, float] | None = None
        self._heard = self._said = self._pinged = 0.0

    # The connection

    def opened(self, reliable: bool, now: float, token: str | None = None) -> list[Happening]:
        """There is a connection; ``token`` is a credential that it wants to hear first."""
        self.reliable = reliable
        self._heartbeat = self._bounds.heartbeat
        self._largest = self._expires = None
        self._heard = self._said = self._pinged = now
        if token is None:
            return self._greet(now)
        self._phase = _Phase.PROVING
        self._out.append((0, frames.auth(token)))
        return []

    def received(self, data: bytes, now: float) -> list[Happening]:
        """A text message has come."""
        self._heard = now
        try:
            batch = frames.read(data)
        except Unreadable as error:
            return [Broken(1007, str(error))]
        happenings: list[Happening] = []
        for frame in batch:
            self.stats.received += 1
            self._take(frame, now, happenings)
        return happenings

    def closed(self) -> list[Happening]:
        """The connection is gone."""
        self._phase = _Phase.CLOSED
        self._out.clear()
        self._ack_at = self._ping = None
        return [] if self.reliable else self._settle(False)

    def outgoing(self, now: float) -> list[bytes]:
        """What is to be written, in this order; it counts as written."""
        out, self._out = self._out, []
        if out:
            self._said = now
        return [data for id, data in out if not id or self._write(id)]

    # Messages

    @property
    def open(self) -> bool:
        """Whether messages are written at once."""
        return self._phase is _Phase.OPEN

    @property
    def writable(self) -> bool:
        """Whether `outgoing` has something."""
        return bool(self._out)

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be written, and nothing that was sent without awaiting an answer waits for one."""
        return not self._out and not self._unawaited and self.open

    @property
    def unsettled(self) -> int:
        """Messages without an awaited answer of which it is not known that they have arrived."""
        return self._unawaited

    @property
    def queued(self) -> int:
        """Messages that were never written."""
        return sum(not kept.written for kept in self.state.unanswered.values())

    def ask(
        self,
        type: str,
        payload: msgspec.Raw | None = None,
        *,
        idempotent: bool = False,
        stream: bool = False,
        reply: bool = True,
    ) -> int:
        """Send a message; its id. Without ``reply`` no answer is awaited.

        Raises:
            QueueFull: too many wait already.
            RequestFailed: it is larger than the gateway takes.
        """
        state, bounds = self.state, self._bounds
        if len(state.unanswered) >= bounds.messages:
            raise QueueFull(f"{bounds.messages} messages wait already", hint=_WAITING)
        frame = frames.message(type, state.last + 1, payload)
        if self._largest is not None and len(frame) > self._largest:
            raise RequestFailed("too_large", f"the message has {len(frame)} bytes, the gateway takes {self._largest}")
        if self._kept + len(frame) > bounds.bytes:
            raise QueueFull(f"messages of {bounds.bytes} bytes wait already", hint=_WAITING)
        state.last += 1
        id = state.last
        state.unanswered[id] = Kept(id, msgspec.Raw(frame), idempotent, reply, stream)
        self._kept += len(frame)
        self._unawaited += not reply
        self.changed = True
        if self.open:
            self._out.append((id, frame))
        return id

    def abandon(self) -> None:
        """Do not continue the session: somebody else does."""
        self.state.resume = None
        self.changed = True

    def forget(self, id: int) -> None:
        """Nobody awaits the answer to that message any more."""
        if id in self.state.unanswered:
            self._drop(id)

    # Time

    def deadline(self) -> float | None:
        """When `tick` has something to do; ``None`` where it has not."""
        if self._phase is _Phase.CLOSED:
            return None
        silent = min(self._heard + 2 * self._heartbeat, self._next_ping())
        return silent if self._ack_at is None else min(silent, self._ack_at)

    def tick(self, now: float) -> list[Happening]:
        """The time has come to acknowledge, to ping, or to give the connection up."""
        if self._phase is _Phase.CLOSED:
            return []
        if now >= self._heard + 2 * self._heartbeat:
            return [Broken(4003, f"nothing came for {2 * self._heartbeat:g} s")]
        if self._ack_at is not None and now >= self._ack_at:
            self._ack()
        if now >= self._next_ping():
            self._send_ping(now)
        return []

    # Frames

    def _take(self, frame: Frame, now: float, happenings: list[Happening]) -> None:
        type = frame.type
        if self._phase is _Phase.PROVING:
            happenings += self._proved(frame, now)
        elif self._phase is _Phase.GREETING:
            happenings += self._greeted(frame, now)
        elif frame.seq is not None and not self._in_order(frame.seq, now):
            self.stats.duplicates += 1
        elif type == "$ping":
            self._out.append((0, frames.pong(frame.id)))
        elif self._ping is not None and frame.id == self._ping[0]:
            self.stats.round_trip = now - self._ping[1]
            self._ping = None
        elif frame.id is not None:
            self._answered(frame, happenings)
        elif type == "error":
            happenings.append(Happened("error", frame.error, None))
        elif not type.startswith("$") or frame.topic is not None:
            happenings.append(Happened(type, frame.payload, frame.topic))

    def _in_order(self, seq: int, now: float) -> bool:
        state = self.state
        if seq <= state.seq:
            return False
        self.stats.missed += seq - state.seq - 1
        state.seq = seq
        self.changed = True
        if seq - self._acked >= self._bounds.ack_every:
            self._ack()
        elif self._ack_at is None:
            self._ack_at = now + self._bounds.ack_after
        return True

    def _ack(self) -> None:
        self._acked = self.state.seq
        self._ack_at = None
        self._out.append((0, frames.ack(self._acked)))

    def _answered(self, frame: Frame, happenings: list[Happening]) -> None:
        id = frame.id
        kept = self.state.unanswered.get(id) if isinstance(id, int) else None
        if kept is None:
            self.stats.late += 1
            return
        self.changed = True
        error = frame.type == "error"
        final = frame.final or error or not kept.stream or frame.type == "$ok"
        if not kept.reply:
            if error:
                happenings.append(Happened("error", frame.error, None))
        elif error:
            happenings.append(Refused(kept.id, frames.problem(frame)))
        else:
            kept.parts += 1
            happenings.append(Reply(kept.id, frame.type, frame.payload, final))
        if final:
            self._drop(kept.id)

    # The session

    def _proved(self, frame: Frame, now: float) -> list[Happening]:
        if frame.type == "error":
            return [_refused("credential", frame)]
        if frame.type != "$ok":
            return []
        self._expires = frames.granted(frame).expires
        return self._greet(now)

    def _greet(self, now: float) -> list[Happening]:
        if not self.reliable:
            return self._open(False, "the gateway keeps no session", now)
        self._phase = _Phase.GREETING
        self._out.append((0, frames.hello(self.state.resume, self.state.seq)))
        return []

    def _write(self, id: int) -> bool:
        """Count a message as written; false where its answer has come meanwhile, or nobody waits for it any more."""
        kept = self.state.unanswered.get(id)
        if kept is None:
            return False
        self.stats.sent += 1
        self.stats.resent += kept.written
        kept.written = self.changed = True
        if not kept.reply and not self.reliable:
            self._drop(id)
        return True

    def _greeted(self, frame: Frame, now: float) -> list[Happening]:
        if frame.type == "error":
            return [_refused("session", frame)]
        if frame.type != "$welcome":
            return []
        try:
            welcome = frames.welcome(frame)
        except Unreadable as error:
            return [Broken(1002, str(error))]
        state = self.state
        state.session, state.resume = welcome.session, welcome.resume
        self.changed = True
        if welcome.heartbeat:
            self._heartbeat = welcome.heartbeat
        self._largest = welcome.limits.message_bytes
        self._expires = welcome.expires
        if not welcome.resumed:
            state.seq = 0
        self._acked = state.seq
        if frame.seq is not None:
            self._in_order(frame.seq, now)
        return self._open(welcome.resumed, welcome.reason or "", now)

    def _open(self, resumed: bool, reason: str, now: float) -> list[Happening]:
        again, self._begun = self._begun, True
        self._phase = _Phase.OPEN
        self.stats.connects += 1
        if again:
            self.stats.resumed += resumed
            self.stats.fresh += not resumed
        happenings: list[Happening] = [Opened(resumed, "" if resumed or not again else reason, again, self._expires)]
        happenings += self._settle(resumed)
        for id, kept in self.state.unanswered.items():
            self._out.append((id, bytes(kept.frame)))
        return happenings

    def _settle(self, resumed: bool) -> list[Happening]:
        """Give up what may not be written a second time."""
        if resumed:
            return []
        unknown = [
            kept for kept in self.state.unanswered.values() if kept.written and (kept.parts or not kept.idempotent)
        ]
        for kept in unknown:
            self._drop(kept.id)
        return [Unknown(kept.id, kept.reply) for kept in unknown]

    def _next_ping(self) -> float:
        if not self.open:
            return math.inf
        return max(min(self._heard, self._said), self._pinged) + EARLY * self._heartbeat

    def _send_ping(self, now: float) -> None:
        self.state.last += 1
        self.changed = True
        self._pinged = now
        self._ping = (self.state.last, now)
        self._out.append((0, frames.message("$ping", self.state.last, None)))

    def _drop(self, id: int) -> None:
        kept = self.state.unanswered.pop(id)
        self._kept -= len(kept.frame)
        self._unawaited -= not kept.reply
        self.changed = True


def _refused(what: str, frame: Frame) -> Broken:
    problem = frames.problem(frame)
    text = f"the gateway refused the {what}: {problem.code}: {problem.message}"
    code = _REFUSED.get(problem.code, 1002)
    hint = _HINTS.get((what, problem.code), problem.hint)
    return Broken(code, text, not problem.retryable, problem.retry_after, hint)
