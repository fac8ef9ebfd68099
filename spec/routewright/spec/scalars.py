"""Numbers and strings of payload schemas: their bounds, read and made to agree.

Strategy: a shape says what msgspec can enforce on its way. What it cannot say is left out of the shape, which then
accepts more than the schema; the schema itself is enforced by a check function.
"""

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from routewright.spec.ecma import PatternError, python
from routewright.spec.model import (
    AnyShape,
    BooleanShape,
    EnumShape,
    IntegerShape,
    NullShape,
    NumberShape,
    Shape,
    StringShape,
)
from routewright.spec.node import Finding, Node
from routewright.spec.quoting import quoted, type_name
from routewright.spec.spending import afford

VALUE, BOUNDS, PATTERN = "RW402", "RW406", "RW407"

SMALLEST, LARGEST = -(2**63), 2**63 - 1

_BOUNDS = ("maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum")

Found = tuple[str, Finding]


class Scalar(NamedTuple):
    """The shape of a scalar's schema, what is wrong with it, and whether the shape says all of it."""

    shape: Shape
    found: list[Found]
    exact: bool


class Reader:
    """Reads the keywords of one schema and collects what is wrong with their values."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.found: list[Found] = []
        self.exact = True

    def result(self, shape: Shape) -> Scalar:
        """What has become of the schema."""
        return Scalar(AnyShape() if self.found else shape, self.found, self.exact)

    def wrong(self, keyword: str, code: str, message: str, hint: str = "") -> None:
        """Something is wrong with the value of a keyword."""
        self.found.append((code, self.node.below(keyword).finding(message, hint)))

    def number(self, keyword: str) -> int | float | None:
        """A keyword whose value is a number."""
        if keyword not in self.node.value:
            return None
        value = self.node.value[keyword]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(keyword, VALUE, f'"{keyword}" must be a number, not {type_name(value)}')
            return None
        return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value

    def count(self, keyword: str) -> int | None:
        """A keyword whose value is a whole number, not negative."""
        value = self.number(keyword)
        if value is None:
            return None
        if not isinstance(value, int) or not 0 <= value <= LARGEST:
            self.wrong(keyword, VALUE, f'"{keyword}" must be a whole number and not negative, not {value}')
            return None
        return value

    def counts(self, least: str, most: str) -> tuple[int | None, int | None]:
        """Two keywords that bound a number of things."""
        low, high = self.count(least), self.count(most)
        if low is not None and high is not None and low > high:
            self.wrong(most, BOUNDS, f'"{most}" {high} is less than "{least}" {low}: nothing fits')
        return low, high

    def step(self) -> int | float | None:
        """``multipleOf``."""
        value = self.number("multipleOf")
        if value is not None and value <= 0:
            self.wrong("multipleOf", VALUE, f'"multipleOf" must be more than 0, not {value}')
            return None
        return value

    def pattern(self) -> str | None:
        """``pattern``, as Python's."""
        value = self.node.value.get("pattern")
        if "pattern" not in self.node.value:
            return None
        if not isinstance(value, str):
            self.wrong("pattern", VALUE, f'"pattern" must be a string, not {type_name(value)}')
            return None
        try:
            afford(self.node, value, self.node.value.get("maxLength"))
            return python(value)
        except PatternError as error:
            self.wrong("pattern", PATTERN, f"pattern {quoted(value)}: {error.args[0]}", error.args[1])
            return None


def string(node: Node) -> Scalar:
    """``"type": "string"``."""
    reader = Reader(node)
    least, most = reader.counts("minLength", "maxLength")
    return reader.result(StringShape(min_length=least, max_length=most, pattern=reader.pattern()))


def integer(node: Node) -> Scalar:
    """``"type": "integer"``; bounds become whole and inclusive."""
    reader = Reader(node)
    low = _tightest(max, _ceiling(reader.number("minimum")), _above(reader.number("exclusiveMinimum")))
    high = _tightest(min, _floor(reader.number("maximum")), _under(reader.number("exclusiveMaximum")))
    step = reader.step()
    _agree(reader, low, high)
    bounds: list[int | None] = []
    for bound in (low, high, step):
        fits = bound is None or (isinstance(bound, int) and SMALLEST <= bound <= LARGEST)
        reader.exact = reader.exact and fits
        bounds.append(int(bound) if bound is not None and fits else None)
    return reader.result(IntegerShape(minimum=bounds[0], maximum=bounds[1], multiple_of=bounds[2]))


def number(node: Node) -> Scalar:
    """``"type": "number"``."""
    reader = Reader(node)
    low, high = reader.number("minimum"), reader.number("maximum")
    above, under = reader.number("exclusiveMinimum"), reader.number("exclusiveMaximum")
    lows = [bound for bound in (low, above) if bound is not None]
    highs = [bound for bound in (high, under) if bound is not None]
    step = reader.step()
    if step is not None and not _is_binary(step, lows, highs):
        reader.exact, step = False, None
    if lows and highs:
        bottom, top = max(lows), min(highs)
        _agree(reader, bottom, top, touch=bottom not in (above,) and top not in (under,))
    floats = []
    for bound in (low, high, above, under, step):
        float_ = _float(bound)
        reader.exact = reader.exact and float_ == bound
        floats.append(float_ if float_ == bound else None)
    shape = NumberShape(
        minimum=floats[0],
        maximum=floats[1],
        exclusive_minimum=floats[2],
        exclusive_maximum=floats[3],
        multiple_of=floats[4],
    )
    return reader.result(shape)


def _is_binary(step: int | float, lows: list[int | float], highs: list[int | float]) -> bool:
    """Whether every multiple in the range is exact in binary, in which msgspec takes the remainder: 0.3 is no multiple
    of 0.1 there, and 1e300 is one of 3."""
    exact = Fraction(step)
    if Fraction(repr(step)) != exact:
        return False
    finest = 1 / Fraction(exact.denominator)
    # from 2**53 on every double is a whole number
    furthest = 2**53 * finest
    bounded = bool(lows and highs) and -furthest <= max(lows) and min(highs) <= furthest
    return exact == finest or bounded


def enumeration(node: Node) -> Scalar:
    """``enum`` and ``const``. The shape is exact for strings, integers and null."""
    reader = Reader(node)
    keyword = "enum" if "enum" in node.value else "const"
    values = node.value[keyword]
    if keyword == "enum" and (not isinstance(values, list) or not values):
        reader.wrong("enum", VALUE, '"enum" must be a list of at least one value')
        return reader.result(NullShape())
    nodes = list(node.below("enum").items()) if keyword == "enum" else [node.below("const")]
    reader.found += _twice(nodes)
    kinds = [_kind(each.value) for each in nodes]
    if "type" in node.value:
        reader.found += _typed(nodes, kinds, node.value["type"])
    if all(kind in ("string", "integer", "null") for kind in kinds):
        kept = tuple(int(each.value) if isinstance(each.value, float) else each.value for each in nodes)
        return reader.result(NullShape() if kept == (None,) else EnumShape(values=kept))
    reader.exact = False
    loose = {"boolean": BooleanShape(), "number": NumberShape(), "integer": NumberShape()}
    shapes = {loose.get(kind, AnyShape()) for kind in kinds}
    return reader.result(shapes.pop() if len(shapes) == 1 else AnyShape())


def _kind(value: Any) -> str:
    """The JSON type of a value; ``number`` for one that is no integer of 64 bits."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer" if SMALLEST <= value <= LARGEST else "number"
        case float():
            return "integer" if value.is_integer() and abs(value) < 2**53 else "number"
        case str():
            return "string"
    return "array" if isinstance(value, list) else "object"


def _twice(nodes: list[Node]) -> Iterator[Found]:
    values = [each.value for each in nodes]
    if all(type(each) is str for each in values) and len(set(values)) == len(values):
        return
    seen: set[str] = set()
    for each in nodes:
        text = json.dumps(each.value, sort_keys=True)
        if text in seen:
            yield VALUE, each.finding(f"{quoted(each.value)} stands twice", "keep one of them")
        seen.add(text)


def _typed(nodes: list[Node], kinds: list[str], declared: Any) -> Iterator[Found]:
    types = declared if isinstance(declared, list) else [declared]
    for each, kind in zip(nodes, kinds, strict=True):
        if kind not in types and not (kind == "integer" and "number" in types):
            yield VALUE, each.finding(f"{quoted(each.value)} does not have the schema's type")


def _agree(reader: Reader, low: int | float | None, high: int | float | None, *, touch: bool = True) -> None:
    if low is not None and high is not None and (low > high or (low == high and not touch)):
        keyword = next(key for key in _BOUNDS if key in reader.node.value)
        reader.wrong(keyword, BOUNDS, f"the bounds leave nothing: from {quoted(low)} to {quoted(high)}")


def _tightest(choose: Any, *bounds: int | None) -> int | None:
    given = [bound for bound in bounds if bound is not None]
    return choose(given) if given else None


def _ceiling(value: int | float | None) -> int | None:
    return None if value is None else math.ceil(value)


def _floor(value: int | float | None) -> int | None:
    return None if value is None else math.floor(value)


def _above(value: int | float | None) -> int | None:
    return None if value is None else math.floor(value) + 1


def _under(value: int | float | None) -> int | None:
    return None if value is None else math.ceil(value) - 1


def _float(value: int | float | None) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)
