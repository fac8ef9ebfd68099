"""A JSON text that is as it should be, decoded by the standard library.

Strategy: nearly every spec that is read has no fault, and nobody asks where most of it stands. So the text goes through
the decoder in C first; only where that may have passed over something is `routewright.spec.scanner` asked, which finds
every fault and its place.
"""

import json
import math
from typing import Any

from routewright.spec.scanner import DEPTH


class Unsound(Exception):
    """The text may have a fault."""


def decode(text: str) -> Any:
    """The value of a JSON text without a fault.

    Raises:
        Unsound: the text is no JSON, or has a key twice, half a surrogate pair, a number out of range, or is nested too
            deeply; or only looks as if it might be so.
    """
    if "\\ud" in text or "\\uD" in text:
        raise Unsound
    try:
        value = _decoder.decode(text)
    except (ValueError, RecursionError):
        raise Unsound from None
    if _deeper(value, DEPTH):
        raise Unsound
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Unsound
    return members


def _integer(text: str) -> int:
    if len(text) > 300:
        raise Unsound
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Unsound
    return value


def _constant(text: str) -> None:
    raise Unsound


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _deeper(value: Any, levels: int) -> bool:
    """Whether a value is nested in more levels than these."""
    level = [value]
    for _ in range(levels + 1):
        objects = [each for outer in level if isinstance(outer, dict) for each in outer.values()]
        level = objects + [each for outer in level if isinstance(outer, list) for each in outer]
    return bool(level)
