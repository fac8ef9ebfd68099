"""Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015)."""

import random
from collections.abc import Callable


class Backoff:
    """Delays between attempts: uniform in ``[0, min(cap, base * 2**n)]`` seconds for the n-th failure in a row."""

    __slots__ = ("_base", "_cap", "_random", "failures")

    def __init__(self, base: float, cap: float, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._base = base
        self._cap = cap
        self._random = uniform
        self.failures = 0

    def failed(self) -> float:
        """Count a failure; the seconds to wait before the next attempt."""
        ceiling: float = min(self._cap, self._base * 2 ** min(self.failures, 32))
        self.failures += 1
        return self._random(0.0, ceiling)

    def succeeded(self) -> None:
        """Begin again at the base."""
        self.failures = 0
