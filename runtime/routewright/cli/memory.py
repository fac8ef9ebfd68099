"""What a spec can take, as a table and as JSON."""

import json
from math import isinf
from typing import TYPE_CHECKING, Any

from routewright.cli.terminal import table

if TYPE_CHECKING:
    from routewright.spec.budget import Budget


def budget_table(found: "Budget") -> None:
    """A row for each route, taken by itself, and a line for all of them together, on stdout. What no route has is left
    out."""
    from routewright.spec.overrun import shown_bytes

    names = list(dict.fromkeys(item.name for route in found.routes for item in route.items if item.bytes))
    rows = [
        [
            route.route,
            f"{route.connections:,}",
            *(
                shown_bytes(item.bytes) + ("*" if item is route.largest else "")
                for item in route.items
                if item.name in names
            ),
            shown_bytes(route.bytes),
        ]
        for route in found.routes
    ]
    table(["route", "number", *names, "by itself"], rows)
    print(
        f"{found.connections:,} connections, wherever they go: at most {shown_bytes(found.together)}, "
        f"{shown_bytes(found.processes)} of it for the processes  (* the largest part)"
    )


def budget_json(problems: str, found: "Budget") -> str:
    """``{"problems": [...], "budget": {...}}``, with bytes as numbers and ``null`` for what nothing bounds."""
    routes = [
        {
            "route": route.route,
            "connections": route.connections,
            "bytes": _number(route.bytes),
            "largest": route.largest.name,
            "items": {item.name: _number(item.bytes) for item in route.items},
        }
        for route in found.routes
    ]
    memory: dict[str, Any] = {
        "connections": found.connections,
        "bytes": _number(found.together),
        "processes": _number(found.processes),
        "routes": routes,
    }
    return json.dumps({"problems": json.loads(problems), "budget": memory}, indent=2)


def _number(amount: float) -> int | None:
    return None if isinf(amount) else int(amount)
