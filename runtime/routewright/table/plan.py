"""What a new table does to those who know the old one: every change, route by route, and what a reload would do.

Strategy: routes are paired by name, and those that are left over by path, so a renamed route is one route. A reload
pairs by name alone: for the connections of a renamed route it is gone.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from routewright.table.change import CLIENTS, COMPATIBLE, HANDLERS, Change, Verdict, changes, classify
from routewright.table.contracts import Known
from routewright.table.paths import Matcher
from routewright.table.policy_change import policy_changes
from routewright.table.route import Route
from routewright.table.settings import Settings
from routewright.table.table import Table

Connections = Literal["new", "unchanged", "continue", "drain", "removed"]
"""What becomes of a route's open connections: nobody has any, nothing happens, they go on with the new route, they stay
on the old one until the drain window ends, the same because the route is gone."""

CODES: dict[Connections, int | None] = {
    "new": None,
    "unchanged": None,
    "continue": None,
    "drain": 4001,
    "removed": 4504,
}
"""What they are closed with in the end."""

_CONNECTIONS: dict[Verdict, Connections] = {
    "unchanged": "unchanged",
    "compatible": "continue",
    "incompatible": "drain",
}
_AT_START = frozenset({"host", "port", "admin", "tls", "bridge"})
_CONCERNED = {"host": CLIENTS, "port": CLIENTS, "bridge": HANDLERS}
_LABELS = {"drain": "drainSeconds"}


class RoutePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of one route. ``old`` is ``None`` for an added, ``new`` for a removed one."""

    old: Route | None
    new: Route | None
    changes: tuple[Change, ...]
    connections: Connections

    @property
    def route(self) -> Route:
        """The route as it will be; a removed one as it was."""
        route = self.new or self.old
        if route is None:
            raise ValueError("a plan of no route")
        return route


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All changes. ``drain`` is the window in seconds that connections of the old table have."""

    settings: tuple[Change, ...]
    routes: tuple[RoutePlan, ...]
    drain: float


def plan(old: Table, new: Table, before: Known, after: Known) -> Plan:
    """Compare two tables.

    Args:
        before: the contracts of the old routes, by name; ``after`` those of the new.
    """
    pairs = _pairs(old, new)
    paths = _Paths(old, new)
    found: list[RoutePlan] = []
    connections: Connections
    for route in new.routes:
        earlier = pairs.get(route.name)
        if earlier is None:
            reason = "Nobody knows it yet."
            added = Change(kind=COMPATIBLE, what="route added", reason=reason)
            found.append(RoutePlan(old=None, new=route, changes=(added, *paths.taken(route, None)), connections="new"))
            continue
        contracts = before.get(earlier.name), after.get(route.name)
        listed = (*_renamed(earlier, route), *paths.of(earlier, route), *changes(earlier, route, *contracts))
        same = earlier.name == route.name
        connections = _CONNECTIONS[classify(earlier, route, *contracts)] if same else "removed"
        found.append(RoutePlan(old=earlier, new=route, changes=listed, connections=connections))
    kept = {route.name for route in pairs.values()}
    for route in old.routes:
        if route.name not in kept:
            found.append(RoutePlan(old=route, new=None, changes=tuple(_gone(route)), connections="removed"))
    return Plan(settings=tuple(_settings(old.settings, new.settings)), routes=tuple(found), drain=old.settings.drain)


def _pairs(old: Table, new: Table) -> dict[str, Route]:
    """The old route of each new one, by the new one's name."""
    named = {route.name: route for route in old.routes}
    pairs = {route.name: named[route.name] for route in new.routes if route.name in named}
    free = {route.path: route for route in old.routes if route.name not in pairs}
    for route in new.routes:
        if route.name not in pairs and route.path in free:
            pairs[route.name] = free[route.path]
    return pairs


def _renamed(old: Route, new: Route) -> Iterator[Change]:
    if old.name != new.name:
        reason = "Handlers import its models, publish to it and call it by its name."
        yield Change(
            kind=HANDLERS, what=f"name was {old.name!r}, is {new.name!r}", reason=reason, steps=("name",), ends=True
        )


def _gone(route: Route) -> Iterator[Change]:
    what, reason = f"route at {route.path} removed", "Clients are closed, and do not find it any more."
    yield Change(kind=CLIENTS, what=what, reason=reason, gone=True, ends=True)
    reason = "Its handler is no longer called."
    yield Change(kind=HANDLERS, what=what, reason=reason, gone=True)


class _Paths:
    """Where the paths of the old table lead in the new one."""

    def __init__(self, old: Table, new: Table) -> None:
        self._before = Matcher(old.routes)
        self._after = Matcher(new.routes)
        self._owners = {pattern: route.name for route in new.routes for pattern in (route.path, *route.aliases)}

    def of(self, old: Route, new: Route) -> Iterator[Change]:
        """The changes of one route's paths."""
        now = (new.path, *new.aliases)
        if old.path != new.path:
            kept = "The old path is kept as an alias." if old.path in now else "Clients may use the new path."
            what = f"path was {old.path}, is {new.path}"
            yield Change(kind=COMPATIBLE, what=what, reason=kept, steps=("path",))
        for pattern in (old.path, *old.aliases):
            owner = self._owner(pattern)
            if pattern not in now and owner != new.name:
                what = (
                    f"path {pattern} leads to the route {owner!r} now" if owner else f"path {pattern} leads nowhere now"
                )
                reason = "Clients that use it get another route." if owner else "Clients that use it get status 404."
                steps = ("path",) if pattern == old.path else ("aliases",)
                yield Change(kind=CLIENTS, what=what, reason=reason, steps=steps, gone=True)
        for alias in new.aliases:
            if alias not in (old.path, *old.aliases):
                reason = "Clients may use it."
                yield Change(kind=COMPATIBLE, what=f"alias {alias} added", reason=reason, steps=("aliases",))
        yield from self.taken(new, old)

    def taken(self, route: Route, old: Route | None) -> Iterator[Change]:
        """The paths that the route takes away from another, whose pattern they match."""
        known = () if old is None else (old.path, *old.aliases)
        for pattern in (route.path, *route.aliases):
            match = self._before.match(pattern) if "{" not in pattern and pattern not in known else None
            if match is not None and (old is None or match.route.name != old.name) and match.pattern != pattern:
                what = f"path {pattern} led to the route {match.route.name!r}, by {match.pattern}"
                reason = "Clients that use it get another route."
                steps = ("path",) if pattern == route.path else ("aliases",)
                yield Change(kind=CLIENTS, what=what, reason=reason, steps=steps)

    def _owner(self, pattern: str) -> str:
        if pattern in self._owners:
            return self._owners[pattern]
        match = self._after.match(pattern) if "{" not in pattern else None
        return match.route.name if match is not None else ""


def _settings(old: Settings, new: Settings) -> Iterator[Change]:
    yield from _origins(old, new)
    if (old.tls is None) != (new.tls is None):
        what = "tls switched off" if new.tls is None else "tls switched on"
        reason = f"Clients connect by {'ws' if new.tls is None else 'wss'}:// from the next start on."
        yield Change(kind=CLIENTS, what=what, reason=reason, steps=("gateway", "tls"), gone=new.tls is None)
    told = frozenset({"allowed_origins", *(("tls",) if (old.tls is None) != (new.tls is None) else ())})
    for change in policy_changes(old, new, told, ()):
        field = change.steps[0]
        reason = "It holds from the next start on." if field in _AT_START else "It holds from the reload on."
        label, steps = change.what, ("gateway", _LABELS.get(field, field), *change.steps[1:])
        if field in _LABELS:
            label = label.replace(field, _LABELS[field], 1)
        kind = _CONCERNED.get(field, change.kind)
        if kind is CLIENTS:
            reason = "Clients connect elsewhere from the next start on."
        elif kind is HANDLERS:
            reason = "Workers elsewhere connect otherwise from the next start on."
        yield msgspec.structs.replace(change, kind=kind, what=label, reason=reason, steps=steps)


def _origins(old: Settings, new: Settings) -> Iterator[Change]:
    if set(old.allowed_origins) == set(new.allowed_origins):
        return
    steps = ("gateway", "allowedOrigins")
    lost = [each for each in old.allowed_origins if each not in new.allowed_origins and "*" not in new.allowed_origins]
    if not old.allowed_origins and "*" not in new.allowed_origins:
        lost = ["those of the gateway's own address"]
    if lost:
        what = f"allowedOrigins: {', '.join(lost)} removed"
        yield Change(kind=CLIENTS, what=what, reason="Pages from there can no longer connect.", steps=steps)
    more = [each for each in new.allowed_origins if each not in old.allowed_origins]
    if more:
        what = f"allowedOrigins: {', '.join(more)} added"
        yield Change(kind=COMPATIBLE, what=what, reason="Pages from there may connect.", steps=steps)
