"""Circuit breaker (M. Nygard, "Release It!", 2nd ed., 5.2; the triggers are those of resilience4j's CircuitBreaker).

Strategy: closed -> open after so many failures in a row, or at a share of failures in a sliding window of time buckets
(resilience4j's time-based window) that holds enough calls; open -> half-open when its time is over; half-open lets
exactly so many trials through: all succeed -> closed, one fails -> open again. A call is known by the time at which it
was admitted, so an outcome that belongs to an earlier state is told from the others without a ticket, and is ignored.

While it is ``quiet`` a success changes nothing and need not be told: closed, nothing failed since the last success, and
no window is kept. That is what a breaker costs where all is well.
"""

from typing import Literal, TypeAlias

from routewright.table import CircuitBreaker

BUCKETS = 10
"""Parts of the sliding window: it moves on by a tenth of its length."""

State: TypeAlias = Literal["closed", "open", "half-open"]
Mode: TypeAlias = Literal["auto", "open", "closed"]
"""Who decides: the breaker itself, or an operator for one of the two states."""


class Breaker:
    """One breaker. Every ``now`` and ``sent`` is in seconds of one clock that never goes back.

    Attributes:
        state: as of the last call; `look` brings it up to date.
        mode: whether an operator holds it.
        since: when the state began.
        quiet: successes need not be told.
        failures: in a row, up to now.
        transitions: how often each state was entered from another one.
    """

    __slots__ = (
        "_buckets",
        "_passed",
        "_settings",
        "_trials",
        "_until",
        "failures",
        "mode",
        "quiet",
        "since",
        "state",
        "transitions",
    )

    def __init__(self, settings: CircuitBreaker, now: float) -> None:
        self._settings = settings
        self.mode: Mode = "auto"
        self.transitions: dict[State, int] = {"closed": 0, "open": 0, "half-open": 0}
        self.state: State = "closed"
        self._enter("closed", now)

    # Calls

    def admit(self, now: float) -> bool:
        """Whether a call may go to the handler now. One that may is to end with `succeeded`, `failed` or `abandoned`,
        unless the breaker is closed and it is abandoned."""
        state = self.look(now)
        if state == "half-open" and self._trials < self._settings.half_open_calls:
            self._trials += 1
            return True
        return state == "closed"

    def succeeded(self, sent: float, now: float) -> None:
        """A call that was admitted at ``sent`` has succeeded."""
        if self.mode != "auto" or sent < self.since:
            return
        if self.state == "closed":
            self.failures = 0
            if not self._kept(now, failed=0):
                self.quiet = self._buckets is None
        elif self.state == "half-open":
            self._passed += 1
            if self._passed == self._settings.half_open_calls:
                self._enter("closed", now)

    def failed(self, sent: float, now: float) -> None:
        """A call that was admitted at ``sent`` has failed."""
        if self.mode != "auto" or sent < self.since:
            return
        if self.state == "closed":
            self.failures += 1
            self.quiet = False
            most = self._settings.consecutive_failures
            if not self._kept(now, failed=1) and most is not None and self.failures >= most:
                self._open(now)
        elif self.state == "half-open":
            self._open(now)

    def abandoned(self, sent: float) -> None:
        """A call that was admitted at ``sent`` has ended and says nothing about the handler: its place among the trials
        is free again."""
        if self.state == "half-open" and sent >= self.since:
            self._trials -= 1

    # States

    def look(self, now: float) -> State:
        """The state, after whatever the time has changed."""
        if self.state == "open" and self.mode == "auto" and now >= self._until:
            self._enter("half-open", now)
        return self.state

    def wait(self, now: float) -> float:
        """Seconds after which a call that is refused now may be worth another try."""
        if self.state == "open" and self.mode == "auto":
            return max(self._until - now, 0.001)
        return min(self._settings.open_for, 1.0)

    def hold(self, mode: Mode, now: float) -> None:
        """Hold it open or closed, whatever happens, or let it decide again (``auto``), for which it begins closed."""
        if mode != self.mode:
            self.mode = mode
            self._enter("open" if mode == "open" else "closed", now)

    def _open(self, now: float) -> None:
        self._until = now + self._settings.open_for
        self._enter("open", now)

    def _enter(self, state: State, now: float) -> None:
        if state != self.state:
            self.transitions[state] += 1
        self.state = state
        self.since = now
        self.failures = 0
        self._trials = self._passed = 0
        rate = self._settings.failure_rate
        self._buckets: list[list[int]] | None = [] if rate is not None and self.mode == "auto" else None
        self.quiet = state == "closed" and self._buckets is None

    def _kept(self, now: float, failed: int) -> bool:
        """Count a call in the window; true if that opens the breaker."""
        buckets = self._buckets
        rate = self._settings.failure_rate
        if buckets is None or rate is None:
            return False
        number = int(now * BUCKETS / self._settings.window)
        if not buckets or buckets[-1][0] != number:
            buckets.append([number, 0, 0])
            while buckets[0][0] <= number - BUCKETS:
                del buckets[0]
        buckets[-1][1] += 1
        buckets[-1][2] += failed
        calls = sum([bucket[1] for bucket in buckets])
        if calls < self._settings.minimum_calls or sum([bucket[2] for bucket in buckets]) < rate * calls:
            return False
        self._open(now)
        return True
