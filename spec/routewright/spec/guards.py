"""Rules about what guards a route: its limits, and whoever asks who connects."""

import ipaddress
from collections.abc import Iterator

from routewright.spec import plain, units
from routewright.spec.draft import Draft
from routewright.spec.node import Finding, Node
from routewright.spec.plain import Owner, PlainRoute
from routewright.spec.quoting import quoted

WATCHING = frozenset({"access_log", "audit"})
"""Built-in plugins that let everybody in."""

MOST = 64 * 1024 * 1024
"""Bytes that one connection may have under way before that is worth a warning."""

_MESSAGE_BYTES, _IN_FLIGHT = "64KiB", 64


def rate_limited(draft: Draft) -> Iterator[Finding]:
    """The rate limit of a route is off."""
    for place, routes in _off(draft, "rateLimit"):
        message = f"without a rate limit one client of {routes} can keep its workers busy"
        yield place.finding(message, 'give a generous one, as in {"rate": "1000/s"}')


def slow_clients(draft: Draft) -> Iterator[Finding]:
    """Nothing gives up a client that does not read."""
    for place, routes in _off(draft, "slowConsumer"):
        yield place.finding(
            f"what a client of {routes} does not read is kept without bound", 'give a "backlog" that is large enough'
        )


def _off(draft: Draft, key: str) -> Iterator[tuple[Node, str]]:
    """Where a policy is switched off, and the words for the routes that are left without it."""
    found: dict[tuple[str | int, ...], list[str]] = {}
    for route in plain.routes(draft):
        where = plain.policy(draft, route, key)
        if where is not None and where.value is False:
            found.setdefault(where.keys, []).append(quoted(route.title()))
    for keys, routes in found.items():
        more = f" and {len(routes) - 1} more" if len(routes) > 1 else ""
        yield plain.node(draft, *keys), f"route {routes[0]}{more}"


def under_way(draft: Draft) -> Iterator[Finding]:
    """One connection may have very much under way."""
    general = plain.section(draft, "gateway", "limits").get("messageBytes", _MESSAGE_BYTES)
    for route in plain.routes(draft):
        limits = plain.policy(draft, route, "limits")
        if limits is None and general == _MESSAGE_BYTES:
            continue
        if limits is not None and limits.value is False:
            message = f"route {quoted(route.title())}: one connection may have any number of requests under way"
            yield plain.node(draft, *limits.keys).finding(message, 'give "inFlight"')
            continue
        size = plain.part(draft, route, "limits", "messageBytes")
        count = plain.part(draft, route, "limits", "inFlight")
        text = size.value if size is not None else general
        number = count.value if count is not None else _IN_FLIGHT
        length = units.size(text) if isinstance(text, str) else None
        if length is None or isinstance(number, bool) or not isinstance(number, int) or length * number <= MOST:
            continue
        where = size or count or Owner(text, ("gateway", "limits", "messageBytes"))
        message = (
            f"route {quoted(route.title())}: one connection may have {number} messages of {text} under way, "
            f"{shown(length * number)} in all"
        )
        yield plain.node(draft, *where.keys).finding(message, 'lower "limits.inFlight" or "limits.messageBytes"')


def known_clients(draft: Draft) -> Iterator[Finding]:
    """Anybody can connect, and nothing asks who it is."""
    reason = _open(draft)
    for route in plain.routes(draft) if reason else ():
        if not asks(draft, route):
            place = plain.node(draft, *route.keys, *(["path"] if "path" in route.value else []))
            message = f"{reason}, and route {quoted(route.title())} does not ask who connects"
            yield place.finding(message, 'give it "auth"')


def principals(draft: Draft) -> Iterator[Finding]:
    """Something is told apart by principal where nobody is known."""
    for route in plain.routes(draft):
        if asks(draft, route):
            continue
        title = quoted(route.title())
        per, key = plain.part(draft, route, "rateLimit", "per"), plain.part(draft, route, "balance", "key")
        if per is not None and per.value == "principal":
            message = f"route {title} does not ask who a client is: it counts connections"
            yield plain.node(draft, *per.keys).finding(message, 'give it "auth", or count "per" "address"')
        if key is not None and key.value == "principal":
            message = f"route {title} does not ask who a client is: nothing keeps one on a worker"
            yield plain.node(draft, *key.keys).finding(message, 'give it "auth", or use "session" or "address"')
        for each in _varied(draft, route):
            if each.value == "principal":
                message = f"route {title} does not ask who a client is: all get the same replies"
                yield each.finding(message, 'give it "auth", or vary by "session" or "address"')


def _varied(draft: Draft, route: PlainRoute) -> Iterator[Node]:
    """What tells the clients of a route's caches apart, where that is written."""
    kept = [("messages", name) for name, message in route.messages.items() if "cache" in message]
    for keys in ((), *kept) if "cache" in route.value else kept:
        vary = plain.node(draft, *route.keys, *keys).get("cache", "vary")
        yield from vary.items() if vary is not None else ()


def reachable_limit(draft: Draft) -> Iterator[Finding]:
    """A route may have more connections than its gateway."""
    most = plain.section(draft, "gateway", "limits").get("connections", 20_000)
    for route in plain.routes(draft):
        limit = plain.part(draft, route, "limits", "connections")
        if limit is not None and isinstance(limit.value, int) and isinstance(most, int) and limit.value > most:
            message = f"{limit.value} connections are never reached: the gateway takes {most}"
            yield plain.node(draft, *limit.keys).finding(message, 'raise "gateway.limits.connections"')


def shown(size: int) -> str:
    """A number of bytes as people write it, with three digits."""
    for unit, bytes in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size >= bytes:
            return f"{size / bytes:.3g}{unit}" if size < 1000 * bytes else f"{size / bytes:,.0f}{unit}"
    return f"{size}B"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a listener on ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _open(draft: Draft) -> str:
    """Why anybody can connect; ``""`` where not."""
    gateway = plain.section(draft, "gateway")
    host, origins = gateway.get("host", "127.0.0.1"), gateway.get("allowedOrigins", ())
    if isinstance(host, str) and not is_loopback(host):
        return f"the gateway listens on {quoted(host)}"
    return 'any web page may connect ("*")' if isinstance(origins, list) and "*" in origins else ""


def asks(draft: Draft, route: PlainRoute) -> bool:
    """Whether a route has authentication, or a plugin that may be one."""
    auth = plain.policy(draft, route, "auth")
    if auth is not None and auth.value is not False:
        return True
    plugins = plain.policy(draft, route, "middleware")
    listed = plugins.value if plugins is not None and isinstance(plugins.value, list) else []
    names = [each.get("name") if isinstance(each, dict) else each for each in listed]
    return any(isinstance(name, str) and name not in WATCHING for name in names)
