"""A reliable client's socket: greets, then hands every message to the session that it belongs to.

Strategy: until its ``$hello`` a socket is a connection without a session; afterwards the session stands in its place
in all that the gateway knows, and the socket only carries frames: numbers put in behind the opening brace, without
decoding anything, and where the client wants that, all frames of a tick as one JSON array.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec

from routewright.gateway.commands import answer
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.errors import Fault, error_frame
from routewright.gateway.plain import PlainConnection
from routewright.gateway.session.buffer import Gone
from routewright.gateway.socket import State
from routewright.hooks import SessionInfo
from routewright.policies.rate_limit import RateLimiter
from routewright.table.frames import DECODE_ERRORS, Id, diagnose

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway
    from routewright.gateway.session.session import Session

ASIDES = 1000
"""Frames of the protocol's own (``$ack``, ``$ping``) that a client may send a second beside its messages."""

_OPEN = State.OPEN


Seq: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Hello(msgspec.Struct, tag="$hello", tag_field="type"):
    """The first frame."""

    resume: str | None = None
    seq: Seq | None = None
    batch: bool = False


class _Ack(msgspec.Struct, tag="$ack", tag_field="type"):
    seq: Seq
    id: Id = None


class _Ping(msgspec.Struct, tag="$ping", tag_field="type"):
    id: Id = None


class _Second(msgspec.Struct, tag="$hello", tag_field="type"):
    id: Id = None


class _Any(msgspec.Struct):
    type: str


_decode_hello = msgspec.json.Decoder(Hello).decode
_decode_aside = msgspec.json.Decoder(_Ack | _Ping | _Second).decode
_decode_type = msgspec.json.Decoder(_Any).decode

_ASIDES = ("$ack", "$ping", "$hello")


def numbered(seq: int, frame: bytes) -> bytes:
    """A frame with its number: ``{"type": ...}`` becomes ``{"seq":7,"type": ...}``. A worker of another language may
    have put white space before the brace."""
    return b'{"seq":%d,%b' % (seq, frame[frame.index(b"{") + 1 :])


class ReliableConnection(PlainConnection):
    """One socket of a client that speaks ``routewright.v1``.

    Attributes:
        owner: the session that the socket belongs to; ``None`` before the greeting and after a takeover.
        greeted: the client has said hello.
    """

    __slots__ = ("_asides", "_batch", "_batch_at", "_batched", "_unproved", "greeted", "owner")

    def __init__(self, gateway: "Gateway", endpoint: Endpoint, info: SessionInfo) -> None:
        super().__init__(gateway, endpoint, info)
        self.owner: Session | None = None
        self.greeted = False
        self._asides = RateLimiter(ASIDES, 2 * ASIDES)
        self._unproved = False
        self._batch: list[bytes] | None = None
        self._batch_at = 0
        self._batched = 0

    def on_open(self) -> None:
        self.endpoint.opened += 1
        self.gateway.enter(self)
        self.gateway.reliable.greet(self)

    def on_closed(self, code: int) -> None:
        self.held = None
        self.gateway.reliable.lost(self, code)

    # In

    def on_text(self, data: bytes) -> None:
        owner = self.owner
        if owner is None:
            self._greeted(data)
            return
        if self._unproved:
            self._unproved = False
            self.gateway.reliable.proved(owner)
        if b'"$' in data and self._aside(owner, data):
            return
        owner.now = self.now
        owner.on_text(data)

    def wait(self) -> float:
        owner, now = self.owner, self.now
        if owner is None:
            # its session is being looked for: nothing is to come
            return 1.0 if self.greeted else 0.0
        return max(self._asides.wait(now), 0.0 if owner.limiter is None else owner.limiter.wait(now))

    def pass_over(self, wait: float) -> None:
        if self.owner is not None:
            self.owner.pass_over(wait)

    def _greeted(self, data: bytes) -> None:
        if self.state is not _OPEN:
            return
        if self.greeted:
            # its session is being looked for, or another socket has it now
            self.hold(data, False)
            return
        try:
            hello = _decode_hello(data)
        except DECODE_ERRORS as problem:
            text = "the first frame must be a $hello"
            if b'"$hello"' in data:
                text = f"the $hello is not well-formed: {problem}"
            self.endpoint.count_error("invalid_message")
            self.send_text(error_frame(Fault("invalid_message", text, path="$.type", hint='send {"type": "$hello"}')))
            self.close(1002, "no $hello")
            return
        if hello.batch and self.endpoint.route.batch is not None:
            self._batch = []
        self.greeted = True
        self.gateway.reliable.hello(self, hello)

    def _aside(self, owner: "Session", data: bytes) -> bool:
        """Do what a frame of the protocol's own asks; false if it is a message."""
        try:
            aside = _decode_aside(data)
        except DECODE_ERRORS as problem:
            return self._malformed(owner, data, problem)
        if self._asides.admit(self.now):
            # acknowledgements add up, so one less is no loss; a ping is counted as any message is
            return isinstance(aside, _Ack)
        if isinstance(aside, _Ping):
            owner.send_text(answer("$pong", aside.id))
        elif isinstance(aside, _Second):
            owner.error(Fault("invalid_message", "the session has begun already", aside.id, "$.type"))
        else:
            try:
                owner.acknowledge(aside.seq)
            except Gone:
                text = f"seq {aside.seq} was never sent"
                owner.error(Fault("invalid_message", text, aside.id, "$.seq"))
        return True

    def _malformed(self, owner: "Session", data: bytes, problem: Exception) -> bool:
        """Tell what is wrong with a frame of the protocol's own; false if it is a message."""
        try:
            own = _decode_type(data).type in _ASIDES
        except DECODE_ERRORS:
            return False
        if not own or self._asides.admit(self.now):
            return False
        mistake = diagnose(data, problem, _ASIDES)
        owner.error(Fault(mistake.code, mistake.message, mistake.id, mistake.path))
        return True

    def welcome_with(self, frame: bytes) -> None:
        """Answer the greeting. The client's next frame shows that it has the token in there."""
        self._unproved = True
        self.send_text(frame)

    def go_on(self) -> None:
        """The session is here, with all that was missed: what the client has sent without waiting for that has its
        turn. It does not show that the client has its token."""
        held, self.held = self.held, None
        if held is None:
            return
        self._unproved = False
        if self.owner is not None and not self.owner.paused:
            self.resume_reading()
        for data, _ in held:
            self.on_text(data)
        self._unproved = True

    # Out: what the gateway sends to everyone is for the session, not for the socket

    def deliver(
        self, frame: bytes, binary: bool = False, final: bool = True, id: Id = None, event: bool = False
    ) -> None:
        return

    def send_whole(self, frame: bytes) -> None:
        return

    def send_numbered(self, seq: int, payload: bytes) -> None:
        """Send a frame of the session's, unless the client has too much unread already: then it is kept alone, and the
        client has to come back for it."""
        if self.state is not _OPEN or (self.stalled_since is not None and self._too_slow(len(payload))):
            return
        batch = self._batch
        if batch is None:
            self.send_text(numbered(seq, payload))
            return
        if not batch:
            # what goes out in this tick by itself keeps its place: the welcome before, a close after
            self._batch_at = len(self.out)
        batch.append(numbered(seq, payload))
        self._batched += len(payload)
        if not self.dirty:
            self.wake()

    def _too_slow(self, size: int) -> bool:
        policy = self.endpoint.route.slow_consumer
        if policy is None or not self.piles_up(size, policy.backlog):
            return False
        self._give_up()
        return True

    def flush(self) -> None:
        if self._batch:
            self.dirty = True
            after, self.out = self.out[self._batch_at :], self.out[: self._batch_at]
            for frame in self._joined():
                self.send_text(frame)
            self.out += after
        super().flush()

    def unsent(self) -> int:
        return super().unsent() + self._batched

    def _joined(self) -> Iterator[bytes]:
        """What the tick has brought, in as few frames as the route's ``batch`` allows."""
        frames, self._batch, self._batched = self._batch or [], [], 0
        bounds = self.endpoint.route.batch
        most, room = (bounds.frames, bounds.bytes) if bounds is not None else (1, 0)
        at = 0
        while at < len(frames):
            size, end = len(frames[at]), at + 1
            while end < len(frames) and end - at < most and size + len(frames[end]) <= room:
                size += len(frames[end])
                end += 1
            yield frames[at] if end == at + 1 else b"[%b]" % b",".join(frames[at:end])
            at = end
