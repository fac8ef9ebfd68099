"""A worker's call to a handler of another route, carried out by the gateway.

Strategy: the call travels like a client's message, in a session of its own that is opened for it and closed after it.
"""

from typing import TYPE_CHECKING

from routewright.bridge.codec import Call, Error, Open, Reply
from routewright.bridge.pool import Entry, Worker
from routewright.gateway.connection import as_claims
from routewright.gateway.errors import RETRYABLE
from routewright.table import MessageType
from routewright.table.frames import FrameError

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway


class Caller:
    """The requester of one call."""

    __slots__ = ("callee", "gateway", "session", "worker")

    def __init__(self, gateway: "Gateway", worker: Worker, callee: Worker, session: int) -> None:
        self.gateway = gateway
        self.worker = worker
        self.callee = callee
        self.session = session

    def replied(self, entry: Entry, reply: Reply, now: float) -> None:
        """Pass the answer on."""
        self._answer(Reply(entry[1], reply.frame, reply.final, reply.binary), reply.final)

    def failed(self, entry: Entry, error: Error) -> None:
        """Pass the failure on."""
        self._answer(Error(entry[1], error.code, error.message, error.retryable, error.retry_after, error.path), True)

    def withdraw(self, correlation: int) -> None:
        """Nobody waits for the answer any more."""
        self.gateway.bridge.cancel(self, correlation)
        self.gateway.bridge.close(self.callee, self.session, 1000)

    def _answer(self, message: Reply | Error, final: bool) -> None:
        bridge = self.gateway.bridge
        if final:
            self.gateway.calls.pop((self.worker.identity, message.correlation), None)
            bridge.close(self.callee, self.session, 1000)
        if self.worker.identity in bridge.workers:
            bridge.send(self.worker, message)


def call(gateway: "Gateway", worker: Worker, message: Call) -> None:
    """Carry out a call, or tell the caller why not."""
    problem = _dispatch(gateway, worker, message)
    if problem is not None:
        code, text = problem
        gateway.bridge.send(worker, Error(message.correlation, code, text, code in RETRYABLE))


def _dispatch(gateway: "Gateway", worker: Worker, message: Call) -> tuple[str, str] | None:
    endpoint = gateway.endpoints.get(message.route)
    if endpoint is None:
        return "unknown_type", f"there is no route {message.route!r}"
    route = endpoint.route
    if route.framing == "raw":
        return "invalid_message", f"route {route.name!r} has raw frames and cannot be called"
    if len(message.frame) > route.limits.message_bytes:
        return "too_large", f"{len(message.frame)} bytes; route {route.name!r} takes {route.limits.message_bytes}"
    try:
        envelope, frame = endpoint.read(message.frame)
    except FrameError as problem:
        return problem.code, f"{problem.message} {problem.path}".strip()
    callee = endpoint.pool.pick()
    if callee is None:
        return "overloaded", f"no worker of route {route.name!r} has room"
    kind: MessageType = envelope.message or endpoint.undeclared
    timeout = min(kind.timeout, max(message.deadline, 0) / 1000)
    session = gateway.next_session()
    origin = gateway.sessions.get(message.session)
    principal = origin.info.principal if origin is not None else None
    gateway.bridge.open(
        callee,
        Open(
            session,
            route.name,
            route.path,
            {},
            as_claims(principal),
        ),
    )
    caller = Caller(gateway, worker, callee, session)
    gateway.calls[worker.identity, message.correlation] = caller
    now = gateway.clock()
    entry: Entry = (caller, message.correlation, now, now + timeout, timeout)
    callee.request(entry, session, kind.name or envelope.type, frame)
    return None
