"""What guards a route, in words: each value, whether the spec gives it, and what happens to a client past it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from routewright.codegen.reference.words import mapping
from routewright.spec.model import Gateway, Route
from routewright.spec.policies import ApiKey, Jwt, Plugin, Ticket


class Policy(NamedTuple):
    """One value of a policy.

    Attributes:
        key: where it stands in the spec.
        value: in words.
        meaning: what it does.
        outcome: the error code or close code that a client gets past it, or nothing.
        given: the spec says so; otherwise it is the default.
    """

    key: str
    value: str
    meaning: str
    outcome: str
    given: bool


_UNREAD = {
    "disconnect": ("what a client may leave unread", "4002"),
    "drop-oldest": ("what a client may leave unread before it loses its oldest events", ""),
    "conflate": ("what a client may leave unread; of each topic or type only the latest event is kept", ""),
}
"""By the policy of slow consumers: what its backlog means, and what comes past it."""


_KINDS = {Jwt: "a token (JWT)", ApiKey: "an API key", Ticket: "a ticket", Plugin: "a plugin"}


def policies(route: Route, gateway: Gateway) -> list[Policy]:
    """Every policy of a route, in the order in which a client meets them."""
    return [Policy(*row) for row in _rows(route, gateway)]


def _rows(route: Route, gateway: Gateway) -> Iterator[tuple[str, str, str, str, bool]]:
    document = route.document if isinstance(route.document, dict) else {}
    rate, slow, limits = route.rate_limit, route.slow_consumer, route.limits
    rates, sizes, slows = (mapping(document, key) for key in ("rateLimit", "limits", "slowConsumer"))
    raw = route.framing == "raw"
    origins = ", ".join(gateway.allowed_origins) or "the gateway's own"
    yield "allowedOrigins", origins, "web pages that may connect", "403", bool(gateway.allowed_origins)
    if limits.connections is None:
        yield "limits.connections", "no limit", "connections of this route at a time", "", "connections" in sizes
    else:
        yield "limits.connections", f"{limits.connections:,}", "connections of this route at a time", "503", True
    for way in route.auth:
        places = " or ".join(getattr(way, "sources", ())) or "whatever a plugin asks for"
        asked = f", with the scopes {' '.join(way.scopes)}" if way.scopes else ""
        yield "auth", f"{_KINDS[type(way)]} by {places}{asked}", "a way to prove who one is", "401", True
    for each in route.middleware:
        yield "middleware", each.name, "a plugin that looks at connections or messages", "", True
    if rate is None:
        yield "rateLimit", "off", "messages are not counted", "", True
    else:
        past = "4029" if raw else "rate_limited"
        value = f"{per_second(rate.rate)} per {rate.per}"
        yield "rateLimit.rate", value, "messages in the long run", past, "rate" in rates
        yield "rateLimit.burst", f"{rate.burst:,}", "messages at once", past, "burst" in rates
    # the gateway's own limit stands in where the route names none
    given = "messageBytes" in sizes or limits.message_bytes != type(limits)().message_bytes
    yield "limits.messageBytes", size(limits.message_bytes), "the largest message", "1009", given
    if not raw:
        waiting = "requests of a connection that may wait for replies; further ones are read later"
        yield "limits.inFlight", f"{limits.in_flight:,}", waiting, "", "inFlight" in sizes
        yield "timeout", duration(route.timeout), "time for a reply", "timeout", "timeout" in document
    if limits.bulkhead is not None:
        meaning = "requests of all clients together that may wait for replies"
        yield "limits.bulkhead", f"{limits.bulkhead:,}", meaning, "1013" if raw else "overloaded", True
    yield from _trouble(route, document)
    if not raw and (delivery := route.delivery):
        meaning = "what is kept for a client of routewright.v1 that comes back"
        yield "delivery.window", duration(delivery.window), meaning, "", "delivery" in document
        most = f"{delivery.messages:,} frames, {size(delivery.bytes)}"
        yield "delivery.messages", most, "the most that is kept for it", "", "delivery" in document
    if not raw and route.delivery and (batch := route.batch):
        meaning = "what may come in one frame, to clients of routewright.v1 that ask for it"
        yield "batch", f"{batch.frames:,} frames, {size(batch.bytes)}", meaning, "", "batch" in document
    if compression := route.compression:
        meaning = "the smallest message that is compressed, for clients that offer permessage-deflate"
        yield "compression.threshold", size(compression.threshold), meaning, "", True
    if slow is None:
        yield "slowConsumer", "off", "a client may read as slowly as it likes", "", True
    else:
        unread, past = _UNREAD[slow.policy]
        yield "slowConsumer.backlog", size(slow.backlog), unread, past, "backlog" in slows
        yield "slowConsumer.after", duration(slow.after), "how long a client may read nothing", "4002", "after" in slows


def _trouble(route: Route, document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, bool]]:
    """What comes between a client and a handler that fails, or spares it the question."""
    breaker, retry = route.circuit_breaker, route.retry
    if breaker is None:
        yield "circuitBreaker", "off", "a handler that fails is asked all the same", "", True
    else:
        meaning = "how long a handler is left alone that has failed too often"
        outcome = "503" if route.framing == "raw" else "circuit_open"
        yield "circuitBreaker.openFor", duration(breaker.open_for), meaning, outcome, "circuitBreaker" in document
    if retry is not None:
        meaning = "tries of an idempotent message in all, before its client is told of a transient error"
        yield "retry.attempts", f"{retry.attempts}", meaning, "", True
    for message in route.messages:
        if cache := message.cache:
            meaning = f"how old a reply to {message.name} may be"
            yield "cache.ttl", duration(cache.ttl + cache.stale_for), meaning, "", True
    balance = route.balance
    if balance.policy != type(balance)().policy:
        value = f"hash by {balance.key}" if balance.policy == "hash" else balance.policy
        yield "balance", value, "which of the handler's processes answers", "", True


def per_second(rate: float) -> str:
    """A rate in the unit that needs no fraction."""
    for seconds, unit in ((1, "second"), (60, "minute"), (3600, "hour")):
        count = rate * seconds
        if count >= 1 and abs(count - round(count)) < 1e-6:
            return f"{round(count):,} a {unit}" if unit != "hour" else f"{round(count):,} an hour"
    return f"{rate:g} a second"


def size(count: int) -> str:
    """Bytes in the largest binary unit that divides them."""
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if count and count % unit == 0:
            return f"{count // unit:,} {name}"
    return f"{count:,} B"


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    for length, unit in ((3600, "h"), (60, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s" if seconds >= 1 or not seconds else f"{seconds * 1000:g} ms"
