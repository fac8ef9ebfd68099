"""Digests: short names for what two sides must agree on.

Strategy: everything is hashed as canonical JSON, and only what matters on the wire is taken: a description may change
without a worker having to be built again. A component that is not recursive counts by its structure alone; one that
is, by its name and its group's structure.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from routewright.codegen.memory import remembered
from routewright.codegen.shapes import Components, component_groups, references
from routewright.spec.keywords import ANNOTATIONS, with_schemas
from routewright.spec.model import (
    ArrayShape,
    EnumShape,
    MapShape,
    Message,
    ObjectShape,
    ReferenceShape,
    Route,
    Shape,
    Spec,
    UnionShape,
)

LENGTH = 16
"""Hexadecimal digits of a digest."""


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def digest(value: Any) -> str:
    """The digest of a JSON value; the order of an object's keys does not count."""
    return hashlib.sha256(_canonical(value).encode("ascii")).hexdigest()[:LENGTH]


@remembered
def component_digests(components: Components) -> dict[str, str]:
    """The digest of each component, by its key."""
    found: dict[str, str] = {}
    for group in component_groups(components):
        shapes = {key: _form(components[key].shape, found) for key in group}
        if len(group) == 1 and group[0] not in references(components[group[0]].shape):
            found[group[0]] = digest(shapes[group[0]])
        else:
            found.update({key: digest([key, shapes]) for key in group})
    return found


@dataclass(frozen=True, slots=True)
class Digests:
    """All digests of a spec.

    Attributes:
        messages: one a message, in the spec's order, by the route's name.
        contracts: what a handler sees of a route, by its name.
        routes: everything that the spec says of a route, by its name.
    """

    messages: dict[str, tuple[str, ...]]
    contracts: dict[str, str]
    routes: dict[str, str]


def digests(spec: Spec) -> Digests:
    """The digests of a spec's messages and routes."""
    components = component_digests(spec.components)
    found = Digests({}, {}, {})
    for route in spec.routes:
        name = route.name
        found.messages[name], found.contracts[name], found.routes[name] = _route(route, components)
    return found


@remembered
def _route(route: Route, components: Mapping[str, str]) -> tuple[tuple[str, ...], str, str]:
    """The digests of a route's messages, of its contract, and of the route."""
    messages = tuple(_message(message, components) for message in route.messages)
    contract = _contract(route, messages, components)
    document = route.document if route.document is not None else dataclasses.asdict(route)
    return messages, contract, digest({"document": document, "contract": contract})


def _message(message: Message, components: Mapping[str, str]) -> str:
    return digest(
        {
            "name": message.name,
            "origin": message.origin,
            "payload": _form(message.payload, components) if message.payload is not None else None,
            "optional": message.optional,
            **({"schema": _demands(message.schema)} if message.checked else {}),
            "reply": message.reply,
            "stream": message.stream,
        }
    )


def _contract(route: Route, messages: Iterable[str], components: Mapping[str, str]) -> str:
    return digest(
        {
            "name": route.name,
            "framing": route.framing,
            "open": route.open,
            "parameters": {each.name: [_form(each.shape, components), each.tail] for each in route.parameters},
            "handler": [route.source, route.handler],
            "messages": sorted(messages),
            **({"topics": {each.name: sorted(each.messages) for each in route.topics}} if route.topics else {}),
        }
    )


def _demands(schema: Any) -> Any:
    """A schema without what only people read."""
    if not isinstance(schema, dict):
        return schema
    return {
        key: with_schemas(key, value, _demands)
        for key, value in schema.items()
        if key == "$defs" or (key not in ANNOTATIONS and not key.startswith("x-"))
    }


def _form(shape: Shape, components: Mapping[str, str]) -> Any:
    """A shape as JSON, without what only people read."""
    kind = type(shape).__name__
    match shape:
        case ReferenceShape(component=key):
            return ["component", components.get(key, key)]
        case ArrayShape(items=items):
            return [kind, _form(items, components), shape.min_items, shape.max_items]
        case MapShape(values=values):
            return [kind, _form(values, components), shape.min_properties, shape.max_properties]
        case UnionShape(options=options):
            return [kind, sorted((_form(option, components) for option in options), key=json.dumps)]
        case EnumShape(values=constants):
            return [kind, sorted(constants, key=lambda each: (type(each).__name__, str(each)))]
        case ObjectShape(properties=properties):
            fields = {
                each.name: [
                    _form(each.shape, components),
                    each.required,
                    [each.default] if each.has_default else None,
                ]
                for each in properties
            }
            return [kind, fields, shape.closed, shape.tag]
    form: Any = type(shape)
    return [kind, {name: getattr(shape, name) for name in _facts(form)}]


@functools.cache
def _facts(kind: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in dataclasses.fields(kind) if each.name not in ("title", "description"))
