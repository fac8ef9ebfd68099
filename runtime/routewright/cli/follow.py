"""``routewright generate --watch``: compile again at every change, until it is interrupted.

Strategy: what a compilation has read is watched by the gateway's own watcher, by folder. A fault is printed and nothing
is written, so the last good output stays; the next change tries again.
"""

import asyncio
import contextlib
import signal
import time
from pathlib import Path

from routewright.cli.project import GENERATED, compilation, generated
from routewright.cli.terminal import note
from routewright.gateway.watch import Watch


def follow(file: Path) -> None:
    """Compile the spec in ``file`` now and at every change of it; returns when SIGINT or SIGTERM says so."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_follow(file, file.resolve().parent))


async def _follow(file: Path, home: Path) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    watch = Watch({home}, ())
    working = asyncio.create_task(_work(file, home, watch))
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        working.result()
    for task in (working, waiting):
        task.cancel()
    await asyncio.gather(working, waiting, return_exceptions=True)
    await watch.stop()


async def _work(file: Path, home: Path, watch: Watch) -> None:
    output = home / GENERATED
    folders = await _compile(file, watch, frozenset({home}))
    async for changed in watch.changes():
        if not all(path.is_relative_to(output) for path in changed):
            folders = await _compile(file, watch, folders)


async def _compile(file: Path, watch: Watch, folders: frozenset[Path]) -> frozenset[Path]:
    """Compile, and watch the folders of all that was read. What was not watched may have changed since it was read: it
    is read again."""
    again = False
    while True:
        begun = time.perf_counter()
        found = await asyncio.to_thread(compilation, file)
        seconds = time.perf_counter() - begun
        changed = (*found.written, *found.deleted)
        if changed or not again:
            if found.report:
                note(found.report)
            _tell(generated(file), found.ok, changed, seconds)
        wanted = folders | {path.parent for path in found.files}
        if wanted == folders:
            return folders
        folders, again = wanted, True
        watch.watch(folders, ())


def _tell(folder: Path, ok: bool, changed: tuple[str, ...], seconds: float) -> None:
    took = f"in {seconds * 1000:.0f} ms"
    if not ok:
        print(f"{folder} stays as it was ({took})", flush=True)
    elif changed:
        print(f"{folder}: {', '.join(changed)} ({took})", flush=True)
    else:
        print(f"{folder} is up to date ({took})", flush=True)
