"""What the buffers, queues and limits of a spec can take at worst, with so many connections.

Strategy: one sum of bytes, from above. Each connection may be receiving a message of the largest size, have one read
from its socket waiting, leave as much unread as its route allows, have a session that keeps all it may to send it
again, and have subscribed to as many topics as it may; and each pool of workers may hold as many requests as its
connections may have under way, or as it has credits for. Connections go where they cost most, as far as a route's own
limit lets them. To that come the caches and the last values of topics, which do not depend on connections. What is
counted is what the spec or the gateway bounds: not the size of a handler's replies, nor what a handler or a plugin
keeps.

The sum never falls when a limit, the number of connections or of workers rises.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from routewright.spec.model import Route, Spec

CONNECTION = 4 * 1024
"""Bytes of an open connection that is idle: 2.8 KiB as measured (docs/performance.md), and its session at a worker."""

TLS = 320 * 1024
"""Bytes that TLS adds to a connection: asyncio's read buffer of 256 KiB, and OpenSSL's own."""

READ = 256 * 1024
"""Bytes that one read from a socket may bring, and that wait where the connection has enough under way."""

HIGH_WATER = 64 * 1024
"""Unsent bytes past which the gateway begins to look at ``slowConsumer.backlog``."""

ENTRY = 512
"""Bytes that the gateway keeps for a request under way."""

COPIES = 2
"""How often a request is there at once: as the bytes that came, and as what the handler gets."""

KEPT = 512
"""Bytes that a session keeps for a frame and for an id, beside the frame itself: 130 and 330 as measured."""

COPIES_KEPT = 3
"""How often a session has what it sends: to send it again by its number, to answer its id once more, and the id itself,
which stands in the answer and may be nearly all of it."""

SUBSCRIPTIONS, SUBSCRIPTION = 128, 1024
"""Topics that a client may have subscribed to, and bytes for each: 570 as measured, and what presence tells of it."""

CACHE = 32 * 1024**2
"""Bytes of the replies that the caches of one route keep."""

RETAINED, RETAINED_EVENT, RETAINED_TOPICS, RETAINED_NAME = 16 * 1024**2, 1024**2, 10_000, 512
"""Bytes of all last values of topics, and of one of them; their number, and bytes beside each."""

CREDITS = 2048
"""Requests that one worker takes (docs/bridge-protocol.md, 5)."""

SUPERVISOR, GATEWAY, WORKER = 72 * 1024**2, 56 * 1024**2, 36 * 1024**2
"""Resident bytes of the processes of a gateway that nobody is connected to, as measured."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that takes memory. ``bytes`` is `math.inf` where nothing bounds it; ``keys`` are the keys of the route
    that decide: an inner one, or the outer one as a whole where that is ``""``."""

    name: str
    bytes: float
    keys: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RouteBudget:
    """What one route can take by itself, with ``connections`` connections."""

    route: str
    connections: int
    items: tuple[Item, ...]

    @property
    def bytes(self) -> float:
        """All of it."""
        return sum(item.bytes for item in self.items)

    @property
    def largest(self) -> Item:
        """What takes most of it."""
        return max(self.items, key=lambda item: item.bytes)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a spec can take. ``connections`` are those of one gateway process; each of ``routes`` is taken by itself,
    and ``together`` is the bound for all of them, the processes included."""

    connections: int
    processes: float
    routes: tuple[RouteBudget, ...]
    together: float


def budget(spec: Spec, connections: int | None = None) -> Budget:
    """Add up what a spec can take with this many connections; with as many as its gateway takes where none are given.

    More connections than the gateway takes count as those it takes.
    """
    most = spec.gateway.limits.connections
    count = most if connections is None else min(connections, most)
    tls = TLS if spec.gateway.tls is not None else 0
    pools = _pools(spec.routes)
    routes = tuple(_alone(route, min(count, route.limits.connections or count), tls) for route in spec.routes)
    processes = float(SUPERVISOR + GATEWAY + WORKER * sum(max(each.workers for each in pool) for pool in pools))
    requests = sum(_of_pool(pool, count) for pool in pools)
    kept = sum(map(_cached, spec.routes)) + _retained(spec.routes)
    return Budget(count, processes, routes, processes + requests + _placed(spec.routes, count, tls) + kept)


def fitting(spec: Spec, bytes: float, route: str | None = None) -> int:
    """The most connections with which a spec (or one route of it) stays within so many bytes; 0 where none do."""
    low, high = 0, spec.gateway.limits.connections
    while low < high:
        middle = (low + high + 1) // 2
        if _total(budget(spec, middle), route) <= bytes:
            low = middle
        else:
            high = middle - 1
    return low


def _total(found: Budget, route: str | None) -> float:
    return found.together if route is None else next(each.bytes for each in found.routes if each.route == route)


def _alone(route: Route, connections: int, tls: int) -> RouteBudget:
    requests = _requests(route, connections, _credits(route))
    return RouteBudget(
        route.name,
        connections,
        (
            Item("connections", connections * float(CONNECTION + tls + READ), (("limits", "connections"),)),
            Item("receiving", connections * float(route.limits.message_bytes), (("limits", "messageBytes"),)),
            Item("under way", requests, (("limits", "inFlight"), ("limits", "messageBytes"))),
            Item("unread", connections * _unread(route), (("slowConsumer", "backlog"),)),
            Item("sessions", connections * _session(route), (("delivery", "bytes"), ("delivery", "messages"))),
            Item("topics", connections * _subscribed(route) + _retained((route,)), (("topics", ""),)),
            Item("caches", _cached(route), (("cache", ""),)),
        ),
    )


def _requests(route: Route, connections: int, credits: int) -> float:
    """Bytes of the requests that so many connections of a route can have under way."""
    return float(min(connections * route.limits.in_flight, credits)) * _request(route)


def _request(route: Route) -> int:
    return ENTRY + COPIES * route.limits.message_bytes


def _credits(route: Route) -> int:
    # A worker that connects by itself may be there any number of times; one is counted.
    return CREDITS * max(1, route.workers)


def _unread(route: Route) -> float:
    return inf if route.slow_consumer is None else float(HIGH_WATER + route.slow_consumer.backlog)


def _session(route: Route) -> float:
    """Bytes that are kept for a reliable client that may come back."""
    delivery = route.delivery
    if delivery is None or route.framing == "raw" or route.source == "proxy":
        return 0.0
    return float(COPIES_KEPT * delivery.bytes + KEPT * delivery.messages)


def _subscribed(route: Route) -> float:
    return float(SUBSCRIPTIONS * SUBSCRIPTION) if route.topics else 0.0


def _retained(routes: Iterable[Route]) -> float:
    """Bytes of the last values of the topics of some routes."""
    names = 0
    for route in routes:
        for topic in route.topics:
            if topic.retain:
                names += RETAINED_TOPICS if "{" in topic.name else 1
    names = min(names, RETAINED_TOPICS)
    return float(min(names * RETAINED_EVENT, RETAINED) + names * RETAINED_NAME)


def _cached(route: Route) -> float:
    return float(CACHE) if any(message.cache is not None for message in route.messages) else 0.0


def _pools(routes: Iterable[Route]) -> list[list[Route]]:
    """The routes that share workers. An upstream holds nothing in this machine."""
    pools: dict[tuple[str, str], list[Route]] = {}
    for route in routes:
        if route.source == "proxy":
            continue
        pools.setdefault((route.source, route.handler), []).append(route)
    return list(pools.values())


def _of_pool(pool: list[Route], connections: int) -> float:
    """Bytes of the requests that the workers of some routes can hold."""
    own = sum(min(connections, route.limits.connections or connections) * route.limits.in_flight for route in pool)
    any_of_them = connections * max(route.limits.in_flight for route in pool)
    count = min(own, any_of_them, max(_credits(route) for route in pool))
    return float(count) * max(_request(route) for route in pool)


def _placed(routes: Iterable[Route], connections: int, tls: int) -> float:
    """Bytes of the connections themselves, each on the dearest route that still takes one."""
    costs = sorted(
        (
            (
                float(CONNECTION + tls + READ + route.limits.message_bytes)
                + _unread(route)
                + _session(route)
                + _subscribed(route),
                route.limits.connections,
            )
            for route in routes
        ),
        reverse=True,
        key=lambda cost: cost[0],
    )
    total, left = 0.0, connections
    for cost, limit in costs:
        count = min(left, limit if limit is not None else left)
        total += count * cost if count else 0.0
        left -= count
    return total
