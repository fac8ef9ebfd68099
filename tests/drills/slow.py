"""Drill: some clients stop reading what is published; they are given up, and the others do not notice."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.drills.drill import Outcome, Size, drill
from tests.gateway.wire import opened
from tests.served import PATIENCE, Project, serving

TICKER = """\
from routewright.handlers import Context, on

@on.any
async def tick(message, context: Context):
    context.publish(context.route, {"type": "tick", "payload": {"number": message["payload"], "filling": "x" * 20000}})
"""
ROUTE = {
    "path": "/ws/ticks",
    "pythonModule": "ticker",
    "rateLimit": False,
    "slowConsumer": {"backlog": "256KiB", "after": "1h"},
}
READERS = 10
STALLED = 5


@drill("slow readers")
async def slow(size: Size, folder: Path) -> Outcome:
    """Each of the readers hears everything, once and in order; each of those that do not read is closed with 4002."""
    # several times what an operating system keeps for a connection
    count = 600 * size.factor
    outcome = Outcome(f"{count} events of 20 kB to {READERS} readers", f"{STALLED} that never read")
    project = Project(folder)
    project.spec({"routes": [ROUTE]})
    project.save("ticker.py", TICKER)
    with serving(project, "--no-watch") as served:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(STALLED):
                await stack.enter_async_context(opened(served, "/ws/ticks", window=16_384))
            readers = [await stack.enter_async_context(served.connect("/ws/ticks")) for _ in range(READERS)]
            heard = [asyncio.create_task(_listen(reader, count)) for reader in readers]
            asker = await stack.enter_async_context(served.connect("/ws/ticks"))
            await _ask(asker, count, outcome)
            for task in heard:
                outcome.heard(await task, range(count))
            await served.until(lambda stats: _given_up(stats) >= STALLED)
        stats = await served.stats()
    outcome.notes = f"{_given_up(stats)} given up"
    outcome.lost += abs(_given_up(stats) - STALLED)
    return outcome


async def _ask(asker: ClientConnection, count: int, outcome: Outcome) -> None:
    """Have one event published after the other."""
    loop = asyncio.get_running_loop()
    for number in range(count):
        since = loop.time()
        await asker.send(json.dumps({"type": "tick", "payload": number}))
        async with asyncio.timeout(PATIENCE):
            await asker.recv()
        outcome.seconds.append(loop.time() - since)


async def _listen(reader: ClientConnection, count: int) -> list[int]:
    async with asyncio.timeout(PATIENCE * 10):
        return [json.loads(await reader.recv())["payload"]["number"] for _ in range(count)]


def _given_up(stats: Any) -> int:
    found: int = stats["routes"][0]["errors"].get("slow_consumer", 0)
    return found
