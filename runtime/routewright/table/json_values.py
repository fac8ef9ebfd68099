"""What JSON Schema says of decoded JSON values where Python would say otherwise.

Strategy: a value is what ``msgspec.json.decode`` makes of JSON: ``None``, ``bool``, ``int``, ``float``, ``str``,
``list``, ``dict``. Numbers are compared by what they are worth (``1`` is ``1.0``), and truth values are no numbers.
Nothing recurses, and nothing hashes a number: a client could choose numbers whose hashes all agree. Texts are safe to
hash, since Python keys their hashes anew in every process.
"""

from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any


def equal(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON value."""
    if type(one) is str or type(other) is str:
        return bool(one == other)
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        kind = type(left)
        if kind is not type(right):
            if kind is bool or type(right) is bool or left != right:
                return False
        elif kind is list:
            if len(left) != len(right):
                return False
            pairs.extend(zip(left, right, strict=True))
        elif kind is dict:
            if left.keys() != right.keys():
                return False
            pairs.extend((value, right[key]) for key, value in left.items())
        elif left != right:
            return False
    return True


def unique(items: list[Any]) -> bool:
    """Whether no two items are the same JSON value. Takes n log n steps, whatever the items are."""
    if len(items) < 2:
        return True
    kinds = set(map(type, items))
    if kinds == {str}:
        return len(set(items)) == len(items)
    if kinds <= {int, float}:
        return all(one != other for one, other in pairwise(sorted(items)))
    texts = [_canonical(item) for item in items]
    return len(set(texts)) == len(texts)


def is_number(value: Any) -> bool:
    """Whether a value is a JSON number."""
    kind = type(value)
    return kind is int or kind is float


def is_integer(value: Any) -> bool:
    """Whether a value is a JSON number without a fraction: ``1`` and ``1.0``."""
    kind = type(value)
    return kind is int or (kind is float and value.is_integer())


def is_multiple(value: float, divisor: float) -> bool:
    """Whether a number is a multiple of another that is greater than 0, both taken as the decimals they are written as.

    ``0.3`` is a multiple of ``0.1``. Infinity and NaN are multiples of nothing.
    """
    if type(value) is int and type(divisor) is int:
        return value % divisor == 0
    if value - value != 0:
        return False
    over, under = _divisor(divisor)
    top, bottom = _ratio(value)
    return top * under % (bottom * over) == 0


def _ratio(number: float) -> tuple[int, int]:
    return (number, 1) if type(number) is int else Decimal(repr(number)).as_integer_ratio()


_divisor = lru_cache(maxsize=256)(_ratio)


def _canonical(value: Any) -> str:
    """A text that two values share exactly when they are equal: every part says where it ends."""
    texts: list[str] = []
    ahead = [value]
    while ahead:
        item = ahead.pop()
        kind = type(item)
        if kind is str:
            texts.append(f'{len(item)}"{item}')
        elif kind is list:
            texts.append(f"{len(item)}[")
            ahead += item
        elif kind is dict:
            texts.append(f"{len(item)}{{")
            for key in sorted(item):
                ahead += (key, item[key])
        elif kind is int or kind is float:
            texts.append(f"{_number(item)};")
        else:
            texts.append(f"{item}:")
    return "".join(texts)


def _number(number: float) -> str:
    """One text for all ways to write a number."""
    try:
        near = float(number)
    except OverflowError:
        near = 0.0
    # -0.0 is 0; hexadecimal, since Python refuses to write very long decimals
    return repr(near + 0.0) if near == number else hex(int(number))
