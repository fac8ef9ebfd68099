"""A reliable client's session: what outlives its sockets.

Strategy: to the gateway a session is a connection like any other. It makes the requests, is what is published to and
what workers know; only that every frame it sends is numbered and kept first, and then handed to the socket, if there is
one. Its ``state`` is the session's own: open until it ends, however many sockets come and go meanwhile.
"""

from typing import TYPE_CHECKING, Any

from routewright.bridge.codec import Error, Reply
from routewright.bridge.pool import Entry
from routewright.gateway.commands import Asked, answer
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.errors import Fault, error_frame
from routewright.gateway.framing import payload as whole_payload
from routewright.gateway.plain import PlainConnection
from routewright.gateway.session.buffer import Buffer
from routewright.gateway.session.seen import Answer, Seen
from routewright.gateway.session.token import Tokens
from routewright.gateway.socket import State
from routewright.hooks import SessionInfo
from routewright.table import MessageType
from routewright.table.frames import Id
from routewright.table.policy import Delivery

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway
    from routewright.gateway.session.reliable import ReliableConnection

_OPEN = State.OPEN

NOT_CARRIED_OUT = frozenset({"rate_limited", "overloaded", "circuit_open"})
"""Errors after which the same id may be sent again: no handler has seen the message."""

ACTING = frozenset({"$publish", "$subscribe", "$unsubscribe", "$auth"})
"""Commands that change something, and so are carried out once for each id."""


class Session(PlainConnection):
    """One reliable client, wherever it is.

    Args:
        public: the session's name, as clients know it.
        bounds: what is kept for the client.

    Attributes:
        socket: the connection that the client has now.
        commands: ids of commands that are being carried out.
        away_since: when it left, in monotonic seconds; ``None`` while it is here.
        elsewhere: number of the gateway process that has taken the session over; what still comes for it here is
            passed on.
    """

    __slots__ = ("_asking", "away_since", "buffer", "commands", "elsewhere", "public", "seen", "socket", "tokens")

    def __init__(
        self, gateway: "Gateway", endpoint: Endpoint, info: SessionInfo, public: str, bounds: Delivery
    ) -> None:
        super().__init__(gateway, endpoint, info)
        self._reader = None
        self.public = public
        self.buffer = Buffer(bounds)
        self.seen = Seen(bounds)
        self.tokens = Tokens()
        self.commands: set[Id] = set()
        self.socket: ReliableConnection | None = None
        self.away_since: float | None = None
        self.elsewhere: int | None = None
        self._asking: Id = None

    @property
    def bytes_in(self) -> int:
        """Bytes from the socket that is there; those of earlier ones are counted with the endpoint."""
        return 0 if self.socket is None else self.socket.bytes_in

    @bytes_in.setter
    def bytes_in(self, value: int) -> None: ...

    @property
    def bytes_out(self) -> int:
        """Bytes to the socket that is there."""
        return 0 if self.socket is None else self.socket.bytes_out

    @bytes_out.setter
    def bytes_out(self, value: int) -> None: ...

    # The socket

    def attach(self, socket: "ReliableConnection") -> None:
        """The client is here, by this socket."""
        self.socket = socket
        self.away_since = None
        if self.paused:
            socket.pause_reading()

    def detach(self) -> None:
        """The client has left; what it asked for goes on."""
        socket, self.socket = self.socket, None
        if socket is not None:
            self.away_since = self._clock()
            self.endpoint.bytes_in += socket.bytes_in
            self.endpoint.bytes_out += socket.bytes_out
            socket.bytes_in = socket.bytes_out = 0

    def known_as(self, info: SessionInfo) -> None:
        """The same principal's client has come back by another socket: handlers are told of it as it is now."""
        own = self.info
        changed = (own.principal, own.address, own.path) != (info.principal, info.address, info.path)
        self.gateway.moved(self, info.address)
        own.principal, own.expires, own.path = info.principal, info.expires, info.path
        self.gateway.expiries.set(self, own.expires)
        for worker in self.gateway.bridge.workers.values() if changed else ():
            if own.id in worker.sessions:
                self.introduce(worker, fresh=False)

    def bound_by(self, delivery: Delivery | None) -> None:
        """The route may keep more or less from now on; one that takes no sessions any more leaves this one as it
        is."""
        if delivery is not None:
            self.buffer.bounds = self.seen.bounds = delivery

    def left(self, now: float) -> float:
        """Seconds for which the session may still be resumed."""
        away = 0.0 if self.away_since is None else now - self.away_since
        return self.buffer.bounds.window - away

    def pause_reading(self) -> None:
        self.paused = True
        if self.socket is not None:
            self.socket.pause_reading()

    def resume_reading(self) -> None:
        self.paused = False
        if self.socket is not None:
            self.socket.resume_reading()

    # In

    def _request(self, envelope: Any, message: MessageType, data: bytes) -> None:
        """See that an id is carried out once. The hooks have run: they see what a client repeats, handlers do not."""
        id = envelope.id
        if id is None:
            super()._request(envelope, message, data)
        elif (known := self.seen.find(id)) is not None:
            self._again(id, known)
        else:
            self.seen.begin(id)
            self._asking = id
            super()._request(envelope, message, data)
            self._asking = None

    def carry_out(self, command: Asked) -> None:
        """See that what acts is done once, as with messages."""
        id = command.id
        if id is None or command.type not in ACTING:
            super().carry_out(command)
        elif (known := self.seen.find(id)) is not None:
            self._again(id, known)
        else:
            self.seen.begin(id)
            self.commands.add(id)
            super().carry_out(command)

    def done(self, command: Asked, payload: Any) -> None:
        if command.id in self.commands:
            self.commands.discard(command.id)
            self._answered(command.id, answer("$ok", command.id, payload), True)
        super().done(command, payload)

    def refuse(self, fault: Fault) -> None:
        if fault.id in self.commands:
            self.commands.discard(fault.id)
            self.seen.forget(fault.id)
        super().refuse(fault)

    def forget_commands(self) -> None:
        """Those that have not been carried out will not be: the client sends them again."""
        for id in self.commands:
            self.seen.forget(id)
        self.commands.clear()

    def _again(self, id: Id, known: Answer) -> None:
        """Answer as before; where there is no answer yet, it will come."""
        self.gateway.reliable.repeated += 1
        if known.cut:
            self.error(Fault("too_large", "the answer to this id was too large to be kept", id))
        elif known.done:
            for frame in known.frames:
                self.deliver(frame, False, frame is known.frames[-1], id)

    def acknowledge(self, seq: int) -> None:
        """The client has everything up to ``seq``.

        Raises:
            Gone: that was never sent.
        """
        self.buffer.ack(seq)

    # Out

    def replied(self, entry: Entry, reply: Reply, now: float) -> None:
        id = entry[1]
        if id is not None:
            if reply.final and reply.frame is None:
                reply = Reply(reply.correlation, answer("$ok", id))
            if reply.frame is not None and not reply.binary:
                self._answered(id, reply.frame, reply.final)
        super().replied(entry, reply, now)

    def failed(self, entry: Entry, error: Error) -> None:
        id = entry[1]
        if id is not None:
            if error.code in NOT_CARRIED_OUT:
                self.seen.forget(id)
            else:
                fault = Fault(error.code, error.message, id, error.path, error.retryable, error.retry_after)
                self._answered(id, error_frame(fault), True)
        super().failed(entry, error)

    def _answered(self, id: Id, frame: bytes, final: bool) -> None:
        if self.elsewhere is not None:
            self.gateway.reliable.handover.answered(self, id, frame, final)
        else:
            self.seen.answer(id, frame, final, self._clock())

    def error(self, fault: Fault) -> None:
        if fault.id is not None and fault.id == self._asking:
            self.seen.forget(fault.id)
        super().error(fault)

    def send_text(self, payload: bytes) -> None:
        if self.state is not _OPEN:
            return
        if self.elsewhere is not None:
            self.gateway.reliable.handover.sent(self, payload)
            return
        seq = self.buffer.append(payload, self._clock())
        if self.socket is not None:
            self.socket.send_numbered(seq, payload)

    def send_binary(self, payload: bytes) -> None:
        if self.socket is not None:
            self.socket.send_binary(payload)

    def send_whole(self, frame: bytes) -> None:
        self.send_text(whole_payload(frame))

    def unsent(self) -> int:
        return 0 if self.socket is None else self.socket.unsent()

    # The end

    def close(self, code: int, reason: str = "") -> None:
        """End the session, and with it its socket. Idempotent."""
        if self.state is State.OPEN:
            self.gateway.reliable.close(self, code, reason)

    def finish(self, code: int) -> None:
        """The session is over: nothing more is sent, or waits."""
        self.state = State.CLOSED
        self.close_code = code
        for lane in (self.inbound, self.outbound):
            if lane is not None:
                lane.stop()
        self.held = None
        self.gateway.expiries.discard(self)

    def abort(self) -> None:
        """End the session at once."""
        socket = self.socket
        self.close(1006)
        if socket is not None:
            socket.abort()
