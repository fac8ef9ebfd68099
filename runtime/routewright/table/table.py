"""A compiled table: every route of one spec, the pools of workers that answer them, and the settings."""

from typing import Any

import msgspec

from routewright.table.route import Route, SourceKind
from routewright.table.settings import Settings


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """The workers that share one handler: a Python module, or a worker's name.

    Attributes:
        name: the module or the worker.
        workers: processes the gateway keeps (0 for workers that connect by themselves).
        routes: names of the routes it answers, in the spec's order.
        digest: of the contracts of those routes; a worker must say the same one in its hello.
    """

    name: str
    source: SourceKind = "module"
    workers: int = 1
    routes: tuple[str, ...]
    digest: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One spec, compiled. ``digest`` is the hash of the spec; two tables with one digest are the same. ``undeclared``
    has the policies of a route that a worker registers: those of the spec's ``defaults``."""

    digest: str
    spec: str = "websocket-routes.json"
    title: str = ""
    version: str = ""
    description: str = ""
    settings: Settings = Settings()
    routes: tuple[Route, ...]
    pools: tuple[Pool, ...]
    undeclared: Route = Route(name="", path="", handler="", digest="", contract="")
    extensions: dict[str, Any] = msgspec.field(default_factory=dict)

    def route(self, name: str) -> Route | None:
        """The route of that name."""
        return next((route for route in self.routes if route.name == name), None)

    def pool(self, name: str) -> Pool | None:
        """The pool of that name."""
        return next((pool for pool in self.pools if pool.name == name), None)
