"""Looking at the workspace again and again, and telling of its changes.

Strategy: every capture is compared with the last one that was told of, not with the last one, so that slow changes add
up until they are worth telling. A capture that fails is counted and tried again: a file may just be being written.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.api.vision.analysis import Brightness, brightness
from backend.api.vision.capture import Capture, CaptureError, Source
from backend.api.vision.change import Change, Snapshot, compare, snapshot


@dataclass(frozen=True, slots=True)
class Sight:
    """What monitoring keeps of one capture."""

    source: Source
    brightness: Brightness
    snapshot: Snapshot


def look(capture: Callable[[], Capture]) -> Sight:
    """Capture and measure; blocks, so run it in a thread.

    Raises:
        CaptureError: there is no image.
    """
    taken = capture()
    seen = snapshot(taken.image)
    luma = np.asarray(taken.image.convert("L"))
    return Sight(taken.source, brightness(luma), seen)


class Monitoring:
    """One session's monitoring, running from `start` to `stop`.

    Attributes:
        captures: how many captures were made.
        failures: how many captures gave no image.
        events: how many changes were reported.
    """

    def __init__(
        self,
        *,
        capture: Callable[[], Capture],
        report: Callable[[Sight, Change, int], None],
        interval: float,
        threshold: float,
    ) -> None:
        """
        Args:
            report: is told each change and its number, beginning with 1; called on the event loop.
            interval: seconds between two captures.
            threshold: the share of changed pixels from which on a change is reported; one without any never is.
        """
        self.interval = interval
        self.threshold = threshold
        self.captures = 0
        self.failures = 0
        self.events = 0
        self._capture = capture
        self._report = report
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    async def start(self) -> Sight:
        """Capture once, to compare with, and go on in the background.

        Raises:
            CaptureError: there is no image.
        """
        first = await asyncio.to_thread(look, self._capture)
        self.captures = 1
        # The session may have ended, or monitoring may have been replaced, during the first capture.
        if not self._stopped:
            self._task = asyncio.create_task(self._watch(first.snapshot))
        return first

    async def stop(self) -> None:
        """From now on nothing is captured and nothing is reported."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _watch(self, told: Snapshot) -> None:
        while True:
            await asyncio.sleep(self.interval)
            try:
                seen = await asyncio.to_thread(look, self._capture)
            except CaptureError:
                self.failures += 1
                continue
            self.captures += 1
            change = compare(told, seen.snapshot)
            if change.cells and change.share >= self.threshold:
                told = seen.snapshot
                self.events += 1
                self._report(seen, change, self.events)
