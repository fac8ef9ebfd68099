"""Clients that do not read, on routes that would rather lose events than the client."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.gateway.conftest import Serve
from tests.gateway.wire import TEXT, Wire, frame, opened
from tests.served import Served, exchange

COUNT = 240
SIZE = 50_000
"""Together more than an operating system keeps for a connection."""

SLOW = {"backlog": "256KiB", "after": "1h"}
SPEC: dict[str, Any] = {
    "defaults": {"rateLimit": False},
    "routes": [
        {"path": "/ws/news", "pythonModule": "desk", "slowConsumer": {**SLOW, "policy": "drop-oldest"}},
        {"path": "/ws/quotes", "pythonModule": "desk", "slowConsumer": {**SLOW, "policy": "conflate", "key": "symbol"}},
        {"path": "/ws/burst", "pythonModule": "desk", "slowConsumer": SLOW},
        {"path": "/ws/state", "pythonModule": "desk", "slowConsumer": {**SLOW, "policy": "conflate"}},
    ],
}
DESK = f"""
from routewright.handlers import on

@on.any
async def say(message, context):
    if message["type"] == "ask":
        return {{"type": "reply", "payload": "x" * {SIZE}}}
    if message["type"] == "burst":
        for number in range(3 * {COUNT}):
            context.publish(context.route, {{"type": "event", "payload": "x" * {SIZE}}})
        return
    context.publish(context.route, {{"type": "event", "payload": {{**message["payload"], "filling": "x" * {SIZE}}}}})
"""


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, {"desk.py": DESK}) as served:
        yield served


async def of(served: Served, name: str) -> Any:
    return next(route for route in (await served.stats())["routes"] if route["name"] == name)


async def publish(served: Served, path: str, symbols: str = "abc") -> None:
    """Publish one event after the other, at the pace of somebody who reads them."""
    async with served.connect(path) as reader:
        for number in range(COUNT):
            payload = {"number": number, "symbol": symbols[number % len(symbols)]}
            event = await exchange(reader, {"type": "publish", "payload": payload})
            assert event["payload"]["number"] == number


async def numbers(wire: Wire, last: int) -> list[int]:
    """What a client that reads on hears, up to the last event."""
    heard: list[int] = []
    while not heard or heard[-1] != last:
        heard.append((await wire.message())["payload"]["number"])
    return heard


async def test_the_oldest_events_are_dropped(served: Served) -> None:
    async with opened(served, "/ws/news", window=16_384) as slow:
        await publish(served, "/ws/news")
        heard = await numbers(slow, COUNT - 1)
    assert heard == sorted(set(heard))
    figures = await of(served, "news")
    assert figures["dropped"] == COUNT - len(heard) > 0
    # the latest ones fill the backlog
    latest = SLOW_BYTES // (SIZE + 100)
    assert heard[-latest:] == list(range(COUNT - latest, COUNT))
    assert figures["conflated"] == 0
    assert "slow_consumer" not in figures["errors"]


async def test_only_the_latest_event_of_each_key_is_kept(served: Served) -> None:
    async with opened(served, "/ws/quotes", window=16_384) as slow:
        await publish(served, "/ws/quotes")
        heard = await numbers(slow, COUNT - 1)
    assert heard[-3:] == [COUNT - 3, COUNT - 2, COUNT - 1]
    assert heard[:-3] == list(range(len(heard) - 3))
    figures = await of(served, "quotes")
    assert figures["conflated"] == COUNT - len(heard) > 0
    assert figures["dropped"] == 0


async def test_without_a_key_the_latest_of_each_type_is_kept(served: Served) -> None:
    async with opened(served, "/ws/state", window=16_384) as slow:
        await publish(served, "/ws/state")
        heard = await numbers(slow, COUNT - 1)
    assert heard == [*range(len(heard) - 1), COUNT - 1]


async def test_replies_are_never_dropped(served: Served) -> None:
    """They wait in their order as long as there is room, and when there is none left the client goes."""
    async with opened(served, "/ws/news", window=16_384) as slow:
        await publish(served, "/ws/news")
        before = _replied(await served.stats())
        slow.send(frame(TEXT, json.dumps({"type": "ask", "id": 1})))
        await served.until(lambda stats: _replied(stats) > before)
        await publish(served, "/ws/news")
        heard = []
        while not heard or heard[-1].get("id") != 1:
            heard.append(await slow.message())
        assert heard[-1]["type"] == "reply"
    async with opened(served, "/ws/news", window=16_384) as greedy:
        while not (stats := await served.stats())["routes"][0]["errors"]:
            greedy.send(*(frame(TEXT, json.dumps({"type": "ask", "id": number})) for number in range(20)))
            await served.until(partial(_answered, _replied(stats) + 20))
        assert stats["routes"][0]["errors"] == {"slow_consumer": 1}


async def test_what_a_handler_publishes_all_at_once_is_not_all_for_who_does_not_read(served: Served) -> None:
    async with opened(served, "/ws/burst", window=16_384) as slow:
        slow.send(frame(TEXT, json.dumps({"type": "burst"})))
        await served.until(lambda stats: stats["routes"][2]["errors"] == {"slow_consumer": 1})
        figures = await of(served, "burst")
    assert figures["published"] > 0
    # what the operating system and the backlog take, and one turn of the bridge
    assert figures["bytes_out"] < COUNT * SIZE < 3 * COUNT * SIZE


def _answered(count: int, stats: Any) -> bool:
    return _replied(stats) >= count


def _replied(stats: Any) -> int:
    route = stats["routes"][0]
    found: int = route["replied"] + 1000 * len(route["errors"])
    return found


SLOW_BYTES = 256 * 1024
