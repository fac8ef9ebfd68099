"""Retries: whether a failed request is tried again, and when.

Strategy: a pause with full jitter before each further attempt (see `routewright.policies.backoff`), never past the
request's deadline, and only while the route's budget lasts: a share of its recent requests, so that retries cannot
become the load that keeps a failing handler down (Finagle's ``RetryBudget``; Envoy's ``retry_budget``, whose 20 % and
floor of 3 are taken here).
"""

import random
from collections.abc import Callable

from routewright.policies.backoff import full_jitter
from routewright.table import Retry

SHARE = 0.2
"""Retries that a request of the last `WINDOW` seconds pays for."""

FLOOR = 3
"""Retries in the last `WINDOW` seconds that are free."""

WINDOW = 10.0
"""Seconds that the budget looks back on, in steps of a tenth."""

_BUCKETS = 10


class RetryBudget:
    """How many retries the recent requests pay for: at most ``max(FLOOR, SHARE * requests)`` in any window."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: list[list[int]] = []

    def requested(self, now: float) -> None:
        """Count a request (not its retries)."""
        self._bucket(now)[1] += 1

    def take(self, now: float) -> bool:
        """Spend one retry, if there is one left."""
        bucket = self._bucket(now)
        requests = sum([each[1] for each in self._buckets])
        retries = sum([each[2] for each in self._buckets])
        if retries + 1 > max(FLOOR, SHARE * requests):
            return False
        bucket[2] += 1
        return True

    def _bucket(self, now: float) -> list[int]:
        number = int(now * _BUCKETS / WINDOW)
        buckets = self._buckets
        if not buckets or buckets[-1][0] != number:
            buckets.append([number, 0, 0])
            while buckets[0][0] <= number - _BUCKETS:
                del buckets[0]
        return buckets[-1]


class Retries:
    """The retries of one route.

    Attributes:
        settings: the policy.
        taken: further attempts that were made.
        denied: further attempts that the budget did not pay for.
    """

    __slots__ = ("_budget", "_uniform", "denied", "settings", "taken")

    def __init__(self, settings: Retry, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self.settings = settings
        self.taken = 0
        self.denied = 0
        self._budget = RetryBudget()
        self._uniform = uniform

    def requested(self, now: float) -> None:
        """Count a request, for the budget."""
        self._budget.requested(now)

    def pause(self, tried: int, now: float, deadline: float, at_least: float = 0.0) -> float | None:
        """Seconds to wait before the next attempt; ``None`` if there is none.

        Args:
            tried: attempts so far.
            deadline: of the request, on the clock of ``now``.
            at_least: what the handler asked to wait for.
        """
        settings = self.settings
        if tried >= settings.attempts:
            return None
        pause = max(at_least, full_jitter(settings.base, settings.cap, tried - 1, self._uniform))
        if now + pause >= deadline:
            return None
        if not self._budget.take(now):
            self.denied += 1
            return None
        self.taken += 1
        return pause
