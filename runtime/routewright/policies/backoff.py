"""Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015)."""

import random
from collections.abc import Callable


def full_jitter(base: float, cap: float, n: int, uniform: Callable[[float, float], float]) -> float:
    """``random(0, min(cap, base * 2**n))``, in the unit of ``base`` and ``cap``."""
    ceiling: float = min(cap, base * 2 ** min(n, 32))
    return uniform(0.0, ceiling)


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
        self.failures += 1
        return full_jitter(self._base, self._cap, self.failures - 1, self._random)

    def succeeded(self) -> None:
        """Begin again at the base."""
        self.failures = 0
