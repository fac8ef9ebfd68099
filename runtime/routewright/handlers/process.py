"""The worker process: load the module, link up with every gateway, serve, and leave in good order."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import zmq

from routewright.bridge.codec import VERSION, Goodbye, Hello, Subscribe
from routewright.bridge.worker import Curve, Link
from routewright.handlers.dispatch import Dispatch
from routewright.handlers.loading import Loaded
from routewright.handlers.service import Service
from routewright.handlers.status import Status

FAREWELL = 4.0
"""Seconds that an otherwise idle worker waits for a gateway to answer its goodbye."""

LAST_WORDS = 1.0
"""Seconds for handlers to end once they are cancelled, and for the last answers to leave."""

REFUSED = 4
"""Exit code of a worker that a gateway did not accept."""


class Worker:
    """One process's links and what they have in common."""

    def __init__(self, loaded: Loaded, endpoints: Sequence[str], status: Status, drain: float) -> None:
        """Raises BridgeKeyError: an endpoint needs keys that are not there."""
        self._status = status
        self._drain = drain
        self._endpoints = list(endpoints)
        self._service = Service(loaded.table, loaded.plans, self._changed, loaded.events)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        hello = Hello(
            VERSION,
            loaded.pool.name,
            loaded.pool.digest,
            "python",
            process=os.getpid(),
            sessions=any(plan.connect or plan.disconnect for plan in loaded.plans.values()),
            route=msgspec.to_builtins(loaded.claim) if loaded.claim is not None else None,
            token=os.environ.get("ROUTEWRIGHT_WORKER_TOKEN", "") if loaded.claim is not None else "",
        )
        self._links = [
            Link(endpoint, hello, self, context=self._context, curve=Curve.of(endpoint, os.environ))
            for endpoint in self._endpoints
        ]
        self._dispatches: dict[Link, Dispatch] = {}
        self._told: set[Link] = set()
        self._gone: set[Link] = set()
        self._signals: set[int] = set()
        self._code = 0
        self._stopping = asyncio.Event()
        self._news = asyncio.Event()

    # What the links say

    def accepted(self, link: Link) -> Dispatch:
        """A gateway takes this worker."""
        dispatch = self._dispatches[link] = Dispatch(self._service, link)
        if self._service.events:
            link.put(Subscribe(list(self._service.events)))
        if link not in self._told:
            self._told.add(link)
            if len(self._told) == len(self._links):
                self._status.ready(self._endpoints)
        if self._stopping.is_set():
            link.put(Goodbye())
        return dispatch

    def refused(self, link: Link, reason: str) -> None:
        """A gateway does not take this worker: it leaves, the other gateways' requests finished."""
        self._gone.add(link)
        self._status.refused(f"{link.endpoint}: {reason}" if len(self._links) > 1 else reason)
        self.stop(REFUSED)

    def goodbye(self, link: Link) -> None:
        """A gateway sends nothing more."""
        self._gone.add(link)
        if len(self._gone) == len(self._links):
            self.stop()
        self._changed()

    def stop(self, code: int = 0) -> None:
        """Begin to leave."""
        self._code = self._code or code
        self._stopping.set()

    def _changed(self) -> None:
        self._news.set()

    # From the first hello to the last goodbye

    async def serve(self) -> int:
        """Serve until told to leave; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)
        self._status.watch(loop, self.stop)
        for link in self._links:
            link.open()
        await self._stopping.wait()
        await self._leave()
        return self._code

    def _signalled(self, number: int) -> None:
        # a terminal's SIGINT reaches everybody, and the supervisor's SIGTERM follows: only the same again means haste
        if number in self._signals:
            self._drain = 0.0
            self._changed()
        self._signals.add(number)
        self.stop()

    async def _leave(self) -> None:
        self._service.draining = True
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for link in self._links:
            if link.ready and link not in self._gone:
                link.put(Goodbye())
        while self._busy() or self._expected():
            # requests may be on their way until a gateway has said its goodbye, however short the drain; a second
            # signal leaves no time at all
            limit = self._drain if self._busy() or not self._drain else FAREWELL
            left = begun + limit - loop.time()
            if left <= 0:
                break
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
        for dispatch in self._dispatches.values():
            dispatch.abandon()
        begun = loop.time()
        while self._busy() and (left := begun + LAST_WORDS - loop.time()) > 0:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
        for link in self._links:
            link.flush()
            link.close(LAST_WORDS)
        self._context.term()

    def _busy(self) -> bool:
        return any(dispatch.runs.live for dispatch in self._dispatches.values())

    def _expected(self) -> bool:
        """Some gateway may still send requests."""
        return any(link.ready and link not in self._gone for link in self._links)


def run(loaded: Loaded, endpoints: Sequence[str], status: Status, drain: float) -> int:
    """Serve a loaded module until told to leave; the exit code.

    Raises:
        BridgeKeyError: an endpoint needs keys that are not there.
    """
    # what is loaded by now stays: no collection looks at it again, and the young are many and short-lived
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)

    async def main() -> int:
        return await Worker(loaded, endpoints, status, drain).serve()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        code = runner.run(main())
        if any(thread.name.startswith("handler") for thread in threading.enumerate()):
            _abrupt(code)
    return code


def _abrupt(code: int) -> None:
    """Leave although a function in a thread has not come back; the interpreter would wait for it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _loop_factory() -> Callable[[], Any]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], Any] = uvloop.new_event_loop
    return factory
