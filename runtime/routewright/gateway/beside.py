"""Work that nobody who serves clients should wait for: neither the event loop of this process, nor another process.

Strategy: a thread. One beside an event loop lets it go on at once whenever it has something to do (Python would let the
thread run for 5 ms each time); one behind everything else is the last that the operating system gives a core to.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

SLICE = 0.0002
"""Seconds that a thread may run on when the event loop wants to."""

NICENESS = 5
"""How much a thread gives way that is behind everything else: a quarter of a core, where somebody wants all of it."""


async def beside(work: Callable[[], T]) -> T:
    """The outcome of some work, done beside the loop; raises what it raises."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SLICE)
    try:
        return await asyncio.to_thread(work)
    finally:
        sys.setswitchinterval(before)


async def behind(work: Callable[[], T]) -> T:
    """The outcome of some work, done when no other process needs the core; raises what it raises."""
    pool = ThreadPoolExecutor(1, "behind", initializer=_give_way)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
    finally:
        pool.shutdown(wait=False)


def _give_way() -> None:
    # only Linux has a niceness for each thread
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
