"""The end of a gateway process: what is in flight ends, clients are sent away, sessions are put down.

Strategy: three steps. In the first nobody new is let in, and each connection leaves as soon as nothing is in flight on
it. In the second the workers end what they were given, and what they publish meanwhile arrives. In the third sessions
that are to be kept are stored together, and who is left is closed. Several processes take each step together, see
`routewright.gateway.barrier`.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from routewright.bridge.pool import mark
from routewright.gateway.session.restart import CODE
from routewright.policies.pace import Pace

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway

REASON = "the gateway restarts"

RATE = 2000
"""Clients sent away a second, at most and if there is time for that, so that they do not all come back at once."""

FEW = 100
"""So many need no spreading."""

LAST_GOODBYES = 1.0
"""Seconds that closing handshakes may take."""


class Drain:
    """The drain of one gateway process. ``begun`` says whether it is under way."""

    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self.begun = False
        self._pause = 0.0
        self._idle = False
        self._mark = mark()
        self._done = asyncio.Event()

    async def run(self, seconds: float) -> None:
        """The first step and the last, within so many seconds: nobody is there to say what the others do."""
        end = self.gateway.clock() + seconds
        await self.empty(seconds)
        await self.finish(max(0.0, end - self.gateway.clock()))

    async def empty(self, seconds: float) -> None:
        """Take no more connections, and let what is in flight end. Closed after so many seconds is whoever still waits
        for something."""
        gateway = self.gateway
        self.begun = True
        gateway.door.close(CODE, REASON)
        self.wind_down()
        count = len(gateway.sessions)
        self._pause = 0.0 if count < FEW else min(seconds / 2, count / RATE) / count
        end = gateway.clock() + seconds
        pace = Pace(self._pause, gateway.clock())
        for connection in list(gateway.sessions.values()):
            connection.leave(CODE, REASON)
            if connection not in gateway.reliable.restart.leaving and (wait := pace.step(gateway.clock())):
                await asyncio.sleep(wait)
        await self._done_within(max(0.0, end - gateway.clock()))
        self._close_all()

    async def settle(self, seconds: float) -> bool:
        """Let the workers end what they were given, within so many seconds.

        Returns:
            Whether nothing was under way when this was last asked, nothing is now, and nothing was begun between.
        """
        gateway = self.gateway
        await gateway.bridge.echoes.of(list(gateway.bridge.workers.values()), seconds)
        before, self._mark = self._mark, mark()
        was_idle, self._idle = self._idle, not self._busy()
        return was_idle and self._idle and self._mark == before + 1

    def _busy(self) -> bool:
        gateway = self.gateway
        owing = any(worker.pending for worker in gateway.bridge.workers.values())
        return owing or bool(gateway.calls) or gateway.reliable.handover.asking

    async def finish(self, seconds: float) -> None:
        """Put the sessions down, and send their clients away, in so many seconds."""
        self._close_all()
        await self.gateway.reliable.restart.keep(seconds, self._pause)
        self._done.clear()
        self.wind_down()
        await self._done_within(LAST_GOODBYES)
        for connection in list(self.gateway.sessions.values()):
            connection.abort()

    def wind_down(self) -> None:
        """Nobody is waited for any more, where that is so: who is left is to be kept for the next process."""
        if self.begun and len(self.gateway.sessions) <= len(self.gateway.reliable.restart.leaving):
            self._done.set()

    def _close_all(self) -> None:
        for connection in list(self.gateway.sessions.values()):
            connection.close(CODE, REASON)

    async def _done_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._done.wait()
