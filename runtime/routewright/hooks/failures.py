"""Logging of what plugins raise, at most once a second for one plugin at one hook."""

import time
from typing import Final

INTERVAL: Final = 1.0
"""Seconds between two lines; failures in between are only counted."""


class Failures:
    """The failures of one hook. A plugin that fails at every message must not drown the log."""

    __slots__ = ("_hook", "_seen")

    def __init__(self, hook: str) -> None:
        self._hook = hook
        self._seen: dict[str, tuple[float, int]] = {}

    def log(self, plugin: str, error: Exception) -> None:
        """Log it with its traceback, or count it for the next line."""
        now = time.monotonic()
        last, unlogged = self._seen.get(plugin, (-INTERVAL, 0))
        if now - last < INTERVAL:
            self._seen[plugin] = (last, unlogged + 1)
            return
        self._seen[plugin] = (now, 0)
        import structlog  # slow to import, and not needed as long as nothing fails

        structlog.get_logger("routewright.hooks").error(
            "plugin_failed", plugin=plugin, hook=self._hook, unlogged=unlogged, exc_info=error
        )
