"""The dispatch table as one Python expression.

Strategy: the values of `routewright.spec.model` have the names and fields of what the runtime builds from them, so one
function writes them all, leaving out what has its default; only what differs is given to it apart.
"""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routewright.codegen import literals, names
from routewright.codegen.annotations import Annotations
from routewright.codegen.defaults import json_value
from routewright.codegen.digests import Digests, digest
from routewright.codegen.errors import RenderError, placed
from routewright.codegen.expressions import Expression, bracket, call, named, one_line, text
from routewright.codegen.imports import imported
from routewright.codegen.modules import COMPONENTS
from routewright.spec.model import Message, ObjectShape, Parameter, Route, Spec

_CALLED = {"Gateway": "Settings", "Message": "MessageType"}
"""What the runtime calls differently."""

_LEFT_OUT = {
    "Route": frozenset({"module", "description", "document"}),
    "Message": frozenset({"model", "description", "schema", "examples", "payload"}),
    "Parameter": frozenset({"shape"}),
}
"""What the runtime has no use for, or gets in another form."""

_DEFAULTS = {("Message", "origin"): "client", ("Route", "handler"): None}
"""Where the runtime's default is another than the spec's."""

_OPENED = frozenset({"Message", "Route", "Pool"})
"""What is written one argument a line even where it is short, so that a diff shows what changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The workers that share one handler; see `routewright.table.Pool`."""

    name: str
    source: str = "module"
    workers: int = 1
    routes: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The dispatch table, ready for its template, with the statements that import what it needs."""

    source: Expression
    typing: list[str]
    imports_msgspec: bool
    types: list[str]
    modules: list[str]


def pools(spec: Spec, digests: Digests) -> tuple[Pool, ...]:
    """The pools of workers, in the order of their first routes.

    Raises:
        RenderError: one name is both a module's and a worker's.
    """
    handlers: dict[str, list[Route]] = {}
    for route in spec.routes:
        handlers.setdefault(route.handler, []).append(route)
    found = []
    for handler, routes in handlers.items():
        if len({route.source for route in routes}) > 1:
            raise RenderError(f"handler {handler!r}", "is a module of one route and a worker of another")
        contracts = {route.name: digests.contracts[route.name] for route in routes}
        found.append(
            Pool(
                name=handler,
                source=routes[0].source,
                workers=max(route.workers for route in routes) if routes[0].source == "module" else 0,
                routes=tuple(contracts),
                digest=digest(contracts),
            )
        )
    return tuple(found)


def dispatch(spec: Spec, digests: Digests, modules: Mapping[str, str]) -> Dispatch:
    """The dispatch table of a spec; ``modules`` are the modules that hold models, by the route's name."""
    return _Table(spec, digests, modules).dispatch()


class _Table:
    def __init__(self, spec: Spec, digests: Digests, modules: Mapping[str, str]) -> None:
        self.spec = spec
        self.digests = digests
        self.modules = modules
        self.types: set[str] = set()
        self.annotations = Annotations(spec.components, prefix=f"{COMPONENTS}.", taken=(), nested=_no_object)

    def dispatch(self) -> Dispatch:
        spec = self.spec
        arguments = {
            "digest": text(literals.string(spec.digest)),
            "spec": text(literals.string(spec.file)),
            "settings": self.value(spec.gateway),
            "routes": self.many([self.route(route) for route in spec.routes]),
            "pools": self.many([self.value(pool) for pool in pools(spec, self.digests)]),
        }
        for name in ("title", "version", "description"):
            if getattr(spec, name):
                arguments[name] = text(literals.string(getattr(spec, name)))
        if spec.extensions:
            arguments["extensions"] = json_value(spec.extensions)
        if one_line(arguments["settings"]) == "Settings()":
            del arguments["settings"]
            self.types.discard("Settings")
        order = ("digest", "spec", "title", "version", "description", "settings", "routes", "pools", "extensions")
        self.types.add("Table")
        table = call("Table", [named(f"{n}=", arguments[n]) for n in order if n in arguments], opened=True)
        used = {*self.modules.values(), *({COMPONENTS} if self.annotations.needs_components else ())}
        return Dispatch(
            source=table,
            typing=imported("typing", ((name, name) for name in {"Final", *self.annotations.typing})),
            imports_msgspec=self.annotations.needs_msgspec,
            types=imported("routewright.table", ((name, name) for name in self.types)),
            modules=imported(".", ((name, _local(name)) for name in used)),
        )

    def route(self, route: Route) -> Expression:
        with placed(f"route {route.name!r}"):
            digests = self.digests.messages[route.name]
            given = {
                "messages": self.many(
                    [self.message(message, route, each) for message, each in zip(route.messages, digests, strict=True)]
                ),
                "parameters": bracket("(", (self.parameter(each) for each in route.parameters), ")"),
                "digest": text(literals.string(self.digests.routes[route.name])),
                "contract": text(literals.string(self.digests.contracts[route.name])),
            }
            return self.value(route, {name: each for name, each in given.items() if one_line(each) != "()"})

    def message(self, message: Message, route: Route, digest: str) -> Expression:
        if not message.name.isascii():
            raise RenderError(f"message {message.name!r}", "the name must be ASCII")
        given = {"digest": text(literals.string(digest))}
        if message.payload is not None:
            model = names.identifier(message.model, f"message {message.name!r}")
            given["payload"] = text(f"{_local(self.modules[route.name])}.{model}")
        return self.value(message, given)

    def parameter(self, parameter: Parameter) -> Expression:
        with placed(f"parameter {parameter.name!r}"):
            type_ = self.annotations.of(parameter.shape, "")
        return self.value(parameter, {} if one_line(type_) == "str" else {"type": type_})

    def many(self, items: list[Expression]) -> Expression:
        return bracket("(", items, ")", opened=True)

    def value(self, value: Any, given: Mapping[str, Expression] | None = None) -> Expression:
        """A literal of any value of the spec; ``given`` are arguments that are written otherwise or in addition."""
        if isinstance(value, tuple):
            return bracket("(", (self.value(each) for each in value), ")")
        if not dataclasses.is_dataclass(value) or isinstance(value, type):
            return json_value(value)
        kind = type(value).__name__
        found = dict(given or {})
        for field, default in _fields(type(value)):
            if field not in found:
                present = getattr(value, field)
                if present != default:
                    found[field] = self.value(present)
        name = _CALLED.get(kind, kind)
        self.types.add(name)
        order = _order(type(value))
        arguments = [
            named(f"{key}=", found[key]) for key in sorted(found, key=lambda each: order.get(each, len(order)))
        ]
        return call(name, arguments, opened=kind in _OPENED)


@functools.cache
def _fields(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """What the runtime has of a kind of value: each field with its default there."""
    found = []
    for each in dataclasses.fields(kind):
        if each.name not in _LEFT_OUT.get(kind.__name__, ()):
            default = each.default if each.default_factory is dataclasses.MISSING else each.default_factory()
            found.append((each.name, _DEFAULTS.get((kind.__name__, each.name), default)))
    return tuple(found)


@functools.cache
def _order(kind: type[Any]) -> dict[str, int]:
    """Where each argument stands: in the order of the fields, a payload instead of its model's name."""
    names = ("payload" if each.name == "model" else each.name for each in dataclasses.fields(kind))
    return {name: position for position, name in enumerate(dict.fromkeys(names))}


def _local(module: str) -> str:
    """A module of models as ``table.py`` calls it, where it must not hide a type."""
    return f"{module}_" if module in names.BUILTINS or module == "msgspec" else module


def _no_object(shape: ObjectShape, owner: str) -> str:
    raise RenderError("", "a path parameter cannot be an object")
