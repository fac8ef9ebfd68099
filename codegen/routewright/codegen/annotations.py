"""Shapes as annotations: the types that msgspec decodes them to, with their bounds.

Strategy: one visitor per generated module. It notes which names the module has to import, and hands every anonymous
object to its module, which writes a class for it and says how that class is called.
"""

from collections.abc import Callable, Container
from typing import Any

from routewright.codegen import literals, names
from routewright.codegen.errors import RenderError
from routewright.codegen.expressions import Expression, call, choice, named, subscript, text
from routewright.codegen.shapes import Components
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

Nested = Callable[[ObjectShape, str], str]
"""Writes the class of an anonymous object, asked to be called so; returns the name that it got."""


class Annotations:
    """The annotations of one generated module.

    Attributes:
        typing: names the module needs from `typing`.
        used: keys of the components that were referred to; whoever wants to know empties it before.
        needs_msgspec: the module has to import msgspec.
        needs_components: the module has to import the components.
    """

    def __init__(self, components: Components, *, prefix: str, taken: Container[str], nested: Nested) -> None:
        self.components = components
        self.typing: set[str] = set()
        self.used: set[str] = set()
        self.needs_msgspec = False
        self.needs_components = False
        self._prefix = prefix
        self._taken = taken
        self._nested = nested

    def typing_name(self, name: str) -> str:
        """How the module calls ``name`` from `typing`: so, unless one of its own classes is called so."""
        self.typing.add(name)
        return self.local(name)

    def local(self, name: str) -> str:
        """An imported name as the module knows it."""
        return names.unique(name, self._taken, separator="_")

    def reference(self, component: str) -> str:
        """The name of a component's class or alias, as this module reaches it."""
        name = names.identifier(self.components[component].name, f"component {component!r}")
        self.used.add(component)
        self.needs_components = True
        return self._prefix + name

    def of(self, shape: Shape, owner: str) -> Expression:
        """The annotation of a shape; anonymous objects in it get names that begin with ``owner``.

        Raises:
            RenderError: the shape has no type that msgspec could decode to.
        """
        match shape:
            case ReferenceShape(component=component):
                return text(self.reference(component))
            case ObjectShape():
                return text(self._nested(shape, owner))
            case UnionShape(options=options):
                return self._union(options, owner)
            case ArrayShape(items=items):
                bounds = {"min_length": shape.min_items, "max_length": shape.max_items}
                return self._bounded(subscript("list", self.of(items, f"{owner}Item")), bounds)
            case MapShape(values=values):
                bounds = {"min_length": shape.min_properties, "max_length": shape.max_properties}
                return self._bounded(subscript("dict", text("str"), self.of(values, f"{owner}Value")), bounds)
            case _:
                return self._scalar(shape)

    def _scalar(self, shape: Shape) -> Expression:
        match shape:
            case AnyShape():
                return text(self.typing_name("Any"))
            case NullShape():
                return text("None")
            case BooleanShape():
                return text("bool")
            case EnumShape(values=values):
                return subscript(self.typing_name("Literal"), *(text(_constant(value)) for value in values))
            case IntegerShape():
                bounds = {"ge": shape.minimum, "le": shape.maximum, "multiple_of": shape.multiple_of}
                return self._bounded(text("int"), bounds)
            case NumberShape():
                return self._bounded(text("float"), _number_bounds(shape))
            case StringShape():
                lengths = {"min_length": shape.min_length, "max_length": shape.max_length}
                return self._bounded(text("str"), lengths, shape.pattern)
        raise RenderError("", f"{type(shape).__name__} has no Python type")

    def _union(self, options: tuple[Shape, ...], owner: str) -> Expression:
        parts: list[Expression] = []
        for option in options:
            tag = option.tag[1] if isinstance(option, ObjectShape) and option.tag else ""
            parts.append(self.of(option, owner + names.class_name(tag) if tag else owner))
        return choice(parts)

    def _bounded(
        self, type_: Expression, bounds: dict[str, int | None] | dict[str, float | None], pattern: str | None = None
    ) -> Expression:
        arguments = [named(f"{name}=", text(_bound(value))) for name, value in bounds.items() if value is not None]
        if pattern is not None:
            arguments.append(named("pattern=", text(literals.pattern(pattern))))
        if not arguments:
            return type_
        self.needs_msgspec = True
        return subscript(self.typing_name("Annotated"), type_, call("msgspec.Meta", arguments))


def _number_bounds(shape: NumberShape) -> dict[str, float | None]:
    """msgspec takes an inclusive or an exclusive bound at each end, not both: the tighter one says it all."""
    bounds: dict[str, float | None] = {}
    ends = (
        ("ge", "gt", shape.minimum, shape.exclusive_minimum, 1),
        ("le", "lt", shape.maximum, shape.exclusive_maximum, -1),
    )
    for inclusive, exclusive, at, beyond, sign in ends:
        if beyond is not None and (at is None or beyond * sign >= at * sign):
            bounds[exclusive] = float(beyond)
        elif at is not None:
            bounds[inclusive] = float(at)
    bounds["multiple_of"] = float(shape.multiple_of) if shape.multiple_of is not None else None
    return bounds


def _bound(value: float) -> str:
    return literals.number(value) if isinstance(value, float) else literals.integer(value)


def _constant(value: Any) -> str:
    match value:
        case None:
            return "None"
        case str():
            return literals.string(value)
        case int() if not isinstance(value, bool):
            return literals.integer(value)
    raise RenderError("", f"{value!r} cannot be a constant")
