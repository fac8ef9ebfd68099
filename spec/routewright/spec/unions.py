"""``anyOf`` and ``oneOf``: options that one look at a value can tell apart.

Strategy: where no two options overlap the two keywords mean the same, and msgspec can decode to the one that is meant.
Scalars are told apart by their JSON type, objects by a required property that is a different constant in each. Options
are looked at as JSON, after following their references, because a component's shape may not be known yet. Any other
union is left to a check function.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from routewright.spec.keywords import ANNOTATIONS, OF_TYPE, is_model
from routewright.spec.model import ArrayShape, MapShape, ObjectShape, Shape, StringShape, UnionShape
from routewright.spec.node import Node

if TYPE_CHECKING:
    from routewright.spec.payload import Payloads


class Option(NamedTuple):
    """``node`` is where the option stands, ``schema`` what its references lead to, ``kinds`` the JSON types of its
    values."""

    node: Node
    schema: Node
    kinds: frozenset[str]


def union(payloads: Payloads, listed: Node) -> Shape | None:
    """The shape of the options of an ``anyOf`` or ``oneOf``; ``None`` where msgspec cannot tell them apart."""
    options = [_option(payloads, each) for each in listed.items()]
    known = [option for option in options if option is not None]
    if len(known) < len(options) or not _apart(known) or _unsafe(known):
        return None
    tags = _tags(payloads, known)
    if tags is None:
        return None
    shapes = [_shape(payloads, option) for option in known]
    for index, (place, tag) in tags.items():
        payloads.tags[place] = tag
        shape = shapes[index]
        if isinstance(shape, ObjectShape):
            shapes[index] = replace(shape, tag=tag)
    return shapes[0] if len(shapes) == 1 else UnionShape(options=tuple(shapes))


def _option(payloads: Payloads, node: Node) -> Option | None:
    schema, seen = node, {(node.document.path, node.pointer)}
    while isinstance(schema.value, dict) and "$ref" in schema.value:
        if any(_demands(key) for key in schema.value if key != "$ref"):
            return None
        target = payloads.follow(schema)
        if target is None or (target.document.path, target.pointer) in seen:
            return None
        schema = target
        seen.add((schema.document.path, schema.pointer))
    kinds = _kinds(payloads, schema)
    return Option(node, schema, kinds) if kinds else None


def _demands(key: str) -> bool:
    return key not in ANNOTATIONS and not key.startswith("x-")


def _kinds(payloads: Payloads, schema: Node) -> frozenset[str]:
    """The JSON types of a schema's values; none where they are not plain to see."""
    value = schema.value
    if not isinstance(value, dict):
        return frozenset()
    if "enum" in value or "const" in value:
        values = value.get("enum", [value.get("const")])
        kinds = {str: "string", int: "integer", type(None): "null"}
        found = {kinds.get(type(each), "") for each in values} if isinstance(values, list) else {""}
        simple = not any(_demands(key) for key in value if key not in ("enum", "const", "type"))
        return frozenset(found) if simple and "" not in found else frozenset()
    return frozenset(payloads.types(schema)) if "type" in value else frozenset()


def _shape(payloads: Payloads, option: Option) -> Shape:
    if isinstance(option.node.value, dict) and "$ref" in option.node.value:
        return payloads.reference(option.node, in_union=True)
    return payloads.shape(option.node)


def _apart(options: list[Option]) -> bool:
    """Whether no two options but objects share a JSON type."""
    taken: set[str] = set()
    for option in options:
        kinds = option.kinds - {"object"}
        kinds |= {"integer", "number"} if kinds & {"integer", "number"} else frozenset()
        if kinds & taken:
            return False
        taken |= kinds
    return True


def _unsafe(options: list[Option]) -> bool:
    """Whether this is a union that msgspec frees wrongly: see `safe`."""
    return any("string" in option.kinds and "pattern" in option.schema.value for option in options) and any(
        "array" in option.kinds or ("object" in option.kinds and not is_model(option.schema.value))
        for option in options
    )


def safe(options: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Options that msgspec can forget again. A union of an array or map and a string with a pattern corrupts memory
    when msgspec 0.22 frees it, which happens when an old epoch goes: the pattern is left out."""
    if not any(isinstance(option, ArrayShape | MapShape) for option in options):
        return options
    return tuple(replace(option, pattern=None) if isinstance(option, StringShape) else option for option in options)


def _tags(payloads: Payloads, options: list[Option]) -> dict[int, tuple[tuple[Path, str], tuple[str, str]]] | None:
    """Place, property and constant of the objects among the options, by the option's index; ``None`` where there is no
    constant to tell them apart, or another union tells one of them apart by another one."""
    objects = {index: option for index, option in enumerate(options) if "object" in option.kinds}
    if len(objects) < 2:
        return {}
    constants = {index: _constants(option.schema) for index, option in objects.items()}
    for name in next(iter(constants.values())):
        values = [each.get(name) for each in constants.values()]
        if None not in values and len(set(values)) == len(values):
            places = {i: (each.schema.document.path, each.schema.pointer) for i, each in objects.items()}
            tags = {index: (place, (name, constants[index][name])) for index, place in places.items()}
            if len(set(places.values())) == len(places) and all(
                payloads.tags.get(place, tag) == tag for place, tag in tags.values()
            ):
                return tags
    return None


def _constants(schema: Node) -> dict[str, str]:
    """The required properties of an object whose value is one constant string."""
    value, properties, required = schema.value, schema.get("properties"), schema.value.get("required")
    if properties is None or not isinstance(required, list) or value.get("type") != "object" or not is_model(value):
        return {}
    if any(_demands(key) and key not in OF_TYPE["object"] and key != "type" for key in value):
        return {}
    found: dict[str, str] = {}
    for name, member in properties.members():
        if name in required and isinstance(member.value, dict):
            constant = member.value.get("const", member.value.get("enum"))
            constant = constant[0] if isinstance(constant, list) and len(constant) == 1 else constant
            # msgspec can miss a constant that is not ASCII
            if isinstance(constant, str) and constant.isascii():
                found[name] = constant
    return found
