"""The last event of each topic that keeps it, for whoever subscribes later.

Strategy: one bound of count and one of bytes over all; past either, what was published longest ago goes first. Nothing
is written to disk.
"""

from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice

from routewright.table.topics import form, is_pattern, reaching

TOPICS = 10_000
"""Topics of which the last event is kept."""

BYTES = 16 * 1024 * 1024
"""Bytes of all events that are kept."""

LARGEST = BYTES // 16
"""Bytes of one event that is kept."""

LOOK_BACK = 1_000
"""Latest events that a new subscriber to a pattern is compared with."""

THROUGH_PATTERN = 100
"""Events that a new subscriber to a pattern gets."""


class Retained:
    """Events by the names they were published on. ``bytes`` is what they take together."""

    def __init__(self) -> None:
        self.bytes = 0
        self._events: OrderedDict[str, tuple[str, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._events)

    def __contains__(self, name: str) -> bool:
        return name in self._events

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return ((name, event) for name, (_, event) in self._events.items())

    def keep(self, topic: str, name: str, event: bytes) -> None:
        """Keep the last event of a name that belongs to this topic of the spec, unless it alone is too much."""
        self.drop(name)
        if len(event) > LARGEST:
            return
        self._events[name] = form(topic), event
        self.bytes += len(event)
        while len(self._events) > TOPICS or self.bytes > BYTES:
            self.drop(next(iter(self._events)))

    def drop(self, name: str) -> None:
        """Forget the last event of a name, if there is one."""
        old = self._events.pop(name, None)
        if old is not None:
            self.bytes -= len(old[1])

    def of(self, topic: str, name: str) -> list[tuple[str, bytes]]:
        """What a new subscriber to a name or pattern of this topic of the spec gets, with the names."""
        if not is_pattern(name):
            return [(name, self._events[name][1])] if name in self._events else []
        key = form(topic)
        latest = islice(reversed(self._events.items()), LOOK_BACK)
        found = ((each, event) for each, (its, event) in latest if its == key and name in reaching(topic, each))
        return list(islice(found, THROUGH_PATTERN))[::-1]
