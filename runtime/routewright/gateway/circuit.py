"""The breaker of a live route: what counts as a failure of its handler, and who is told of a change.

Strategy: while the breaker is quiet nobody comes here but with a failure. An endpoint is told of every change and
decides by it whether requests may go straight to a worker.
"""

from collections.abc import Callable

import structlog

from routewright.bridge.codec import Error
from routewright.policies.circuit_breaker import Breaker, Mode
from routewright.table import CircuitBreaker

FAILURES = frozenset({"handler_error", "timeout", "worker_lost"})
"""Codes that always speak against the handler."""

HARMLESS = frozenset({"overloaded", "rate_limited", "circuit_open", "cancelled"})
"""Codes that never do: there was too much to do, something behind the handler rests, or nobody waits any more. Any
other counts where the handler marked it retryable: it failed; otherwise it answered as it meant to."""

log = structlog.get_logger("routewright.gateway")


class Circuit:
    """The breaker of one endpoint, held from the beginning where ``mode`` says so."""

    __slots__ = ("_changed", "_clock", "_loss", "breaker", "name", "settings")

    def __init__(
        self,
        name: str,
        settings: CircuitBreaker,
        clock: Callable[[], float],
        changed: Callable[[], None],
        mode: Mode = "auto",
    ) -> None:
        self.name = name
        self.settings = settings
        self.breaker = Breaker(settings, clock())
        self.breaker.hold(mode, clock())
        self._clock = clock
        self._changed = changed
        self._loss: Error | None = None

    @property
    def closed(self) -> bool:
        """Requests may go straight to a worker."""
        return self.breaker.state == "closed"

    @property
    def half_open(self) -> bool:
        """Those that are under way are trials."""
        return self.breaker.state == "half-open"

    def admit(self, now: float) -> bool:
        """See `Breaker.admit`."""
        before = self.breaker.state
        admitted = self.breaker.admit(now)
        self._tell(before)
        return admitted

    def wait(self, now: float) -> float:
        """See `Breaker.wait`."""
        return self.breaker.wait(now)

    def succeeded(self, sent: float, now: float) -> None:
        """A request that was sent at that time has its answer."""
        before = self.breaker.state
        self.breaker.succeeded(sent, now)
        self._tell(before)

    def failed(self, sent: float, error: Error, *, judged: bool = False) -> None:
        """It has none. What a lost worker takes along is one failure, however much that is.

        Args:
            judged: it counts as a success already.
        """
        before = self.breaker.state
        lost = error.code == "worker_lost"
        if lost and error is self._loss:
            return
        if lost:
            self._loss = error
        if error.code in FAILURES or (error.retryable and error.code not in HARMLESS):
            self.breaker.failed(sent, self._clock())
        elif not judged:
            self.breaker.abandoned(sent)
        self._tell(before)

    def abandoned(self, sent: float) -> None:
        """Nobody waits for its answer any more, or it was not sent."""
        self.breaker.abandoned(sent)

    def hold(self, mode: Mode) -> None:
        """See `Breaker.hold`."""
        before = self.breaker.state
        self.breaker.hold(mode, self._clock())
        self._tell(before)

    def look(self, now: float) -> Breaker:
        """The breaker as it is now."""
        before = self.breaker.state
        self.breaker.look(now)
        self._tell(before)
        return self.breaker

    def _tell(self, before: str) -> None:
        state = self.breaker.state
        if state != before:
            write = log.info if state == "closed" else log.warning
            write("a circuit breaker has changed", route=self.name, state=state, before=before, mode=self.breaker.mode)
        self._changed()
