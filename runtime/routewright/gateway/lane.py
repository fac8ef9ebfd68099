"""Frames that take turns at an asynchronous hook."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lane(Generic[T]):
    """Handles items one after the other, in their order. At most one task, and only while there are any; ``on_idle`` is
    told when there are none left."""

    __slots__ = ("_handle", "_items", "_on_idle", "_task")

    def __init__(self, handle: Callable[[T], Awaitable[None]], on_idle: Callable[[], None] = lambda: None) -> None:
        self._handle = handle
        self._on_idle = on_idle
        self._items: deque[T] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being handled."""
        return self._task is None

    def push(self, item: T) -> None:
        """Let ``item`` wait for its turn."""
        self._items.append(item)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._items:
                await self._handle(self._items.popleft())
        finally:
            self._task = None
        self._on_idle()

    def stop(self) -> None:
        """Forget what waits."""
        self._items.clear()
        if self._task is not None:
            self._task.cancel()
