"""Drill: worker and gateway processes are killed while requests are under way."""

import asyncio
import contextlib
import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq
import zmq.asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from routewright.bridge import codec
from routewright.bridge.codec import Error, Heartbeat, Hello
from routewright.bridge.gateway import BridgeGateway
from routewright.bridge.pool import Entry, Worker
from tests.gateway.asking import ask, asking, handler, route
from tests.served import PATIENCE, Served, exchange, serving

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


def about(process: int) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line.get("process") == process


async def kill_some(served: Served, chance: random.Random) -> None:
    """SIGKILL one worker, or now and then all of them; return when that has been noticed."""
    workers = await asyncio.to_thread(served.workers)
    before = len(served.lines)
    victims = chance.sample(workers, chance.choice((1, 1, 1, len(workers)))) if workers else []
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    for victim in victims:
        line = await served.logged(about(victim), before)
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


async def test_clients_and_workers_come_back_to_a_gateway_process_that_was_killed(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project, "--no-watch") as served:
        workers = served.workers()
        (gateway,) = (await served.stats())["gateways"]
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(served.connect("/ws/alpha")) for _ in range(20)]
            for client in clients:
                assert (await exchange(client, ask()))["payload"]["process"] == workers[0]
            os.kill(gateway["process"], signal.SIGKILL)
            for client in clients:
                async with asyncio.timeout(PATIENCE):
                    await client.wait_closed()
                assert client.close_code == 1006
        line = await served.logged("a gateway process has ended")
        assert line["exit_code"] == -signal.SIGKILL
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(20):
                client = await stack.enter_async_context(await reconnected(served))
                assert (await exchange(client, ask()))["payload"]["process"] == workers[0]
        stats = await served.stats()
        assert stats["gateway_restarts"] == 1
        assert stats["workers"][0]["restarts"] == 0
        assert stats["gateways"][0]["process"] != gateway["process"]


async def reconnected(served: Served) -> ClientConnection:
    """A connection, as soon as the gateway has a worker for it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await served.connect("/ws/alpha")
            except InvalidStatus as refused:
                if refused.response.status_code != 503:
                    raise


class Listening:
    """What the bridge tells a gateway, and a requester's ends."""

    def __init__(self) -> None:
        self.failures: list[Error] = []
        self.lost: list[Worker] = []
        self.news = asyncio.Event()

    async def until(self, test: Callable[[], object]) -> None:
        """Return when a batch or a look at the deadlines has made it true."""
        async with asyncio.timeout(PATIENCE):
            while not test():
                self.news.clear()
                await self.news.wait()

    def worker_lost(self, worker: Worker, sessions: set[int]) -> None:
        self.lost.append(worker)

    def batch_done(self) -> None:
        self.news.set()

    def worker_ready(self, worker: Worker) -> None: ...
    def pushed(self, push: codec.Push) -> None: ...
    def published(self, publish: codec.Publish) -> None: ...
    def called(self, worker: Worker, call: codec.Call) -> None: ...
    def call_withdrawn(self, worker: Worker, correlation: int) -> None: ...
    def close_asked(self, close: codec.Close) -> None: ...
    def replied(self, entry: Entry, reply: codec.Reply, now: float) -> None: ...

    def failed(self, entry: Entry, error: Error) -> None:
        self.failures.append(error)


async def test_a_worker_that_hangs_is_lost_when_its_heartbeats_fail(tmp_path: Path) -> None:
    listening = Listening()
    now = [1000.0]
    bridge = BridgeGateway(f"ipc://{tmp_path}/bridge", listening, clock=lambda: now[0])
    pool = bridge.pool("alpha", "digest")
    context = zmq.asyncio.Context()
    dealer = context.socket(zmq.DEALER)
    bridge.start()
    try:
        dealer.connect(bridge.endpoint)
        await dealer.send(codec.encode([Hello(codec.VERSION, "alpha", "digest", "test")]))
        await listening.until(lambda: pool.ready)
        (worker,) = pool.ready
        worker.request((listening, 1, now[0], now[0] + 1000, 1000), 1, "ask", b"{}")
        received = bridge.batches_received
        now[0] += codec.DEAD - 1
        await dealer.send(codec.encode([Heartbeat()]))
        await listening.until(lambda: bridge.batches_received > received)
        now[0] += 2
        heard: list[Any] = []
        async with asyncio.timeout(PATIENCE):
            while not any(isinstance(message, Heartbeat) for message in heard):
                heard += codec.decode_from_gateway(await dealer.recv())
        assert listening.lost == []
        now[0] += codec.DEAD
        await listening.until(lambda: listening.lost)
        assert listening.lost == [worker]
        assert [(error.code, error.retryable) for error in listening.failures] == [("worker_lost", True)]
        assert (pool.ready, pool.workers) == ([], [])
    finally:
        bridge.stop()
        dealer.close(linger=0)
        context.term()
