"""A budget that a spec does not keep: which route, by what, and where that is written."""

from pathlib import Path

from routewright.spec.budget import Budget, Item, RouteBudget, fitting
from routewright.spec.document import read
from routewright.spec.guards import shown
from routewright.spec.model import Spec
from routewright.spec.node import Node
from routewright.spec.problem import Problem
from routewright.spec.quoting import quoted
from routewright.spec.units import size

OVERRUN = "RW601"


def overrun(path: Path, spec: Spec, found: Budget, most: str) -> Problem | None:
    """The problem of a spec that can take more than ``most`` (a size); ``None`` where it cannot.

    It stands at the key that decides about the largest part of the route that takes most.
    """
    limit = size(most) or 0
    worst = max(found.routes, key=lambda route: route.bytes, default=None)
    if found.together <= limit:
        return None
    document = read(path)
    place = Node(document, "", document.value)
    if worst is None or found.processes > limit:
        message, hint = f"the processes alone take {shown(int(found.processes))}; the budget is {most}", ""
    else:
        index = next(at for at, route in enumerate(spec.routes) if route.name == worst.route)
        place = _place(place, index, worst.largest)
        alone = worst.bytes > limit
        message = _alone(worst, most) if alone else _together(found, worst, most)
        hint = _advice(worst.largest, fitting(spec, limit, worst.route if alone else None))
    line, column = document.line_column(document.offset(place.pointer))
    return Problem(document.name, line, column, OVERRUN, "error", message, hint, place.pointer)


def shown_bytes(amount: float) -> str:
    """A number of bytes as people write it; "no bound" where there is none."""
    return "no bound" if amount == float("inf") else shown(int(amount))


def _alone(worst: RouteBudget, most: str) -> str:
    return (
        f"{_connections(worst.connections)} of route {quoted(worst.route)} can take {shown_bytes(worst.bytes)}, "
        f"{_most_of_it(worst.largest)}; the budget is {most}"
    )


def _together(found: Budget, worst: RouteBudget, most: str) -> str:
    return (
        f"{_connections(found.connections)} can take {shown_bytes(found.together)} in all, and the budget is {most}; "
        f"route {quoted(worst.route)} takes most, {_most_of_it(worst.largest)}"
    )


def _connections(count: int) -> str:
    return "one connection" if count == 1 else f"{count:,} connections"


def _most_of_it(item: Item) -> str:
    words = {
        "connections": "for the connections themselves",
        "receiving": "for messages that are being received",
        "under way": "for requests under way",
        "unread": "for what clients leave unread",
        "sessions": "for what clients that come back get again",
        "topics": "for topics",
        "caches": "for replies that are kept",
    }
    return f"{shown_bytes(item.bytes)} of it {words[item.name]}"


def _advice(item: Item, count: int) -> str:
    keys = " or ".join(f'"{outer}.{inner}"' if inner else f'"{outer}"' for outer, inner in item.keys)
    fits = f"; {_connections(count)} would fit" if count else ""
    return f"{'lower' if item.keys[0][1] else 'do without'} {keys}{fits}"


def _place(root: Node, index: int, item: Item) -> Node:
    """Where what decides about an item is written: on the route, among the defaults, or for the whole gateway; the
    route itself where nothing is."""
    routes = root.below("routes")
    route = routes.below(index)
    for outer, inner in item.keys:
        for owner in (route, root.get("defaults"), root.get("gateway") if inner != "inFlight" else None):
            found = owner.get(outer) if owner is not None else None
            if found is not None and found.value is False:
                return found
            inside = found.get(inner) if found is not None and inner else found
            if inside is not None:
                return inside
    return route.get("path") or route
