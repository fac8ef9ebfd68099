"""A worker's call to a handler of another route, carried out by the gateway.

Strategy: the call travels like a client's message, in a session of its own that is opened for it and closed after it,
and by the same policies.
"""

from typing import TYPE_CHECKING

from routewright.bridge.codec import Call, Error, Reply
from routewright.bridge.pool import Entry, Worker
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.opening import opening
from routewright.hooks import SessionInfo
from routewright.table import MessageType
from routewright.table.frames import FrameError

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway


class Caller:
    """The requester of one call. ``worker`` is the one that calls."""

    __slots__ = ("callee", "endpoint", "gateway", "info", "session", "worker")

    def __init__(self, gateway: "Gateway", worker: Worker, endpoint: Endpoint, info: SessionInfo) -> None:
        self.gateway = gateway
        self.worker = worker
        self.endpoint = endpoint
        self.info = info
        self.session = info.id
        self.callee: Worker | None = None

    def adopt(self, worker: Worker) -> Worker:
        """Open the call's session at a worker; what it had at another one is over."""
        if worker is not self.callee:
            self._close()
            self.callee = worker
            self.gateway.bridge.open(worker, opening(self.info))
        return worker

    def replied(self, entry: Entry, reply: Reply, now: float) -> None:
        """Pass the answer on."""
        circuit = self.endpoint.circuit
        if reply.final and not self.endpoint.quiet and entry[0] is self and circuit is not None:
            circuit.succeeded(entry[2], now)
        self._answer(Reply(entry[1], reply.frame, reply.final, reply.binary), reply.final)

    def failed(self, entry: Entry, error: Error) -> None:
        """Pass the failure on."""
        if entry[0] is self and self.endpoint.circuit is not None:
            self.endpoint.circuit.failed(entry[2], error)
        self._answer(Error(entry[1], error.code, error.message, error.retryable, error.retry_after, error.path), True)

    def withdraw(self, correlation: int) -> None:
        """Nobody waits for the answer any more."""
        self.gateway.bridge.cancel(self, correlation)
        self.endpoint.forget(self)
        self._close()

    def _answer(self, message: Reply | Error, final: bool) -> None:
        bridge = self.gateway.bridge
        if final:
            self.gateway.calls.pop((self.worker.identity, message.correlation), None)
            self._close()
        if self.worker.identity in bridge.workers:
            bridge.send(self.worker, message)

    def _close(self) -> None:
        callee, self.callee = self.callee, None
        if callee is not None:
            self.gateway.bridge.close(callee, self.session, 1000)


def call(gateway: "Gateway", worker: Worker, message: Call) -> None:
    """Carry out a call, or tell the caller why not."""
    problem = _dispatch(gateway, worker, message)
    if problem is not None:
        gateway.bridge.send(worker, problem)


def _dispatch(gateway: "Gateway", worker: Worker, message: Call) -> Error | None:
    number = message.correlation
    endpoint = gateway.endpoints.get(message.route)
    if endpoint is None:
        return Error(number, "unknown_type", f"there is no route {message.route!r}")
    route = endpoint.route
    if route.framing == "raw":
        return Error(number, "invalid_message", f"route {route.name!r} has raw frames and cannot be called")
    most = route.limits.message_bytes
    if len(message.frame) > most:
        return Error(number, "too_large", f"{len(message.frame)} bytes; route {route.name!r} takes {most}")
    try:
        envelope, frame = endpoint.read(message.frame)
    except FrameError as problem:
        return Error(number, problem.code, f"{problem.message} {problem.path}".strip())
    kind: MessageType = envelope.message or endpoint.undeclared
    timeout = min(kind.timeout, max(message.deadline, 0) / 1000)
    origin = gateway.sessions.get(message.session)
    principal = origin.info.principal if origin is not None else None
    info = SessionInfo(id=gateway.next_session(), route=route, path=route.path, principal=principal)
    caller = Caller(gateway, worker, endpoint, info)
    now = gateway.clock()
    if endpoint.guard is not None:
        gateway.calls[worker.identity, number] = caller
        endpoint.guard.request(caller, number, kind, envelope, frame, now, timeout)
        return None
    callee = endpoint.pool.pick()
    if callee is None:
        error = endpoint.no_worker()
        return Error(number, error.code, error.message, True, error.retry_after)
    gateway.calls[worker.identity, number] = caller
    caller.adopt(callee)
    entry: Entry = (caller, number, now, now + timeout, timeout)
    callee.request(entry, info.id, kind.name or envelope.type, frame)
    return None
