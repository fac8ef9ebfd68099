"""Routes and messages as the plain values that were written.

Strategy: a rule that looks at every message and rarely finds anything walks these; a node with its place is made only
for what it finds.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from routewright.spec.node import Node

if TYPE_CHECKING:
    from routewright.spec.draft import Draft


class Owner(NamedTuple):
    """Where a policy of a route stands: on the route itself or among the defaults."""

    value: Any
    keys: tuple[str | int, ...]


class PlainRoute(NamedTuple):
    """A route: its keys in the spec, its value, and its messages by name."""

    keys: tuple[str | int, ...]
    value: dict[str, Any]
    messages: dict[str, dict[str, Any]]

    def title(self) -> str:
        """What the route is called in messages: its name, or its path."""
        return str(self.value.get("name", self.value.get("path", "")))


def routes(draft: "Draft") -> list[PlainRoute]:
    """The routes that are objects, with those of their messages that are."""
    return draft.plain_routes


def listed(spec: Any) -> list[PlainRoute]:
    """The same, of the value of a spec."""
    found = spec.get("routes") if isinstance(spec, dict) else None
    return [
        PlainRoute(("routes", at), route, _messages(route.get("messages")))
        for at, route in enumerate(found if isinstance(found, list) else ())
        if isinstance(route, dict)
    ]


def _messages(declared: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(declared, dict):
        return {}
    if all(type(each) is dict for each in declared.values()):
        return declared
    return {name: each for name, each in declared.items() if isinstance(each, dict)}


def node(draft: "Draft", *keys: str | int) -> Node:
    """The node that is reached by these keys, which is known to be there."""
    found = draft.root
    for key in keys:
        found = found.below(key)
    return found


def section(draft: "Draft", *keys: str) -> dict[str, Any]:
    """The object that is reached by these keys; an empty one where there is none."""
    found = draft.root.get(*keys)
    return found.value if found is not None and isinstance(found.value, dict) else {}


def policy(draft: "Draft", route: PlainRoute, key: str) -> Owner | None:
    """Where a policy of a route is written: on the route, else among the defaults."""
    if key in route.value:
        return Owner(route.value[key], (*route.keys, key))
    defaults = section(draft, "defaults")
    return Owner(defaults[key], ("defaults", key)) if key in defaults else None


def part(draft: "Draft", route: PlainRoute, key: str, inner: str) -> Owner | None:
    """Where one key of a policy that is an object is written: on the route, else among the defaults."""
    own = route.value.get(key, {})
    if not isinstance(own, dict):
        return None
    if inner in own:
        return Owner(own[inner], (*route.keys, key, inner))
    general = section(draft, "defaults", key)
    return Owner(general[inner], ("defaults", key, inner)) if inner in general else None


def sent_by_clients(message: dict[str, Any]) -> bool:
    """Whether clients send a message."""
    return message.get("from", "client") in ("client", "both")
