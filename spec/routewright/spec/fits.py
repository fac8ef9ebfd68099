"""Whether a JSON value fits a shape, or a schema that is more than a shape."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from routewright.spec.ecma import python
from routewright.spec.keywords import with_schemas
from routewright.spec.model import (
    AnyShape,
    ArrayShape,
    BooleanShape,
    Component,
    EnumShape,
    IntegerShape,
    MapShape,
    NullShape,
    NumberShape,
    ObjectShape,
    ReferenceShape,
    Shape,
    StringShape,
    UnionShape,
)
from routewright.spec.node import Node
from routewright.spec.quoting import quoted, type_name

Misfit = tuple[Node, str]
"""The part of a value that does not fit, and why."""

Components = Mapping[str, Component]


def follow(shape: Shape, components: Components) -> Shape:
    """The shape that a chain of references leads to; `AnyShape` where it leads nowhere."""
    seen: set[str] = set()
    while isinstance(shape, ReferenceShape):
        if shape.component in seen or shape.component not in components:
            return AnyShape()
        seen.add(shape.component)
        shape = components[shape.component].shape
    return shape


def holds(shape: Shape, names: Sequence[str], components: Components) -> bool:
    """Whether a value of a shape may have something at this path of properties."""
    shape = follow(shape, components)
    if not names:
        return True
    match shape:
        case ObjectShape(properties=properties):
            found = next((each.shape for each in properties if each.name == names[0]), None)
            return found is not None and holds(found, names[1:], components)
        case MapShape(values=values):
            return holds(values, names[1:], components)
        case UnionShape(options=options):
            return any(holds(option, names, components) for option in options)
        case _:
            return isinstance(shape, AnyShape)


def is_valid(value: Any, schema: Any) -> bool:
    """Whether a value is valid by a schema that stands on its own; see `routewright.spec.bundle`."""
    return bool(_validator(schema).is_valid(value))


def _validator(schema: Any) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_with_python_patterns(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)


def invalid(node: Node, schema: Any) -> Iterator[Misfit]:
    """Every part of the value that is not valid by a schema that stands on its own."""
    validator = _validator(schema)
    for error in sorted(validator.iter_errors(node.value), key=lambda each: (list(map(str, each.path)), each.message)):
        part = node
        for step in error.absolute_path:
            part = part.below(step)
        text = error.message if len(error.message) <= 200 else f"{error.message[:197]}..."
        yield part, f"is not valid: {text}"


def _with_python_patterns(schema: Any) -> Any:
    """The schema with its regular expressions as Python's, which is what jsonschema takes."""
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "pattern":
            found[key] = python(value)
        elif key == "patternProperties":
            found[key] = {python(source): _with_python_patterns(each) for source, each in value.items()}
        else:
            found[key] = with_schemas(key, value, _with_python_patterns)
    return found


def misfits(node: Node, shape: Shape, components: Components) -> Iterator[Misfit]:
    """Every part of the value that does not fit."""
    match follow(shape, components):
        case UnionShape(options=options):
            yield from _union(node, [follow(option, components) for option in options], components)
        case ObjectShape() as wanted:
            yield from _object(node, wanted, components)
        case MapShape() as wanted:
            if isinstance(node.value, dict):
                yield from _count(node, len(node.value), wanted.min_properties, wanted.max_properties, "entries")
            else:
                yield node, f"must be an object, not {type_name(node.value)}"
            for _, member in node.members():
                yield from misfits(member, wanted.values, components)
        case ArrayShape() as wanted:
            if isinstance(node.value, list):
                yield from _count(node, len(node.value), wanted.min_items, wanted.max_items, "items")
            else:
                yield node, f"must be a list, not {type_name(node.value)}"
            for item in node.items():
                yield from misfits(item, wanted.items, components)
        case scalar:
            yield from ((node, reason) for reason in _scalar(node.value, scalar))


def _scalar(value: Any, shape: Shape) -> Iterator[str]:
    match shape:
        case NullShape():
            if value is not None:
                yield f"must be null, not {quoted(value)}"
        case BooleanShape():
            if not isinstance(value, bool):
                yield f"must be true or false, not {type_name(value)}"
        case EnumShape(values=values):
            if isinstance(value, bool) or not any(value == each for each in values):
                yield f"must be {' or '.join(quoted(each) for each in values[:8])}, not {quoted(value)}"
        case StringShape():
            yield from _string(value, shape)
        case IntegerShape() | NumberShape():
            yield from _number(value, shape)


def _string(value: Any, shape: StringShape) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"must be a string, not {type_name(value)}"
        return
    if len(value) < (shape.min_length or 0):
        yield f"must have at least {shape.min_length} characters, not {len(value)}"
    if shape.max_length is not None and len(value) > shape.max_length:
        yield f"must have at most {shape.max_length} characters, not {len(value)}"
    elif shape.pattern is not None and re.search(shape.pattern, value) is None:
        yield f"{quoted(value)} does not match the pattern"


def _number(value: Any, shape: IntegerShape | NumberShape) -> Iterator[str]:
    whole = isinstance(shape, IntegerShape)
    if whole and isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        yield f"must be {'a whole number' if whole else 'a number'}, not {quoted(value)}"
        return
    above = None if isinstance(shape, IntegerShape) else shape.exclusive_minimum
    under = None if isinstance(shape, IntegerShape) else shape.exclusive_maximum
    bounds: tuple[tuple[float | None, str, Callable[[float], bool]], ...] = (
        (shape.minimum, "at least", lambda bound: value >= bound),
        (shape.maximum, "at most", lambda bound: value <= bound),
        (above, "more than", lambda bound: value > bound),
        (under, "less than", lambda bound: value < bound),
        (shape.multiple_of, "a multiple of", lambda step: (value % step if whole else math.fmod(value, step)) == 0),
    )
    for bound, words, holds in bounds:
        if bound is not None and not holds(bound):
            yield f"must be {words} {quoted(bound)}, not {quoted(value)}"
    if whole and not -(2**63) <= value < 2**63:
        yield "is beyond 64 bits"


def _count(node: Node, count: int, least: int | None, most: int | None, what: str) -> Iterator[Misfit]:
    if count < (least or 0):
        yield node, f"must have at least {least} {what}, not {count}"
    if most is not None and count > most:
        yield node, f"must have at most {most} {what}, not {count}"


def _object(node: Node, shape: ObjectShape, components: Components) -> Iterator[Misfit]:
    if not isinstance(node.value, dict):
        yield node, f"must be an object, not {type_name(node.value)}"
        return
    known = {each.name: each for each in shape.properties}
    for each in shape.properties:
        if each.required and each.name not in node.value:
            yield node, f"has no {quoted(each.name)}, which is required"
    for name, member in node.members():
        if name in known:
            yield from misfits(member, known[name].shape, components)
        elif shape.closed:
            yield member, f"has {quoted(name)}, which is no property"


def _union(node: Node, options: list[Shape], components: Components) -> Iterator[Misfit]:
    """At most one option can be meant: that of the value's type, or of its constant."""
    meant = [option for option in options if _meant(node, option)]
    if meant:
        yield from misfits(node, meant[0], components)
    else:
        yield node, f"fits none of the {len(options)} options"


def _meant(node: Node, option: Shape) -> bool:
    value = node.value
    match option:
        case AnyShape():
            return True
        case ObjectShape(tag=tag):
            return isinstance(value, dict) and (tag is None or value.get(tag[0]) == tag[1])
        case MapShape():
            return isinstance(value, dict)
        case ArrayShape():
            return isinstance(value, list)
        case StringShape():
            return isinstance(value, str)
        case IntegerShape() | NumberShape():
            return isinstance(value, int | float) and not isinstance(value, bool)
    return not any(_scalar(value, option))
