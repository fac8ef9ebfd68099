"""How fast many steps may follow each other.

Strategy: a schedule instead of a pause after each step. Event loops count whole milliseconds, and a shorter sleep is
none at all (libuv rounds it down), so what is shorter than `LEAST` is put off until it has added up.
"""

LEAST = 0.002
"""Seconds that are worth a sleep."""


class Pace:
    """Steps that are due one after the other.

    Args:
        pause: seconds from one step to the next; 0.0: all are due at once.
        now: when the first one is.
    """

    __slots__ = ("_due", "pause")

    def __init__(self, pause: float, now: float) -> None:
        self.pause = pause
        self._due = now

    def step(self, now: float) -> float:
        """A step is done; seconds to wait before the next one, 0.0 where that may follow at once."""
        self._due += self.pause
        wait = self._due - now
        return wait if wait >= LEAST else 0.0
