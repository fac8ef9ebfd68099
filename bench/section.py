"""What one measurement hands to the report: a table, its targets, and the raw figures."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the "to reach" table: reached when ``value <= bound`` (or ``>=`` where ``at_least``)."""

    figure: str
    value: float
    bound: float
    unit: str = ""
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def cells(self) -> tuple[str, str, str, str]:
        """Figure, measured value, bound, and whether it is reached."""
        bound = f"{'>=' if self.at_least else '<='} {number(self.bound)}{self.unit}"
        return self.figure, f"{number(self.value)}{self.unit}", bound, "reached" if self.reached else "NOT reached"


@dataclass(slots=True)
class Section:
    """``rows`` are cells as text, the first column the name; ``data`` goes into the JSON as it is."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)


def number(value: float) -> str:
    """A figure with about three digits, thousands apart."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    if float(value).is_integer() and abs(value) < 10:
        return str(int(value))
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}" if abs(value) < 0.2 else f"{value:.2f}"


def median(values: Iterable[float]) -> float:
    """The median, 0 of nothing."""
    found = list(values)
    return statistics.median(found) if found else 0.0


def quantile(ordered: list[float], share: float) -> float:
    """The value below which a share of the ordered ones lies, 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
