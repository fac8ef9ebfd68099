"""Default values as Python expressions of their annotated type: a model's instance where the shape is an object."""

from collections.abc import Callable
from typing import Any

from routewright.codegen import literals
from routewright.codegen.errors import RenderError
from routewright.codegen.expressions import Bracket, Expression, bracket, call, named, text
from routewright.codegen.shapes import Components, target
from routewright.spec.model import (
    AnyShape,
    ArrayShape,
    BooleanShape,
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

Constructor = Callable[[Shape], tuple[str, dict[str, str]]]
"""For a shape that is or leads to an object: its class name, and the attribute of each property."""


def json_value(value: Any) -> Expression:
    """A JSON value as it is.

    Raises:
        RenderError: it is none.
    """
    match value:
        case None | bool() | int():
            return text(repr(value))
        case str():
            return text(literals.string(value))
        case float():
            return text(literals.number(value))
        case dict():
            pairs = (named(f"{literals.string(key)}: ", json_value(each)) for key, each in value.items())
            return bracket("{", pairs, "}")
        case list() | tuple():
            return bracket("[", (json_value(each) for each in value), "]")
    raise RenderError("", f"{type(value).__name__} is no JSON value")


def fits(value: Any, shape: Shape, components: Components) -> bool:
    """Whether a JSON value is of a shape's type; bounds are not looked at."""
    match target(shape, components):
        case AnyShape():
            return True
        case NullShape():
            return value is None
        case BooleanShape():
            return isinstance(value, bool)
        case IntegerShape():
            return _is_number(value) and (isinstance(value, int) or value.is_integer())
        case NumberShape():
            return _is_number(value)
        case StringShape():
            return isinstance(value, str)
        case EnumShape(values=constants):
            return any(type(value) is type(constant) and value == constant for constant in constants)
        case ArrayShape(items=items):
            return isinstance(value, list | tuple) and all(fits(each, items, components) for each in value)
        case MapShape(values=values):
            return isinstance(value, dict) and all(fits(each, values, components) for each in value.values())
        case ObjectShape() as shape_:
            return isinstance(value, dict) and _fits_object(value, shape_, components)
        case UnionShape(options=options):
            return any(fits(value, option, components) for option in options)
    return False


def typed_value(value: Any, shape: Shape, components: Components, constructor: Constructor) -> Expression:
    """A JSON value as an expression of the shape's annotation.

    Raises:
        RenderError: the value does not fit the shape.
    """
    if not fits(value, shape, components):
        raise RenderError("", "the default does not fit its schema")
    found = target(shape, components)
    match found:
        case NumberShape():
            return text(literals.number(float(value)))
        case IntegerShape():
            return text(literals.integer(int(value)))
        case ArrayShape(items=items):
            return bracket("[", (typed_value(each, items, components, constructor) for each in value), "]")
        case MapShape(values=values):
            pairs = (
                named(f"{literals.string(key)}: ", typed_value(each, values, components, constructor))
                for key, each in value.items()
            )
            return bracket("{", pairs, "}")
        case UnionShape(options=options):
            option = next(each for each in options if fits(value, each, components))
            return typed_value(value, option, components, constructor)
        case ObjectShape():
            leaf = shape
            while isinstance(leaf, ReferenceShape) and not isinstance(components[leaf.component].shape, ObjectShape):
                leaf = components[leaf.component].shape
            return _instance(value, leaf, found, components, constructor)
    return json_value(value)


def is_mutable(value: Expression) -> bool:
    """Whether the value of an expression could be changed by whoever holds it: a list, a dict, an instance."""
    return isinstance(value, Bracket)


def _instance(
    value: dict[str, Any], shape: Shape, found: ObjectShape, components: Components, constructor: Constructor
) -> Expression:
    name, attributes = constructor(shape)
    shapes = {each.name: each.shape for each in found.properties}
    arguments = [
        named(f"{attributes[key]}=", typed_value(each, shapes[key], components, constructor))
        for key, each in value.items()
        if key in attributes
    ]
    return call(name, arguments)


def _fits_object(value: dict[str, Any], shape: ObjectShape, components: Components) -> bool:
    if shape.tag is not None and value.get(shape.tag[0]) != shape.tag[1]:
        return False
    known = {each.name for each in shape.properties} | ({shape.tag[0]} if shape.tag else set())
    if shape.closed and not value.keys() <= known:
        return False
    tag = shape.tag[0] if shape.tag else None
    return all(
        fits(value[each.name], each.shape, components) if each.name in value else not each.required
        for each in shape.properties
        if each.name != tag
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
