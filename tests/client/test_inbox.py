"""What waits to be taken: in order, within its bounds, and to the end."""

import asyncio

import pytest

from routewright.client import ClientClosed, QueueFull
from routewright.client.inbox import Inbox

MIB = 1024 * 1024


async def taken(inbox: Inbox[int]) -> list[int]:
    """All that waits, up to the end."""
    found: list[int] = []
    while True:
        try:
            found.append(await inbox.next())
        except StopAsyncIteration:
            return found


async def test_it_keeps_the_order_and_ends() -> None:
    inbox: Inbox[int] = Inbox("events", 10)
    assert all(inbox.put(number, 1) for number in range(10))
    inbox.end()
    assert await taken(inbox) == list(range(10))


@pytest.mark.parametrize(("limit", "size", "kept"), [(3, 1, 3), (100, 5 * MIB, 3), (100, 40 * MIB, 1)])
async def test_what_there_is_no_room_for_ends_it(limit: int, size: int, kept: int) -> None:
    inbox: Inbox[int] = Inbox("events", limit)
    assert [inbox.put(number, size) for number in range(kept + 1)] == [True] * kept + [False]
    assert [await inbox.next() for _ in range(kept)] == list(range(kept))
    with pytest.raises(QueueFull, match=rf"^{kept} events were not taken \({kept * size} bytes\)"):
        await inbox.next()


async def test_room_comes_back() -> None:
    inbox: Inbox[int] = Inbox("events", 2)
    for number in range(100):
        assert inbox.put(number, 10 * MIB)
        assert await inbox.next() == number


async def test_the_first_reason_counts_and_one_may_wait() -> None:
    inbox: Inbox[int] = Inbox("events", 2)
    waiting = asyncio.create_task(inbox.next())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="somebody else is waiting for the next of these events"):
        await inbox.next()
    inbox.end(ClientClosed("closed"))
    inbox.end(QueueFull("later"))
    with pytest.raises(ClientClosed):
        await waiting
