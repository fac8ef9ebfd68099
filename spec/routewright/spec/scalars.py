"""Numbers and strings of payload schemas: their bounds, read and made to agree."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from routewright.spec.ecma import PatternError, python
from routewright.spec.model import EnumShape, IntegerShape, NullShape, NumberShape, Shape, StringShape
from routewright.spec.node import Finding, Node
from routewright.spec.quoting import quoted, type_name

KEYWORD, VALUE, BOUNDS, PATTERN = "RW401", "RW402", "RW406", "RW407"

SMALLEST, LARGEST = -(2**63), 2**63 - 1

_BOUNDS = ("maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum")

Found = tuple[str, Finding]


class Reader:
    """Reads the keywords of one schema and collects what is wrong with their values."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.found: list[Found] = []

    def wrong(self, keyword: str, code: str, message: str, hint: str = "") -> None:
        """Something is wrong with the value of a keyword."""
        self.found.append((code, self.node.below(keyword).finding(message, hint)))

    def number(self, keyword: str) -> int | float | None:
        """A keyword whose value is a number."""
        value = self.node.value.get(keyword)
        if keyword not in self.node.value:
            return None
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
            return python(value)
        except PatternError as error:
            self.wrong("pattern", PATTERN, f"pattern {quoted(value)}: {error.args[0]}", error.args[1])
            return None


def string(node: Node) -> tuple[Shape, list[Found]]:
    """``"type": "string"``."""
    reader = Reader(node)
    least, most = reader.counts("minLength", "maxLength")
    return StringShape(min_length=least, max_length=most, pattern=reader.pattern()), reader.found


def integer(node: Node) -> tuple[Shape, list[Found]]:
    """``"type": "integer"``; bounds become whole and inclusive."""
    reader = Reader(node)
    low = _tightest(max, _ceiling(reader.number("minimum")), _above(reader.number("exclusiveMinimum")))
    high = _tightest(min, _floor(reader.number("maximum")), _under(reader.number("exclusiveMaximum")))
    step = reader.step()
    if isinstance(step, float):
        reader.wrong("multipleOf", VALUE, f'"multipleOf" of an integer must be a whole number, not {step}')
        step = None
    for keyword in (*_BOUNDS, "multipleOf"):
        value = reader.number(keyword) if not reader.found else None
        if value is not None and not SMALLEST <= value <= LARGEST:
            reader.wrong(keyword, BOUNDS, f'"{keyword}" {quoted(value)} is beyond 64 bits', "leave the bound out")
    _agree(reader, SMALLEST if low is None else low, LARGEST if high is None else high)
    return IntegerShape(minimum=low, maximum=high, multiple_of=step), reader.found


def number(node: Node) -> tuple[Shape, list[Found]]:
    """``"type": "number"``."""
    reader = Reader(node)
    low, high = reader.number("minimum"), reader.number("maximum")
    above, under = reader.number("exclusiveMinimum"), reader.number("exclusiveMaximum")
    step = reader.step()
    if isinstance(step, float) and Fraction(repr(step)) != Fraction(step):
        # msgspec takes the remainder in binary: 0.3 is no multiple of 0.1 there
        hint = "use a step such as 0.25 or 0.5, or send an integer in smaller units"
        reader.wrong("multipleOf", KEYWORD, f'"multipleOf": {step} is not enforced: it has no exact binary form', hint)
        step = None
    lows = [bound for bound in (low, above) if bound is not None]
    highs = [bound for bound in (high, under) if bound is not None]
    if lows and highs:
        bottom, top = max(lows), min(highs)
        _agree(reader, bottom, top, touch=bottom not in (above,) and top not in (under,))
    shape = NumberShape(
        minimum=_float(low),
        maximum=_float(high),
        exclusive_minimum=_float(above),
        exclusive_maximum=_float(under),
        multiple_of=_float(step),
    )
    return shape, reader.found


def enumeration(node: Node) -> tuple[Shape, list[Found]]:
    """``enum`` and ``const``: strings, integers and null."""
    reader = Reader(node)
    keyword = "enum" if "enum" in node.value else "const"
    values = node.value[keyword]
    if keyword == "enum" and (not isinstance(values, list) or not values):
        reader.wrong("enum", VALUE, '"enum" must be a list of at least one value')
        return NullShape(), reader.found
    nodes = list(node.below("enum").items()) if keyword == "enum" else [node.below("const")]
    reader.found += _constants(nodes, keyword)
    if "type" in node.value:
        reader.found += _typed(nodes, node.value["type"])
    if reader.found:
        return NullShape(), reader.found
    kept = tuple(each.value for each in nodes)
    return NullShape() if kept == (None,) else EnumShape(values=kept), []


def _constants(nodes: list[Node], keyword: str) -> Iterator[Found]:
    seen: set[Any] = set()
    for each in nodes:
        value = each.value
        if isinstance(value, bool):
            yield VALUE, each.finding(f'"{keyword}" of true or false is not supported', 'use "type": "boolean"')
        elif isinstance(value, float):
            yield VALUE, each.finding(f'"{keyword}" cannot hold {value}', "use strings, integers and null")
        elif isinstance(value, list | dict):
            yield VALUE, each.finding(f'"{keyword}" cannot hold {type_name(value)}', "use strings, integers and null")
        elif isinstance(value, int) and not SMALLEST <= value <= LARGEST:
            yield VALUE, each.finding(f"{quoted(value)} is beyond 64 bits")
        elif value in seen:
            yield VALUE, each.finding(f"{quoted(value)} stands twice", "keep one of them")
        else:
            seen.add(value)


def _typed(nodes: list[Node], declared: Any) -> Iterator[Found]:
    types = declared if isinstance(declared, list) else [declared]
    for each in nodes:
        value = each.value
        kinds = {str: {"string"}, int: {"integer", "number"}, type(None): {"null"}}.get(type(value))
        if kinds is not None and not kinds & {kind for kind in types if isinstance(kind, str)}:
            yield VALUE, each.finding(f"{quoted(value)} does not have the schema's type")


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
    return None if value is None else float(value)
