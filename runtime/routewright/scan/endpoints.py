"""Endpoints: every route at every path that the sites above it give it."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from routewright.scan.messages import Seen
from routewright.scan.modules import Branch
from routewright.scan.sites import Place, Registration, Site, join
from routewright.scan.templates import display
from routewright.scan.texts import EMPTY, Hole, Text, strip_right

_WAYS = 64
"""Mount points of one route that are told apart."""

_DEPTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One WebSocket endpoint.

    Attributes:
        path: as it is mounted; ``<expression>`` where only running would tell; empty where no path was seen.
        declared: the path that its own line gives it.
        prefixes: each prefix that stands before it, outermost first.
        dynamic: the expressions in ``path``.
        app: the application, ``file:line``; empty where it is mounted in none that was seen.
        order: its place among all routes of the application.
        ordered: of two routes of its framework that fit, the first one answers.
    """

    path: str
    declared: str
    prefixes: tuple[str, ...]
    dynamic: tuple[str, ...]
    framework: str
    handler: str
    place: Place
    app: str
    messages: tuple[Seen, ...] = ()
    order: tuple[int, ...] = ()
    ordered: bool = False
    branch: Branch | None = None

    @property
    def known(self) -> bool:
        """Whether all of the path is known."""
        return bool(self.path) and not self.dynamic


@dataclass(frozen=True, slots=True)
class Way:
    """One way from an application down to a route: the path, the prefixes, the site at the top, and the order."""

    top: Site
    path: Text
    prefixes: tuple[Text, ...] = ()
    order: tuple[int, ...] = ()
    version: Text = EMPTY


def ways(registration: Registration) -> Iterator[Way]:
    """Every way that leads to a route."""
    site = registration.site
    path = () if registration.path is None else registration.path
    start = Way(site, path, (), (registration.order,), registration.version)
    waiting: list[tuple[Way, frozenset[int]]] = [(start, frozenset())]
    found = 0
    while waiting and found < _WAYS:
        way, passed = waiting.pop()
        site, glue = way.top, registration.framework.glue
        path = join(site.prefix, way.path, glue)
        prefixes = (site.prefix, *way.prefixes) if site.prefix else way.prefixes
        version = way.version or site.version
        above = [mount for mount in site.parents if id(mount.parent) not in passed]
        if not above or len(passed) > _DEPTH:
            found += 1
            yield Way(site, join(version, path, glue), prefixes, way.order, version)
            continue
        for mount in reversed(above):
            kept = (way.path, way.prefixes) if mount.replaces else (path, prefixes)
            below = (mount.prefix, *kept[1]) if mount.prefix else kept[1]
            order = (mount.order, *way.order)
            up = Way(mount.parent, join(mount.prefix, kept[0], glue), below, order, version)
            waiting.append((up, passed | {id(site)}))


def _is_whole(site: Site) -> bool:
    return site.app or site.alone


def holes(path: Text) -> tuple[str, ...]:
    """The expressions in a path that only running would tell."""
    return tuple(piece.shown for piece in path if isinstance(piece, Hole))


def endpoints(registration: Registration, messages: tuple[Seen, ...], asked: Iterable[str]) -> Iterator[Endpoint]:
    """The endpoints of one route; ``asked`` are paths that a handler of any path tells apart by itself."""
    seen: set[tuple[str, int]] = set()
    found = list(ways(registration))
    mounted = [way for way in found if _is_whole(way.top)]
    for way in mounted or found:
        given = [display(strip_right(way.path, "/") if registration.framework.trims else way.path)]
        paths = given if registration.path is not None else [*asked] or ["*"]
        for path in paths:
            if (path, id(way.top)) in seen:
                continue
            seen.add((path, id(way.top)))
            place = way.top.place
            yield Endpoint(
                path=path,
                declared=path if registration.path is None else display(registration.path),
                prefixes=tuple(display(prefix) for prefix in way.prefixes),
                dynamic=holes(way.path),
                framework=registration.framework.name,
                handler=registration.handler.name,
                place=registration.place,
                app=f"{place.file}:{place.line}" if _is_whole(way.top) or registration.path is None else "",
                messages=messages,
                order=way.order,
                ordered=registration.framework.ordered,
                branch=registration.branch,
            )


def paths_asked(node: ast.AST) -> list[str]:
    """Paths that a function compares the request's with: ``if path == "/ws"``, ``connection.request.path in (...)``."""
    found: dict[str, None] = {}
    for each in ast.walk(node):
        if (
            isinstance(each, ast.Compare)
            and len(each.ops) == 1
            and isinstance(each.ops[0], ast.Eq | ast.NotEq | ast.In)
        ):
            name = each.left.attr if isinstance(each.left, ast.Attribute) else getattr(each.left, "id", "")
            if name == "path":
                right = each.comparators[0]
                options = right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else [right]
                for option in options:
                    if isinstance(option, ast.Constant) and isinstance(option.value, str) and option.value[:1] == "/":
                        found[option.value] = None
    return list(found)
