"""The upstream of one route: reached with patience, and what has been counted of it."""

import asyncio
import time
from collections.abc import Callable

import structlog

from routewright.bridge.codec import Error
from routewright.gateway.circuit import Circuit
from routewright.gateway.proxy.client import Link, Refused, Unreachable, UpstreamClient
from routewright.gateway.proxy.handshake import Handshake
from routewright.policies.backoff import Backoff
from routewright.table import Route

log = structlog.get_logger("routewright.gateway")

PAUSES = (0.05, 2.0)
"""Bounds, in seconds, of the random pauses between two tries to reach an upstream."""


class Resting(Exception):
    """The upstream has failed too often and is left alone; ``wait`` seconds from now it may be asked again."""

    def __init__(self, wait: float) -> None:
        super().__init__("the circuit is open")
        self.wait = wait


class Upstream:
    """What all connections of a proxy route have in common. ``on_change`` is told when ``problem`` comes or goes.

    Attributes:
        problem: why the last try to reach it failed; ``""`` where it did not.
        opening: connections whose handshake waits for the upstream.
        held_clients: how often a client was not read because the upstream did not keep up.
        held_upstreams: how often the upstream was not read because its client did not.
    """

    __slots__ = (
        "_on_change",
        "bytes_in",
        "bytes_out",
        "connects",
        "failures",
        "frames_in",
        "frames_out",
        "held_clients",
        "held_upstreams",
        "opening",
        "problem",
        "reconnects",
    )

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self._on_change = on_change
        self.problem = ""
        self.opening = 0
        self.connects = 0
        self.failures = 0
        self.reconnects = 0
        self.frames_in = 0
        self.frames_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.held_clients = 0
        self.held_upstreams = 0

    async def open(
        self,
        client: UpstreamClient,
        route: Route,
        handshake: Handshake,
        circuit: Circuit | None,
        *,
        patience: float,
        heartbeat: float,
    ) -> Link:
        """Open a WebSocket for one client; where the upstream cannot be reached, try again after growing pauses. To the
        circuit breaker that is one call, however often it is tried.

        Args:
            patience: seconds after which it is enough.

        Raises:
            Resting: the circuit is open.
            Unreachable: it could not be reached all that time.
            Refused: it does not want this client.
        """
        if circuit is None:
            return await self._open(client, route, handshake, patience, heartbeat)
        begun = time.monotonic()
        if not circuit.admit(begun):
            raise Resting(circuit.wait(begun))
        try:
            link = await self._open(client, route, handshake, patience, heartbeat)
        except Unreachable as error:
            circuit.failed(begun, Error(0, "timeout", str(error)))
            raise
        except Refused:
            circuit.succeeded(begun, time.monotonic())
            raise
        except BaseException:
            circuit.abandoned(begun)
            raise
        circuit.succeeded(begun, time.monotonic())
        return link

    async def _open(
        self, client: UpstreamClient, route: Route, handshake: Handshake, patience: float, heartbeat: float
    ) -> Link:
        slow = route.slow_consumer
        # a client that is slow keeps the upstream's pongs from being read; it is given up before they are missed
        pings = max(heartbeat, 3 * slow.after) if slow is not None else None
        largest = route.upstream.message_bytes if route.upstream is not None else route.limits.message_bytes
        backoff = Backoff(*PAUSES)
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        self.opening += 1
        try:
            while True:
                try:
                    async with asyncio.timeout_at(until):
                        link = await client.open(handshake, largest=largest, heartbeat=pings)
                except TimeoutError:
                    self._failed(route, "no answer in time")
                    raise Unreachable(self.problem) from None
                except Unreachable as error:
                    self._failed(route, str(error))
                    pause = backoff.failed()
                    if loop.time() + pause >= until:
                        raise
                    await asyncio.sleep(pause)
                except Refused:
                    self._reached(route)
                    self.failures += 1
                    raise
                else:
                    self._reached(route)
                    self.connects += 1
                    return link
        finally:
            self.opening -= 1

    def _failed(self, route: Route, problem: str) -> None:
        self.failures += 1
        fresh, self.problem = not self.problem, problem
        if fresh:
            log.warning("an upstream cannot be reached", route=route.name, reason=problem)
            self._on_change()

    def _reached(self, route: Route) -> None:
        if self.problem:
            self.problem = ""
            log.info("an upstream can be reached again", route=route.name)
            self._on_change()
