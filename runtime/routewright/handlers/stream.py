"""Streamed replies: an asynchronous generator becomes parts, and an end.

Strategy: which item is the last is known only when the generator ends, and none may wait for that: progress that comes
one step late is no progress. So each item leaves at once, and the end is a frame of its own, ``final`` and without a
payload. Raw frames have no end mark.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from concurrent.futures import Executor
from contextlib import aclosing
from contextvars import Context as Variables
from typing import Any

from routewright.bridge.codec import Reply
from routewright.handlers.outgoing import Outgoing
from routewright.table.frames import Id

TURN = 32
"""Items after which the event loop's other work gets its turn."""


async def stream(
    items: AsyncIterator[Any],
    correlation: int,
    outgoing: Outgoing,
    id: Id,
    part: Callable[[Reply], Awaitable[None]],
) -> Reply:
    """Hand each item to ``part``, as a reply; the final one, which ends the stream, is returned.

    Raises:
        ValueError: an item is none of the messages that may be sent here; what the generator raises comes through.
    """
    last: bytes | None = None
    async with aclosing(items) as source:  # type: ignore[type-var]  # always an asynchronous generator
        count = 0
        async for item in source:
            count += 1
            if count % TURN == 0:
                await asyncio.sleep(0)
            if item is not None:
                last, binary = outgoing.encode(item, id)
                await part(Reply(correlation, last, False, binary))
    return Reply(correlation, outgoing.end(id, last))


_END: Any = object()


def _next(items: Generator[Any, Any, Any]) -> Any:
    return next(items, _END)


async def threaded(items: Generator[Any, Any, Any], threads: Executor, variables: Variables) -> AsyncIterator[Any]:
    """The items of a plain generator, each one produced in a thread; one that has begun is waited for."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            step = loop.run_in_executor(threads, variables.run, _next, items)
            try:
                item = await asyncio.shield(step)
            except asyncio.CancelledError:
                await asyncio.wait([step])
                raise
            if item is _END:
                return
            yield item
    finally:
        await loop.run_in_executor(threads, variables.run, items.close)
