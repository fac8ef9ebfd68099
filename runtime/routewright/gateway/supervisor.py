"""The supervisor: compiles, starts gateway and worker processes, and carries out reloads.

Strategy: no client's byte passes here, so compiling a spec or importing a module never delays a message. A reload goes
in three steps: every gateway *prepares* the new epoch beside the old one; the workers of changed contracts start and
connect; then every gateway *commits*. What cannot be had is left as it was: an invalid spec changes nothing, and a
route whose new module does not start keeps its old one.
"""

import asyncio
import contextlib
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import structlog

from routewright.gateway.barrier import drain
from routewright.gateway.beside import behind
from routewright.gateway.changes import Changes
from routewright.gateway.control import Commit, Discard, Gone, Prepare, Refused, Release
from routewright.gateway.curve import worker_environment
from routewright.gateway.gateways import GatewayChild, GatewayFailed
from routewright.gateway.options import Compile, Compiled, Options
from routewright.gateway.spare import Spare
from routewright.gateway.workers import WorkerGroup
from routewright.policies.circuit_breaker import Mode
from routewright.table import Pool, Settings, Table, TableError, load
from routewright.table.overrides import OverrideError, apply_to_table

log = structlog.get_logger("routewright.supervisor")

PoolKey = tuple[str, str]


class StartFailed(Exception):
    """The gateway cannot start; the message says why, for a person."""


class Supervisor:
    """All processes of one gateway.

    Args:
        project: the folder of the spec; ``generated/`` stands in it.
        compile: checks the spec and publishes ``generated/``; ``None`` serves ``generated/`` as it is.
    """

    def __init__(self, project: Path, options: Options, compile: Compile | None) -> None:
        self.project = project.resolve()
        self.options = options
        self.table: Table
        self.gateways: list[GatewayChild] = []
        self.holds: dict[str, Mode] = {}
        self.groups: dict[PoolKey, WorkerGroup] = {}
        self.listening: socket.socket | None = None
        self.ready_logged = False
        self.draining = False
        self.started = time.time()
        self.reloads = {"done": 0, "refused": 0, "unchanged": 0}
        self.problem = ""
        self.kept: frozenset[str] = frozenset()
        self.files: tuple[Path, ...] = ()
        self._compile = compile
        self._warnings = 0
        self._spare = Spare(self.project, {}, keep=False)
        self._folder = tempfile.mkdtemp(prefix="routewright-")
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._changes = Changes(self)

    @property
    def settings(self) -> Settings:
        """The settings in force: the spec's, under the command's overrides."""
        return self.table.settings

    # Start and end

    async def start(self) -> None:
        """Compile, listen, and start every process.

        Raises:
            StartFailed: the spec is invalid, an address is taken, or a gateway process does not start.
        """
        if self.options.watch:
            # from here on, so that no change is missed while the processes start
            self._changes.begin()
        compiled = await self._run_compile()
        if not compiled.ok:
            raise StartFailed(compiled.report)
        try:
            self.table = self._load()
            self.listening = _bind(self.settings.host, self.settings.port)
        except (TableError, OverrideError) as error:
            raise StartFailed(str(error)) from None
        except OSError as error:
            raise StartFailed(
                f"cannot listen on {self.settings.host}:{self.settings.port}: {error.strerror or error}"
            ) from None
        key, environment = worker_environment(self.settings.bridge)
        self._spare = Spare(self.project, environment, keep=self.options.watch)
        for endpoint in map(self._endpoint, range(self.options.processes)):
            child = GatewayChild(
                self.project, endpoint, self.listening, self.options, self._pools_changed, self.gateways, self.holds
            )
            child.worker_key = key
            self.gateways.append(child)
        for pool in self.table.pools:
            self._group(pool)
        self._changes.rewatch()
        launches = [asyncio.create_task(group.launch()) for group in self.groups.values()]
        try:
            await asyncio.gather(*(gateway.start() for gateway in self.gateways))
        except GatewayFailed as error:
            for launch in launches:
                launch.cancel()
            raise StartFailed(str(error)) from None
        await asyncio.gather(*launches)
        for group in self.groups.values():
            self.log_problems(group)
        self._changes.rewatch()
        self._spawn(self._changes.follow())

    def _endpoint(self, index: int) -> str:
        configured = self.settings.bridge.endpoint
        if configured is None:
            return f"ipc://{self._folder}/gateway-{index}.sock"
        scheme, _, rest = configured.partition("://")
        if scheme == "ipc" and not rest.startswith(("/", "@")):
            # the gateway and its workers run in different folders; "@" is a name without a file
            configured = f"ipc://{self.project / rest}"
        if index == 0:
            return configured
        host, colon, port = rest.rpartition(":")
        return f"{scheme}://{host}{colon}{int(port) + index}" if scheme == "tcp" else f"{configured}-{index}"

    async def stop(self, seconds: float) -> None:
        """Drain and end every process.

        Args:
            seconds: how long clients and handlers may take.
        """
        self.draining = True
        if self.listening is not None:
            # or whoever connects now would wait in its backlog
            self.listening.close()
        await self._changes.stop()
        await drain(self.gateways, seconds)
        await asyncio.gather(self._spare.stop(), *(group.stop() for group in self.groups.values()))
        await asyncio.gather(*(gateway.stop() for gateway in self.gateways))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """End every process that is left, at once."""
        for gateway in self.gateways:
            gateway.kill()
        for group in self.groups.values():
            group.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    # Pools

    def _group(self, pool: Pool) -> WorkerGroup | None:
        if pool.source != "module" or pool.workers < 1:
            return None
        endpoints = tuple(gateway.endpoint for gateway in self.gateways)
        drain = self.settings.drain
        group = WorkerGroup(
            pool, self.project, endpoints, drain, self._spare, self._gone, self._superseded, self._pools_changed
        )
        self.groups[pool.name, pool.digest] = group
        return group

    def _gone(self, name: str, process: int) -> None:
        for gateway in self.gateways:
            gateway.tell(Gone(name, process))

    async def _superseded(self, name: str, processes: list[int]) -> None:
        await asyncio.gather(*(gateway.ask(Release(name, processes)) for gateway in self.gateways))

    def _pools_changed(self) -> None:
        """Let go of worker groups that no gateway has a use for any more."""
        if self._lock.locked() or self.draining:
            return
        wanted = {(pool.name, pool.digest) for pool in self.table.pools}
        for gateway in self.gateways:
            wanted |= {(pool["name"], pool["digest"]) for pool in gateway.pools}
        for key in [key for key in self.groups if key not in wanted]:
            self._spawn(self.groups.pop(key).stop())

    def log_problems(self, group: WorkerGroup) -> None:
        """Say why a handler module does not start."""
        for problem in group.problems:
            log.error(
                "a handler module does not start",
                module=group.pool.name,
                routes=list(group.pool.routes),
                reason=problem.get("message", ""),
                file=problem.get("file", ""),
                line=problem.get("line", 0),
            )

    # Reload

    async def _run_compile(self) -> Compiled:
        if self._compile is None:
            return Compiled(True)
        compiled = await behind(self._compile)
        self.files = compiled.files
        # A reload says nothing about warnings that were there before it.
        if compiled.warnings > self._warnings:
            log.warning("the spec has warnings", warnings=compiled.warnings, see="routewright check")
        self._warnings = compiled.warnings
        return compiled

    def _load(self) -> Table:
        return apply_to_table(load(self.project / "generated"), self.options.overrides)

    async def reload(self, *, plugins: bool = False) -> None:
        """Bring the spec as it is now into service, or say why not.

        Args:
            plugins: a plugin's code has changed, so commit even if the table has not.
        """
        async with self._lock:
            await self._reload(plugins)
        self._pools_changed()
        self._changes.rewatch()

    async def _reload(self, plugins: bool) -> None:
        compiled = await self._run_compile()
        if not compiled.ok:
            self._refuse("the spec is invalid; the old table serves on", compiled.report, compiled.problems)
            return
        try:
            table = self._load()
        except (TableError, OverrideError) as error:
            self._refuse("generated/ does not load; the old table serves on", str(error))
            return
        if table.digest == self.table.digest and not plugins and not self.kept:
            self.reloads["unchanged"] += 1
            self.problem = ""
            return
        answers = await asyncio.gather(*(gateway.ask(Prepare()) for gateway in self.gateways))
        problem = next((answer.problem for answer in answers if answer.problem), "")
        if problem:
            for gateway in self.gateways:
                await gateway.ask(Discard())
            self._refuse("the new table is not served; the old one serves on", problem)
            return
        keep = await self._launch(table)
        self._retire(table, keep)
        answers = await asyncio.gather(*(gateway.ask(Commit(sorted(keep))) for gateway in self.gateways))
        self.table = table
        self.kept = frozenset(keep)
        self.problem = ""
        self.reloads["done"] += 1
        report = next((answer.value for answer in answers if isinstance(answer.value, dict)), {})
        log.info(
            "reloaded", digest=table.digest, **{key: report.get(key) for key in ("changed", "added", "removed", "kept")}
        )

    async def _launch(self, table: Table) -> set[str]:
        """Start the workers of new contracts; the routes that keep their old ones because the new did not start."""
        groups: list[WorkerGroup] = []
        for pool in table.pools:
            group = self.groups.get((pool.name, pool.digest))
            if group is None:
                group = self._group(pool)
            elif not group.retired:
                continue
            if group is not None:
                groups.append(group)
        results = await asyncio.gather(*(group.replace() for group in groups))
        serving = {route.name for route in self.table.routes}
        keep: set[str] = set()
        for group, ready in zip(groups, results, strict=True):
            if ready:
                continue
            self.log_problems(group)
            held = serving.intersection(group.pool.routes)
            if held:
                keep |= held
                if not group.processes:
                    del self.groups[group.pool.name, group.pool.digest]
            else:
                self._spawn(group.launch())
        return keep

    def _retire(self, table: Table, keep: set[str]) -> None:
        """Mark the groups of earlier contracts. A process started for one now would read the new table, so they are
        neither restarted nor replaced: they serve whoever is left, until the drain window ends."""
        wanted = {(pool.name, pool.digest) for pool in table.pools}
        for key, group in self.groups.items():
            kept = not group.retired and not keep.isdisjoint(group.pool.routes)
            group.retired = key not in wanted and not kept

    def _refuse(self, event: str, report: str, problems: int = 1) -> None:
        self.reloads["refused"] += 1
        self.problem = report
        for gateway in self.gateways:
            gateway.tell(Refused(report))
        log.error(event, problems=problems, report=report)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    with contextlib.ExitStack() as undo:
        undo.callback(bound.close)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind(address)
        bound.setblocking(False)
        undo.pop_all()
    return bound
