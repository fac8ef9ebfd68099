"""Rate limit by the generic cell rate algorithm (ITU-T I.371, "GCRA", virtual scheduling form).

Strategy: one float of state, the theoretical arrival time of the next message. It costs one addition and two
comparisons a message, and never a timer.
"""


class RateLimiter:
    """Admits ``rate`` messages a second in the long run and ``burst`` at once."""

    __slots__ = ("_arrival", "_interval", "_tolerance")

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1.0 / rate
        self._tolerance = self._interval * (burst - 1)
        self._arrival = 0.0

    def admit(self, now: float) -> float:
        """0.0 if a message at time ``now`` (seconds, never decreasing) is admitted, else the seconds until one is."""
        arrival = self._arrival
        if arrival <= now:
            self._arrival = now + self._interval
            return 0.0
        wait = arrival - now - self._tolerance
        if wait > 1e-9:
            return wait
        self._arrival = arrival + self._interval
        return 0.0

    def wait(self, now: float) -> float:
        """What `admit` would say at that time, which changes nothing."""
        wait = self._arrival - now - self._tolerance
        return wait if self._arrival > now and wait > 1e-9 else 0.0

    def idle(self, now: float) -> bool:
        """Whether it has forgotten every earlier message, so that a new one would behave the same."""
        return self._arrival <= now
