"""The plugins of a gateway: found, checked, kept up to date, and compiled into each route's chains.

Strategy: a load builds everything anew beside what serves, and takes its place in one assignment; if anything of it
fails, nothing has changed. Plugins whose source is as it was keep their module, and so their state.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, final

from routewright.hooks.chains import Call, First, Gate, Notice, Rewrite, RouteHooks
from routewright.hooks.errors import PluginError
from routewright.hooks.failures import Failures
from routewright.hooks.finding import BUILT_IN, Installed, find
from routewright.hooks.modules import ProjectModules
from routewright.hooks.registry import Registry
from routewright.hooks.settings import prepare
from routewright.hooks.values import Reloaded
from routewright.table import Route, Table

if TYPE_CHECKING:
    import typer


class _Loaded(NamedTuple):
    """What serves now."""

    registry: Registry
    routes: dict[str, RouteHooks]


@final
class Plugins:
    """All plugins of one project.

    The hooks of a route come from the plugins that the route names. The others (startup, reload, cli, shutdown) are
    called for every plugin that some route names, and for every one that an installed package offers.
    """

    def __init__(self, project: Path) -> None:
        self._modules = ProjectModules(project)
        self._loaded = _Loaded(Registry(), {})
        self._started: dict[int, tuple[str, Any]] = {}
        self._turn = asyncio.Lock()  # two reloads may follow each other closely

    def load(self, table: Table) -> tuple[str, ...]:
        """Find and check every plugin, and compile the chains of every route. Modules of the project whose source has
        changed are imported anew.

        Returns:
            Names of the plugins that are new, or have new code.

        Raises:
            PluginError: one of them cannot be used; what was loaded before stays.
        """
        before = self._loaded.registry.plugins()
        with self._modules.renewed():
            loaded = self._build(table)
        self._loaded = loaded
        plugins = loaded.registry.plugins()
        return tuple(name for name, plugin in plugins.items() if before.get(name) is not plugin)

    def reload(self, table: Table) -> tuple[str, ...]:
        """The same as `load`, once a table serves already."""
        return self.load(table)

    def route(self, route: Route) -> RouteHooks:
        """The chains of a route of the table that was loaded last."""
        return self._loaded.routes[route.name]

    def compile(self, route: Route) -> RouteHooks:
        """The chains of a route that is in no table, of plugins that are loaded already."""
        return _compile(route, self._loaded.registry)

    def names(self) -> tuple[str, ...]:
        """The plugins that are in use."""
        return tuple(self._loaded.registry.plugins())

    async def startup(self, table: Table) -> None:
        """Start the plugins that have not been started yet, and shut those down whose place they have taken. To be
        called after every `load` that succeeded.

        Raises:
            PluginError: a plugin does not start; the next call tries it again.
        """
        async with self._turn:
            plugins = self._loaded.registry.plugins()
            for name, plugin in plugins.items():
                if id(plugin) not in self._started:
                    await self._start(name, plugin, table)
            kept = {id(plugin) for plugin in plugins.values()}
            await self._stop([key for key in self._started if key not in kept])

    async def reloaded(self, report: Reloaded) -> None:
        """Tell every plugin that is in service what a reload did, or why it did not happen. Never raises."""
        for name, plugin in list(self._started.values()):
            await _notice("routewright_reload", {name: plugin}).run_async(report)

    async def shutdown(self) -> None:
        """Shut down every plugin that was started, the last one first, and forget the project's modules. Never
        raises."""
        async with self._turn:
            await self._stop(list(reversed(self._started)))
            self._modules.close()

    def cli(self, app: "typer.Typer") -> None:
        """Let the built-in plugins, those of installed packages, and those that are loaded add their commands. What
        does not work is logged and left out."""
        registry, installed = Registry(), Installed()
        for name in (*BUILT_IN, *installed.names()):
            self._try(registry, name, installed)
        _notice("routewright_cli", {**self._loaded.registry.plugins(), **registry.plugins()}).run(app)

    def _build(self, table: Table) -> _Loaded:
        registry, installed = Registry(), Installed()
        # what a worker registers is guarded too
        dynamic = (table.undeclared,) if table.settings.dynamic_routing else ()
        for route in (*table.routes, *dynamic):
            for middleware in route.middleware:
                if middleware.name not in registry:
                    registry.add(middleware.name, find(middleware.name, self._modules, installed))
        for name in installed.names():
            self._try(registry, name, installed)
        return _Loaded(registry, {route.name: _compile(route, registry) for route in (*table.routes, *dynamic)})

    def _try(self, registry: Registry, name: str, installed: Installed) -> None:
        """Add a plugin that nobody asked for: it must not stop the gateway."""
        try:
            if name not in registry:
                registry.add(name, find(name, self._modules, installed))
        except PluginError as error:
            Failures("import").log(name, error)

    async def _start(self, name: str, plugin: Any, table: Table) -> None:
        for call in self._loaded.registry.calls("routewright_startup", [(name, None)]):
            try:
                pending = call.function(table)
                if call.waits:
                    await pending
            except Exception as error:
                raise PluginError(
                    f"plugin {name!r} failed in routewright_startup: {type(error).__name__}: {error}"
                ) from error
        self._started[id(plugin)] = (name, plugin)

    async def _stop(self, keys: list[int]) -> None:
        for key in keys:
            name, plugin = self._started.pop(key)
            await _notice("routewright_shutdown", {name: plugin}).run_async()


def _notice(hook: str, plugins: dict[str, Any]) -> Notice:
    """The chain of a hook that belongs to no route."""
    registry = Registry()
    for name, plugin in plugins.items():
        registry.add(name, plugin)
    return Notice(hook, registry.calls(hook, [(name, None) for name in registry.plugins()]))


def _compile(route: Route, registry: Registry) -> RouteHooks:
    """The chains of one route."""
    bound = [(each.name, prepare(route, each, registry)) for each in route.middleware]

    def calls(hook: str) -> list[Call]:
        return registry.calls(f"routewright_{hook}", bound)

    upgrade, authenticate, connect = calls("upgrade"), calls("authenticate"), calls("connect")
    message, reply, disconnect = calls("message"), calls("reply"), calls("disconnect")
    subscribe = calls("subscribe")
    return RouteHooks(
        upgrade=Gate("routewright_upgrade", upgrade) if upgrade else None,
        authenticate=First("routewright_authenticate", authenticate) if authenticate else None,
        connect=Gate("routewright_connect", connect) if connect else None,
        message=Rewrite("routewright_message", message, strict=True) if message else None,
        reply=Rewrite("routewright_reply", reply, strict=False) if reply else None,
        subscribe=Gate("routewright_subscribe", subscribe) if subscribe else None,
        disconnect=Notice("routewright_disconnect", disconnect) if disconnect else None,
    )
