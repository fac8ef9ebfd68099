"""Drill: worker and gateway processes are killed while requests are under way."""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.gateway.asking import ask, asking, handler, route
from tests.served import PATIENCE, Served, serving

CONNECTIONS = 50
WINDOW = 8
WORKERS = 4
KILLS = 20

SLOW = "import asyncio\nimport random\n" + handler().replace(
    "    return", "    await asyncio.sleep(random.choice((0, 0, 0.002, 0.02)))\n    return"
)


class Client:
    """A connection that keeps a window of requests open and counts what comes back for each."""

    def __init__(self, number: int, outcomes: Counter[str]) -> None:
        self.number = number
        self.outcomes = outcomes
        self.asked = 0
        self.waiting: dict[int, str] = {}
        self.room = asyncio.Semaphore(WINDOW)
        self.answered = asyncio.Event()

    async def run(self, served: Served, over: asyncio.Event) -> None:
        async with served.connect("/ws/alpha") as connection, asyncio.TaskGroup() as tasks:
            tasks.create_task(self.read(connection))
            while not over.is_set():
                await self.take_room()
                self.asked += 1
                nonce = self.waiting[self.asked] = f"{self.number}-{self.asked}"
                await connection.send(ask(self.asked, nonce))
                await asyncio.sleep(0.005)
            for _ in range(WINDOW):
                await self.take_room()
            # with every request answered, whatever still comes is an answer too many
            assert not self.waiting
            await connection.send(ask("last"))

    async def take_room(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.room.acquire()

    async def read(self, connection: ClientConnection) -> None:
        while True:
            answer = json.loads(await connection.recv())
            if answer["id"] == "last":
                return
            nonce = self.waiting.pop(answer["id"])
            if answer["type"] == "answer":
                assert answer["payload"]["nonce"] == nonce
                self.outcomes["answered"] += 1
                self.answered.set()
            else:
                assert answer["error"]["retryable"] is True
                self.outcomes[answer["error"]["code"]] += 1
                # a client that is told to come back later does so
                await asyncio.sleep(min(answer["error"].get("retryAfter", 0.0), 0.05))
            self.room.release()


def fully_ready(stats: Any) -> bool:
    return all(pool["ready"] == WORKERS for pool in stats["workers"]) and all(
        not worker["draining"] for gateway in stats["gateways"] for worker in gateway["bridge"]["workers"]
    )


async def kill_some(served: Served, chance: random.Random) -> None:
    """SIGKILL one worker, or now and then all of them; return when that has been noticed."""
    workers = await asyncio.to_thread(served.workers)
    before = len(served.lines)
    victims = chance.sample(workers, chance.choice((1, 1, 1, len(workers)))) if workers else []
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    for victim in victims:
        line = await served.logged(lambda line, dead=victim: line.get("process") == dead, before)
        assert (line["event"], line["exit_code"]) == ("a worker has ended", -signal.SIGKILL)


async def test_every_request_has_one_outcome_while_workers_are_killed(tmp_path: Path) -> None:
    project = asking(tmp_path, route("alpha", workers=WORKERS))
    project.save("alpha_handler.py", SLOW)
    outcomes: Counter[str] = Counter()
    over = asyncio.Event()
    clients = [Client(number, outcomes) for number in range(CONNECTIONS)]
    chance = random.Random(7)
    with serving(project, "--no-watch") as served:
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client.run(served, over))
            await served.until(lambda stats: stats["connections"] == CONNECTIONS)
            for _ in range(KILLS):
                await kill_some(served, chance)
                for client in clients:
                    client.answered.clear()
                async with asyncio.timeout(PATIENCE):
                    await asyncio.gather(*(client.answered.wait() for client in clients))
            over.set()
        stats = await served.until(lambda stats: stats["connections"] == 0 and fully_ready(stats))
        assert stats["workers"][0]["restarts"] >= KILLS
    assert sum(outcomes.values()) == sum(client.asked for client in clients)
    assert set(outcomes) == {"answered", "worker_lost", "overloaded"}
    print(outcomes)
