"""A live route: everything that its connections need for a message, looked up once.

Strategy: connections point at an endpoint, an endpoint at its route. A compatible reload binds the endpoint to the new
route and its connections go on without noticing; an incompatible one makes a new endpoint, and the old one serves its
connections until they leave.

Most requests go straight from a connection to a worker. ``guard`` is there while they may not (see
`routewright.gateway.guard`), and ``quiet`` is false while the breaker wants to hear of every answer.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from routewright.bridge.codec import Error
from routewright.bridge.pool import Worker, WorkerPool
from routewright.gateway.balancing import Balancing
from routewright.gateway.caching import Caching
from routewright.gateway.circuit import Circuit
from routewright.gateway.conflation import conflation
from routewright.gateway.deflate import Tally
from routewright.gateway.framing import header
from routewright.gateway.guard import Guard
from routewright.hooks import RouteHooks, SessionInfo
from routewright.policies.rate_limit import RateLimiter
from routewright.policies.retry import Retries
from routewright.table import MessageType, Route
from routewright.table.frames import (
    DECODE_ERRORS,
    FrameError,
    client_messages,
    decode_open,
    decoder,
    diagnose,
    with_integers,
)

if TYPE_CHECKING:
    from routewright.gateway.auth.authenticator import Authenticator
    from routewright.gateway.connection import Connection
    from routewright.gateway.gateway import Gateway
    from routewright.gateway.proxy.upstream import Upstream

LATENCY_BUCKETS = 26
"""Powers of two of a microsecond: the last bucket begins at 33 s."""

RETRY_AFTER = (0.1, 5.0)
"""Least and most seconds that a client is told to wait when there is no room for its request."""


class Endpoint:
    """One route while it is served."""

    __slots__ = (
        "_clock",
        "_guard",
        "_holds",
        "_measured",
        "_straight",
        "authenticator",
        "balancing",
        "bytes_in",
        "bytes_out",
        "caching",
        "circuit",
        "compressed",
        "conflated",
        "conflation",
        "connections",
        "declared",
        "decode",
        "dropped",
        "dynamic",
        "epoch",
        "errors",
        "guard",
        "hooks",
        "in_flight",
        "latency",
        "latency_sum",
        "limiters",
        "message_hook",
        "opened",
        "pool",
        "published",
        "quiet",
        "received",
        "replied",
        "reply_hook",
        "reply_seconds",
        "retired",
        "route",
        "sheds",
        "undeclared",
        "upstream",
    )

    route: Route
    pool: WorkerPool
    hooks: RouteHooks
    guard: Guard | None
    circuit: Circuit | None
    balancing: Balancing | None

    def __init__(self, gateway: "Gateway", route: Route, pool: WorkerPool, hooks: RouteHooks, epoch: int) -> None:
        self.authenticator: Authenticator | None = None
        self.connections: set[Connection] = set()
        self.limiters: dict[str, RateLimiter] = {}
        self.retired = False
        self.dynamic = False
        self.opened = 0
        self.received = 0
        self.replied = 0
        self.published = 0
        self.dropped = 0
        self.conflated = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.compressed = Tally()
        self.errors: dict[str, int] = {}
        self.latency = [0] * LATENCY_BUCKETS
        self.latency_sum = 0.0
        self.reply_seconds = 1.0
        self.sheds: dict[str, int] = {}
        self.circuit = None
        self._clock = gateway.clock
        self._measured = (0, 0.0)
        self._holds = gateway.holds
        self._guard = Guard(gateway, self)
        self.upstream: Upstream | None = None
        self.caching = Caching(self._guard)
        self.balancing = None
        self.bind(route, pool, hooks, epoch)

    def bind(self, route: Route, pool: WorkerPool, hooks: RouteHooks, epoch: int) -> None:
        """Serve this route from now on. Requests that are under way end where they began."""
        old: Route | None = getattr(self, "route", None)
        if old is None or old.circuit_breaker != route.circuit_breaker or self.pool is not pool:
            settings = route.circuit_breaker
            mode = self._holds.get(route.name, "auto")
            self.circuit = None if settings is None else Circuit(route.name, settings, self._clock, self.switch, mode)
        self.route = route
        self.pool = pool
        self.hooks = hooks
        self.epoch = epoch
        self.in_flight = route.limits.in_flight
        self.conflation = conflation(route.slow_consumer)
        self.message_hook = hooks.message
        self.reply_hook = hooks.reply
        self.declared = tuple(message.name for message in client_messages(route))
        self.undeclared = MessageType(name="", timeout=route.timeout)
        if old is None or (old.framing, old.open, old.messages) != (route.framing, route.open, route.messages):
            self.decode = client_decoder(route)
        if old is not None and old.rate_limit != route.rate_limit:
            self.limiters.clear()
            for connection in self.connections:
                connection.limiter = self.limiter(connection)
        if route.balance.policy == "least-in-flight":
            self.balancing = None
        elif self.balancing is None or self.balancing.settings != route.balance:
            self.balancing = Balancing(self, route.balance, self._clock)
        self._guard.balancer = self.balancing
        cached = self.caching.bind()
        self._straight = not self._guard.bind(*([self.caching] if cached else []))
        self.switch()

    def switch(self) -> None:
        """Let requests go straight to a worker, or through the guard, as policies and breaker are now."""
        circuit = self.circuit
        self.quiet = circuit is None or circuit.breaker.quiet
        self.guard = None if self._straight and (circuit is None or circuit.closed) else self._guard

    def resting(self) -> float:
        """Seconds for which the breaker lets nothing through; 0.0 where it may."""
        if self.circuit is None:
            return 0.0
        now = self._clock()
        return self.circuit.wait(now) if self.circuit.look(now).state == "open" else 0.0

    @property
    def retries(self) -> Retries | None:
        """What may be tried again."""
        return self._guard.retries

    def forget(self, client: object) -> None:
        """Drop what the guard still does for someone who has left."""
        self._guard.forget(client)

    def home(self, info: SessionInfo) -> Worker | None:
        """A worker for a session that keeps to one, or ``None``."""
        return self.pool.pick() if self.balancing is None else self.balancing.home(info)

    def balance(self) -> list[dict[str, Any]]:
        """What its balance policy thinks of each worker; nothing where that is the default one."""
        return [] if self.balancing is None else self.balancing.figures()

    def read(self, frame: bytes) -> tuple[Any, bytes]:
        """See `read_frame`; for whoever is in no hurry."""
        return read_frame(self.decode, frame, self.declared)

    def publish(self, message: bytes, binary: bool) -> None:
        """Send a message to everyone on the route: one frame, whoever receives it, unless hooks want to see each."""
        self.published += 1
        connections = tuple(self.connections)
        if self.reply_hook is not None:
            for connection in connections:
                connection.deliver(message, binary, event=True)
            return
        frame = header(2 if binary else 1, len(message)) + message
        for connection in connections:
            connection.send_whole(frame)

    def limiter(self, connection: "Connection") -> RateLimiter | None:
        """The rate limiter that counts this connection's messages, shared where the route says so."""
        limit = self.route.rate_limit
        if limit is None:
            return None
        principal = connection.info.principal
        if limit.per == "connection" or (limit.per == "principal" and principal is None):
            return RateLimiter(limit.rate, limit.burst)
        key = connection.info.address if limit.per == "address" or principal is None else principal.id
        limiter = self.limiters.get(key)
        if limiter is None:
            limiter = self.limiters[key] = RateLimiter(limit.rate, limit.burst)
        return limiter

    def forget_idle(self, now: float) -> None:
        """Drop shared limiters that nobody uses and that have recovered."""
        if self.limiters:
            used = {id(connection.limiter) for connection in self.connections}
            for key, limiter in list(self.limiters.items()):
                if id(limiter) not in used and limiter.idle(now):
                    del self.limiters[key]

    def count_error(self, code: str) -> None:
        """Count an error frame or an error close. Codes a handler made up are counted as one."""
        if code not in self.errors and len(self.errors) >= 64:
            code = "other"
        self.errors[code] = self.errors.get(code, 0) + 1

    def no_worker(self) -> Error:
        """The answer to a request that no worker can take."""
        name = self.route.name
        if self.pool.ready:
            return self.shed("busy", f"every worker of route {name!r} is busy")
        return self.shed("no_worker", f"no worker of route {name!r} is ready", 1.0)

    def bulkhead(self, most: int) -> Error:
        """The answer to a request that is one too many."""
        return self.shed("bulkhead", f"route {self.route.name!r} has {most} requests in flight")

    def circuit_open(self, seconds: float) -> Error:
        """The answer to a request that the breaker refuses, which may let one pass after so many seconds."""
        return self.shed("circuit_open", f"the handler of route {self.route.name!r} has failed too often", seconds)

    def shed(self, reason: str, text: str, retry_after: float | None = None) -> Error:
        """Count a request that is refused at once, for the route's or the handler's sake; the answer to it. Without a
        better estimate the client is told to wait as long as replies take lately: after that time as many requests
        have ended as are in flight now."""
        self.sheds[reason] = self.sheds.get(reason, 0) + 1
        if retry_after is None:
            least, most = RETRY_AFTER
            retry_after = min(max(self.reply_seconds, least), most)
        code = "circuit_open" if reason == "circuit_open" else "overloaded"
        return Error(0, code, text, True, retry_after)

    def measure(self) -> None:
        """Note how long replies have taken since the last time."""
        count, seconds = self._measured
        if self.replied > count:
            self.reply_seconds = (self.latency_sum - seconds) / (self.replied - count)
            self._measured = (self.replied, self.latency_sum)

    def observe(self, seconds: float) -> None:
        """Count a final reply that took so long."""
        self.replied += 1
        self.latency_sum += seconds
        bucket = int(seconds * 1e6).bit_length()
        self.latency[bucket if bucket < LATENCY_BUCKETS else -1] += 1


def client_decoder(route: Route) -> Callable[[bytes], Any]:
    """A client's frame on this route -> its envelope; raises one of `DECODE_ERRORS`, or `FrameError`."""
    if route.framing == "raw":
        return decode_open
    messages = client_messages(route)
    accepted = [message.name for message in messages]
    declared = decoder(messages)
    if not route.open:
        return declared or _nothing
    names = frozenset(message.name for message in route.messages)

    def decode(frame: bytes) -> Any:
        if declared is not None:
            try:
                return declared(frame)
            except DECODE_ERRORS as error:
                if diagnose(frame, error, accepted).code != "unknown_type":
                    raise
        envelope = decode_open(frame)
        if envelope.type in names or envelope.type == "error" or envelope.type.startswith("$"):
            raise FrameError(
                "unknown_type", f"clients may not send {envelope.type[:100]!r} here", id=envelope.id, path="$.type"
            )
        return envelope

    return decode


def read_frame(decode: Callable[[bytes], Any], frame: bytes, declared: Iterable[str]) -> tuple[Any, bytes]:
    """A client's frame -> its envelope, and the frame as it travels on: with its whole floats as integers, where only
    that makes it fit (see `with_integers`).

    Args:
        decode: of `client_decoder`.
        declared: the types that a client may send, for the hint.

    Raises:
        FrameError: it does not fit; what to answer.
    """
    try:
        try:
            return decode(frame), frame
        except DECODE_ERRORS as error:
            whole = with_integers(frame, error)
            if whole is None:
                raise
            frame = whole
            return decode(frame), frame
    except DECODE_ERRORS as error:
        raise diagnose(frame, error, declared) from None


def _nothing(frame: bytes) -> Any:
    envelope = decode_open(frame)
    text = f"clients may not send {envelope.type[:100]!r} here"
    raise FrameError("unknown_type", text, id=envelope.id, path="$.type")
