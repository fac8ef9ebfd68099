"""The gateway of one process: its endpoints, its sessions, and what the bridge tells it.

Strategy: a compiled table is an *epoch*. A new one is prepared beside the old (loaded, its pools opened to workers)
and committed when the supervisor says that its workers are ready: one assignment of matcher and endpoints.
"""

import asyncio
import contextlib
import functools
import itertools
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from routewright.bridge.codec import Call, Close, Hello, Invalidate, Publish, Push
from routewright.bridge.gateway import BridgeGateway
from routewright.bridge.pool import Worker, WorkerPool
from routewright.gateway.auth.authentication import Authentication
from routewright.gateway.auth.authenticator import Authenticator
from routewright.gateway.auth.door import Door
from routewright.gateway.call import Caller, call
from routewright.gateway.connection import Connection
from routewright.gateway.dynamic import DynamicRoutes
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.errors import Fault
from routewright.gateway.events import ABOUT, Events
from routewright.gateway.heartbeat import Heartbeat
from routewright.gateway.proxy.client import UpstreamClient
from routewright.gateway.proxy.upstream import Upstream
from routewright.gateway.raw import RawConnection
from routewright.gateway.session.sessions import Sessions
from routewright.gateway.sockets import Sockets
from routewright.hooks import Plugins, Reloaded
from routewright.policies.expiry import Calendar
from routewright.table import Route, Settings, Table, load
from routewright.table.change import Verdict, classify
from routewright.table.contracts import Contracts
from routewright.table.discovery import describe, describe_route
from routewright.table.overrides import apply_to_table
from routewright.table.paths import Match, Matcher

TICK = 0.25
"""Seconds between two looks at slow, closing and unfinished connections."""

LAST_ANSWERS = 1.0
"""Seconds after the drain window in which a retired connection may still get the answers it waits for."""


class Relay(Protocol):
    """Tells the other gateway processes, or the one whose number is ``to``, something; nobody, where there is none."""

    def __call__(self, about: str, data: bytes, to: int | None = None) -> None: ...


class Next(NamedTuple):
    """A table that is loaded and not served yet; ``changes`` says what it means for the routes that are served."""

    table: Table
    contracts: Contracts
    changes: dict[str, Verdict]


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
        self._nobody = WorkerPool("", "")
        self.dynamic = DynamicRoutes(self)
        self.declared = Matcher(())
        self.redirected = 0
        self.opening = 0
        self.table: Table
        self.settings = Settings()
        self.epoch = 0
        self.matcher = Matcher(())
        self.endpoints: dict[str, Endpoint] = {}
        self.retired: set[Endpoint] = set()
        self.sessions: dict[int, Connection] = {}
        self.calls: dict[tuple[bytes, int], Caller] = {}
        self.addresses: Counter[str] = Counter()
        self.door = Door(self.addresses)
        self.refused: Counter[str] = Counter()
        self.draining = False
        self.drained = asyncio.Event()
        self.discovery: dict[str, Any] = {}
        self.on_pools_changed: Callable[[], None] = lambda: None
        # to the other gateway processes: `relay(about, data)`, or with the number of one of them, `relay(about, data,
        # process)`; what comes from them goes to the function of its `about`, with the number of its sender
        self.relay: Relay = _to_nobody
        self.events = Events(self)
        self.relayed: dict[str, Callable[[int, bytes], None]] = {ABOUT: self.events.relayed}
        self.reliable = Sessions(self)
        self._sessions = itertools.count(1)
        self._contracts: dict[str, Contracts] = {}
        self._pending: Next | None = None
        self._authenticators: dict[str, Authenticator] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def next_session(self) -> int:
        """A session number that this process has not used before."""
        return next(self._sessions)

    # Epochs

    def load(self) -> Next:
        """What is below ``generated/``, under the command's overrides, compared with what is served. Changes nothing,
        so another thread may do it.

        Raises:
            TableError: it does not load.
            OverrideError: an override does not fit it.
        """
        table = apply_to_table(load(self.folder), self.overrides)
        contracts = Contracts.read(self.folder, table.digest)
        read = functools.cache(Contracts.routes)
        changes: dict[str, Verdict] = {}
        for route in table.routes:
            old = self.endpoints.get(route.name)
            if old is None or route.name in self.dynamic.endpoints:
                continue
            if old.route.digest == route.digest:
                changes[route.name] = "unchanged"
            else:
                before, after = read(self._contracts[route.name]), read(contracts)
                changes[route.name] = classify(old.route, route, before.get(route.name), after.get(route.name))
        return Next(table, contracts, changes)

    def prepare(self, epoch: Next) -> Table:
        """Take what was loaded for the next epoch, and welcome its workers.

        Raises:
            PluginError: a plugin that it names does not load.
            AuthError: a key of its authentication cannot be read.
        """
        self.plugins.reload(epoch.table)
        self._authenticators = self.auth.prepare(epoch.table, self.plugins)
        for pool in epoch.table.pools:
            self.bridge.pool(pool.name, pool.digest)
        self._pending = epoch
        return epoch.table

    def commit(self, keep: frozenset[str] = frozenset()) -> Reloaded:
        """Serve the prepared epoch. Routes named in ``keep`` stay as they are: their new workers did not start."""
        if self._pending is None:
            raise RuntimeError("no epoch is prepared")
        (table, contracts, changes), self._pending = self._pending, None
        self.epoch += 1
        pools = {name: self.bridge.pool(pool.name, pool.digest) for pool in table.pools for name in pool.routes}
        pools |= {route.name: self._nobody for route in table.routes if route.source == "proxy"}
        dynamic = frozenset(self.dynamic.endpoints)
        endpoints: dict[str, Endpoint] = {}
        changed: list[str] = []
        added: list[str] = []
        kept: list[str] = []
        for route in table.routes:
            old = self.endpoints.get(route.name)
            if old is None or route.name in dynamic:
                endpoints[route.name] = self._endpoint(route, pools[route.name])
                added.append(route.name)
            elif route.name in keep:
                endpoints[route.name] = old
                kept.append(route.name)
            else:
                endpoints[route.name] = self._rebind(old, route, pools[route.name], changes[route.name])
                if changes[route.name] != "unchanged":
                    changed.append(route.name)
        removed = [name for name in self.endpoints if name not in endpoints and name not in dynamic]
        for name in removed:
            self._retire(self.endpoints[name], 4504, "the route was removed")
        self.table = table
        self.settings = table.settings
        self._contracts = {name: self._contracts[name] if name in kept else contracts for name in endpoints}
        self.declared = Matcher(endpoint.route for endpoint in endpoints.values())
        self.endpoints = {**endpoints, **self.dynamic.settle(table)}
        self.lay_paths()
        self.events.bind(table.routes)
        self._retain()
        self.reliable.reloaded()
        return Reloaded(
            epoch=self.epoch,
            digest=table.digest,
            changed=tuple(changed),
            added=tuple(added),
            removed=tuple(removed),
            kept=tuple(kept),
            problems=(),
        )

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

    def undeclared_authenticator(self, name: str) -> Authenticator | None:
        """What a route that a worker registers authenticates with: the ``auth`` of the spec's ``defaults``."""
        found = self._authenticators.get("")
        return found.of(name) if found is not None else None

    def dismiss(self, endpoint: Endpoint, code: int, reason: str) -> None:
        """Take an endpoint out of service at once; what its connections have in flight may still be answered."""
        endpoint.retired = True
        if endpoint.connections:
            self.retired.add(endpoint)
            self._leave(endpoint, code, reason)

    def _endpoint(self, route: Route, pool: WorkerPool) -> Endpoint:
        endpoint = Endpoint(self, route, pool, self.plugins.route(route), self.epoch)
        if route.source == "proxy":
            endpoint.upstream = Upstream(lambda: self.on_pools_changed())
        endpoint.authenticator = self._authenticators.get(route.name)
        return endpoint

    def _rebind(self, old: Endpoint, route: Route, pool: WorkerPool, change: Verdict) -> Endpoint:
        if change == "incompatible":
            self._retire(old, 4001, "the route has changed")
            return self._endpoint(route, pool)
        old.bind(route, pool, self.plugins.route(route), self.epoch)
        old.authenticator = self._authenticators.get(route.name)
        return old

    def discard(self) -> None:
        """Forget the prepared epoch."""
        self._pending = None
        self._retain()

    def _retire(self, endpoint: Endpoint, code: int, reason: str) -> None:
        endpoint.retired = True
        if endpoint.connections:
            self.retired.add(endpoint)
            asyncio.get_running_loop().call_later(self.settings.drain, self._leave, endpoint, code, reason)

    def _leave(self, endpoint: Endpoint, code: int, reason: str) -> None:
        """Close a retired endpoint's connections; what they have in flight has a last chance to be answered."""
        for connection in tuple(endpoint.connections):
            connection.leave(code, reason)
        if endpoint.connections:
            asyncio.get_running_loop().call_later(LAST_ANSWERS, self._close_all, endpoint, code, reason)

    def _close_all(self, endpoint: Endpoint, code: int, reason: str) -> None:
        for connection in tuple(endpoint.connections):
            connection.close(code, reason)

    def _retain(self) -> None:
        """Let the workers go whose pool no endpoint uses any more."""
        live = [*self.endpoints.values(), *self.retired]
        keys = {(endpoint.pool.name, endpoint.pool.digest) for endpoint in live}
        if self._pending is not None:
            keys |= {(pool.name, pool.digest) for pool in self._pending.table.pools}
        self.bridge.retain(keys)
        self.on_pools_changed()

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
            self._retain()
        self.wind_down()

    def wind_down(self) -> None:
        """Nobody is waited for any more, where that is so: who is left is to be kept for the next process."""
        if self.draining and len(self.sessions) <= len(self.reliable.restart.leaving):
            self.drained.set()

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
        for endpoint in self.endpoints.values():
            endpoint.forget_idle(now)
            endpoint.measure()
            endpoint.caching.expire(now)

    async def drain(self, seconds: float) -> None:
        """Take no more connections, let what is in flight end, and close the rest with 1012, spread over time so that
        the clients do not all come back at once."""
        self.draining = True
        self.door.close(1012, "the gateway restarts")
        self.wind_down()
        # at most 2,000 a second come back, if there is time for that; a few need no spreading
        count = len(self.sessions)
        pause = 0.0 if count < 100 else min(seconds / 2, count / 2000) / count
        end = self.clock() + seconds
        for connection in list(self.sessions.values()):
            connection.leave(1012, "the gateway restarts")
            if pause and connection not in self.reliable.restart.leaving:
                await asyncio.sleep(pause)
        await self._drained_within(max(0.0, end - self.clock()))
        for connection in list(self.sessions.values()):
            connection.close(1012, "the gateway restarts")
        await self.reliable.restart.keep(max(0.0, end - self.clock()), pause)
        self.drained.clear()
        self.wind_down()
        await self._drained_within(1.0)
        for connection in list(self.sessions.values()):
            connection.abort()

    async def _drained_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.drained.wait()

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
        self.events.listeners.drop(worker)
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
                self._close_all(endpoint, 4001, "the route has changed")
        self.dynamic.left(worker)
        self.on_pools_changed()

    def batch_done(self) -> None:
        self.sockets.flush()


def _to_nobody(about: str, data: bytes, to: int | None = None) -> None:
    pass


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
