"""What a drill is, and how what came of it is written down."""

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeAlias


@dataclass(frozen=True)
class Size:
    """How much of it: ``factor`` 1 is the short form. The same seed gives the same faults."""

    factor: int = 1
    seed: int = 7

    def random(self) -> Random:
        """The chance of this drill."""
        return Random(self.seed)


@dataclass
class Outcome:
    """What the clients of a drill have seen.

    Attributes:
        load: what they did, in words.
        faults: what was done to them, in words.
        lost: messages that never came and of whose loss nobody was told.
        duplicated: messages that came, or were carried out, more than once.
        disordered: messages that came before an earlier one.
        let_in: what should have been refused and was not.
        broken: promises of this drill alone that were not kept, in words.
        seconds: how long each answer took.
        notes: figures of this drill alone.
    """

    load: str
    faults: str
    lost: int = 0
    duplicated: int = 0
    disordered: int = 0
    let_in: int = 0
    broken: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    notes: str = ""

    @property
    def sound(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.duplicated or self.disordered or self.let_in or self.broken)

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 answers came; NaN where nothing was timed."""
        if not self.seconds:
            return math.nan
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]

    def expect(self, kept: bool, promise: str) -> None:
        """Note a promise that was not kept."""
        if not kept:
            self.broken.append(promise)

    def heard(self, numbers: Iterable[int], wanted: Iterable[int]) -> None:
        """Count what is wrong with a sequence of numbers that should be ``wanted``, each once and in that order."""
        missing, last, seen = set(wanted), -math.inf, set[int]()
        for number in numbers:
            if number in seen:
                self.duplicated += 1
            elif number < last:
                self.disordered += 1
            seen.add(number)
            last = max(last, number)
        self.lost += len(missing - seen)


Drill: TypeAlias = Callable[[Size, Path], Awaitable[Outcome]]
"""Runs in an empty folder of its own."""

DRILLS: dict[str, Drill] = {}
"""Every drill by its name."""


def drill(name: str) -> Callable[[Drill], Drill]:
    """Enter a drill."""

    def enter(function: Drill) -> Drill:
        DRILLS[name] = function
        return function

    return enter
