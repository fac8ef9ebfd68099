"""Heartbeats that workers give back: when they have, all that was sent to them before is done.

Strategy: batches keep their order. A worker gives a heartbeat back after what it was sent before it, so whatever it has
published on the way has arrived here before the echo has. A worker that does not know of echoes is waited for once.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable

from routewright.bridge.codec import Heartbeat
from routewright.bridge.pool import Worker

PATIENCE = 1.0
"""Seconds that a worker with nothing left to answer may take to give a heartbeat back."""


class Echoes:
    """The heartbeats that are to come back. ``send`` adds a message to a worker's next batch."""

    def __init__(self, send: Callable[[Worker, Heartbeat], None]) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._waiting: dict[Worker, tuple[int, asyncio.Future[None]]] = {}
        self._mute: set[Worker] = set()

    async def of(self, workers: Iterable[Worker], seconds: float) -> None:
        """Wait until each of these workers has done what it was sent so far: at most so many seconds, and no longer
        than `PATIENCE` for one that owes no answer. One call at a time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        number = next(self._numbers)
        for worker in workers:
            if worker not in self._mute:
                self._waiting[worker] = number, loop.create_future()
                self._send(worker, Heartbeat(number))
        while self._waiting and (left := end - loop.time()) > 0:
            futures = [future for _, future in self._waiting.values()]
            await asyncio.wait(futures, timeout=min(left, PATIENCE))
            if left >= PATIENCE:
                self._give_up({worker for worker, (_, future) in self._waiting.items() if not future.done()})
            self._waiting = {worker: each for worker, each in self._waiting.items() if not each[1].done()}
        self._waiting.clear()

    def _give_up(self, silent: set[Worker]) -> None:
        for worker in silent:
            if not worker.pending:
                self._mute.add(worker)
                self._release(worker)

    def came(self, worker: Worker, number: int) -> None:
        """A worker has given a heartbeat back."""
        wanted = self._waiting.get(worker)
        if wanted is not None and wanted[0] == number:
            self._release(worker)

    def lost(self, worker: Worker) -> None:
        """Nothing more comes from a worker."""
        self._mute.discard(worker)
        self._release(worker)

    def _release(self, worker: Worker) -> None:
        wanted = self._waiting.get(worker)
        if wanted is not None and not wanted[1].done():
            wanted[1].set_result(None)
