"""What came and waits to be taken, in order.

Strategy: it is bounded by count and by bytes. What there is no room for ends it, so that whoever reads is told of the
gap after what was kept, and never skips one in silence.
"""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from routewright.client.errors import ClientError, QueueFull

T = TypeVar("T")

_BYTES = 16 * 1024 * 1024


class Inbox(Generic[T]):
    """Parts of an answer, or events.

    Args:
        what: their name, for people.
        limit: how many may wait; of their bytes 16 MiB.
    """

    __slots__ = ("_bytes", "_error", "_limit", "_waiter", "_waiting", "_what", "ended")

    def __init__(self, what: str, limit: int) -> None:
        self.ended = False
        self._what = what
        self._limit = limit
        self._waiting: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._error: ClientError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: T, size: int) -> bool:
        """Something of ``size`` bytes has come; false where there was no room for it, which is the end."""
        waiting = len(self._waiting)
        if waiting >= self._limit or (waiting and self._bytes + size > _BYTES):
            self.end(QueueFull(f"{waiting} {self._what} were not taken ({self._bytes} bytes), and there were more"))
            return False
        self._waiting.append((item, size))
        self._bytes += size
        self._wake()
        return True

    def end(self, error: ClientError | None = None) -> None:
        """Nothing more will come; ``error`` says why."""
        if not self.ended:
            self.ended = True
            self._error = error
            self._wake()

    async def next(self) -> T:
        """The next one.

        Raises:
            ClientError: what it ended with, after all that came before.
            StopAsyncIteration: it has ended well.
        """
        while not self._waiting:
            if self.ended:
                # of its own, however often it is raised
                raise StopAsyncIteration if self._error is None else self._error.with_traceback(None)
            if self._waiter is not None and not self._waiter.done():
                raise RuntimeError(f"somebody else is waiting for the next of these {self._what}")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        item, size = self._waiting.popleft()
        self._bytes -= size
        return item

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
