"""A cache of replies: bounded, with a time to live, and with one fetch for however many ask.

Strategy: an entry is *fresh* for ``ttl`` seconds. For ``stale_for`` seconds more it still serves, while one fetch
brings a new one (RFC 5861, stale-while-revalidate). Whoever asks for what is not kept begins a `Flight` or joins one
that is under way (single flight). An invalidation ends the flights that it concerns: those who wait get its reply,
but nobody joins it any more, and it is not kept. So a reply that was begun before an invalidation is never served to
somebody who asked after it.

Bounds: the least recently used entry goes first when there are too many, or when they take too many bytes. Failures are
never kept.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
Tag = TypeVar("Tag", bound=Hashable)
Value = TypeVar("Value")
Waiter = TypeVar("Waiter")

OVERHEAD = 500
"""Bytes that an entry counts beside what its owner says: its key, its places in three dictionaries, its objects."""


class Kept(Generic[Tag, Value]):
    """One entry: ``fresh_until`` is in seconds of the caller's clock."""

    __slots__ = ("fresh_until", "size", "tag", "value")

    def __init__(self, value: Value, tag: Tag, size: int, fresh_until: float) -> None:
        self.value = value
        self.tag = tag
        self.size = size
        self.fresh_until = fresh_until


class Flight(Generic[Key, Tag, Waiter]):
    """One fetch that is under way. Each of ``waiters`` is to get what it brings; a refresh has none."""

    __slots__ = ("key", "tag", "waiters")

    def __init__(self, key: Key, tag: Tag, waiters: list[Waiter]) -> None:
        self.key = key
        self.tag = tag
        self.waiters = waiters


class Asked(NamedTuple, Generic[Key, Tag, Value, Waiter]):
    """What came of a question: ``value`` is what is kept (``None``: nothing, and the asker waits). Where there is a
    ``flight`` it has just begun, and whoever asked has to carry it out."""

    value: Value | None
    flight: Flight[Key, Tag, Waiter] | None


class ReplyCache(Generic[Key, Tag, Value, Waiter]):
    """The replies of one message.

    Every key belongs to a tag; several may belong to the same one, and are invalidated together.

    Args:
        tag: a key's tag; asked when a fetch begins.
        ttl: seconds for which a reply is fresh.
        stale_for: seconds for which it serves after that, while it is fetched anew.
        entries: the most replies.
        bytes: the most bytes of all of them, `OVERHEAD` included.

    Attributes:
        hits, stale, joined, misses: questions that found something fresh, something stale, a fetch under way, nothing.
        invalidations: how often something was invalidated, whether or not it was kept.
        bytes: what the entries take now.
    """

    __slots__ = (
        "_ages",
        "_entries",
        "_flights",
        "_kept",
        "_most",
        "_stale_for",
        "_tag",
        "_tags",
        "_ttl",
        "bytes",
        "hits",
        "invalidations",
        "joined",
        "misses",
        "stale",
    )

    def __init__(self, tag: Callable[[Key], Tag], *, ttl: float, stale_for: float, entries: int, bytes: int) -> None:
        self._tag = tag
        self._ttl = ttl
        self._stale_for = stale_for
        self._entries = entries
        self._most = bytes
        self._kept: OrderedDict[Key, Kept[Tag, Value]] = OrderedDict()
        self._ages: dict[Key, None] = {}
        self._tags: dict[Tag, set[Key]] = {}
        self._flights: dict[Key, Flight[Key, Tag, Waiter]] = {}
        self.bytes = 0
        self.hits = 0
        self.stale = 0
        self.joined = 0
        self.misses = 0
        self.invalidations = 0

    def __len__(self) -> int:
        return len(self._kept)

    def ask(self, key: Key, waiter: Waiter, now: float) -> Asked[Key, Tag, Value, Waiter]:
        """What is kept for a key; otherwise ``waiter`` becomes one of those who wait for the fetch."""
        kept = self._kept.get(key)
        if kept is not None:
            if now < kept.fresh_until:
                self.hits += 1
                self._kept.move_to_end(key)
                return Asked(kept.value, None)
            if now < kept.fresh_until + self._stale_for:
                self.stale += 1
                self._kept.move_to_end(key)
                return Asked(kept.value, None if key in self._flights else self._begin(key, []))
            self._drop(key)
        flight = self._flights.get(key)
        if flight is not None:
            self.joined += 1
            flight.waiters.append(waiter)
            return Asked(None, None)
        self.misses += 1
        return Asked(None, self._begin(key, [waiter]))

    def land(self, flight: Flight[Key, Tag, Waiter], value: Value, size: int, now: float) -> list[Waiter]:
        """A flight has brought a reply of ``size`` bytes: keep it, unless it was invalidated meanwhile.

        Returns:
            those who wait for it.
        """
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
            self._keep(flight.key, Kept(value, flight.tag, size + OVERHEAD, now + self._ttl))
        return _taken(flight)

    def fail(self, flight: Flight[Key, Tag, Waiter]) -> list[Waiter]:
        """A flight has brought nothing to keep. What is kept already, stale or not, stays.

        Returns:
            those who wait for it.
        """
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
        return _taken(flight)

    def withdraw(self, waiter: Waiter) -> None:
        """Somebody waits no more. The flight goes on, for the others and for the cache."""
        for flight in self._flights.values():
            if waiter in flight.waiters:
                flight.waiters.remove(waiter)

    def invalidate(self, tag: Tag) -> None:
        """Forget every reply with this tag."""
        self.invalidations += 1
        for key in tuple(self._tags.get(tag, ())):
            self._drop(key)
        for flight in [flight for flight in self._flights.values() if flight.tag == tag]:
            del self._flights[flight.key]

    def clear(self) -> None:
        """Forget every reply."""
        self.invalidations += 1
        self._kept.clear()
        self._ages.clear()
        self._tags.clear()
        self._flights.clear()
        self.bytes = 0

    def expire(self, now: float) -> None:
        """Give back the memory of what is too old to serve."""
        while self._ages:
            oldest = next(iter(self._ages))
            if now < self._kept[oldest].fresh_until + self._stale_for:
                return
            self._drop(oldest)

    def _begin(self, key: Key, waiters: list[Waiter]) -> Flight[Key, Tag, Waiter]:
        flight = self._flights[key] = Flight(key, self._tag(key), waiters)
        return flight

    def _keep(self, key: Key, kept: Kept[Tag, Value]) -> None:
        if key in self._kept:
            self._drop(key)
        if kept.size > self._most:
            return
        self._kept[key] = kept
        self._ages[key] = None
        self._tags.setdefault(kept.tag, set()).add(key)
        self.bytes += kept.size
        while len(self._kept) > self._entries or self.bytes > self._most:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key)
        del self._ages[key]
        self.bytes -= kept.size
        keys = self._tags[kept.tag]
        keys.discard(key)
        if not keys:
            del self._tags[kept.tag]


def _taken(flight: Flight[Key, Tag, Waiter]) -> list[Waiter]:
    waiters, flight.waiters = flight.waiters, []
    return waiters
