"""``peak-ewma``: the worker that is likely to answer soonest.

Strategy: Finagle's "Peak EWMA" (twitter/finagle, ``PeakEwma.scala``; see "Beyond Round Robin: Load Balancing for
Latency", Buoyant, 2016). A worker's cost is a moving average of its latency, times the requests it would then have in
flight. The average is peak-sensitive: a latency above it replaces it at once, lower ones pull it down slowly. It fades
with time, also without requests, so that a slow worker is tried again. A worker of which nothing is known gets one
request, and no second one before it has answered.

Latency alone would draw all traffic to a worker that fails at once. So a failure counts as an answer that took
`FAILURE` seconds.
"""

import math
from collections.abc import Sequence
from typing import Any

from routewright.policies.balance import Request, W

DECAY = 10.0
"""Seconds in which an old latency loses 63 % of its weight."""

FAILURE = 1.0
"""Seconds that a failure counts for, at least."""

_UNKNOWN = 1e6
"""What a worker costs that has not answered yet, while it has something in flight."""


class _Latency:
    """The average (seconds), as it was at ``at``."""

    __slots__ = ("at", "cost")

    def __init__(self, at: float) -> None:
        self.cost = 0.0
        self.at = at

    def observe(self, seconds: float, now: float) -> float:
        passed = now - self.at
        if passed > 0:
            weight = math.exp(-passed / DECAY)
            self.cost = self.cost * weight + min(seconds, self.cost) * (1.0 - weight)
            self.at = now
        if seconds > self.cost:
            self.cost = seconds
        return self.cost


class PeakEwma:
    """The least expected latency."""

    def __init__(self) -> None:
        self._workers: dict[bytes, _Latency] = {}

    def pick(self, workers: Sequence[W], request: Request, now: float) -> tuple[W, None]:
        """See `routewright.policies.balance.Policy`."""
        best, least = workers[0], math.inf
        for worker in workers:
            load = len(worker.pending)
            latency = self._workers.get(worker.identity)
            cost = _UNKNOWN * load if latency is None else latency.observe(0.0, now) * (load + 1)
            if cost < least:
                best, least = worker, cost
        return best, None

    def done(self, worker: bytes, note: None, seconds: float, failed: bool, now: float) -> None:
        """See `routewright.policies.balance.Policy`."""
        latency = self._workers.get(worker)
        if latency is None:
            latency = self._workers[worker] = _Latency(now)
        latency.observe(max(seconds, FAILURE) if failed else seconds, now)

    def keep(self, workers: set[bytes]) -> None:
        """See `routewright.policies.balance.Policy`."""
        self._workers = {worker: latency for worker, latency in self._workers.items() if worker in workers}

    def estimate(self, worker: bytes, now: float) -> dict[str, Any]:
        """``seconds``: the average."""
        latency = self._workers.get(worker)
        return {} if latency is None else {"seconds": latency.observe(0.0, now)}
