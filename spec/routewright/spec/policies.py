"""The policies of a route, resolved: what guards it, how its requests are answered, and what its clients get.

Strategy: as in `routewright.spec.model`: frozen dataclasses with the defaults of the language, durations in seconds,
sizes in bytes, rates in messages a second.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Source = Literal["header", "subprotocol", "query", "message"]
"""Where a credential may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwt:
    """A signed token (RFC 7519). ``sources`` says where it may be; exactly one of ``jwks``, ``secret_env`` and
    ``public_key`` is given."""

    sources: tuple[Source, ...] = ("header", "subprotocol")
    header: str | None = None
    query: str = "token"
    scopes: tuple[str, ...] = ()
    algorithms: tuple[str, ...]
    jwks: tuple[str, ...] = ()
    secret_env: str | None = None
    public_key: str | None = None
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    leeway: float = 30.0
    scopes_claim: str = "scope"
    principal_claim: str = "sub"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key that is known by its hash, from exactly one of ``keys_file`` and ``keys_env``."""

    sources: tuple[Source, ...] = ("header",)
    header: str | None = None
    query: str = "key"
    scopes: tuple[str, ...] = ()
    keys_file: str | None = None
    keys_env: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Something that works once, within ``ttl``."""

    sources: tuple[Source, ...] = ("subprotocol", "query")
    header: str | None = None
    query: str = "ticket"
    scopes: tuple[str, ...] = ()
    ttl: float = 30.0
    same_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """Whatever a plugin in ``middleware`` asks for."""

    scopes: tuple[str, ...] = ()


Auth: TypeAlias = Jwt | ApiKey | Ticket | Plugin
"""One way to prove who one is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """``rate`` messages in the long run, ``burst`` of them at once."""

    rate: float = 100.0
    burst: int = 200
    per: Literal["connection", "principal", "address"] = "connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``None`` is no bound. ``in_flight`` counts for each connection, ``connections`` and ``bulkhead`` for each
    gateway process."""

    message_bytes: int = 64 * 1024
    in_flight: int = 64
    connections: int | None = None
    bulkhead: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowConsumer:
    """A client that leaves ``backlog`` bytes unread, or takes nothing for ``after``; ``key`` says what is conflated."""

    policy: Literal["disconnect", "drop-oldest", "conflate"] = "disconnect"
    backlog: int = 1024 * 1024
    after: float = 10.0
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """``None`` is a trigger that is off."""

    consecutive_failures: int | None = 5
    failure_rate: float | None = None
    window: float = 60.0
    minimum_calls: int = 20
    open_for: float = 30.0
    half_open_calls: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """``attempts`` in all, with a random pause of at most ``base``, doubled each time, up to ``cap``, in between."""

    attempts: int = 3
    base: float = 0.1
    cap: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Replies that are fresh for ``ttl``, and serve for ``stale_for`` more while a new one is fetched."""

    ttl: float = 10.0
    entries: int = 1000
    vary: tuple[str, ...] = ("principal", "parameters")
    stale_for: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How a request's worker is chosen; ``key`` is for ``hash``."""

    policy: Literal["least-in-flight", "peak-ewma", "hash", "learned"] = "least-in-flight"
    key: str = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What may travel to a client in one frame."""

    frames: int = 64
    bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """Messages of at least ``threshold`` bytes are compressed, at this ``level``."""

    threshold: int = 1024
    level: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is kept of a session: for how long, how many frames, how many bytes."""

    window: float = 120.0
    messages: int = 1000
    bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Middleware:
    """A plugin by its name, with what the spec tells it."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
