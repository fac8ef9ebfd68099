"""A plain client: one JSON object a text frame, errors as frames of their own (``framing: message``).

Strategy: `PlainConnection.on_text` is the hot path of the whole gateway. What it needs lies in the endpoint; what can
go wrong leaves it by the shortest way.
"""

from typing import Any

from routewright.gateway.commands import COMMANDS, Asked, answer, asked
from routewright.gateway.connection import Connection
from routewright.gateway.errors import Fault, error_frame
from routewright.gateway.socket import State
from routewright.hooks import Incoming
from routewright.table import MessageType
from routewright.table.frames import DECODE_ERRORS, FrameError, decode_open

UNREADABLE = (FrameError, *DECODE_ERRORS)
"""What decoding a frame raises."""


class PlainConnection(Connection):
    """One client that sends and receives JSON messages."""

    __slots__ = ()

    def on_text(self, data: bytes) -> None:
        endpoint = self.endpoint
        if self.held is not None or self.in_flight >= endpoint.in_flight:
            self.hold(data, False)
            return
        endpoint.received += 1
        limiter = self.limiter
        if limiter is not None and (wait := limiter.admit(self.now)):
            self._limited(data, wait)
            return
        try:
            envelope = endpoint.decode(data)
        except UNREADABLE:
            try:
                envelope, data = endpoint.read(data)
            except FrameError as problem:
                self._other(data, problem)
                return
        message: MessageType = envelope.message or endpoint.undeclared
        if endpoint.message_hook is None:
            self._request(envelope, message, data)
        else:
            self.run_hooks(endpoint.message_hook, Incoming(message.name or envelope.type, envelope.id, data))

    def on_binary(self, data: bytes) -> None:
        self.fail(1003, "this route takes text frames")

    def handle(self, data: bytes, binary: bool) -> None:
        self.on_text(data)

    def forward(self, incoming: Incoming) -> None:
        endpoint = self.endpoint
        try:
            envelope, data = endpoint.read(incoming.frame)
        except FrameError as problem:
            self._wrong(problem)
            return
        self.now = self._clock()
        self._request(envelope, envelope.message or endpoint.undeclared, data)

    def _request(self, envelope: Any, message: MessageType, data: bytes) -> None:
        """Give a request to the worker with the fewest in flight, or to the route's guard."""
        endpoint = self.endpoint
        if endpoint.guard is not None:
            self.in_flight += 1
            endpoint.guard.request(self, envelope.id, message, envelope, data, self.now, message.timeout)
            return
        pool = endpoint.pool
        ready = pool.ready
        worker = ready[0] if len(ready) == 1 and len(ready[0].pending) < ready[0].capacity else pool.pick()
        if worker is None:
            self.no_worker(envelope.id)
            return
        if worker is not self.worker:
            self.adopt(worker)
        self.in_flight += 1
        timeout = message.timeout
        now = self.now
        entry = (self, envelope.id, now, now + timeout, timeout)
        worker.request(entry, self.session, message.name or envelope.type, data)

    def error(self, fault: Fault) -> None:
        self.endpoint.count_error(fault.code)
        if self.state is State.OPEN:
            self.write(error_frame(fault), False)

    def _other(self, data: bytes, problem: FrameError) -> None:
        """A frame that is no message of the route: a command, or a mistake."""
        try:
            command = asked(data) if problem.code == "unknown_type" else None
        except FrameError as malformed:
            self._wrong(malformed)
            return
        if command is None:
            self._wrong(problem)
        else:
            self.carry_out(command)

    # Commands

    def carry_out(self, command: Asked) -> None:
        """Do what the client asks of the gateway itself."""
        COMMANDS[command.type](self, command)

    def done(self, command: Asked, payload: Any) -> None:
        """It is done: tell the client."""
        self.write(answer("$ok", command.id, payload), False)

    def refuse(self, fault: Fault) -> None:
        """A command was not carried out: tell the client why."""
        self.error(fault)

    # Mistakes

    def _wrong(self, problem: FrameError) -> None:
        self.error(Fault(problem.code, problem.message, problem.id, problem.path, hint=problem.hint))

    def _limited(self, data: bytes, wait: float) -> None:
        try:
            id = decode_open(data).id
        except FrameError as problem:
            id = problem.id
        self.error(Fault("rate_limited", "too many messages", id, retry_after=wait))
