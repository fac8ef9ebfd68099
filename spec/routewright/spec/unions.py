"""``anyOf`` and ``oneOf``: options that one look at a value can tell apart.

Strategy: the two mean the same here, since options that overlap are refused. Scalars are told apart by their JSON type,
objects by a required property that is a different constant in each. Options are looked at as JSON, after following
their references, because a component's shape may not be known yet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from routewright.spec.model import AnyShape, ObjectShape, Shape, UnionShape
from routewright.spec.node import Node
from routewright.spec.quoting import quoted

if TYPE_CHECKING:
    from routewright.spec.payload import Payloads

UNION, VALUE = "RW405", "RW402"


class Option(NamedTuple):
    """``node`` is where the option stands, ``schema`` what its references lead to, ``kinds`` the JSON types of its
    values (none: any value)."""

    node: Node
    schema: Node
    kinds: frozenset[str]


def union(payloads: Payloads, node: Node, keyword: str) -> Shape:
    """The shape of a schema with ``anyOf`` or ``oneOf``."""
    listed = node.below(keyword)
    if not isinstance(listed.value, list) or not listed.value:
        payloads.wrong(VALUE, listed, f'"{keyword}" must be a list of at least one schema')
        return AnyShape()
    options = [_option(payloads, each, keyword) for each in listed.items()]
    known = [option for option in options if option is not None]
    shapes = tuple(_shape(payloads, option) for option in known)
    if len(known) < len(options) or not _apart(payloads, listed, known, keyword):
        return AnyShape()
    if len(shapes) == 1:
        return shapes[0]
    return UnionShape(options=_tagged(payloads, listed, known, shapes, keyword))


def _option(payloads: Payloads, node: Node, keyword: str) -> Option | None:
    schema, seen = node, {(node.document.path, node.pointer)}
    while isinstance(schema.value, dict) and "$ref" in schema.value:
        target = payloads.follow(schema)
        if target is None or (target.document.path, target.pointer) in seen:
            return None
        schema = target
        seen.add((schema.document.path, schema.pointer))
    if isinstance(schema.value, dict) and ("anyOf" in schema.value or "oneOf" in schema.value):
        payloads.wrong(UNION, node, f'an option of "{keyword}" is a union itself', "list its options here")
        return None
    return Option(node, schema, _kinds(payloads, schema))


def _kinds(payloads: Payloads, schema: Node) -> frozenset[str]:
    value = schema.value
    if not isinstance(value, dict):
        return frozenset()
    if "enum" in value or "const" in value:
        values = value.get("enum", [value.get("const")])
        kinds = {str: "string", int: "integer", type(None): "null"}
        return frozenset(kinds.get(type(each), "") for each in values) if isinstance(values, list) else frozenset()
    return frozenset(payloads.types(schema))


def _shape(payloads: Payloads, option: Option) -> Shape:
    if isinstance(option.node.value, dict) and "$ref" in option.node.value:
        payloads.only(option.node, {"$ref"}, 'beside "$ref"')
        return payloads.reference(option.node, in_union=True)
    return payloads.shape(option.node)


def _apart(payloads: Payloads, listed: Node, options: list[Option], keyword: str) -> bool:
    """Whether no two options but objects share a JSON type."""
    taken: dict[str, Option] = {}
    for option in options:
        if not option.kinds and len(options) > 1:
            payloads.wrong(UNION, option.node, f'an option of "{keyword}" accepts anything', "keep that one alone")
            return False
        kinds = option.kinds - {"object"}
        for kind in sorted(kinds | ({"integer", "number"} if kinds & {"integer", "number"} else frozenset())):
            if kind in taken:
                what = kind if kind in kinds else "number"
                message = f'two options of "{keyword}" accept {_plural(what)}; the other is at {taken[kind].node.where}'
                payloads.wrong(UNION, option.node, message, "make them one option")
                return False
            taken[kind] = option
    return True


def _plural(kind: str) -> str:
    return "null" if kind == "null" else f"{kind}s"


def _tagged(
    payloads: Payloads, listed: Node, options: list[Option], shapes: tuple[Shape, ...], keyword: str
) -> tuple[Shape, ...]:
    """The shapes, with the constants that tell the objects apart."""
    objects = [option for option in options if "object" in option.kinds]
    if len(objects) < 2:
        return shapes
    constants = [_constants(option.schema) for option in objects]
    for name in constants[0]:
        values = [each.get(name) for each in constants]
        if None not in values and len(set(values)) == len(values):
            return tuple(
                _tag(payloads, option, shape, name) if option in objects else shape
                for option, shape in zip(options, shapes, strict=True)
            )
    message = f'no constant tells the objects of "{keyword}" apart'
    hint = 'give each a required property such as "kind": {"const": "circle"}, each with its own ASCII value'
    payloads.wrong(UNION, listed, message, hint, key=True)
    return shapes


def _constants(schema: Node) -> dict[str, str]:
    """The required properties of an object whose value is one constant string."""
    properties, required = schema.get("properties"), schema.value.get("required")
    if properties is None or not isinstance(required, list) or schema.value.get("type", "object") != "object":
        return {}
    found: dict[str, str] = {}
    for name, member in properties.members():
        if name in required and isinstance(member.value, dict):
            value = member.value.get("const", member.value.get("enum"))
            value = value[0] if isinstance(value, list) and len(value) == 1 else value
            # msgspec can miss a constant that is not ASCII
            if isinstance(value, str) and value.isascii():
                found[name] = value
    return found


def _tag(payloads: Payloads, option: Option, shape: Shape, name: str) -> Shape:
    tag = (name, _constants(option.schema)[name])
    place = (option.schema.document.path, option.schema.pointer)
    if payloads.tags.setdefault(place, tag) != tag:
        other = quoted(payloads.tags[place][0])
        message = f"this object is told apart by {quoted(name)} here and by {other} in another union"
        payloads.wrong(UNION, option.node, message, "use one property in both")
    if isinstance(shape, ObjectShape):
        return replace(shape, tag=tag)
    return shape
