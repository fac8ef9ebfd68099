"""Policies: what a route's spec says of limits, waiting, failing and keeping, with every default filled in.

Strategy: one struct a key of the spec, of its words. Durations are seconds, sizes bytes, rates messages a second. What
they do is written in `routewright.policies` and `routewright.gateway`.
"""

from typing import Any, Literal

import msgspec


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A GCRA limit: ``rate`` messages a second in the long run, ``burst`` at once, counted per connection, address
    or principal."""

    rate: float = 100.0
    burst: int = 200
    per: Literal["connection", "principal", "address"] = "connection"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one route: bytes of one message, requests in flight of one connection, connections in all, and
    requests in flight of all connections together, in each gateway process (``None``: no bound of the route's own)."""

    message_bytes: int = 64 * 1024
    in_flight: int = 64
    connections: int | None = None
    bulkhead: int | None = None


class SlowConsumer(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to a client that does not read: with more than ``backlog`` bytes unsent, or any unsent for ``after``
    seconds, it is disconnected, or loses its oldest events, or gets only the latest event of each topic (of each value
    of the payload's property ``key``, where that is given)."""

    policy: Literal["disconnect", "drop-oldest", "conflate"] = "disconnect"
    backlog: int = 1024 * 1024
    after: float = 10.0
    key: str | None = None


class Middleware(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that a route names: ``name`` is an entry point, a built-in plugin or an importable module."""

    name: str
    settings: dict[str, Any] = msgspec.field(default_factory=dict)


class CircuitBreaker(msgspec.Struct, frozen=True, kw_only=True):
    """When a failing handler is left alone: after so many failures in a row, or past a share of failures among at least
    ``minimum_calls`` of the last ``window`` seconds (``None``: that trigger is off). It stays open for ``open_for``
    seconds, then lets exactly ``half_open_calls`` trials through."""

    consecutive_failures: int | None = 5
    failure_rate: float | None = None
    window: float = 60.0
    minimum_calls: int = 20
    open_for: float = 30.0
    half_open_calls: int = 3


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often an idempotent message is tried in all after transient errors, and the bounds of the random pauses
    between, in seconds: the first one's and every one's."""

    attempts: int = 3
    base: float = 0.1
    cap: float = 2.0


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """How long replies of idempotent messages are kept: fresh for ``ttl`` seconds, and used for ``stale_for`` more
    while a new one is fetched. ``vary`` is what tells requests apart beside type and payload: ``principal``,
    ``parameters``, ``session`` or ``address``."""

    ttl: float = 10.0
    entries: int = 1000
    vary: tuple[str, ...] = ("principal", "parameters")
    stale_for: float = 0.0


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """How a request's worker is chosen. ``key`` is what ``hash`` hashes: ``session``, ``principal``, ``address`` or
    ``payload.NAME``."""

    policy: Literal["least-in-flight", "peak-ewma", "hash", "learned"] = "least-in-flight"
    key: str = "session"


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """How much may travel to a client in one frame, where the client asked for that: frames of one tick, and bytes."""

    frames: int = 64
    bytes: int = 64 * 1024


class Compression(msgspec.Struct, frozen=True, kw_only=True):
    """permessage-deflate (RFC 7692), for clients that offer it: messages of at least ``threshold`` bytes are
    compressed, at a ``level`` from 1 (the fastest) to 9 (the smallest)."""

    threshold: int = 1024
    level: int = 1


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept for a reliable client that may come back: frames of the last ``window`` seconds, so many, and so
    many bytes."""

    window: float = 120.0
    messages: int = 1000
    bytes: int = 1024 * 1024
