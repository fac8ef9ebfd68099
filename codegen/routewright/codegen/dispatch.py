"""The dispatch table as one Python expression.

Strategy: the values of `routewright.spec.model` have the names and fields of what the runtime builds from them, so one
function writes them all, leaving out what has its default; only what differs is given to it apart.
"""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from routewright.codegen import literals, names
from routewright.codegen.annotations import Annotations
from routewright.codegen.defaults import json_value
from routewright.codegen.digests import Digests, digest
from routewright.codegen.errors import RenderError, placed
from routewright.codegen.expressions import Expression, bracket, call, named, one_line, text
from routewright.codegen.imports import imported
from routewright.codegen.memory import remembered
from routewright.codegen.modules import COMPONENTS, check_name
from routewright.codegen.shapes import Components
from routewright.spec.model import Message, ObjectShape, Parameter, Route, Spec

_CALLED = {"Gateway": "Settings", "Message": "MessageType"}
"""What the runtime calls differently."""

_LEFT_OUT = {
    "Route": frozenset({"module", "description", "document"}),
    "Message": frozenset({"model", "description", "schema", "checked", "examples", "payload"}),
    "Parameter": frozenset({"shape"}),
}
"""What the runtime has no use for, or gets in another form."""

_DEFAULTS = {("Message", "origin"): "client", ("Route", "handler"): None}
"""Where the runtime's default is another than the spec's."""

_PLAIN = Route(name="", module="", path="")
"""A route with the policies that hold where a spec says nothing of them."""

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
    """The pools of workers, in the order of their first routes; an upstream needs none.

    Raises:
        RenderError: one name is both a module's and a worker's.
    """
    handlers: dict[str, list[Route]] = {}
    for route in spec.routes:
        if route.source == "proxy":
            continue
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
    table = _Table(spec.components)
    settings = table.value(spec.gateway)
    if one_line(settings) == "Settings()":
        table.types.discard("Settings")
    routes = [_route(route, spec.components, digests, modules) for route in spec.routes]
    found = [table, *(entry.table for entry in routes)]
    arguments = {
        "digest": text(literals.string(spec.digest)),
        "spec": text(literals.string(spec.file)),
        **{
            name: text(literals.string(getattr(spec, name)))
            for name in ("title", "version", "description")
            if getattr(spec, name)
        },
        **({"settings": settings} if one_line(settings) != "Settings()" else {}),
        "routes": _many([entry.source for entry in routes]),
        "pools": _many([table.value(pool) for pool in pools(spec, digests)]),
        **({"undeclared": table.undeclared(spec.undeclared)} if spec.undeclared != _PLAIN else {}),
        **({"extensions": json_value(spec.extensions)} if spec.extensions else {}),
    }
    types = {"Table"}.union(*(each.types for each in found))
    needed = [each.annotations for each in found]
    typing = {"Final"}.union(*(each.typing for each in needed))
    used = {*modules.values(), *({COMPONENTS} if any(each.needs_components for each in needed) else ())}
    return Dispatch(
        source=call("Table", [named(f"{name}=", value) for name, value in arguments.items()], opened=True),
        typing=imported("typing", ((name, name) for name in typing)),
        imports_msgspec=any(each.needs_msgspec for each in needed),
        types=imported("routewright.table", ((name, name) for name in types)),
        modules=imported(".", ((name, _local(name)) for name in used)),
    )


class _Entry(NamedTuple):
    """A route in the table's text, and the writer that knows what it needs."""

    source: Expression
    table: "_Table"


def _route(route: Route, components: Components, digests: Digests, modules: Mapping[str, str]) -> _Entry:
    name = route.name
    with placed(f"route {name!r}"):
        return _entry(
            route,
            components,
            digests.messages[name],
            digests.routes[name],
            digests.contracts[name],
            modules.get(name, ""),
        )


@remembered
def _entry(
    route: Route, components: Components, messages: tuple[str, ...], digest: str, contract: str, module: str
) -> _Entry:
    """A route, by the digests of its messages, of itself and of its contract, and the module of its models."""
    table = _Table(components)
    given = {
        "messages": _many(
            [table.message(message, each, module) for message, each in zip(route.messages, messages, strict=True)]
        ),
        "parameters": bracket("(", (table.parameter(each) for each in route.parameters), ")"),
        "digest": text(literals.string(digest)),
        "contract": text(literals.string(contract)),
    }
    source = table.value(route, {name: each for name, each in given.items() if one_line(each) != "()"})
    return _Entry(source, table)


def _many(items: list[Expression]) -> Expression:
    return bracket("(", items, ")", opened=True)


class _Table:
    """Writes values of the spec, and notes what the text has to import."""

    def __init__(self, components: Components) -> None:
        self.types: set[str] = set()
        self.annotations = Annotations(components, prefix=f"{COMPONENTS}.", taken=(), nested=_no_object)

    def message(self, message: Message, digest: str, module: str) -> Expression:
        if not message.name.isascii():
            raise RenderError(f"message {message.name!r}", "the name must be ASCII")
        given = {"digest": text(literals.string(digest))}
        if message.payload is not None:
            model = names.identifier(message.model, f"message {message.name!r}")
            given["payload"] = text(f"{_local(module)}.{model}")
            if message.checked:
                given["check"] = text(f"{_local(module)}.{check_name(model)}")
        return self.value(message, given)

    def undeclared(self, route: Route) -> Expression:
        """A route of no name, for its policies."""
        return self.value(route, {"digest": text(literals.string("")), "contract": text(literals.string(""))})

    def parameter(self, parameter: Parameter) -> Expression:
        with placed(f"parameter {parameter.name!r}"):
            type_ = self.annotations.of(parameter.shape, "")
        return self.value(parameter, {} if one_line(type_) == "str" else {"type": type_})

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
    called = {"model": "payload", "checked": "check"}
    names = (called.get(each.name, each.name) for each in dataclasses.fields(kind))
    return {name: position for position, name in enumerate(dict.fromkeys(names))}


def _local(module: str) -> str:
    """A module of models as ``table.py`` calls it, where it must not hide a type."""
    return f"{module}_" if module in names.BUILTINS or module == "msgspec" else module


def _no_object(shape: ObjectShape, owner: str) -> str:
    raise RenderError("", "a path parameter cannot be an object")
