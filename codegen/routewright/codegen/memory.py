"""What a process that renders again and again remembers of the last time.

Strategy: a route that has not changed is replaced by the last time's object that says the same, and so are the
components. What is made of one route alone is then known by the objects it is made of: if they are the same ones, so is
the outcome.
"""

import dataclasses
import functools
import pickle
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from routewright.spec.model import Component, Route, Spec

REMEMBERED = 4096
"""Things that a process remembers of each kind."""

S = TypeVar("S")
P = ParamSpec("P")
T = TypeVar("T")


_routes: dict[str, Route] = {}
_components: dict[str, Component] = {}


def settled(spec: Spec) -> Spec:
    """The same spec, made of the last time's objects wherever they say the same."""
    global _components
    if _exact(_components) != _exact(spec.components):
        _components = spec.components
    routes = {route.name: _settled(route) for route in spec.routes}
    _routes.clear()
    _routes.update(routes)
    return dataclasses.replace(spec, components=_components, routes=tuple(routes.values()))


def _settled(route: Route) -> Route:
    known = _routes.get(route.name)
    if known is None or known is route or known.document is None:
        return route
    same = _exact(known.document) == _exact(route.document) and known == route
    return known if same else route


def _exact(value: Any) -> bytes:
    """What tells apart even what is equal: ``1``, ``1.0`` and ``true``."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def remembered(function: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Remember what a function makes of a route (or the components) and what else it is given, for as long as these are
    the same objects, or equal strings. It must depend on nothing else, and its outcome must not be changed."""
    kept: dict[int, tuple[tuple[Any, ...], T]] = {}

    @functools.wraps(function)
    def remembering(subject: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        given = (subject, *args, *kwargs.values())
        last = kept.get(id(subject))
        if last is not None and len(last[0]) == len(given) and all(map(_same, last[0], given)):
            return last[1]
        made = function(subject, *args, **kwargs)
        if len(kept) >= REMEMBERED:
            kept.clear()
        kept[id(subject)] = given, made
        return made

    return remembering


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) is str and one == other)
