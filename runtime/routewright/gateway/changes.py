"""What a change on disk calls for: a reload, new workers, or nothing.

Strategy: what is watched follows from what is served: the folders of the spec and its files, of the modules that
workers have imported, and of plugins. Of a change, ``generated/`` as this gateway has just written it is no news; a
module's file concerns the workers that have imported it; anything else is a reload.
"""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from routewright.gateway.watch import Watch
from routewright.gateway.workers import WorkerGroup

if TYPE_CHECKING:
    from routewright.gateway.supervisor import Supervisor

log = structlog.get_logger("routewright.supervisor")


class Changes:
    """Follows the changes for a supervisor, from `begin` on."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self.supervisor = supervisor
        self.project = supervisor.project
        self._watch: Watch | None = None

    def begin(self) -> None:
        """Note what changes from now on."""
        self._watch = Watch({self.project, self.project / "generated"}, ())

    def _directories(self) -> tuple[set[Path], set[Path]]:
        """What to watch: flat, and with everything below."""
        supervisor, project = self.supervisor, self.project
        flat = {project, project / "generated", *(path.parent for path in supervisor.files)}
        flat |= {Path(file).parent for group in supervisor.groups.values() for file in group.files}
        names = {pool.name for pool in supervisor.table.pools if pool.source == "module"}
        names |= {middleware.name for route in supervisor.table.routes for middleware in route.middleware}
        packages = {project / name.split(".")[0] for name in names if "." in name}
        deep = {path for path in packages if path.is_dir()}
        return {path for path in flat if path.is_relative_to(project)}, deep

    def rewatch(self) -> None:
        """Watch what matters now."""
        if self._watch is not None:
            self._watch.watch(*self._directories())

    async def follow(self) -> None:
        """Carry out each change."""
        if self._watch is None:
            return
        async for changed in self._watch.changes():
            try:
                await self._changed(changed)
            except Exception:
                # whatever went wrong with one change must not end the watching for the next
                log.exception("a change could not be carried out")

    async def stop(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            await self._watch.stop()

    async def _changed(self, changed: set[Path]) -> None:
        supervisor = self.supervisor
        generated = self.project / "generated"
        python = {path for path in changed if path.suffix == ".py" and path.parent != generated}
        data = changed - python
        if all(path.parent == generated for path in data) and self._published() == supervisor.table.digest:
            data = set()
        plugins = any(self._is_plugin(path) for path in python)
        affected = self._affected(python)
        if data or plugins or python.intersection(supervisor.files) or (python and supervisor.kept):
            await supervisor.reload(plugins=plugins)
        # what has been started or let go meanwhile needs nothing more
        affected = [group for group in affected if group in supervisor.groups.values() and not group.retired]
        if affected:
            await asyncio.gather(*(self._replace(group) for group in affected))
            self.rewatch()

    def _published(self) -> str:
        """The digest of the spec that ``generated/`` was made from: this reload's own writing is no news."""
        try:
            manifest = json.loads((self.project / "generated" / "manifest.json").read_bytes())
            return str(manifest["spec"]["digest"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _affected(self, changed: set[Path]) -> list[WorkerGroup]:
        """The groups whose processes have imported one of these files, or whose module never started."""
        names = {str(path) for path in changed}
        return [
            group
            for group in self.supervisor.groups.values()
            if group.files & names or any(_below(path, self.project, group.pool.name) for path in changed)
        ]

    async def _replace(self, group: WorkerGroup) -> None:
        if await group.replace():
            log.info("handler code reloaded", module=group.pool.name)
        else:
            self.supervisor.log_problems(group)

    def _is_plugin(self, path: Path) -> bool:
        names = {middleware.name for route in self.supervisor.table.routes for middleware in route.middleware}
        try:
            relative = path.relative_to(self.project).with_suffix("")
        except ValueError:
            return False
        module = ".".join(relative.parts).removesuffix(".__init__")
        return any(module == name or module.startswith(f"{name}.") for name in names)


def _below(path: Path, project: Path, module: str) -> bool:
    """Whether a file is a module, or lies in its package."""
    place = project.joinpath(*module.split("."))
    return path == place.with_suffix(".py") or path.is_relative_to(place)
