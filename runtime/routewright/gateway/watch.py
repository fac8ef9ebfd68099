"""Which files have changed: the spec's, ``generated/``, handler modules and plugins.

Strategy: directories are watched, never single files (a file goes silent after it has been replaced by a rename), and
only those that can matter: watching a whole project would mean its virtual environment too. Of what the operating
system reports, only a change of content counts.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from watchfiles import awatch

_SUFFIXES = (".py", ".json", ".jinja")
_STEP = 15
"""Milliseconds of silence after which a burst of changes is taken for finished."""


class Watch:
    """Yields sets of changed files. ``directories`` may be replaced between two sets."""

    def __init__(self, flat: Collection[Path], deep: Collection[Path]) -> None:
        self._flat = frozenset(flat)
        self._deep = frozenset(deep)
        self._hashes: dict[Path, str] = {}
        self._queue: asyncio.Queue[set[Path]] = asyncio.Queue()
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.watch(flat, deep)

    def watch(self, flat: Collection[Path], deep: Collection[Path]) -> None:
        """Watch these directories, without (``flat``) and with (``deep``) what lies below them."""
        wanted = frozenset(path for path in flat if path.is_dir()), frozenset(path for path in deep if path.is_dir())
        if self._tasks and wanted == (self._flat, self._deep):
            return
        self._flat, self._deep = wanted
        self._stop.set()
        self._stop = asyncio.Event()
        self._tasks = [task for task in self._tasks if not task.done()]
        for directories, recursive in ((self._flat, False), (self._deep, True)):
            self._remember(directories, recursive)
            if directories:
                self._tasks.append(asyncio.create_task(self._run(directories, recursive, self._stop)))

    def _remember(self, directories: Collection[Path], recursive: bool) -> None:
        for directory in directories:
            for path in self._files(directory, recursive):
                if path not in self._hashes:
                    self._changed(path)

    def _files(self, directory: Path, recursive: bool) -> list[Path]:
        return [
            path for path in (directory.rglob("*") if recursive else directory.iterdir()) if path.suffix in _SUFFIXES
        ]

    async def _run(self, directories: Collection[Path], recursive: bool, stop: asyncio.Event) -> None:
        watching = awatch(
            *directories,
            recursive=recursive,
            step=_STEP,
            debounce=400,
            stop_event=stop,
            rust_timeout=100,
            yield_on_timeout=True,
        )
        unseen = True
        async for changes in watching:
            paths = {Path(path) for _, path in changes}
            if unseen:
                # what changed between the first look and the first notice
                unseen = False
                paths.update(*(self._files(directory, recursive) for directory in directories))
            elif not paths:
                continue
            changed = {path for path in paths if path.suffix in _SUFFIXES and self._changed(path)}
            if changed:
                self._queue.put_nowait(changed)

    def _changed(self, path: Path) -> bool:
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            digest = ""
        if self._hashes.get(path, "") == digest:
            return False
        self._hashes[path] = digest
        return True

    async def changes(self) -> AsyncIterator[set[Path]]:
        """Sets of files whose content has changed, as they happen; those that came meanwhile in one set."""
        while True:
            changed = await self._queue.get()
            while not self._queue.empty():
                changed |= self._queue.get_nowait()
            yield changed

    async def stop(self) -> None:
        """Watch no more."""
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
