"""Examples of a message as doctests of its model.

Strategy: what the model prints is written from the shape, without running anything. An example that would not read as
it is (escapes, characters that some Pythons escape and others do not, lines that do not fit) is left out, and so is one
whose shape is not known here: a model without an example is better than one with a wrong or an illegible one.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from routewright.codegen import literals
from routewright.codegen.defaults import Constructor, fits
from routewright.codegen.errors import RenderError
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

SHOWN = 3
"""Examples of one model, at most."""

_DECODE = "msgspec.json.decode({source}, type={name})"


class _UnshownError(Exception):
    """There is no telling how the value is printed."""


class Reprs:
    """How the values of one generated module are printed.

    Args:
        components: the spec's components.
        constructor: the class and the attributes of a shape that is or leads to an object.
    """

    def __init__(self, components: Components, constructor: Constructor) -> None:
        self._components = components
        self._constructor = constructor

    def doctests(self, name: str, examples: Iterable[Any], shape: Shape, width: int) -> list[str]:
        """The lines of a doctest that decodes these examples to the model ``name``: the whole instance where it fits
        on a line of ``width`` columns, otherwise those of its attributes that do."""
        found: list[list[str]] = []
        for example in examples:
            try:
                lines = list(self._doctest(name, example, shape, width))
            except (_UnshownError, RenderError):
                continue
            if lines and lines not in found:
                found.append(lines)
        return [line for lines in found[:SHOWN] for line in lines]

    def _doctest(self, name: str, example: Any, shape: Shape, width: int) -> Iterator[str]:
        text = json.dumps(example, ensure_ascii=False)
        if "'" in text or not _legible(text):
            return
        decode = _DECODE.format(source=f"{'b' if text.isascii() else ''}'{text}'", name=name)
        shown = self.of(example, shape)
        call = f">>> {decode}"
        if shown != "None" and all(len(line) <= width and _legible(line) for line in (call, shown)):
            yield from (call, shown)
            return
        call = f">>> message = {decode}"
        found = target(shape, self._components)
        if not isinstance(found, ObjectShape) or len(call) > width:
            return
        pairs = [(attribute, line) for attribute, line in self._attributes(example, shape, found, given=True)]
        pairs = [pair for pair in pairs if len(pair[1]) <= width and _legible(pair[1]) and pair[1] != "None"]
        if pairs:
            yield call
            for attribute, line in pairs:
                yield from (f">>> message.{attribute}", line)

    def of(self, value: Any, shape: Shape) -> str:
        """What ``repr`` says of a JSON value that was decoded to the shape.

        Raises:
            _UnshownError: that cannot be said.
        """
        found = target(shape, self._components)
        match found:
            case ObjectShape() if isinstance(value, dict):
                leaf = shape
                while isinstance(leaf, ReferenceShape):
                    component = self._components[leaf.component].shape
                    if isinstance(component, ObjectShape):
                        break
                    leaf = component
                name, _ = self._constructor(leaf)
                pairs = self._attributes(value, leaf, found, given=False)
                return f"{name.rpartition('.')[2]}({', '.join(f'{key}={each}' for key, each in pairs)})"
            case ArrayShape(items=items) if isinstance(value, list):
                return f"[{', '.join(self.of(each, items) for each in value)}]"
            case MapShape(values=values) if isinstance(value, dict):
                return f"{{{', '.join(f'{key!r}: {self.of(each, values)}' for key, each in value.items())}}}"
            case UnionShape(options=options):
                whole_first = sorted(options, key=lambda option: not isinstance(option, IntegerShape))
                fitting = (option for option in whole_first if fits(value, option, self._components))
                option = next(fitting, None)
                if option is not None:
                    return self.of(value, option)
            case NumberShape() if isinstance(value, int | float) and not isinstance(value, bool):
                return repr(float(value))
            case AnyShape():
                return self._plain(value)
            case BooleanShape() | IntegerShape() | StringShape() | NullShape() | EnumShape():
                if fits(value, found, self._components) and not isinstance(value, float):
                    return self._plain(value)
        raise _UnshownError

    def _attributes(
        self, value: dict[str, Any], shape: Shape, found: ObjectShape, *, given: bool
    ) -> Iterator[tuple[str, str]]:
        """Each attribute and what is printed of it; with ``given`` only those that the value has."""
        _, attributes = self._constructor(shape)
        for each in found.properties:
            if each.name in attributes:
                if each.name in value:
                    yield attributes[each.name], self.of(value[each.name], each.shape)
                elif not given:
                    shown = self.of(each.default, each.shape) if each.has_default else "UNSET"
                    yield attributes[each.name], shown

    def _plain(self, value: Any) -> str:
        for each in _scalars(value):
            if isinstance(each, int) and each not in literals.INT64:
                raise _UnshownError
        return repr(value)


def _scalars(value: Any) -> Iterator[Any]:
    ahead = [value]
    while ahead:
        each = ahead.pop()
        if isinstance(each, dict):
            ahead += each.values()
        elif isinstance(each, list):
            ahead += each
        else:
            yield each


def _legible(line: str) -> bool:
    """Whether every Python prints these characters as they are, and the line stands in a docstring without escapes."""
    if "\\" in line or '"""' in line:
        return False
    if line.isascii():
        return line.isprintable()
    return all(c < "\U00010000" and literals.visible(c) for c in line)
