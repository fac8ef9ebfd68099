"""What waits for a client that does not read, where the route would rather lose events than the client.

Strategy: frames in the order in which they came. Events may be lost, replies may not. ``drop-oldest`` drops the oldest
events once there is too much; ``conflate`` also lets an event take the place of an earlier one with the same key, so
that a client which reads on finds the latest of each. Conflation moves an event to the end: it never overtakes a reply.
"""

from collections.abc import Hashable, Iterator
from itertools import count


class Backlog:
    """Frames of at most ``limit`` bytes.

    Attributes:
        bytes: what waits.
        dropped: events that were lost because there was too much.
        conflated: events that a later one with the same key has replaced.
    """

    __slots__ = ("_events", "_frames", "_keys", "_limit", "_numbers", "bytes", "conflated", "dropped")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._numbers = count()
        self._frames: dict[int, bytes] = {}
        self._events: dict[int, Hashable] = {}
        self._keys: dict[Hashable, int] = {}
        self.bytes = 0
        self.dropped = 0
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._frames)

    def reply(self, frame: bytes) -> bool:
        """Add a frame that must not be lost; whether there is room for it."""
        self._add(frame)
        return self._fits()

    def event(self, frame: bytes, key: Hashable = None) -> bool:
        """Add a frame that may be lost, in place of the one with the same ``key`` (``None``: beside all others);
        whether there is room for what may not be lost."""
        if key is not None and (earlier := self._keys.get(key)) is not None:
            self._remove(earlier)
            self.conflated += 1
        number = self._add(frame)
        self._events[number] = key
        if key is not None:
            self._keys[key] = number
        return self._fits()

    def drain(self) -> Iterator[bytes]:
        """Take out everything, in order."""
        frames, self._frames = self._frames, {}
        self._events.clear()
        self._keys.clear()
        self.bytes = 0
        return iter(frames.values())

    def _add(self, frame: bytes) -> int:
        number = next(self._numbers)
        self._frames[number] = frame
        self.bytes += len(frame)
        return number

    def _remove(self, number: int) -> None:
        self.bytes -= len(self._frames.pop(number))
        key = self._events.pop(number)
        if key is not None:
            del self._keys[key]

    def _fits(self) -> bool:
        """Make room, as far as events permit. The last frame alone may be larger than the limit."""
        while self.bytes > self._limit and len(self._frames) > 1 and self._events:
            oldest = next(iter(self._events))
            if oldest == next(reversed(self._frames)):
                break
            self._remove(oldest)
            self.dropped += 1
        return self.bytes <= self._limit or len(self._frames) == 1
