"""Schemas that say more than a shape can: what is wrong with them, and the closest shape that accepts all they do.

Strategy: every keyword is looked at, and so is every schema inside, whether the shape has a use for it or not. Then the
shape is looked for: that of the declared types; for objects that are made of several schemas (``$ref``, ``allOf``) one
with the properties of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from routewright.spec import scalars
from routewright.spec.ecma import PatternError, python
from routewright.spec.keywords import (
    FORMATS,
    NEEDS,
    OF_TYPE,
    SCHEMA_LISTS,
    SCHEMA_MAPS,
    SCHEMA_VALUES,
    is_model,
    keeps_rest,
)
from routewright.spec.model import AnyShape, MapShape, ObjectShape, Property, Shape
from routewright.spec.nearest import nearest
from routewright.spec.node import Node
from routewright.spec.objects import property_
from routewright.spec.quoting import quoted, type_name
from routewright.spec.scalars import PATTERN, VALUE, Reader
from routewright.spec.spending import afford

if TYPE_CHECKING:
    from routewright.spec.payload import Payloads

KEYWORD = "RW401"

Source = tuple[Node, Callable[[], Shape]]

_BUILT = frozenset({"properties", "additionalProperties", "items"})
"""Where schemas stand that the shapes of types look at."""


def shape(payloads: Payloads, node: Node, keys: set[str], kinds: list[str]) -> Shape:
    """The closest shape of a schema with these keywords and declared types."""
    place = (node.document.path, node.pointer)
    if place not in payloads.general:
        payloads.general[place] = AnyShape()
        typed = _typed(payloads, node, keys, kinds)
        for key in node.value:
            if key in keys:
                _look(payloads, node, key, keys)
        payloads.general[place] = _closest(payloads, node, kinds, typed)
    return payloads.general[place]


def _typed(payloads: Payloads, node: Node, keys: set[str], kinds: list[str]) -> Shape:
    """The shape by type. Without a declared one each type's keywords are looked at, but any value may come."""
    if kinds:
        return payloads.typed(node, kinds)
    spoken = [kind for kind, words in OF_TYPE.items() if kind != "integer" and keys & set(words)]
    if spoken:
        payloads.typed(node, spoken)
    return AnyShape()


def _look(payloads: Payloads, node: Node, key: str, keys: set[str]) -> None:
    """Look at a keyword that shapes have no use for."""
    below = node.below(key)
    if key in NEEDS and NEEDS[key] not in keys:
        hint = f'add "{NEEDS[key]}", or take it away'
        payloads.wrong(KEYWORD, below, f'"{key}" has no effect without "{NEEDS[key]}"', hint, key=True)
    if key in SCHEMA_VALUES and key not in _BUILT:
        payloads.shape(below)
    elif key in SCHEMA_LISTS:
        if not isinstance(below.value, list) or not below.value:
            payloads.wrong(VALUE, below, f'"{key}" must be a list of at least one schema')
        for each in below.items():
            payloads.shape(each)
    elif key in SCHEMA_MAPS and key not in _BUILT:
        if not isinstance(below.value, dict):
            payloads.wrong(VALUE, below, f'"{key}" must be an object, not {type_name(below.value)}')
        for name, each in below.members():
            if key == "patternProperties":
                _pattern(payloads, each, name, node.get("propertyNames", "maxLength"))
            payloads.shape(each)
    elif key in ("minContains", "maxContains"):
        reader = Reader(node)
        reader.count(key)
        payloads.found += reader.found
    else:
        _look_at_value(payloads, below, key)


def _look_at_value(payloads: Payloads, node: Node, key: str) -> None:
    if key == "uniqueItems" and not isinstance(node.value, bool):
        payloads.wrong(VALUE, node, f'"uniqueItems" must be true or false, not {type_name(node.value)}')
    elif key == "format":
        _format(payloads, node)
    elif key == "dependentRequired":
        if not isinstance(node.value, dict):
            payloads.wrong(VALUE, node, f'"{key}" must be an object, not {type_name(node.value)}')
        for name, each in node.members():
            if not isinstance(each.value, list) or not all(isinstance(other, str) for other in each.value):
                payloads.wrong(VALUE, each, f"what {quoted(name)} depends on must be a list of names")


def _format(payloads: Payloads, node: Node) -> None:
    if not isinstance(node.value, str):
        payloads.wrong(VALUE, node, f'"format" must be a string, not {type_name(node.value)}')
    elif node.value not in FORMATS:
        found = nearest(node.value, FORMATS)
        hint = f'did you mean "{found}"?' if found else f'use "pattern"; formats: {", ".join(FORMATS)}'
        payloads.wrong(
            KEYWORD, node, f"the format {quoted(node.value)} is not supported: it would not be enforced", hint
        )


def _pattern(payloads: Payloads, node: Node, text: str, most: Node | None) -> None:
    try:
        python(text)
        afford(node, text, most.value if most is not None else None)
    except PatternError as error:
        hint = error.args[1].replace('give "maxLength"', 'give "propertyNames" a "maxLength"')
        payloads.wrong(PATTERN, node, f"pattern {quoted(text)}: {error.args[0]}", hint, key=True)


def _closest(payloads: Payloads, node: Node, kinds: list[str], typed: Shape) -> Shape:
    value = node.value
    sources = list(_sources(payloads, node))
    if "enum" in value or "const" in value:
        constants = payloads.scalar(scalars.enumeration(node))
        if not kinds and not isinstance(constants, AnyShape):
            return constants
    declared = kinds or [each.value.get("type") for each in _parts(payloads, node) if "type" in each.value][:1]
    if declared == ["object"]:
        return _object(payloads, node, sources, typed)
    if kinds:
        return typed
    shapes = (build() for _, build in sources)
    return next((each for each in shapes if not isinstance(each, AnyShape)), AnyShape())


def _sources(payloads: Payloads, node: Node) -> Iterator[Source]:
    """What a schema is made of beside its own keywords: its ``$ref`` and ``allOf``, each with the way to its shape."""
    if "$ref" in node.value:
        reference = payloads.reference(node)
        target = payloads.follow(node)
        if target is not None:
            yield target, lambda: reference
    listed = node.get("allOf")
    for each in listed.items() if listed is not None else ():
        yield each, partial(payloads.shape, each)


def _object(payloads: Payloads, node: Node, sources: list[Source], typed: Shape) -> Shape:
    """The shape of an object that is described by the schema's own keywords and by those of what it is made of."""
    parts = list(_parts(payloads, node))
    if any(map(keeps_rest, (each.value for each in parts))):
        return MapShape(values=AnyShape())
    naming = [build for each, build in sources if any("properties" in part.value for part in _parts(payloads, each))]
    own = "properties" in node.value
    if len(naming) + own > 1:
        named = [each for each in parts if isinstance(each.value.get("properties"), dict)]
        if all(is_model(each.value) for each in named):
            return ObjectShape(properties=tuple(_merged(payloads, parts, named)))
    found = naming[0]() if len(naming) == 1 and not own else typed
    return MapShape(values=AnyShape()) if isinstance(found, AnyShape) or len(naming) + own > 1 else found


def _merged(payloads: Payloads, parts: list[Node], named: list[Node]) -> Iterator[Property]:
    """The properties of all parts; of one that several have, the first description that says anything."""
    lists = [each.value.get("required") for each in parts]
    required = {name for each in lists if isinstance(each, list) for name in each if isinstance(name, str)}
    found: dict[str, Property] = {}
    for part in named:
        for name, member in part.below("properties").members():
            if name not in found or isinstance(found[name].shape, AnyShape):
                given = member.value if isinstance(member.value, dict) else {}
                if name in required and "default" in given:
                    found[name] = Property(name=name, shape=payloads.shape(member, of_property=True), required=True)
                else:
                    found[name] = property_(payloads, name, member, name in required)
    yield from found.values()


def _parts(payloads: Payloads, node: Node) -> Iterator[Node]:
    """The schemas that a value must all fit: this one, and what its ``$ref`` and ``allOf`` lead to."""
    ahead, seen = [node], set()
    while ahead:
        part = ahead.pop()
        place = (part.document.path, part.pointer)
        if place in seen or not isinstance(part.value, dict):
            continue
        seen.add(place)
        yield part
        listed = part.get("allOf")
        ahead += reversed(list(listed.items())) if listed is not None else ()
        if isinstance(part.value.get("$ref"), str):
            target = payloads.follow(part)
            ahead += [target] if target is not None else ()
