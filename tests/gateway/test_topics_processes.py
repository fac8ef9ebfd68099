"""Topics with several gateway processes: every subscriber gets each event once, each module handles it once, and
everyone sees who is there, whatever process holds them, and whatever becomes of it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import ClientConnection

from tests.gateway.board import FILES, SPEC, command, heard, nothing, subscribe, tell
from tests.gateway.conftest import Serve
from tests.served import PATIENCE, Served


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES, "--processes", "2") as served:
        yield served


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def connections(stats: Any) -> dict[int, int]:
    """Of each gateway process."""
    return {gateway["process"]: gateway["connections"] for gateway in stats["gateways"]}


async def both(served: Served, stack: AsyncExitStack, **headers: str) -> tuple[ClientConnection, ClientConnection]:
    """A client of each gateway process, in the order of the processes' numbers."""
    given = {f"X-{name}": value for name, value in headers.items()}
    before = connections(await served.stats())
    found: dict[int, ClientConnection] = {}
    async with asyncio.timeout(PATIENCE):
        while len(found) < 2:
            client = await stack.enter_async_context(served.connect("/ws/board", additional_headers=given))
            total = sum(before.values()) + 1
            stats = await served.until(lambda stats, total=total: sum(connections(stats).values()) == total)
            after = connections(stats)
            (process,) = [number for number, count in after.items() if count > before.get(number, 0)]
            found.setdefault(process, client)
            before = after
    one, other = (found[process] for process in sorted(found))
    return one, other


async def members(client: ClientConnection, topic: str, count: int) -> list[str]:
    """Who is on a topic, as soon as so many are; who joins meanwhile is passed over."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await client.send(command("$who", topic))
            while (answer := await heard(client))["type"] == "$join":
                pass
            if answer["payload"]["count"] == count:
                return [member["principal"] for member in answer["payload"]["members"]]


async def test_each_subscriber_and_each_module_gets_an_event_once(served: Served, stack: AsyncExitStack) -> None:
    audit = await stack.enter_async_context(served.connect("/ws/audit"))
    one, other = await both(served, stack)
    for each in (one, other):
        await subscribe(each, "jobs.*")
        await subscribe(each, "rooms.9")
    for each in (one, other):
        await members(each, "rooms.9", 2)
    asker, _ = await both(served, stack)
    numbers = range(20)
    await tell(asker, "jobs.1", *(("done", {"n": number}) for number in numbers))
    for each in (one, other):
        assert [(await heard(each))["payload"]["n"] for _ in numbers] == list(numbers)
    saw = [(await heard(audit))["payload"] for _ in numbers]
    assert sorted(n for _, _, _, n, _ in saw) == list(numbers)
    assert len({process for *_, process in saw}) <= 2
    for each in (one, other):
        await each.send(command("$publish", "rooms.9", 1, type="said", payload={"text": "hello"}))
        for receiver in (one, other):
            frames = [await heard(receiver) for _ in range(2 if receiver is each else 1)]
            assert [frame["payload"] for frame in frames if frame["type"] == "said"] == [{"text": "hello"}]
        assert (await heard(audit))["payload"] == ["9", "hello"]
    for each in (one, other, audit):
        await nothing(each)
    stats = await served.stats()
    (jobs,) = [topic for topic in stats["topics"] if topic["topic"] == "jobs.{id}"]
    assert (jobs["published"], jobs["delivered"]) == (len(numbers), 2 * len(numbers))


async def test_the_last_value_is_kept_by_every_process(served: Served, stack: AsyncExitStack) -> None:
    one, other = await both(served, stack)
    await tell(one, "prices.lse.both", ("price", {"n": 4}))
    for each in (one, other):
        await subscribe(each, "prices.lse.both")
        assert (await heard(each))["payload"] == {"n": 4}


async def test_members_of_all_processes_see_each_other(served: Served, stack: AsyncExitStack) -> None:
    one, other = await both(served, stack, Name="ada")
    third, fourth = await both(served, stack, Name="eve")
    await subscribe(one, "rooms.1")
    await subscribe(other, "rooms.1")
    for each in (one, other):
        assert await members(each, "rooms.1", 2) == ["ada", "ada"]
    await subscribe(fourth, "rooms.1")
    for each in (one, other):
        joined = await heard(each)
        assert (joined["type"], joined["payload"]["principal"]) == ("$join", "eve")
    for each in (one, other, fourth):
        assert await members(each, "rooms.1", 3) == ["ada", "ada", "eve"]
    fourth.transport.abort()
    for each in (one, other):
        left = await heard(each)
        assert (left["type"], left["payload"]["principal"]) == ("$leave", "eve")
    await nothing(third)


async def test_a_process_that_dies_leaves_no_ghosts_and_its_successor_knows_all(
    served: Served, stack: AsyncExitStack
) -> None:
    one, other = await both(served, stack, Name="ada")
    await subscribe(one, "rooms.7")
    await subscribe(other, "rooms.7")
    await members(one, "rooms.7", 2)
    await tell(one, "prices.lse.kept", ("price", {"n": 8}))
    doomed = max(connections(await served.stats()))
    psutil.Process(doomed).send_signal(signal.SIGKILL)
    left = await heard(one)
    assert (left["type"], left["payload"]["principal"]) == ("$leave", "ada")
    await served.until(lambda stats: len(stats["gateways"]) == 2 and stats["gateway_restarts"] == 1)
    await served.until(lambda stats: all(len(each["bridge"]["workers"]) == 4 for each in stats["gateways"]))
    _, successors = await successor(served, stack, doomed)
    await subscribe(successors, "prices.lse.kept")
    assert (await heard(successors))["payload"] == {"n": 8}
    await subscribe(successors, "rooms.7")
    assert (await heard(one))["payload"]["principal"] == "anybody"
    assert await members(successors, "rooms.7", 2) == ["ada", "anybody"]


async def successor(served: Served, stack: AsyncExitStack, doomed: int) -> tuple[ClientConnection, ClientConnection]:
    """A client of the old process that is left, and one of the process that has taken the dead one's place."""
    stats = await served.stats()
    new = next(process for process, count in connections(stats).items() if process != doomed and count == 0)
    one, other = await both(served, stack)
    return (one, other) if new == max(connections(stats)) else (other, one)
