"""The gateway of one process: its endpoints, its sessions, and what the bridge tells it.

Strategy: one object knows who is connected and what is served. What changes the latter is an epoch
(`routewright.gateway.epochs`), what ends it all a drain (`routewright.gateway.drain`).
"""

import asyncio
import itertools
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from routewright.bridge.codec import Call, Close, Hello, Invalidate, Publish, Push
from routewright.bridge.gateway import BridgeGateway
from routewright.bridge.pool import Worker, WorkerPool
from routewright.gateway.auth.authentication import Authentication
from routewright.gateway.auth.door import Door
from routewright.gateway.call import Caller, call
from routewright.gateway.connection import Connection
from routewright.gateway.drain import Drain
from routewright.gateway.dynamic import DynamicRoutes
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.epochs import Epochs
from routewright.gateway.errors import Fault
from routewright.gateway.events import ABOUT, Events
from routewright.gateway.heartbeat import Heartbeat
from routewright.gateway.peers import Nobody, Peers
from routewright.gateway.proxy.client import UpstreamClient
from routewright.gateway.raw import RawConnection
from routewright.gateway.session.sessions import Sessions
from routewright.gateway.sockets import Sockets
from routewright.hooks import Plugins
from routewright.policies.circuit_breaker import Mode
from routewright.policies.expiry import Calendar
from routewright.table import Settings, Table
from routewright.table.discovery import describe, describe_route
from routewright.table.paths import Match, Matcher

TICK = 0.25
"""Seconds between two looks at slow, closing and unfinished connections."""


class Gateway:
    """Everything of one gateway process but its HTTP listener."""

    def __init__(self, project: Path, endpoint: str, overrides: dict[str, Any]) -> None:
        self.project = project
        self.folder = project / "generated"
        self.overrides = overrides
        self.clock: Callable[[], float] = time.monotonic
        self.sockets = Sockets()
        self.heartbeat = Heartbeat(self.sockets)
        self.auth = Authentication(project, self.clock, os.getpid())
        self.expiries: Calendar[Connection] = Calendar()
        self.bridge = BridgeGateway(endpoint, self, clock=self.clock)
        self.plugins = Plugins(project)
        self.upstreams = UpstreamClient()
        self.dynamic = DynamicRoutes(self)
        self.epochs = Epochs(self)
        self.drain = Drain(self)
        self.declared = Matcher(())
        self.redirected = 0
        self.opening = 0
        self.table: Table
        self.settings = Settings()
        self.epoch = 0
        self.matcher = Matcher(())
        self.endpoints: dict[str, Endpoint] = {}
        self.retired: set[Endpoint] = set()
        # by the route's name, so that a hold outlasts reloads, whatever these do to the route
        self.holds: dict[str, Mode] = {}
        self.sessions: dict[int, Connection] = {}
        self.calls: dict[tuple[bytes, int], Caller] = {}
        self.addresses: Counter[str] = Counter()
        self.door = Door(self.addresses)
        self.refused: Counter[str] = Counter()
        self.discovery: dict[str, Any] = {}
        self.on_pools_changed: Callable[[], None] = lambda: None
        # to the other gateway processes: `relay(about, data)`, or with the number of one of them, `relay(about, data,
        # process)`; what comes from them goes to the function of its `about`, with the number of its sender
        self.relay: Peers = Nobody()
        self.events = Events(self)
        self.relayed: dict[str, Callable[[int, bytes], None]] = {ABOUT: self.events.relayed}
        self.reliable = Sessions(self)
        self._sessions = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def next_session(self) -> int:
        """A session number that this process has not used before."""
        return next(self._sessions)

    # Paths

    def lay_paths(self) -> None:
        """Let the paths of all routes lead there, and say so."""
        dynamic = [endpoint.route for endpoint in self.dynamic.endpoints.values()]
        self.matcher = Matcher(endpoint.route for endpoint in self.endpoints.values()) if dynamic else self.declared
        self.discovery = describe(self.table)
        self.discovery["routes"] += [{**describe_route(route), "dynamic": True} for route in dynamic]

    def nearest(self, path: str) -> Match | None:
        """The route that a path of none is taken for, where that is allowed: a declared one before all others."""
        fuzzy = self.settings.fuzzy
        if fuzzy.mode != "redirect" or not self.settings.dynamic_routing:
            return None
        return self.declared.nearest(path, fuzzy.threshold) or self.matcher.nearest(path, fuzzy.threshold)

    # Connections

    def opened(self, connection: Connection) -> None:
        """A connection is open: it counts from now on. A worker is told of it when the plugins have let it in."""
        connection.endpoint.opened += 1
        self.enter(connection)
        self.introduce(connection)

    def enter(self, connection: Connection) -> None:
        """Count a connection, and let it be found: with its endpoint, by its number and by its address."""
        connection.endpoint.connections.add(connection)
        self.sessions[connection.info.id] = connection
        self.addresses[connection.info.address] += 1

    def introduce(self, connection: Connection) -> None:
        """Tell the plugins of a connection, and if they let it in, a worker."""
        chain = connection.endpoint.hooks.connect
        if chain is None:
            connection.welcome()
        else:
            connection.begin(chain)

    def exit(self, connection: Connection) -> None:
        """Undo `enter`."""
        if self._uncount(connection):
            self._emptied(connection.endpoint)

    def _uncount(self, connection: Connection) -> bool:
        info = connection.info
        endpoint = connection.endpoint
        if self.sessions.pop(info.id, None) is None:
            return False
        endpoint.connections.discard(connection)
        self.events.closed(connection)
        endpoint.bytes_in += connection.bytes_in
        endpoint.bytes_out += connection.bytes_out
        self.forget_address(info.address)
        return True

    def _emptied(self, endpoint: Endpoint) -> None:
        if endpoint in self.retired and not endpoint.connections:
            self.retired.discard(endpoint)
            self.epochs.retain()
        self.drain.wind_down()

    def moved(self, connection: Connection, address: str) -> None:
        """A session's client has another address now."""
        self.addresses[address] += 1
        self.forget_address(connection.info.address)
        connection.info.address = address

    def closed(self, connection: Connection, code: int) -> None:
        """A connection is gone: its requests and its session end."""
        if not self._uncount(connection):
            return
        info = connection.info
        endpoint = connection.endpoint
        if connection.in_flight:
            self.bridge.forget(connection)
            endpoint.forget(connection)
        for worker in self.bridge.workers.values():
            self.bridge.close(worker, info.id, code)
        chain = endpoint.hooks.disconnect
        if chain is not None:
            self.spawn(self._disconnected(connection, code))
        self._emptied(endpoint)

    def forget_address(self, address: str) -> None:
        """One connection less comes from there."""
        self.addresses[address] -= 1
        if not self.addresses[address]:
            del self.addresses[address]

    async def _disconnected(self, connection: Connection, code: int) -> None:
        chain = connection.endpoint.hooks.disconnect
        if chain is not None:
            await chain.run_async(connection.info, code)

    def spawn(self, coroutine: Any) -> asyncio.Task[None]:
        """Run a coroutine beside everything else, and keep hold of it."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settle(self) -> None:
        """Wait for what runs beside: the hooks of connections that have just gone."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.upstreams.close()

    def tick(self) -> None:
        """Look at slow, silent and closing connections, and at limiters nobody uses."""
        now = self.clock()
        self.heartbeat.tick(now, self.settings.heartbeat, TICK)
        self.door.tick(now)
        self.dynamic.tick(now)
        for connection in self.expiries.due(time.time()):
            connection.expire()
        self.sockets.cut(now)
        for socket in tuple(self.sockets.stalled):
            if isinstance(socket, Connection):
                socket.check_stalled(now)
        self.reliable.tick(now)
        self.events.tick(now)
        for endpoint in self.endpoints.values():
            endpoint.forget_idle(now)
            endpoint.measure()
            endpoint.caching.expire(now)

    def ended(self, process: int) -> None:
        """Another gateway process has ended."""
        self.events.ended(process)
        self.reliable.handover.ended(process)

    # What the bridge tells (see routewright.bridge.gateway.Observer)

    def pushed(self, push: Push) -> None:
        connection = self.sessions.get(push.session)
        if connection is not None:
            connection.deliver(push.frame, push.binary, event=True)

    def published(self, publish: Publish) -> None:
        name = publish.topic
        retired = [endpoint for endpoint in self.retired if endpoint.route.name == name]
        if name not in self.endpoints and not retired:
            self.events.publish(name, publish.frame, hand_on=publish.hand_on)
            return
        for endpoint in (self.endpoints.get(name), *retired):
            if endpoint is not None:
                endpoint.publish(publish.frame, publish.binary)

    def listens(self, worker: Worker, topics: list[str]) -> None:
        self.events.listeners.add(worker, topics)

    def called(self, worker: Worker, message: Call) -> None:
        call(self, worker, message)

    def call_withdrawn(self, worker: Worker, correlation: int) -> None:
        caller = self.calls.pop((worker.identity, correlation), None)
        if caller is not None:
            caller.withdraw(correlation)

    def close_asked(self, close: Close) -> None:
        connection = self.sessions.get(close.session)
        if connection is not None:
            allowed = close.code in (1000, 1008, 1011, 1013) or 3000 <= close.code < 5000
            connection.close(close.code if allowed else 1011, close.reason)

    def claimed(self, hello: Hello) -> WorkerPool | str:
        return self.dynamic.claim(hello)

    def invalidated(self, invalidate: Invalidate) -> None:
        for endpoint in (self.endpoints.get(invalidate.route), *self.retired):
            if endpoint is not None and endpoint.route.name == invalidate.route:
                endpoint.caching.invalidate(invalidate.type, invalidate.frame)

    def superseded(self, name: str, processes: frozenset[int]) -> None:
        """Newer workers have taken over from these: their code may answer otherwise, so nothing of theirs is kept."""
        self.bridge.superseded(name, processes)
        for endpoint in (*self.endpoints.values(), *self.retired):
            if endpoint.pool.name == name:
                endpoint.caching.clear()

    def worker_ready(self, worker: Worker) -> None:
        self.on_pools_changed()

    def worker_lost(self, worker: Worker, sessions: set[int]) -> None:
        pool = worker.pool
        awaited = not worker.leaving and (pool.name, pool.digest) in self.bridge.pools
        self.events.listeners.drop(worker, awaited=awaited)
        for identity, correlation in tuple(self.calls):
            if identity == worker.identity:
                self.call_withdrawn(worker, correlation)
        for number in sessions:
            connection = self.sessions.get(number)
            if connection is not None and connection.worker is worker:
                connection.worker = None
                if isinstance(connection, RawConnection):
                    connection.error(Fault("worker_lost", "the worker went away"))
        for endpoint in tuple(self.retired):
            if endpoint.pool is worker.pool and not worker.pool.workers:
                self.epochs.close_all(endpoint, 4001, "the route has changed")
        self.dynamic.left(worker)
        self.on_pools_changed()

    def batch_done(self) -> None:
        self.sockets.flush()


def pools_report(gateway: Gateway) -> list[dict[str, Any]]:
    """The state of every pool, for the supervisor."""
    return [
        {"name": pool.name, "digest": pool.digest, "ready": len(pool.ready), "workers": len(pool.workers)}
        for pool in gateway.bridge.pools.values()
    ]


def upstreams_report(gateway: Gateway) -> dict[str, str]:
    """What is wrong with the upstreams, by the route's name, for the supervisor."""
    return {
        name: endpoint.upstream.problem for name, endpoint in gateway.endpoints.items() if endpoint.upstream is not None
    }
