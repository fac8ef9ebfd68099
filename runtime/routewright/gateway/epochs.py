"""The epochs of one gateway process: how one compiled table follows another.

Strategy: a compiled table is an *epoch*. A new one is prepared beside the old (loaded, its pools opened to workers)
and committed when the supervisor says that its workers are ready: one assignment of matcher and endpoints. An endpoint
that the new one has no place for is retired: it serves its connections until they leave, or its time is over.
"""

import asyncio
import functools
from typing import TYPE_CHECKING, NamedTuple

from routewright.bridge.pool import WorkerPool
from routewright.gateway.auth.authenticator import Authenticator
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.proxy.upstream import Upstream
from routewright.hooks import Reloaded
from routewright.table import Route, Table, load
from routewright.table.change import Verdict, classify
from routewright.table.contracts import Contracts
from routewright.table.overrides import apply_to_table
from routewright.table.paths import Matcher

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway

LAST_ANSWERS = 1.0
"""Seconds after the drain window in which a retired connection may still get the answers it waits for."""

_NOBODY = WorkerPool("", "")


class Next(NamedTuple):
    """A table that is loaded and not served yet; ``changes`` says what it means for the routes that are served."""

    table: Table
    contracts: Contracts
    changes: dict[str, Verdict]


class Epochs:
    """What brings tables into service in one gateway process, and takes endpoints out of it."""

    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self._pending: Next | None = None
        self._contracts: dict[str, Contracts] = {}
        self._authenticators: dict[str, Authenticator] = {}

    # The next one

    def load(self) -> Next:
        """What is below ``generated/``, under the command's overrides, compared with what is served. Changes nothing,
        so another thread may do it.

        Raises:
            TableError: it does not load.
            OverrideError: an override does not fit it.
        """
        gateway = self.gateway
        table = apply_to_table(load(gateway.folder), gateway.overrides)
        contracts = Contracts.read(gateway.folder, table.digest)
        return Next(table, contracts, self._compare(table, contracts))

    def _compare(self, table: Table, contracts: Contracts) -> dict[str, Verdict]:
        gateway = self.gateway
        read = functools.cache(Contracts.routes)
        changes: dict[str, Verdict] = {}
        for route in table.routes:
            old = gateway.endpoints.get(route.name)
            if old is None or route.name in gateway.dynamic.endpoints:
                continue
            if old.route.digest == route.digest:
                changes[route.name] = "unchanged"
            else:
                before, after = read(self._contracts[route.name]), read(contracts)
                changes[route.name] = classify(old.route, route, before.get(route.name), after.get(route.name))
        return changes

    def prepare(self, epoch: Next) -> Table:
        """Take what was loaded for the next epoch, and welcome its workers.

        Raises:
            PluginError: a plugin that it names does not load.
            AuthError: a key of its authentication cannot be read.
        """
        gateway = self.gateway
        gateway.plugins.reload(epoch.table)
        self._authenticators = gateway.auth.prepare(epoch.table, gateway.plugins)
        for pool in epoch.table.pools:
            gateway.bridge.pool(pool.name, pool.digest)
        self._pending = epoch
        return epoch.table

    def discard(self) -> None:
        """Forget the prepared epoch."""
        self._pending = None
        self.retain()

    # In its place

    def commit(self, keep: frozenset[str] = frozenset()) -> Reloaded:
        """Serve the prepared epoch. Routes named in ``keep`` stay as they are: their new workers did not start."""
        if self._pending is None:
            raise RuntimeError("no epoch is prepared")
        epoch, self._pending = self._pending, None
        gateway, table = self.gateway, epoch.table
        gateway.epoch += 1
        dynamic = gateway.dynamic.endpoints
        before = {name: endpoint for name, endpoint in gateway.endpoints.items() if name not in dynamic}
        report = _report(gateway.epoch, epoch, before, keep)
        endpoints = self._endpoints(epoch, before, keep)
        for name in report.removed:
            self._retire(before[name], 4504, "the route was removed")
        gateway.table = table
        gateway.settings = table.settings
        kept = {name: self._contracts[name] for name in report.kept}
        self._contracts = {**dict.fromkeys(endpoints, epoch.contracts), **kept}
        gateway.declared = Matcher(endpoint.route for endpoint in endpoints.values())
        gateway.endpoints = {**endpoints, **gateway.dynamic.settle(table)}
        gateway.lay_paths()
        gateway.events.bind(table.routes)
        self.retain()
        gateway.reliable.reloaded()
        return report

    def _endpoints(self, epoch: Next, before: dict[str, Endpoint], keep: frozenset[str]) -> dict[str, Endpoint]:
        """The endpoint of each route: the one it has, as far as that may go on."""
        table = epoch.table
        pools = {name: self.gateway.bridge.pool(pool.name, pool.digest) for pool in table.pools for name in pool.routes}
        pools |= {route.name: _NOBODY for route in table.routes if route.source == "proxy"}
        endpoints: dict[str, Endpoint] = {}
        for route in table.routes:
            name, old = route.name, before.get(route.name)
            if old is None:
                endpoints[name] = self._endpoint(route, pools[name])
            elif name in keep:
                endpoints[name] = old
            else:
                endpoints[name] = self._rebind(old, route, pools[name], epoch.changes[name])
        return endpoints

    def _endpoint(self, route: Route, pool: WorkerPool) -> Endpoint:
        gateway = self.gateway
        endpoint = Endpoint(gateway, route, pool, gateway.plugins.route(route), gateway.epoch)
        if route.source == "proxy":
            endpoint.upstream = Upstream(lambda: gateway.on_pools_changed())
        endpoint.authenticator = self._authenticators.get(route.name)
        return endpoint

    def _rebind(self, old: Endpoint, route: Route, pool: WorkerPool, change: Verdict) -> Endpoint:
        if change == "incompatible":
            self._retire(old, 4001, "the route has changed")
            return self._endpoint(route, pool)
        old.bind(route, pool, self.gateway.plugins.route(route), self.gateway.epoch)
        old.authenticator = self._authenticators.get(route.name)
        return old

    def undeclared_authenticator(self, name: str) -> Authenticator | None:
        """What a route that a worker registers authenticates with: the ``auth`` of the spec's ``defaults``."""
        found = self._authenticators.get("")
        return found.of(name) if found is not None else None

    # Out of service

    def dismiss(self, endpoint: Endpoint, code: int, reason: str) -> None:
        """Take an endpoint out of service at once; what its connections have in flight may still be answered."""
        endpoint.retired = True
        if endpoint.connections:
            self.gateway.retired.add(endpoint)
            self._leave(endpoint, code, reason)

    def _retire(self, endpoint: Endpoint, code: int, reason: str) -> None:
        endpoint.retired = True
        if endpoint.connections:
            self.gateway.retired.add(endpoint)
            asyncio.get_running_loop().call_later(self.gateway.settings.drain, self._leave, endpoint, code, reason)

    def _leave(self, endpoint: Endpoint, code: int, reason: str) -> None:
        """Close a retired endpoint's connections; what they have in flight has a last chance to be answered."""
        for connection in tuple(endpoint.connections):
            connection.leave(code, reason)
        if endpoint.connections:
            asyncio.get_running_loop().call_later(LAST_ANSWERS, self.close_all, endpoint, code, reason)

    def close_all(self, endpoint: Endpoint, code: int, reason: str) -> None:
        """Close an endpoint's connections, whatever they have in flight."""
        for connection in tuple(endpoint.connections):
            connection.close(code, reason)

    def retain(self) -> None:
        """Let the workers go whose pool no endpoint uses any more."""
        gateway = self.gateway
        live = [*gateway.endpoints.values(), *gateway.retired]
        keys = {(endpoint.pool.name, endpoint.pool.digest) for endpoint in live}
        if self._pending is not None:
            keys |= {(pool.name, pool.digest) for pool in self._pending.table.pools}
        gateway.bridge.retain(keys)
        gateway.events.listeners.keep({name for name, _ in keys})
        gateway.on_pools_changed()


def _report(number: int, epoch: Next, before: dict[str, Endpoint], keep: frozenset[str]) -> Reloaded:
    """What an epoch changes for the routes that were served before."""
    names = [route.name for route in epoch.table.routes]
    stay = [name for name in names if name in before]
    return Reloaded(
        epoch=number,
        digest=epoch.table.digest,
        changed=tuple(name for name in stay if name not in keep and epoch.changes[name] != "unchanged"),
        added=tuple(name for name in names if name not in before),
        removed=tuple(name for name in before if name not in names),
        kept=tuple(name for name in stay if name in keep),
        problems=(),
    )
