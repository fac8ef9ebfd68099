"""A route: one endpoint with its messages, its policies and the handler that answers."""

from typing import Any, Literal

import msgspec

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

Framing = Literal["message", "raw"]
SourceKind = Literal["module", "worker"]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A path parameter: ``type`` is what msgspec converts its text to (not strictly: ``"7"`` is an ``int`` 7).

    A ``tail`` parameter takes the rest of the path, slashes included.
    """

    name: str
    type: Any = str
    tail: bool = False


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of the spec, with every default filled in.

    Attributes:
        path: ``/ws/vision``, ``/ws/rooms/{room}`` or ``/ws/files/{path...}``; literal beats parameter beats tail.
        aliases: further paths, of the same form, that lead here.
        source: the handler's kind: a ``module`` that the gateway starts processes for, or a named ``worker``.
        handler: the module's or the worker's name; also the name of its `Pool`.
        workers: processes to keep for the module.
        open: undeclared message types are accepted.
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
    framing: Framing = "message"
    open: bool = False
    messages: tuple[MessageType, ...] = ()
    timeout: float = 30.0
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
