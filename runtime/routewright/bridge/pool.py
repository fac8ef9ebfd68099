"""The workers that a gateway knows, by the handler they answer for, and what each owes."""

import itertools
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from routewright.bridge.codec import Error, Event, Hello, Reply, Request

_correlations = itertools.count(1)


def mark() -> int:
    """A number between those of the requests and events so far and those of the next."""
    return next(_correlations)


class Requester(Protocol):
    """Whoever waits for an answer: a client's connection, or a worker that called another handler."""

    def replied(self, entry: "Entry", reply: Reply, now: float) -> None: ...
    def failed(self, entry: "Entry", error: Error) -> None: ...


Entry: TypeAlias = tuple[Requester, Any, float, float, float]
"""A pending request: requester, the requester's id for it, when it was sent, its deadline (both monotonic seconds), and
the seconds it was allowed."""


class Worker:
    """One worker process that has said hello.

    Attributes:
        draining: it gets no more requests.
        leaving: because it, or the gateway, has said goodbye; not so where it was lost.
    """

    __slots__ = (
        "_wake",
        "capacity",
        "dirty",
        "draining",
        "eager",
        "identity",
        "language",
        "leaving",
        "messages",
        "name",
        "out",
        "pending",
        "pool",
        "process",
        "seen",
        "sent",
        "sessions",
    )

    def __init__(
        self, identity: bytes, hello: Hello, pool: "WorkerPool", now: float, wake: "Callable[[Worker], None]"
    ) -> None:
        self.identity = identity
        self.pool = pool
        self.name = hello.name
        self.language = hello.language
        self.process = hello.process
        self.capacity = max(1, hello.capacity)
        self.eager = hello.sessions
        self.pending: dict[int, Entry] = {}
        self.sessions: set[int] = set()
        self.out: list[Any] = []
        self.dirty = False
        self.draining = False
        self.leaving = False
        self.seen = now
        self.sent = now
        self.messages = 0
        self._wake = wake

    def request(self, entry: Entry, session: int, type: str, frame: bytes, binary: bool = False) -> int:
        """Give a request to this worker, which has credit; its correlation."""
        correlation = next(_correlations)
        self.pending[correlation] = entry
        self.out.append(Request(correlation, session, type, int(entry[4] * 1000), frame, binary))
        if not self.dirty:
            self._wake(self)
        return correlation

    def event(self, entry: Entry, pattern: str, topic: str, frame: bytes) -> None:
        """Have this worker, which has credit, handle an event."""
        correlation = next(_correlations)
        self.pending[correlation] = entry
        self.out.append(Event(correlation, pattern, topic, int(entry[4] * 1000), frame))
        if not self.dirty:
            self._wake(self)


class WorkerPool:
    """The workers of one handler and one contract. ``ready`` are those that take requests."""

    __slots__ = ("digest", "name", "ready", "workers")

    def __init__(self, name: str, digest: str) -> None:
        self.name = name
        self.digest = digest
        self.workers: list[Worker] = []
        self.ready: list[Worker] = []

    def pick(self) -> Worker | None:
        """The ready worker with the fewest requests in flight and credit left, or ``None``."""
        ready = self.ready
        if not ready:
            return None
        worker = ready[0] if len(ready) == 1 else min(ready, key=_load)
        if len(worker.pending) < worker.capacity:
            return worker
        return min((worker for worker in ready if len(worker.pending) < worker.capacity), key=_load, default=None)

    def pick_other(self, avoided: Worker) -> Worker | None:
        """As `pick`, and ``avoided`` only where there is no other."""
        others = [worker for worker in self.ready if worker is not avoided and len(worker.pending) < worker.capacity]
        return min(others, key=_load) if others else self.pick()


def _load(worker: Worker) -> int:
    return len(worker.pending)
