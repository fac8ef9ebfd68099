"""When what holds for a time ends, for many things at once (a calendar queue: Brown, CACM 31(10), 1988).

Strategy: a day of the calendar is a second. Adding, removing and looking cost the same however many there are, and
looking costs nothing for days without an end.
"""

import math
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Calendar(Generic[T]):
    """Things and when they end, in seconds of whatever clock the caller has."""

    __slots__ = ("_days", "_ends", "_next")

    def __init__(self) -> None:
        self._ends: dict[T, int] = {}
        self._days: dict[int, set[T]] = {}
        self._next: int | None = None

    def __len__(self) -> int:
        return len(self._ends)

    def set(self, item: T, end: float | None) -> None:
        """Let ``item`` end at ``end`` and at no other time; ``None``: never. It is due within a second after that."""
        self.discard(item)
        if end is None:
            return
        day = math.ceil(end)
        if self._next is not None:
            self._next = min(day, self._next)
        self._ends[item] = day
        self._days.setdefault(day, set()).add(item)

    def discard(self, item: T) -> None:
        """Forget when ``item`` ends."""
        day = self._ends.pop(item, None)
        if day is not None:
            items = self._days[day]
            items.discard(item)
            if not items:
                del self._days[day]

    def due(self, now: float) -> list[T]:
        """What has ended by ``now``; it is forgotten."""
        today = int(now)
        first = self._next if self._next is not None else min(self._days, default=today)
        self._next = today + 1
        span = range(first, today + 1)
        days = span if len(span) < len(self._days) else [day for day in self._days if day <= today]
        ended: list[T] = []
        for day in days:
            for item in self._days.pop(day, ()):
                del self._ends[item]
                ended.append(item)
        return ended
