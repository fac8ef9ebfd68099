"""Events that modules lose: with a worker, while none is there, and where all are full. Each is counted, and told."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.gateway.conftest import Serve
from tests.served import Served, exchange

CAPACITY = 2048
"""Events that a worker may have at a time."""

BOARD = """
from routewright.handlers import on

@on("tell")
async def tell(message, context):
    for _ in range(message.count):
        context.publish(message.topic, {"type": "done"})
    return {"type": "told"}
"""
LISTENER = """
import asyncio
from pathlib import Path

from routewright.handlers import on

HERE = Path(__file__).parent

@on.event("jobs.*")
async def job(message, context):
    with HERE.joinpath("begun").open("a") as begun:
        begun.write(".")
    while not HERE.joinpath("gate").exists():
        await asyncio.sleep(0.01)

@on.any
async def other(message): ...
"""
TELL = {"type": "object", "properties": {"topic": {"type": "string"}, "count": {"type": "integer", "default": 1}}}
SPEC: dict[str, Any] = {
    "routes": [
        {
            "path": "/ws/board",
            "pythonModule": "board",
            "messages": {
                "tell": {"payload": TELL, "reply": "told"},
                "told": {"from": "handler"},
                "done": {"from": "handler"},
            },
            "topics": {"jobs.{id}": {"messages": ["done"]}},
        },
        {"path": "/ws/listener", "pythonModule": "listener"},
    ]
}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, {"board.py": BOARD, "listener.py": LISTENER}) as served:
        yield served


async def tell(client: ClientConnection, count: int = 1) -> None:
    answer = await exchange(client, {"type": "tell", "id": 1, "payload": {"topic": "jobs.7", "count": count}})
    assert answer["type"] == "told", answer


def jobs(stats: Any) -> dict[str, int]:
    """What has become of the events."""
    topic = stats["topics"][0]
    return {key: topic[key] for key in ("handled", "failed", "lost", "dropped")}


def listener(stats: Any) -> dict[str, Any]:
    group: dict[str, Any] = next(each for each in stats["workers"] if each["pool"] == "listener")
    return group


def begun(served: Served) -> int:
    """Events that a handler has begun with."""
    file = Path(served.project.folder, "begun")
    return len(file.read_text()) if file.exists() else 0


async def told(served: Served, count: int) -> None:
    """See that the log tells of so many, in lines of which each says for whom."""

    def lines() -> list[dict[str, Any]]:
        return [line for line in served.lines if line.get("event") == "modules have lost events"]

    await served.logged(lambda _: sum(line["events"] for line in lines()) >= count)
    assert sum(line["events"] for line in lines()) == count
    for line in lines():
        assert line["listeners"] == [{"route": "board", "pattern": "jobs.*", "events": line["events"]}]


async def test_what_is_lost_is_counted_and_told(served: Served) -> None:
    gate = served.project.folder / "gate"
    async with served.connect("/ws/board") as client:
        # with its worker, which had three of them
        await tell(client, 3)
        stats = await served.until(lambda _: begun(served) == 3)
        assert jobs(stats) == {"handled": 0, "failed": 0, "lost": 0, "dropped": 0}
        worker = listener(stats)["processes"][0]
        # it cannot come back while it stands still
        served.project.save(
            "listener.py", "import os, time\nwhile os.path.exists(__file__ + '.wait'): time.sleep(.01)\n" + LISTENER
        )
        served.project.save("listener.py.wait", "")
        os.kill(worker, signal.SIGKILL)
        await served.until(lambda stats: jobs(stats) == {"handled": 0, "failed": 0, "lost": 3, "dropped": 0})
        # while there is none
        await tell(client, 2)
        await served.until(lambda stats: jobs(stats) == {"handled": 0, "failed": 0, "lost": 3, "dropped": 2})
        (served.project.folder / "listener.py.wait").unlink()
        await served.until(
            lambda stats: listener(stats)["ready"] == 1 and len(stats["gateways"][0]["bridge"]["workers"]) == 2
        )
        # where all are full
        await tell(client, CAPACITY + 7)
        await served.until(lambda stats: jobs(stats)["dropped"] == 9)
        gate.touch()
        await served.until(lambda stats: jobs(stats) == {"handled": CAPACITY, "failed": 0, "lost": 3, "dropped": 9})
        await tell(client)
        await served.until(lambda stats: jobs(stats)["handled"] == CAPACITY + 1)
    await told(served, 12)
    text = served.get(f"{served.ready['admin']}/metrics")[2].decode()
    assert 'routewright_topic_events_total{outcome="lost",route="board",topic="jobs.{id}"} 3.0' in text
    assert 'routewright_topic_events_total{outcome="dropped",route="board",topic="jobs.{id}"} 9.0' in text
