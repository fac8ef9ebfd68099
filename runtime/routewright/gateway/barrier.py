"""The drain of several gateway processes: none puts its sessions down while another may still publish for them.

Strategy: every process takes the first step of its drain; when all have, they are asked in waves whether anything is
under way. An answer comes when the workers of that process have ended what they were given. When two waves in a row
have found nothing, and nothing was begun between them, nothing can begin any more: that is how Mattern's counting
finds the end of a computation without a clock in common ("Algorithms for distributed termination detection",
Distributed Computing 2, 1987). Only then are sessions put down. Events whose handling publishes further ones without
an end do not hold this up: the waves are counted, and end with the drain.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

WAVES = 8
"""Waves at most: as many less one is how long a chain may be of events that bring forth events."""

LAST_WAVES = 1.0
"""Seconds for the waves where the drain has taken all its time."""


class Draining(Protocol):
    """A gateway process, see `routewright.gateway.gateways.GatewayChild`."""

    async def drain(self, seconds: float) -> None: ...
    async def settle(self, seconds: float) -> bool: ...
    async def keep(self, seconds: float) -> None: ...


async def drain(gateways: Sequence[Draining], seconds: float) -> None:
    """Drain gateway processes together, within so many seconds."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    await asyncio.gather(*(gateway.drain(seconds) for gateway in gateways))
    until = max(end, clock() + LAST_WAVES)
    for _ in range(WAVES):
        left = until - clock()
        if left <= 0 or all(await asyncio.gather(*(gateway.settle(left) for gateway in gateways))):
            break
    left = max(0.0, end - clock())
    await asyncio.gather(*(gateway.keep(left) for gateway in gateways))
