"""The gateway's end of the bridge: one ROUTER socket, and the pools of workers that say hello on it.

Strategy: no task and no future per message. What is to be sent to a worker in one tick of the loop goes out as one
ZeroMQ message. Credits, not high-water marks, bound what is in flight: a worker is never owed more answers than the
capacity it declared. Every request ends exactly once: its entry in `Worker.pending` is removed by whichever comes first
of the answer, the deadline, the client's leaving and the worker's loss, and whatever comes later finds no entry.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import zmq

from routewright.bridge import codec
from routewright.bridge.codec import (
    Call,
    Cancel,
    Close,
    Closed,
    CodecError,
    Error,
    Goodbye,
    Heartbeat,
    Hello,
    Invalidate,
    Open,
    Publish,
    Push,
    Ready,
    Refused,
    Reply,
    Subscribe,
)
from routewright.bridge.echoes import Echoes
from routewright.bridge.pool import Entry, Requester, Worker, WorkerPool
from routewright.bridge.router import Router

TURNS = 4
"""Turns of the event loop that a batch may go on growing. Clients that answer each other's pace send a few messages a
turn; a batch costs two wake-ups of ZeroMQ's threads, a turn without news next to nothing."""

SWEEP = 0.05
"""Seconds between two looks at the deadlines."""

LAST_WORDS = 0.25
"""Seconds in which the answers of a worker that has ended may still arrive."""

UNSENT = 64 * 1024 * 1024
"""Bytes that may wait for a worker whose socket takes no more; past it the worker is taken for lost."""


class Observer(Protocol):
    """What the bridge tells the gateway."""

    def pushed(self, push: Push) -> None: ...
    def published(self, publish: Publish) -> None: ...
    def listens(self, worker: "Worker", topics: list[str]) -> None: ...
    def called(self, worker: "Worker", call: Call) -> None: ...
    def call_withdrawn(self, worker: "Worker", correlation: int) -> None: ...
    def close_asked(self, close: Close) -> None: ...
    def claimed(self, hello: Hello) -> "WorkerPool | str": ...
    def invalidated(self, invalidate: Invalidate) -> None: ...
    def worker_ready(self, worker: "Worker") -> None: ...
    def worker_lost(self, worker: "Worker", sessions: set[int]) -> None: ...
    def batch_done(self) -> None: ...


class BridgeGateway:
    """The ROUTER that a gateway's workers connect to."""

    def __init__(
        self,
        endpoint: str,
        observer: Observer,
        *,
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint = endpoint
        self.pools: dict[tuple[str, str], WorkerPool] = {}
        self.workers: dict[bytes, Worker] = {}
        self.batches_sent = 0
        self.batches_received = 0
        self.bad_batches = 0
        self.echoes = Echoes(self.send)
        self._observer = observer
        self._router = Router(self._received, observer.batch_done, context)
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._dirty: list[Worker] = []
        self._scheduled = False
        self._collected = 0
        self._turns = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, configure: "Callable[[zmq.Socket[bytes]], None] | None" = None) -> None:
        """Bind, and begin to read. ``configure`` may set security options before the bind.

        Raises:
            zmq.ZMQError: the endpoint cannot be bound.
        """
        self._router.open(self.endpoint, configure)
        self._timer = self._loop.call_later(SWEEP, self._sweep)

    def stop(self) -> None:
        """Stop reading and close the socket. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        self._router.close()

    # Pools

    def pool(self, name: str, digest: str) -> WorkerPool:
        """The pool of that name and contract; made on first use, after which its workers are welcome."""
        key = (name, digest)
        if (pool := self.pools.get(key)) is None:
            pool = self.pools[key] = WorkerPool(name, digest)
        return pool

    def retain(self, keys: Iterable[tuple[str, str]]) -> None:
        """Forget every pool but these, and let the workers of the others go."""
        wanted = set(keys)
        for key in [key for key in self.pools if key not in wanted]:
            for worker in list(self.pools.pop(key).workers):
                self.release(worker)

    def release(self, worker: Worker) -> None:
        """Send a worker no more requests; it leaves when it has answered those it has."""
        if not worker.draining:
            worker.leaving = True
            self._retire(worker)
            self.send(worker, Goodbye())

    def superseded(self, name: str, processes: frozenset[int]) -> None:
        """Release the workers of these processes."""
        for worker in self.workers.values():
            if worker.name == name and worker.process in processes:
                self.release(worker)

    # Sending

    def wake(self, worker: Worker) -> None:
        """Send what has collected for a worker, as soon as no more is coming."""
        worker.dirty = True
        self._dirty.append(worker)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def send(self, worker: Worker, message: Any) -> None:
        """Add a message to the worker's next batch."""
        worker.out.append(message)
        if not worker.dirty:
            self.wake(worker)

    def open(self, worker: Worker, message: Open) -> None:
        """Introduce a session to a worker."""
        worker.sessions.add(message.session)
        self.send(worker, message)

    def close(self, worker: Worker, session: int, code: int) -> None:
        """End a session at a worker that knows it: its requests there are no longer wanted."""
        if session in worker.sessions:
            worker.sessions.discard(session)
            self.send(worker, Closed(session, code))

    def forget(self, requester: Requester) -> None:
        """Drop every pending request of someone who has left."""
        for worker in self.workers.values():
            for correlation in [key for key, entry in worker.pending.items() if entry[0] is requester]:
                del worker.pending[correlation]

    def withdraw(self, worker: Worker, correlation: int) -> None:
        """Drop a request that this worker may have, and tell it."""
        if worker.pending.pop(correlation, None) is not None:
            self.send(worker, Cancel(correlation))

    def cancel(self, requester: Requester, id: Any) -> None:
        """Drop one pending request and tell its worker."""
        for worker in self.workers.values():
            for correlation, entry in list(worker.pending.items()):
                if entry[0] is requester and entry[1] == id:
                    del worker.pending[correlation]
                    self.send(worker, Cancel(correlation))

    def _flush(self) -> None:
        """Send the batches; a batch that still grows is given a few turns of the loop more."""
        collected = sum([len(worker.out) for worker in self._dirty])
        if collected > self._collected and self._turns < TURNS:
            self._collected = collected
            self._turns += 1
            self._loop.call_soon(self._flush)
            return
        self._scheduled = False
        self._collected = self._turns = 0
        if not self._router.is_open:
            return
        dirty, self._dirty = self._dirty, []
        now = self._clock()
        for worker in dirty:
            worker.dirty = False
            batch = worker.out
            if not batch:
                continue
            data = codec.encode(batch)
            try:
                self._router.send(worker.identity, data)
            except zmq.Again:
                self._retry(worker, len(data))
                continue
            except zmq.ZMQError:
                worker.out = []
                self._leaving(worker)
                continue
            worker.out = []
            worker.sent = now
            worker.messages += len(batch)
            self.batches_sent += 1
        self._router.look()

    def _retry(self, worker: Worker, size: int) -> None:
        if size > UNSENT:
            self.lost(worker)
        elif not worker.dirty:
            worker.dirty = True
            self._dirty.append(worker)
            if not self._scheduled:
                self._scheduled = True
                self._loop.call_later(SWEEP / 10, self._flush)

    # Receiving

    def _received(self, identity: bytes, data: bytes) -> None:
        self.batches_received += 1
        try:
            batch = codec.decode_from_worker(data)
        except CodecError as error:
            self.bad_batches += 1
            self._refuse(identity, f"not a batch of protocol version {codec.VERSION}: {error}")
            return
        worker = self.workers.get(identity)
        if worker is None:
            worker = self._greeted(identity, batch)
            if worker is None:
                return
        now = worker.seen = self._clock()
        pending = worker.pending
        for message in batch:
            if isinstance(message, Reply):
                if message.final:
                    entry = pending.pop(message.correlation, None)
                else:
                    entry = self._part(worker, message.correlation)
                if entry is not None:
                    entry[0].replied(entry, message, now)
            else:
                self._other(worker, message)

    def _part(self, worker: Worker, correlation: int) -> Entry | None:
        """A part of a stream: the deadline starts anew."""
        entry = worker.pending.get(correlation)
        if entry is None:
            return None
        entry = (entry[0], entry[1], entry[2], worker.seen + entry[4], entry[4])
        worker.pending[correlation] = entry
        return entry

    def _other(self, worker: Worker, message: codec.FromWorker) -> None:
        match message:
            case Error():
                entry = worker.pending.pop(message.correlation, None)
                if entry is not None:
                    entry[0].failed(entry, message)
            case Push():
                self._observer.pushed(message)
            case Publish():
                self._observer.published(message)
            case Subscribe():
                self._observer.listens(worker, message.topics)
            case Call():
                self._observer.called(worker, message)
            case Close():
                self._observer.close_asked(message)
            case Cancel():
                self._observer.call_withdrawn(worker, message.correlation)
            case Goodbye():
                self.release(worker)
            case Invalidate():
                self._observer.invalidated(message)
            case Heartbeat():
                self.echoes.came(worker, message.echo)
            case _:
                pass

    def _greeted(self, identity: bytes, batch: list[codec.FromWorker]) -> Worker | None:
        hello = batch[0] if batch else None
        if not isinstance(hello, Hello):
            self._refuse(identity, "say hello first")
            return None
        if hello.version != codec.VERSION:
            self._refuse(identity, f"protocol version {hello.version} is not {codec.VERSION}")
            return None
        if hello.route is not None:
            claimed = self._observer.claimed(hello)
            if isinstance(claimed, str):
                self._refuse(identity, claimed)
                return None
            return self._welcome(identity, hello, claimed)
        pool = self.pools.get((hello.name, hello.digest))
        if pool is None:
            known = [digest for name, digest in self.pools if name == hello.name]
            self._refuse(
                identity,
                f"{hello.name!r} was built for contract {hello.digest}, this gateway serves {', '.join(known)}: "
                "run `routewright generate` and restart the worker"
                if known
                else f"no route of this gateway is answered by {hello.name!r}",
            )
            return None
        return self._welcome(identity, hello, pool)

    def _welcome(self, identity: bytes, hello: Hello, pool: WorkerPool) -> Worker:
        worker = Worker(identity, hello, pool, self._clock(), self.wake)
        self.workers[identity] = worker
        pool.workers.append(worker)
        pool.ready.append(worker)
        self.send(worker, Ready())
        self._observer.worker_ready(worker)
        return worker

    def _refuse(self, identity: bytes, reason: str) -> None:
        with contextlib.suppress(zmq.ZMQError):
            self._router.send(identity, codec.encode([Refused(reason)]))

    # Loss and lateness

    def gone(self, name: str, process: int) -> None:
        """The operating system says that a worker's process has ended."""
        for worker in [worker for worker in self.workers.values() if (worker.name, worker.process) == (name, process)]:
            self._leaving(worker)

    def _leaving(self, worker: Worker) -> None:
        """A worker cannot be reached any more. What it had sent before may still be unread, or on its way through
        ZeroMQ's own thread, so one that owes answers is given up only after `LAST_WORDS`."""
        self._retire(worker)
        if worker.pending:
            self._loop.call_later(LAST_WORDS, self.lost, worker)
        else:
            self.lost(worker)

    def _retire(self, worker: Worker) -> None:
        """Take a worker out of its pool's choice."""
        worker.draining = True
        if worker in worker.pool.ready:
            worker.pool.ready.remove(worker)

    def lost(self, worker: Worker) -> None:
        """A worker is gone: its pending requests fail with ``worker_lost``, all with one and the same `Error`."""
        if self.workers.pop(worker.identity, None) is None:
            return
        self._retire(worker)
        self.echoes.lost(worker)
        worker.pool.workers.remove(worker)
        pending, worker.pending = worker.pending, {}
        error = Error(0, "worker_lost", "the worker went away before it answered", True)
        for entry in pending.values():
            entry[0].failed(entry, error)
        sessions, worker.sessions = worker.sessions, set()
        self._observer.worker_lost(worker, sessions)
        self._observer.batch_done()

    def _sweep(self) -> None:
        now = self._clock()
        for worker in list(self.workers.values()):
            late = [key for key, entry in worker.pending.items() if entry[3] <= now]
            for correlation in late:
                entry = worker.pending.pop(correlation)
                self.send(worker, Cancel(correlation))
                entry[0].failed(entry, Error(0, "timeout", f"no answer within {entry[4]:g} s", True))
            if now - worker.seen > codec.DEAD:
                self.lost(worker)
            elif now - worker.sent > codec.HEARTBEAT:
                self.send(worker, Heartbeat())
        if self._router.is_open:
            self._observer.batch_done()
            self._timer = self._loop.call_later(SWEEP, self._sweep)
