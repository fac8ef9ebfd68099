"""The channel between the supervisor and a gateway process: what waits in it is bounded."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from routewright.gateway.control import CONGESTED, Control, Message, Relay
from routewright.gateway.peers import Others
from tests.served import PATIENCE


async def nothing(message: Message) -> None:
    return None


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Control, socket.socket]]:
    """One end of the channel, and the other as a bare socket."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    control = Control(nothing)
    await control.open(ours)
    with theirs:
        yield control, theirs
        control.abort()
        async with asyncio.timeout(PATIENCE):
            await control.closed.wait()


async def test_who_tells_too_much_waits_until_it_is_read(ends: tuple[Control, socket.socket]) -> None:
    control, theirs = ends
    others = Others(control)
    await others.writable()
    while not others.congested:
        others("topics", bytes(60_000))
    waiting = [asyncio.create_task(others.writable()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    reading = asyncio.create_task(read(theirs))
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting)
    assert control.unsent <= CONGESTED
    reading.cancel()


async def read(theirs: socket.socket) -> None:
    """Take in whatever is sent."""
    while await asyncio.get_running_loop().sock_recv(theirs, 1 << 20):
        pass


async def test_nobody_waits_for_a_process_that_is_gone(ends: tuple[Control, socket.socket]) -> None:
    control, theirs = ends
    while not control.congested:
        control.tell(Relay("topics", bytes(60_000)))
    waiting = asyncio.create_task(control.writable())
    await asyncio.sleep(0)
    theirs.close()
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert control.unsent == 0
