"""The parts of a regular expression, and the sets of characters it speaks of.

Sets are sorted tuples of inclusive code point ranges.
"""

from dataclasses import dataclass

Ranges = tuple[tuple[int, int], ...]

LAST = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other; none: the empty text."""

    parts: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of several parts, the first that fits."""

    options: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part, ``least`` to ``most`` times (``None``: any number)."""

    part: "Part"
    least: int
    most: int | None
    lazy: bool


@dataclass(frozen=True, slots=True)
class Look:
    """A look-ahead or look-behind; ``opening`` is its ``(?=``, ``(?!``, ``(?<=`` or ``(?<!``."""

    opening: str
    part: "Part"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the text; ``text`` is Python's way to write it."""

    text: str


Part = Characters | Sequence | Choice | Repeat | Look | Anchor


def union(*sets: Ranges) -> Ranges:
    """The characters of any of these sets."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for ranges in sets for pair in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """The characters that are not in a set."""
    outside: list[tuple[int, int]] = []
    at = 0
    for low, high in ranges:
        if at < low:
            outside.append((at, low - 1))
        at = high + 1
    if at <= LAST:
        outside.append((at, LAST))
    return tuple(outside)


def meet(one: Ranges, other: Ranges) -> bool:
    """Whether two sets share a character."""
    return any(low <= high2 and low2 <= high for low, high in one for low2, high2 in other)


def of(letters: str) -> Ranges:
    """The set of these characters."""
    return union(tuple((ord(letter), ord(letter)) for letter in letters))


DIGITS: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Ranges = union(of("\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"), ((0x2000, 0x200A),))
LINE_ENDS: Ranges = of("\n\r\u2028\u2029")
EVERYTHING: Ranges = ((0, LAST),)
