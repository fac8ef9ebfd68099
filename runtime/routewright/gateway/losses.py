"""Events that a module was to handle and has lost, in the log: at most a line a second, however many there are.

Strategy: a loss is noted where it happens, and told by the next tick that comes a second after the line before. The
figures of the topics count each of them.
"""

from collections import Counter
from typing import Final

import structlog

from routewright.gateway.topics import LiveTopic

INTERVAL: Final = 1.0
"""Seconds between two lines."""

NAMED: Final = 10
"""Patterns that a line names, those that have lost most."""

log = structlog.get_logger("routewright.gateway")


class Losses:
    """What has been lost since the last line."""

    __slots__ = ("_due", "_lost")

    def __init__(self) -> None:
        self._lost: Counter[tuple[str, str]] = Counter()
        self._due = 0.0

    def add(self, live: LiveTopic, pattern: str) -> None:
        """A module that listens to ``pattern`` has lost an event: no worker of it had room, or the one that had it went
        away."""
        self._lost[live.route.name, pattern] += 1

    def tick(self, now: float) -> None:
        """Tell of it, if it is time to."""
        if not self._lost or now < self._due:
            return
        self._due = now + INTERVAL
        most = self._lost.most_common(NAMED)
        log.warning(
            "modules have lost events",
            events=self._lost.total(),
            listeners=[{"route": route, "pattern": pattern, "events": count} for (route, pattern), count in most],
        )
        self._lost.clear()
