"""What a pattern may spend: a text that somebody may send must not keep the matcher busy.

Strategy: `routewright.spec.backtracking` bounds the time for the longest text that the schema allows. A message can
hold many short texts instead of a long one, so they share what is allowed for the message.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from routewright.spec import units
from routewright.spec.backtracking import seconds
from routewright.spec.ecma import PatternError, options_of
from routewright.spec.node import Node
from routewright.spec.pointer import tokens
from routewright.spec.regex import Anchor, Sequence

MESSAGE = 64 * 1024
"""Bytes of a message, where no route says otherwise."""

TEXT_SECONDS, MESSAGE_SECONDS = 0.01, 0.1
"""What a pattern may take on one text, and on all the texts of one message."""

_ENDLESS = 2**31
_NAMED = frozenset({"properties", "dependentSchemas"})


def afford(node: Node, pattern: str, most: Any = None) -> None:
    """`spend` for a pattern in this schema, on texts of at most so many characters that a message can hold.

    A text that is reached through named properties alone is the only one of its message.

    Args:
        most: the value of ``maxLength``, which may be wrong, or ``None``.
    """
    length = int(most) if isinstance(most, int | float) and 0 < most < _ENDLESS else _ENDLESS
    place = tokens(node.pointer)
    own = place[:1] == ["routes"] and all(token in _NAMED for token in place[5::2])
    spend(pattern, length, max(_limits(node, place), default=MESSAGE), many=not own)


def _limits(node: Node, place: list[str]) -> Iterator[int]:
    """The bytes that a message may have where this schema holds, which is any route's for one that routes share."""
    spec = node.document.value
    routes = spec.get("routes") if isinstance(spec, dict) else None
    listed = routes if isinstance(routes, list) else []
    for route in listed[int(place[1]) :][:1] if place[:1] == ["routes"] else listed:
        sizes = (
            _size(part, *keys)
            for part, *keys in ((route, "limits"), (spec, "defaults", "limits"), (spec, "gateway", "limits"))
        )
        yield next((size for size in sizes if size), MESSAGE)


def _size(part: Any, *keys: str) -> int | None:
    for key in (*keys, "messageBytes"):
        part = part.get(key) if isinstance(part, dict) else None
    return units.size(part) if isinstance(part, str) else None


def spend(pattern: str, length: int = _ENDLESS, message: int = MESSAGE, *, many: bool = False) -> None:
    """See to it that looking for a pattern is quick, whatever the text is.

    Args:
        length: the most characters that the text has.
        message: the most bytes of a message.
        many: a message can hold several such texts.

    Raises:
        PatternError: a text may take more than `TEXT_SECONDS`, or a message more than `MESSAGE_SECONDS`.
    """
    length = min(length, message)
    share = _share(message, many)
    spent = _seconds(pattern, length)
    if spent <= share(length):
        return
    lengths = (each for exponent in range(4, 0, -1) for each in (5 * 10**exponent, 2 * 10**exponent, 10**exponent))
    ways = [
        f'give "maxLength", at most {each}'
        for each in lengths
        if each < length and _seconds(pattern, each) <= share(each)
    ][:1]
    options = tuple(Sequence((Anchor("^"), option)) for option in options_of(pattern)[0])
    if seconds(options, length, runs=False) <= share(length):
        ways.append('begin it with "^"')
    raise PatternError(
        f"it can take {_duration(spent)} on a text of {length} characters, and {_duration(share(length))} are allowed",
        ", or ".join(ways) or "let no repetition be able to go on with what follows it",
    )


def _share(message: int, many: bool) -> Callable[[int], float]:
    """What is allowed for a text of a length."""

    def share(length: int) -> float:
        texts = message / (length + len('"",')) if many else 1.0
        return min(TEXT_SECONDS, MESSAGE_SECONDS / max(texts, 1.0))

    return share


@lru_cache(maxsize=1024)
def _seconds(pattern: str, length: int) -> float:
    options, runs = options_of(pattern)
    return seconds(options, length, runs=runs)


def _duration(spent: float) -> str:
    if spent > 48 * 3600:
        return "days"
    units = (("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0), ("milliseconds", 1e-3))
    unit, size = next((each for each in units if spent >= 2 * each[1]), ("microseconds", 1e-6))
    return f"{spent / size:.0f} {unit}"
