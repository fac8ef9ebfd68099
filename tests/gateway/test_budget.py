"""What a message may cost, counted instead of timed: batches on the bridge, writes to a socket, frames encoded."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.conftest import Serve
from tests.gateway.wire import TEXT, frame, opened
from tests.served import PATIENCE, Served, exchange

SPEC: dict[str, Any] = {
    "defaults": {"rateLimit": False, "limits": {"inFlight": 256}},
    "routes": [
        {"path": "/ws/echo", "pythonModule": "echo"},
        {"path": "/ws/hall", "pythonModule": "hall"},
        {"path": "/ws/idle", "pythonModule": "echo"},
    ],
}
ECHO = """
from routewright.handlers import on

@on.any
async def echo(message): return {"type": "echo"}
"""
HALL = """
from routewright.handlers import on
from routewright.handlers import outgoing

encoded = 0
encode = outgoing.encode_json


def counting(value):
    global encoded
    encoded += 1
    return encode(value)


outgoing.encode_json = counting


@on("publish")
async def publish(count, context):
    before = encoded
    for number in range(count):
        context.publish("hall", {"type": "news", "payload": number})
    return {"type": "published", "payload": encoded - before}


@on.any
async def other(message): return {"type": "here"}
"""
FILES = {"echo.py": ECHO, "hall.py": HALL}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


class Spent:
    """What the gateway has spent, and what for."""

    def __init__(self, stats: Any) -> None:
        (gateway,) = stats["gateways"]
        self.sent: int = gateway["bridge"]["sent"]
        self.received: int = gateway["bridge"]["received"]
        self.writes: int = gateway["writes"]
        self.requests = sum(route["received"] for route in stats["routes"])

    def since(self, before: "Spent") -> dict[str, int]:
        return {key: value - getattr(before, key) for key, value in vars(self).items()}


async def spent(served: Served) -> Spent:
    return Spent(await served.stats())


HEARTBEATS = 100
"""Batches that hold nothing but a sign of life, on a machine that takes its time: two workers, each up to one a second
and way."""


async def test_pipelined_requests_share_batches_and_writes(served: Served) -> None:
    count, window = 10_000, 200
    async with opened(served, "/ws/echo") as wire:
        before = await spent(served)
        for start in range(0, count, window):
            wire.send(b"".join(frame(TEXT, f'{{"type":"x","id":{id}}}') for id in range(start, start + window)))
            for id in range(start, start + window):
                assert (await wire.message())["id"] == id
        cost = (await spent(served)).since(before)
    assert cost["requests"] == count
    # Two hundred frames come in one read, or in a few where the kernel cuts them
    allowed = count / window * 8 + HEARTBEATS
    assert cost["sent"] <= allowed
    assert cost["writes"] <= allowed
    assert cost["received"] <= count / 4


async def test_one_request_at_a_time_costs_one_of_each(served: Served) -> None:
    count = 300
    async with served.connect("/ws/echo") as echo:
        await exchange(echo, {"type": "x"})
        before = await spent(served)
        for _ in range(count):
            await exchange(echo, {"type": "x"})
        cost = (await spent(served)).since(before)
    assert cost["requests"] == cost["writes"] == count
    assert count <= cost["sent"] <= count + HEARTBEATS
    assert count <= cost["received"] <= count + HEARTBEATS


async def test_clients_of_one_tick_share_a_batch(served: Served) -> None:
    clients, rounds = 40, 25
    gateway = (await served.stats())["gateways"][0]["process"]
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(opened(served, "/ws/echo")) for _ in range(clients)]
        before = await spent(served)
        for _ in range(rounds):
            # what arrives while the process is stopped is all there in one turn of its loop
            os.kill(gateway, signal.SIGSTOP)
            for wire in wires:
                wire.send(frame(TEXT, '{"type":"x"}'))
            os.kill(gateway, signal.SIGCONT)
            for wire in wires:
                await wire.message()
        cost = (await spent(served)).since(before)
    assert cost["requests"] == cost["writes"] == clients * rounds
    assert cost["sent"] <= rounds * 4 + HEARTBEATS


async def test_a_broadcast_is_encoded_once_and_crosses_the_bridge_once(served: Served) -> None:
    clients, events = 60, 20
    async with contextlib.AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(served.connect("/ws/hall")) for _ in range(clients)]
        for each in crowd:
            await exchange(each, {"type": "x"})
        before = await spent(served)
        await crowd[0].send(json.dumps({"type": "publish", "payload": events}))
        async with asyncio.timeout(PATIENCE):
            received = [[json.loads(await each.recv()) for _ in range(events + (each is crowd[0]))] for each in crowd]
        cost = (await spent(served)).since(before)
    (told,) = [message for message in received[0] if message["type"] == "published"]
    assert told["payload"] == events
    for messages in received:
        assert [message["payload"] for message in messages if message["type"] == "news"] == list(range(events))
    assert cost["received"] <= 2 + HEARTBEATS
    assert clients <= cost["writes"] <= 3 * clients


async def test_an_idle_connection_costs_nothing(served: Served) -> None:
    """No timer, no ping, no write: only the workers' own signs of life."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(50):
            await stack.enter_async_context(opened(served, "/ws/idle"))
        before = await spent(served)
        beat = before.received
        stats = await served.until(lambda stats: stats["gateways"][0]["bridge"]["received"] >= beat + 4)
        cost = Spent(stats).since(before)
    assert cost["writes"] == 0
    assert cost["requests"] == 0
    assert cost["sent"] <= 4 * cost["received"]
