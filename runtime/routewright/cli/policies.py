"""What guards a route, in words: how ``routes`` and ``explain`` print it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routewright.table import Auth, Balance, Cache, CircuitBreaker, Delivery, Limits, Retry, Route, SlowConsumer


def policies(route: "Route") -> dict[str, str]:
    """The policies of a route by the spec's own keys; one that holds by default and is off says so, one that is off by
    default is left out."""
    found = {
        **({"auth": ", ".join(map(_way, route.auth))} if route.auth else {}),
        "rateLimit": "off",
        "limits": _limits(route.limits),
        "timeout": f"{route.timeout:g}s",
        "circuitBreaker": "off" if route.circuit_breaker is None else _breaker(route.circuit_breaker),
        "slowConsumer": "off" if route.slow_consumer is None else _slow(route.slow_consumer),
    }
    if route.framing == "message" and route.source != "proxy":
        found["delivery"] = "off" if route.delivery is None else _delivery(route.delivery)
        found["batch"] = "off" if route.batch is None else f"{route.batch.frames} frames or {size(route.batch.bytes)}"
    if rate := route.rate_limit:
        found["rateLimit"] = f"{rate.rate:g}/s, burst {rate.burst}, per {rate.per}"
    if route.retry:
        found["retry"] = _retry(route.retry)
    if compression := route.compression:
        found["compression"] = f"from {size(compression.threshold)}, level {compression.level}"
    if route.topics:
        found["topics"] = ", ".join(topic.name for topic in route.topics)
    caches = {message.name: message.cache for message in route.messages if message.cache is not None}
    if caches:
        found["cache"] = "; ".join(f"{name} {cache_words(cache)}" for name, cache in caches.items())
    if route.balance.policy != "least-in-flight":
        found["balance"] = _balance(route.balance)
    if route.middleware:
        found["middleware"] = ", ".join(middleware.name for middleware in route.middleware)
    return found


def _limits(limits: "Limits") -> str:
    connections = "" if limits.connections is None else f", {limits.connections} connections"
    bulkhead = "" if limits.bulkhead is None else f", bulkhead {limits.bulkhead}"
    return f"message {size(limits.message_bytes)}, {limits.in_flight} in flight{connections}{bulkhead}"


def _breaker(breaker: "CircuitBreaker") -> str:
    """What opens it, for how long, and what closes it again."""
    opens = []
    if breaker.consecutive_failures is not None:
        opens.append(f"{breaker.consecutive_failures} in a row")
    if breaker.failure_rate is not None:
        opens.append(f"{breaker.failure_rate * 100:.3g}% of {breaker.minimum_calls} in {breaker.window:g}s")
    trials = f"{breaker.half_open_calls} trial{'s' if breaker.half_open_calls > 1 else ''}"
    return f"{' or '.join(opens) or 'by hand'}, open {breaker.open_for:g}s, {trials}"


def _slow(slow: "SlowConsumer") -> str:
    policy = f"{slow.policy} by {slow.key}" if slow.key else slow.policy
    return f"{policy} at {size(slow.backlog)} or {slow.after:g}s"


def _delivery(delivery: "Delivery") -> str:
    return f"{delivery.messages} frames, {size(delivery.bytes)} or {delivery.window:g}s"


def _retry(retry: "Retry") -> str:
    return f"{retry.attempts} attempts, pauses from {retry.base:g}s to {retry.cap:g}s"


def _way(way: "Auth") -> str:
    """A way of authentication: its kind, where the credential may be, and the scopes that it asks for."""
    places = " or ".join(getattr(way, "sources", ()))
    asked = f" with {' '.join(way.scopes)}" if way.scopes else ""
    return f"{way.__struct_config__.tag}{f' by {places}' if places else ''}{asked}"


def cache_words(cache: "Cache") -> str:
    """How long replies are kept, how many, and for whom."""
    stale = f" and {cache.stale_for:g}s stale" if cache.stale_for else ""
    by = f" by {', '.join(cache.vary)}" if cache.vary else " for everybody"
    return f"{cache.ttl:g}s{stale}, {cache.entries} entries{by}"


def _balance(balance: "Balance") -> str:
    """A balance policy, and what it hashes."""
    return f"{balance.policy} by {balance.key}" if balance.policy == "hash" else balance.policy


def decision(route: "Route") -> str:
    """How the worker of a request is chosen; nothing where there is no choice."""
    from routewright.policies.balance import learned, peak_ewma

    if route.source == "proxy" or (route.source == "module" and route.workers == 1):
        return ""
    key = route.balance.key
    how = {
        "least-in-flight": "the one with the fewest requests in flight",
        "peak-ewma": (
            f"the least recent latency (it fades in {peak_ewma.DECAY:g}s, a failure counts {peak_ewma.FAILURE:g}s) "
            "times the requests in flight"
        ),
        "hash": f"the same one for the same {key}; where there is none, the one with the fewest requests in flight",
        "learned": (
            f"the least latency to be expected of this message type under its load, by the answers of the last "
            f"{learned.MEMORY:g}s (a failure counts {learned.FAILURE:g}s); "
            f"at most 1 request in {learned.EXPLORE} tries another one"
        ),
    }[route.balance.policy]
    return f"for a whole connection: {how}" if route.framing == "raw" else how


def size(count: int) -> str:
    """Bytes in the largest binary unit that divides them."""
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if count and count % unit == 0:
            return f"{count // unit}{name}"
    return f"{count}B"
