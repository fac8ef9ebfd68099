"""Bounds: connections, messages in flight, what a client leaves unread, and whose address counts."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.gateway.conftest import Serve
from tests.gateway.wire import PING, PONG, TEXT, Answer, Frame, asked, closing, dialled, frame, handshake, opened
from tests.served import PATIENCE, Served, exchange

IN_FLIGHT = 16
SPEC: dict[str, Any] = {
    "gateway": {
        "limits": {"connections": 12, "connectionsPerAddress": 6},
        "trustedProxies": ["127.0.0.2", "10.0.0.0/8"],
    },
    "defaults": {"rateLimit": False, "slowConsumer": {"backlog": "1MiB", "after": "500ms"}},
    "routes": [
        {"path": "/ws/work", "pythonModule": "work", "limits": {"inFlight": IN_FLIGHT}},
        {"path": "/ws/few", "pythonModule": "work", "limits": {"connections": 2}},
        {
            "path": "/ws/guarded",
            "pythonModule": "work",
            "limits": {"connections": 2},
            "middleware": ["dawdling"],
        },
        {"path": "/ws/flood", "pythonModule": "flood"},
        {"path": "/ws/patient", "pythonModule": "flood", "slowConsumer": {"backlog": "64MiB", "after": "500ms"}},
        {"path": "/ws/endless", "pythonModule": "flood", "slowConsumer": False},
        {"path": "/ws/shared", "pythonModule": "work", "rateLimit": {"rate": "1/h", "burst": 3, "per": "address"}},
    ],
}
WORK = """
import asyncio
from routewright.handlers import on

running, peak = 0, 0

@on.any
async def work(message):
    global running, peak
    running += 1
    peak = max(peak, running)
    try:
        if message["type"] == "wait":
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return {"type": "done", "payload": peak}
    finally:
        running -= 1
"""
FLOOD = """
from routewright.handlers import on

@on.any
async def flood(message, context):
    size, count = message["payload"]
    if message["type"] == "publish":
        for _ in range(count):
            context.publish(context.route, {"type": "drop", "payload": "x" * size})
    else:
        for _ in range(count):
            context.send({"type": "drop", "payload": "x" * size})
    return {"type": "flooded"}
"""
DAWDLING = """
import asyncio
from routewright.hooks import hookimpl
from routewright.table import Principal

waiting = []

@hookimpl
async def routewright_authenticate(request):
    waiting.append(asyncio.Event())
    if len(waiting) == 4:
        for event in waiting:
            event.set()
    await waiting[-1].wait() if len(waiting) < 4 else None
    return Principal(id="one of many")
"""
FILES = {"work.py": WORK, "flood.py": FLOOD, "dawdling.py": DAWDLING}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


@pytest.fixture(autouse=True)
async def empty(served: Served) -> None:
    """Nobody is connected when a test begins."""
    await served.until(lambda stats: stats["connections"] == 0)


def of(stats: Any, name: str) -> Any:
    """The figures of one route."""
    return next(route for route in stats["routes"] if route["name"] == name)


async def dropped(served: Served, name: str) -> int:
    """How many slow clients of a route have been dropped."""
    count: int = of(await served.stats(), name)["errors"].get("slow_consumer", 0)
    return count


# Connections


@contextlib.asynccontextmanager
async def crowd(served: Served, path: str, *sources: str) -> AsyncIterator[None]:
    """One open connection from each of these addresses."""
    async with contextlib.AsyncExitStack() as stack:
        for source in sources:
            wire = await stack.enter_async_context(dialled(served, source=source))
            wire.send(handshake(path))
            assert (await wire.answer()).status == 101
        yield


def refusal(answer: Answer) -> tuple[int, str, str]:
    assert answer.headers["retry-after"] == "5"
    return answer.status, answer.json["error"]["code"], answer.json["error"]["message"]


async def test_one_address_may_have_so_many_connections(served: Served) -> None:
    async with crowd(served, "/ws/work", *["127.0.0.1"] * 6):
        answer = await asked(served, handshake("/ws/work"))
        assert refusal(answer) == (429, "rate_limited", "too many connections from this address")
        assert (await asked(served, handshake("/ws/work"), source="127.0.0.9")).status == 101
        assert (await asked(served, b"GET /ws/work HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 200
    await served.until(lambda stats: stats["connections"] == 0)
    assert (await asked(served, handshake("/ws/work"))).status == 101


async def test_the_gateway_may_have_so_many_connections(served: Served) -> None:
    async with crowd(served, "/ws/work", *["127.0.0.3"] * 6, *["127.0.0.4"] * 6):
        answer = await asked(served, handshake("/ws/work"), source="127.0.0.5")
        assert refusal(answer) == (503, "overloaded", "the gateway has no room for further connections")


async def test_a_route_may_have_so_many_connections(served: Served) -> None:
    async with crowd(served, "/ws/few", "127.0.0.3", "127.0.0.4"):
        answer = await asked(served, handshake("/ws/few"))
        assert refusal(answer) == (503, "overloaded", "the route has no room for further connections")
        assert (await asked(served, handshake("/ws/work"))).status == 101


async def test_no_more_get_in_by_asking_all_at_once(served: Served) -> None:
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(dialled(served)) for _ in range(4)]
        for wire in wires:
            wire.send(handshake("/ws/guarded"))
        answers = [await wire.answer() for wire in wires]
    assert sorted(answer.status for answer in answers) == [101, 101, 503, 503]


@pytest.mark.parametrize(
    ("source", "forwarded", "counted"),
    [
        ("127.0.0.1", ["X-Forwarded-For: 203.0.113.9"], "127.0.0.1"),
        ("127.0.0.2", [], "127.0.0.2"),
        ("127.0.0.2", ["X-Forwarded-For: 203.0.113.9"], "203.0.113.9"),
        ("127.0.0.2", ["X-Forwarded-For: 6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("127.0.0.2", ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9, 10.1.2.3"], "203.0.113.9"),
        ("127.0.0.2", ["X-Forwarded-For: 10.1.2.3, 127.0.0.2"], "127.0.0.2"),
        ("127.0.0.2", ["X-Forwarded-For: 203.0.113.9, unknown"], "127.0.0.2"),
        ("127.0.0.2", ["X-Forwarded-For: 2001:DB8::0:1"], "2001:db8::1"),
    ],
)
async def test_only_a_trusted_proxy_speaks_for_another_address(
    served: Served, source: str, forwarded: list[str], counted: str
) -> None:
    """By the limit of connections per address: it is used up for the address that counts, and for no other."""
    as_counted = ("127.0.0.2", [f"X-Forwarded-For: {counted}"]) if counted[:4] != "127." else (counted, [])
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(6):
            wire = await stack.enter_async_context(dialled(served, source=source))
            wire.send(handshake("/ws/work", *forwarded))
            assert (await wire.answer()).status == 101
        assert (await asked(served, handshake("/ws/work", *as_counted[1]), source=as_counted[0])).status == 429
        assert (await asked(served, handshake("/ws/work"), source="127.0.0.8")).status == 101


async def test_behind_a_trusted_proxy_the_scheme_of_the_origin_is_the_proxys(served: Served) -> None:
    lines = ("Host: app.example.com", "Origin: https://app.example.com", "X-Forwarded-Proto: https")
    assert (await asked(served, handshake("/ws/work", *lines), source="127.0.0.2")).status == 101
    assert (await asked(served, handshake("/ws/work", *lines))).status == 403


async def test_an_address_shares_its_rate_where_the_route_says_so(served: Served) -> None:
    async with served.connect("/ws/shared") as one, served.connect("/ws/shared") as two:
        assert [(await exchange(each, {"type": "x"}))["type"] for each in (one, two, one)] == ["done"] * 3
        limited = await exchange(two, {"type": "x"})
        assert limited["error"]["code"] == "rate_limited"
        assert limited["error"]["retryAfter"] > 60
    async with served.connect("/ws/shared") as again:
        assert (await exchange(again, {"type": "x"}))["error"]["code"] == "rate_limited"
    async with dialled(served, source="127.0.0.7") as wire:
        wire.send(handshake("/ws/shared"))
        assert (await wire.answer()).status == 101
        wire.send(frame(TEXT, '{"type": "x"}'))
        assert (await wire.message())["type"] == "done"


# Messages in flight


@pytest.mark.parametrize("type", ["now", "wait"])
async def test_what_one_client_has_in_flight_is_bounded_and_nothing_is_lost(served: Served, type: str) -> None:
    count = 10_000
    async with opened(served, "/ws/work") as wire:

        async def send() -> None:
            for start in range(0, count, 100):
                wire.send(b"".join(frame(TEXT, f'{{"type":"{type}","id":{id}}}') for id in range(start, start + 100)))
                await wire.writer.drain()

        sending = asyncio.create_task(send())
        replies = [await wire.message() for _ in range(count)]
        await sending
    assert [reply["id"] for reply in replies] == list(range(count))
    assert max(reply["payload"] for reply in replies) == (IN_FLIGHT if type == "wait" else 1)


# Clients that do not read


async def test_a_client_that_stops_reading_is_dropped_and_others_do_not_notice(served: Served) -> None:
    before = await dropped(served, "flood")
    async with served.connect("/ws/flood") as well, opened(served, "/ws/flood", window=1024):
        rounds = 0
        while await dropped(served, "flood") == before:
            rounds += 1
            await well.send(json.dumps({"type": "publish", "id": rounds, "payload": [60_000, 20]}))
            async with asyncio.timeout(PATIENCE):
                received = [json.loads(await well.recv()) for _ in range(21)]
            assert [message["type"] for message in received if "id" not in message] == ["drop"] * 20
            assert {"type": "flooded", "id": rounds} in received
        await served.until(lambda stats: of(stats, "flood")["connections"] == 1)


async def test_a_client_that_reads_nothing_for_too_long_is_dropped(served: Served) -> None:
    """Its backlog is far below the bound; it is the time that counts."""
    async with opened(served, "/ws/patient", window=1024) as ill:
        ill.send(frame(TEXT, '{"type": "send", "payload": [60000, 200]}'))
        await served.until(lambda stats: stats["connections"] == 0)
    assert await dropped(served, "patient") == 1


async def test_a_slow_client_that_reads_on_is_told_4002_if_there_is_time(served: Served) -> None:
    async with served.connect("/ws/flood", max_queue=1) as ill:
        await ill.send('{"type": "send", "payload": [60000, 400]}')
        await served.until(lambda stats: stats["connections"] == 0)
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(PATIENCE):
                while True:
                    assert json.loads(await ill.recv())["type"] == "drop"
        assert ill.close_code in (1006, 4002)


async def test_one_frame_may_be_larger_than_the_backlog(served: Served) -> None:
    size = 8 * 1024 * 1024
    async with served.connect("/ws/flood", max_size=None) as well:
        assert (await exchange(well, {"type": "send", "payload": [size, 1]}))["payload"] == "x" * size
        async with asyncio.timeout(PATIENCE):
            assert json.loads(await well.recv()) == {"type": "flooded"}


async def test_who_still_reads_such_a_frame_gets_the_next_one_too(served: Served) -> None:
    size = 8 * 1024 * 1024
    before = of(await served.stats(), "flood")["bytes_out"]
    async with opened(served, "/ws/flood", window=16_384) as slow:
        slow.send(frame(TEXT, json.dumps({"type": "send", "payload": [size, 1]})))
        await served.until(lambda stats: of(stats, "flood")["bytes_out"] - before > size)
        async with served.connect("/ws/flood") as other:
            await exchange(other, {"type": "now"})
        assert len((await slow.message())["payload"]) == size
        assert await slow.message() == {"type": "flooded"}


async def test_without_the_policy_a_client_may_take_its_time(served: Served) -> None:
    async with opened(served, "/ws/endless", window=16_384) as slow, served.connect("/ws/work") as other:
        slow.send(frame(TEXT, '{"type": "send", "payload": [60000, 150]}'))
        for _ in range(50):
            await exchange(other, {"type": "now"})
        messages = [await slow.message() for _ in range(151)]
    assert messages[-1] == {"type": "flooded"}


async def test_pings_of_a_client_that_does_not_read_do_not_pile_up(served: Served) -> None:
    before = of(await served.stats(), "endless")["bytes_out"]
    async with opened(served, "/ws/endless", window=16_384) as wire:
        wire.send(frame(TEXT, '{"type": "send", "payload": [60000, 150]}'))
        await served.until(lambda stats: of(stats, "endless")["bytes_out"] - before > 9e6)
        pings = 20_000
        for number in range(pings):
            wire.send(frame(PING, str(number)))
        pongs: list[Frame] = []
        while not pongs or pongs[-1].payload != str(pings - 1).encode():
            received = await wire.frame()
            if received.opcode == PONG:
                pongs.append(received)
        assert len(pongs) < pings
        wire.send(closing(1000))
        await wire.gone()
