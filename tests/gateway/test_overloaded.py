"""Requests that no worker can take: refused at once, or tried again where that is allowed, until one can."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.gateway.conftest import Serve
from tests.served import PATIENCE, Served, exchange

CAPACITY = 2048
"""Requests that a worker may have at a time."""

HANDLER = """
import asyncio
import os
import time
from pathlib import Path

from routewright.handlers import on

HERE = Path(__file__).parent

while HERE.joinpath("closed").exists():
    time.sleep(0.01)


@on("ask")
@on("act")
async def ask(message):
    with HERE.joinpath(f"effects-{message.name}").open("a") as effects:
        effects.write(".")
    while message.wait and not HERE.joinpath("gate").exists():
        await asyncio.sleep(0.05)
    return {"type": "done", "payload": os.getpid()}
"""
TOLD: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "wait": {"type": "boolean", "default": False}},
    "required": ["name"],
}
SPEC: dict[str, Any] = {
    "routes": [
        {
            "path": "/ws/work",
            "pythonModule": "work",
            "messages": {
                "ask": {"payload": TOLD, "reply": "done", "idempotent": True},
                "act": {"payload": TOLD, "reply": "done"},
                "done": {"from": "handler", "payload": {"type": "integer"}},
            },
            "rateLimit": False,
            "circuitBreaker": False,
            "limits": {"inFlight": CAPACITY},
            "retry": {"attempts": 10, "base": "10ms"},
        }
    ]
}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, {"work.py": HANDLER}) as served:
        yield served


def told(type: str, name: str, id: int = 1, *, wait: bool = False) -> str:
    return json.dumps({"type": type, "id": id, "payload": {"name": name, "wait": wait}})


async def received(client: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await client.recv())


def effects(served: Served, name: str) -> int:
    file = Path(served.project.folder, f"effects-{name}")
    return len(file.read_text()) if file.exists() else 0


def work(stats: Any) -> Any:
    return stats["routes"][0]


async def test_while_every_worker_is_full_what_is_idempotent_waits_its_turn(served: Served) -> None:
    before = work(await served.stats())
    async with served.connect("/ws/work") as filling, served.connect("/ws/work") as client:
        for number in range(CAPACITY):
            await filling.send(told("act", "filling", number, wait=True))
        await served.until(lambda stats: stats["gateways"][0]["bridge"]["workers"][0]["in_flight"] == CAPACITY)
        refusal = (await exchange(client, told("act", "acted")))["error"]
        assert (refusal["code"], refusal["retryable"]) == ("overloaded", True)
        assert 0.1 <= refusal["retryAfter"] <= 5.0
        await client.send(told("ask", "asked", 2))
        await served.until(lambda stats: work(stats)["retries"] == before["retries"] + 1)
        assert work(await served.stats())["shed"]["busy"] == 2
        served.project.folder.joinpath("gate").touch()
        answer = await received(client)
        assert (answer["type"], answer["id"]) == ("done", 2)
        answers = [await received(filling) for _ in range(CAPACITY)]
        assert {answer["type"] for answer in answers} == {"done"}
    assert (effects(served, "filling"), effects(served, "asked"), effects(served, "acted")) == (CAPACITY, 1, 0)


async def test_while_no_worker_is_there_what_is_idempotent_waits_for_the_next(served: Served) -> None:
    closed = served.project.folder / "closed"
    async with served.connect("/ws/work") as client:
        first = (await exchange(client, told("ask", "first")))["payload"]
        closed.touch()
        os.kill(first, signal.SIGKILL)
        stats = await served.until(lambda stats: not stats["gateways"][0]["bridge"]["workers"])
        before = work(stats)["retries"]
        refusal = (await exchange(client, told("act", "acted")))["error"]
        assert (refusal["code"], refusal["retryAfter"]) == ("overloaded", 1.0)
        await client.send(told("ask", "second", 2))
        await served.until(lambda stats: work(stats)["retries"] == before + 1)
        closed.unlink()
        answer = await received(client)
        assert (answer["type"], answer["id"]) == ("done", 2)
        assert answer["payload"] != first
    assert (effects(served, "second"), effects(served, "acted")) == (1, 0)
