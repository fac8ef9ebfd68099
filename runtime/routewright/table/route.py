"""A route: one endpoint with its messages, its policies and the handler that answers."""

from typing import Any, Literal

import msgspec

from routewright.table.auth import Auth
from routewright.table.message import MessageType
from routewright.table.policy import (
    Balance,
    Batch,
    CircuitBreaker,
    Compression,
    Delivery,
    Limits,
    Middleware,
    RateLimit,
    Retry,
    SlowConsumer,
)
from routewright.table.topic import Topic

Framing = Literal["message", "raw"]
SourceKind = Literal["module", "worker", "proxy"]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A path parameter: ``type`` is what msgspec converts its text to (not strictly: ``"7"`` is an ``int`` 7).

    A ``tail`` parameter takes the rest of the path, slashes included.
    """

    name: str
    type: Any = str
    tail: bool = False


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """How a proxy route speaks with its upstream: headers of the client's handshake that go on to it, bytes of its
    largest message, and seconds that a lost one is tried again while the client waits (``None``: not at all)."""

    headers: tuple[str, ...] = ()
    message_bytes: int = 1024 * 1024
    reconnect: float | None = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of the spec, with every default filled in.

    Attributes:
        path: ``/ws/vision``, ``/ws/rooms/{room}`` or ``/ws/files/{path...}``; literal beats parameter beats tail.
        aliases: further paths, of the same form, that lead here.
        source: what answers: a ``module`` that the gateway starts processes for, a named ``worker``, or an upstream
            WebSocket that the route is a ``proxy`` of.
        handler: the module's or the worker's name, which is also the name of its `Pool`; or the upstream's URL, with
            the path's parameters as ``{name}``, empty where the environment names it.
        workers: processes to keep for the module.
        upstream: of a proxy route, and of no other.
        open: undeclared message types are accepted.
        auth: the ways to prove who one is, in the order in which they are tried; none where anybody may connect.
        rate_limit: ``None`` where the spec says ``false``; the same for every other policy.
        digest: changes with anything that the spec says of this route.
        contract: changes with anything that a handler sees of it (messages, framing, parameters, openness).
        extensions: the route's ``x-`` keys, as they were written.
    """

    name: str
    path: str
    aliases: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    summary: str = ""
    capabilities: tuple[str, ...] = ()
    source: SourceKind = "module"
    handler: str
    workers: int = 1
    upstream: Upstream | None = None
    framing: Framing = "message"
    open: bool = False
    messages: tuple[MessageType, ...] = ()
    topics: tuple[Topic, ...] = ()
    timeout: float = 30.0
    auth: tuple[Auth, ...] = ()
    rate_limit: RateLimit | None = RateLimit()
    limits: Limits = Limits()
    slow_consumer: SlowConsumer | None = SlowConsumer()
    circuit_breaker: CircuitBreaker | None = CircuitBreaker()
    retry: Retry | None = None
    balance: Balance = Balance()
    batch: Batch | None = Batch()
    compression: Compression | None = None
    delivery: Delivery | None = Delivery()
    middleware: tuple[Middleware, ...] = ()
    extensions: dict[str, Any] = msgspec.field(default_factory=dict)
    digest: str
    contract: str
