"""Dynamic routes: those that workers register, beside the routes of the spec.

Strategy: a dynamic route lives as long as a worker answers it, and, where its last one was lost without a goodbye, for
`GRACE` more. Its pool is known to no bridge but by its route, so nobody joins it without the checks that the first
worker passed. What the spec claims always comes first: a worker's claim to it is refused, and a reload that claims a
path evicts the route that has it.
"""

import hmac
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from routewright.bridge.codec import Hello
from routewright.bridge.pool import Worker, WorkerPool
from routewright.gateway.endpoint import Endpoint
from routewright.table import Table
from routewright.table.dynamic import Claim, ClaimError, claim, route, unclaimed

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway

MOST = 64
"""Dynamic routes of one gateway process."""

GRACE = 10.0
"""Seconds in which a worker that was lost may come back before its route disappears."""

TOKEN = "ROUTEWRIGHT_WORKER_TOKEN"  # noqa: S105  # the name of a variable
"""The variable that holds what a worker must say to register a route; where it is not set, nothing."""

log = structlog.get_logger("routewright.gateway")


class DynamicRoutes:
    """The dynamic routes of one gateway process, by their names."""

    def __init__(self, gateway: "Gateway") -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self._claims: dict[str, Claim] = {}
        self._waiting: dict[str, float] = {}
        self._gateway = gateway

    def claim(self, hello: Hello) -> WorkerPool | str:
        """Let a worker answer a route: the pool that it joins, or why it may not."""
        try:
            self._admit(hello)
            return self._join(claim(hello.route))
        except ClaimError as error:
            log.warning("a worker's route is refused", worker=hello.name[:200], reason=str(error))
            return str(error)

    def _admit(self, hello: Hello) -> None:
        gateway = self._gateway
        if not gateway.settings.dynamic_routing:
            raise ClaimError("this gateway takes no routes from workers: start it with ENABLE_DYNAMIC_ROUTING=true")
        token = os.environ.get(TOKEN, "")
        if token:
            if not hmac.compare_digest(hello.token.encode(errors="replace"), token.encode()):
                raise ClaimError(f"the worker's token is not the gateway's: set {TOKEN} for both")
        elif not _private(gateway.bridge.endpoint):
            raise ClaimError(f"others may reach the bridge's folder: set {TOKEN} for the gateway and its workers")

    def _join(self, claim: Claim) -> WorkerPool:
        gateway = self._gateway
        known = self._claims.get(claim.name)
        if known == claim:
            self._waiting.pop(claim.name, None)
            return self.endpoints[claim.name].pool
        waiting = self._waiting
        if known is not None and claim.name not in waiting:
            raise ClaimError(f"another worker has registered route {claim.name!r} otherwise")
        unclaimed(claim, (endpoint.route for name, endpoint in gateway.endpoints.items() if name not in waiting))
        self._give_way(claim)
        if len(self.endpoints) >= MOST:
            raise ClaimError(f"there are {MOST} dynamic routes already")
        found = route(claim, gateway.table.undeclared)
        pool = WorkerPool(claim.name, "")
        self._claims[claim.name] = claim
        endpoint = Endpoint(gateway, found, pool, gateway.plugins.compile(found), gateway.epoch)
        endpoint.dynamic = True
        endpoint.authenticator = gateway.epochs.undeclared_authenticator(claim.name)
        self.endpoints[claim.name] = endpoint
        gateway.endpoints = {**gateway.endpoints, claim.name: endpoint}
        gateway.lay_paths()
        log.info("a worker has registered a route", route=claim.name, path=claim.path)
        return pool

    def _give_way(self, claim: Claim) -> None:
        """Close the routes that wait for a worker where a claim is in their way: it may have come back with another
        one."""
        for name in tuple(self._waiting):
            try:
                unclaimed(claim, (self.endpoints[name].route,))
            except ClaimError:
                self._close(self.endpoints[name], 4001, "the route has changed")

    def left(self, worker: Worker) -> None:
        """A worker is gone. A route without any is closed: at once where the last one has said goodbye, else when it
        has not come back in time. Those that have said goodbye and are still on their way out do not count."""
        pool = worker.pool
        endpoint = self.endpoints.get(pool.name)
        if endpoint is None or endpoint.pool is not pool or not all(each.leaving for each in pool.workers):
            return
        name = endpoint.route.name
        if not worker.leaving:
            self._waiting[name] = self._gateway.clock() + GRACE
            log.warning("a dynamic route has lost its worker", route=name, grace=GRACE)
        elif not pool.workers and name not in self._waiting:
            self._close(endpoint, 4504, "the route is gone")

    def tick(self, now: float) -> None:
        """Close the routes whose workers have not come back. Their clients may come again, as the workers may."""
        for name in [name for name, until in self._waiting.items() if until <= now]:
            self._close(self.endpoints[name], 1013, "the route's worker went away")

    def _close(self, endpoint: Endpoint, code: int, reason: str) -> None:
        gateway = self._gateway
        gateway.endpoints = {name: each for name, each in gateway.endpoints.items() if each is not endpoint}
        self._remove(endpoint, code, reason)
        gateway.lay_paths()

    def settle(self, table: Table) -> dict[str, Endpoint]:
        """Bring the routes in line with a new table: those that it claims are evicted, the others get its policies.

        Returns:
            Those that stay.
        """
        for name, endpoint in list(self.endpoints.items()):
            try:
                if not table.settings.dynamic_routing:
                    raise ClaimError("dynamic routing is switched off")
                unclaimed(self._claims[name], table.routes)
            except ClaimError as error:
                log.warning("a dynamic route is evicted", route=name, reason=str(error))
                self._remove(endpoint, 4001, "the route has changed")
                for worker in tuple(endpoint.pool.workers):
                    self._gateway.bridge.release(worker)
            else:
                found = route(self._claims[name], table.undeclared)
                endpoint.bind(found, endpoint.pool, self._gateway.plugins.compile(found), self._gateway.epoch)
                endpoint.authenticator = self._gateway.epochs.undeclared_authenticator(name)
        return dict(self.endpoints)

    def _remove(self, endpoint: Endpoint, code: int, reason: str) -> None:
        name = endpoint.route.name
        del self.endpoints[name], self._claims[name]
        self._waiting.pop(name, None)
        self._gateway.epochs.dismiss(endpoint, code, reason)
        log.info("a dynamic route is gone", route=name)


def _private(endpoint: str) -> bool:
    """Whether only this user and whoever holds a key reaches the bridge."""
    if endpoint.startswith("tcp://"):
        return True  # a bridge over TCP does not start without CURVE
    try:
        folder = Path(endpoint.removeprefix("ipc://")).parent.stat()
    except OSError:
        return False
    return endpoint.startswith("ipc:///") and folder.st_uid == os.getuid() and not stat.S_IMODE(folder.st_mode) & 0o077
