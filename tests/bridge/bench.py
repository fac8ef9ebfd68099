"""A gateway's end of the bridge on a bench: a clock that is moved by hand, and workers that are a DEALER each."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import zmq
import zmq.asyncio

from routewright.bridge import codec
from routewright.bridge.codec import (
    Call,
    Close,
    Error,
    Heartbeat,
    Hello,
    Publish,
    Push,
    Ready,
    Reply,
    Request,
)
from routewright.bridge.gateway import BridgeGateway
from routewright.bridge.pool import Entry, Worker

PATIENCE = 10.0


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """Who waits for answers: notes each end of each request."""

    def __init__(self) -> None:
        self.ends: list[tuple[Any, str]] = []
        self.parts: list[tuple[Any, bytes | None]] = []
        self._news = asyncio.Event()

    def replied(self, entry: Entry, reply: Reply, now: float) -> None:
        self.parts.append((entry[1], reply.frame))
        if reply.final:
            self._ended(entry[1], "reply")

    def failed(self, entry: Entry, error: Error) -> None:
        self._ended(entry[1], error.code)

    def _ended(self, id: Any, how: str) -> None:
        self.ends.append((id, how))
        self._news.set()

    async def until(self, count: int) -> list[tuple[Any, str]]:
        """Every end, once there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.ends) < count:
                self._news.clear()
                await self._news.wait()
        return self.ends


class Gateway:
    """A bridge and all that it tells."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self.clock = clock
        self.told: list[tuple[Any, ...]] = []
        self.bridge = BridgeGateway(endpoint, self, clock=clock)
        self.pool = self.bridge.pool("app", "d1")
        self._news = asyncio.Event()
        self.bridge.start()

    def _tell(self, *what: Any) -> None:
        self.told.append(what)
        self._news.set()

    def pushed(self, push: Push) -> None:
        self._tell("pushed", push)

    def published(self, publish: Publish) -> None:
        self._tell("published", publish)

    def listens(self, worker: Worker, topics: list[str]) -> None:
        self._tell("listens", topics)

    def called(self, worker: Worker, call: Call) -> None:
        self._tell("called", call)

    def call_withdrawn(self, worker: Worker, correlation: int) -> None:
        self._tell("call_withdrawn", correlation)

    def close_asked(self, close: Close) -> None:
        self._tell("close_asked", close)

    def worker_ready(self, worker: Worker) -> None:
        self._tell("ready", worker.name)

    def worker_lost(self, worker: Worker, sessions: set[int]) -> None:
        self._tell("lost", worker.process, sessions)

    def batch_done(self) -> None:
        self._news.set()

    async def until(self, *what: Any) -> None:
        """Wait until this was told."""
        async with asyncio.timeout(PATIENCE):
            while what not in self.told:
                self._news.clear()
                await self._news.wait()

    def ask(self, asked: Asked, id: Any, *, seconds: float = 30.0, worker: Worker | None = None) -> Worker | None:
        """Send a request to a worker that has room, and tell which one."""
        chosen = worker or self.pool.pick()
        if chosen is not None:
            now = self.clock()
            entry = (asked, id, now, now + seconds, seconds)
            chosen.request(entry, 7, "x", b"{}")
        return chosen


class Peer:
    """A worker's socket."""

    def __init__(self, endpoint: str) -> None:
        self.context = zmq.asyncio.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(endpoint)
        self.batches = 0
        self._read: list[Any] = []

    async def say(self, *messages: Any) -> None:
        await self.socket.send(codec.encode(list(messages)))

    async def raw(self, data: bytes) -> None:
        await self.socket.send(data)

    async def hear(self) -> Any:
        """The next message that is no heartbeat."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while not self._read:
                    self._read = codec.decode_from_gateway(await self.socket.recv())
                    self.batches += 1
                message = self._read.pop(0)
                if not isinstance(message, Heartbeat):
                    return message

    async def requests(self, count: int) -> list[Request]:
        """The next messages, which are requests."""
        found = [await self.hear() for _ in range(count)]
        assert all(isinstance(message, Request) for message in found), found
        return found

    def close(self) -> None:
        self.socket.close(linger=0)
        self.context.term()


class Bench:
    """A gateway, and workers as they are asked for."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.endpoint = f"ipc://{Path(self._folder.name)}/b"
        self.clock = Clock()
        self.gateway = Gateway(self.endpoint, self.clock)
        self.peers: list[Peer] = []

    def peer(self) -> Peer:
        self.peers.append(Peer(self.endpoint))
        return self.peers[-1]

    async def worker(self, capacity: int = 100, process: int = 1) -> Peer:
        peer = self.peer()
        await peer.say(Hello(codec.VERSION, "app", "d1", "test", capacity, process))
        assert isinstance(await peer.hear(), Ready)
        return peer

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        self.gateway.bridge.stop()
        self.gateway.bridge.stop()
        self._folder.cleanup()
