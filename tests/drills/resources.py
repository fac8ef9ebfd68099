"""Drill: connections come and go, some of them rudely; what they took is given back."""

import asyncio
import json
from pathlib import Path
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection

from tests.drills.drill import Outcome, Size, drill
from tests.gateway.asking import ask, asking
from tests.served import Served, serving

CYCLES = 10
SETTLED = 4
"""The first cycle that is judged: before it, memory that is kept for reuse still grows."""

DRIFT = 0.01
"""Share by which memory may grow from then on."""


@drill("resources")
async def resources(size: Size, folder: Path) -> Outcome:
    """Judge memory by its slope after the warm-up; descriptors, tasks and sessions must return exactly."""
    count = min(60 * size.factor, 400)
    outcome = Outcome(f"{CYCLES} cycles of {count} connections", "every third cut without a close")
    with serving(asking(folder), "--no-watch") as served:
        figures = []
        for _ in range(CYCLES):
            await _cycle(served, count, outcome)
            figures.append(await _at_rest(served))
    first, last = figures[SETTLED - 1], figures[-1]
    for name in ("descriptors", "tasks", "sessions", "connections"):
        outcome.lost += last[name] - first[name]
    drift = last["memory"] / first["memory"] - 1
    outcome.lost += drift > DRIFT
    outcome.notes = f"memory {drift:+.2%}, {last['descriptors']} descriptors, {last['tasks']} tasks"
    return outcome


async def _cycle(served: Served, count: int, outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()

    async def client(number: int) -> ClientConnection:
        connection = await served.connect("/ws/alpha")
        since = loop.time()
        await connection.send(ask(number, str(number)))
        answer = json.loads(await connection.recv())
        outcome.seconds.append(loop.time() - since)
        outcome.lost += answer["payload"]["nonce"] != str(number)
        return connection

    connections = await asyncio.gather(*(client(number) for number in range(count)))
    for number, connection in enumerate(connections):
        if number % 3 == 0:
            connection.transport.abort()
    await asyncio.gather(*(connection.close() for connection in connections))


async def _at_rest(served: Served) -> dict[str, Any]:
    """What the gateway process holds once nobody is connected."""
    stats = await served.until(
        lambda stats: not stats["connections"] and not any(_sessions(gateway) for gateway in stats["gateways"])
    )
    (gateway,) = stats["gateways"]
    process = psutil.Process(gateway["process"])
    return {
        "memory": process.memory_info().rss,
        "descriptors": process.num_fds(),
        "tasks": gateway["tasks"],
        "sessions": _sessions(gateway),
        "connections": stats["connections"],
    }


def _sessions(gateway: dict[str, Any]) -> int:
    return sum(worker["sessions"] + worker["in_flight"] for worker in gateway["bridge"]["workers"])
