"""What a session has sent and its client has not acknowledged: the replay buffer.

Strategy: sans-IO; frames in, frames out, and the time is an argument. Numbers begin at 1 and have no holes. Of what is
kept the oldest goes first, as soon as there is too much of it, or it is too old; whether a frame asked for is gone is
told by its number alone.
"""

from collections import deque

from routewright.table.policy import Delivery


class Gone(Exception):
    """What was asked for cannot be replayed; ``reason`` is that of a ``$welcome``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Buffer:
    """Frames by number.

    Args:
        bounds: how many frames, bytes and seconds are kept.
        last: the number that was given last.

    Attributes:
        last: the number that was given last.
        bytes: of all frames that are kept.
    """

    __slots__ = ("_frames", "bounds", "bytes", "last")

    def __init__(self, bounds: Delivery, last: int = 0) -> None:
        self.bounds = bounds
        self.last = last
        self.bytes = 0
        self._frames: deque[tuple[float, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def first(self) -> int:
        """The number of the oldest frame that is kept; one more than ``last`` if none is."""
        return self.last - len(self._frames) + 1

    def append(self, frame: bytes, now: float) -> int:
        """Keep a frame; its number."""
        self.last += 1
        frames = self._frames
        frames.append((now, frame))
        self.bytes += len(frame)
        bounds = self.bounds
        if len(frames) > bounds.messages or self.bytes > bounds.bytes or frames[0][0] < now - bounds.window:
            self.expire(now)
        return self.last

    def ack(self, seq: int) -> None:
        """Let go of everything up to ``seq``.

        Raises:
            Gone: it was never sent.
        """
        if seq > self.last:
            raise Gone("wrong_seq")
        for _ in range(seq - self.first + 1):
            self._drop()

    def after(self, seq: int, now: float) -> list[tuple[int, bytes]]:
        """Every frame that follows ``seq``, with its number.

        Raises:
            Gone: one of them is not kept any more, or ``seq`` was never sent.
        """
        if seq > self.last:
            raise Gone("wrong_seq")
        self.expire(now)
        first = self.first
        if seq + 1 < first:
            raise Gone("buffer_overflow")
        return [(first + at, frame) for at, (_, frame) in enumerate(self._frames) if first + at > seq]

    def expire(self, now: float) -> None:
        """Let go of what is out of bounds."""
        frames, bounds = self._frames, self.bounds
        oldest = now - bounds.window
        while frames and (len(frames) > bounds.messages or self.bytes > bounds.bytes or frames[0][0] < oldest):
            self._drop()

    def ages(self, now: float) -> list[tuple[float, bytes]]:
        """What is kept, with each frame's age in seconds, oldest first."""
        return [(now - at, frame) for at, frame in self._frames]

    @classmethod
    def of(cls, bounds: Delivery, last: int, ages: list[tuple[float, bytes]], now: float) -> "Buffer":
        """The buffer whose `ages` these are."""
        buffer = cls(bounds, last)
        buffer._frames.extend((now - age, frame) for age, frame in ages)
        buffer.bytes = sum(len(frame) for _, frame in ages)
        buffer.expire(now)
        return buffer

    def _drop(self) -> None:
        self.bytes -= len(self._frames.popleft()[1])
