"""Actions that read files: hashes, lines, space.

Strategy: blocking work is cut into pieces of bounded length, each run in a thread, so that progress is told and an
action that nobody waits for ends soon.
"""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from math import ceil
from typing import Final

from backend.api.automation.action import ActionError, Arguments, Step, Steps, in_thread
from backend.api.automation.folder import Entry, Folder, FolderError, walk

BLOCK: Final = 1 << 20
MAX_HASHED: Final = 4 << 30
MAX_COUNTED: Final = 32 << 20
"""Bytes of a file beyond which its lines are not counted."""

MAX_FILES: Final = 50_000
MAX_STEPS: Final = 20
PIECE: Final = 500
"""Directory entries that one piece of work looks at."""

MANY: Final = 10
"""Suffixes that a count of lines names; the rest is counted as one."""


async def hash_file(arguments: Arguments, folder: Folder) -> Steps:
    """Step through a file in equal parts."""
    path = arguments.path
    if path is None:
        raise ActionError("hash_file needs the argument 'path'")
    algorithm = arguments.algorithm or "sha256"
    state = hashlib.new(algorithm, usedforsecurity=False)
    with folder.file(path) as file:
        size = os.fstat(file).st_size
        if size > MAX_HASHED:
            raise ActionError(f"{path!r} is too large to be hashed here: {size} bytes, at most {MAX_HASHED}")
        of = max(1, min(MAX_STEPS, ceil(size / BLOCK)))
        done = 0
        for step in range(1, of + 1):
            until = size * step // of
            await in_thread(partial(_hash, state, file, until - done))
            done = until
            result = {"path": path, "algorithm": algorithm, "bytes": size, "digest": state.hexdigest()}
            yield Step(step, of, f"{done} of {size} bytes", result if step == of else None)


def _hash(state: "hashlib._Hash", file: int, length: int) -> None:
    while length:
        block = os.read(file, min(BLOCK, length))
        if not block:
            raise ActionError("the file has become shorter while it was read")
        state.update(block)
        length -= len(block)


async def count_lines(arguments: Arguments, folder: Folder) -> Steps:
    """Count the lines of one file, or of all text files below a folder."""
    path = arguments.path or "."
    if folder.is_folder(path):
        with folder.folder(path) as descriptor, closing(walk(descriptor)) as found:
            entries = await _all(found)
        names = [f"{path}/{entry.path}" for entry in entries]
    else:
        names = [path]
    lines: Counter[str] = Counter()
    files = skipped = 0
    of = max(1, min(MAX_STEPS, len(names)))
    for step in range(1, of + 1):
        part = names[len(names) * (step - 1) // of : len(names) * step // of]
        for start in range(0, len(part), PIECE):
            counted = await in_thread(partial(_count, folder, part[start : start + PIECE]))
            for suffix, count in counted:
                if count is None:
                    skipped += 1
                else:
                    files += 1
                    lines[suffix] += count
        yield Step(
            step,
            of,
            f"{files} files, {lines.total()} lines",
            {
                "path": path,
                "files": files,
                "lines": lines.total(),
                "skipped": skipped,
                "bySuffix": dict(lines.most_common(MANY)),
            }
            if step == of
            else None,
        )


async def disk_usage(arguments: Arguments, folder: Folder) -> Steps:
    """What is free on the disk, then what the folder takes."""
    path = arguments.path or "."
    with folder.folder(path) as descriptor:
        disk = await in_thread(partial(shutil.disk_usage, descriptor))
        yield Step(1, 2, f"{disk.free} of {disk.total} bytes are free")
        with closing(walk(descriptor, hidden=True)) as found:
            entries = await _all(found)
        size = sum(entry.size for entry in entries)
        result = {
            "path": path,
            "total": disk.total,
            "used": disk.used,
            "free": disk.free,
            "files": len(entries),
            "bytes": size,
        }
        yield Step(2, 2, f"{len(entries)} files of {size} bytes", result)


async def _all(found: Iterator[Entry]) -> list[Entry]:
    entries: list[Entry] = []
    while piece := await in_thread(lambda: list(islice(found, PIECE))):
        entries += piece
        if len(entries) > MAX_FILES:
            raise ActionError(f"there are more than {MAX_FILES} files")
    return entries


def _count(folder: Folder, names: list[str]) -> list[tuple[str, int | None]]:
    """Suffix and number of lines of each file; ``None`` lines where it is not text, too large or gone."""
    found: list[tuple[str, int | None]] = []
    for name in names:
        suffix = os.path.splitext(name)[1].encode(errors="replace").decode()
        found.append((suffix or "(none)", _lines(folder, name)))
    return found


def _lines(folder: Folder, name: str) -> int | None:
    lines = 0
    left = MAX_COUNTED
    last = b"\n"
    try:
        with folder.file(name) as file:
            while block := os.read(file, BLOCK):
                left -= len(block)
                if left < 0 or b"\0" in block:
                    return None
                lines += block.count(b"\n")
                last = block[-1:]
    except (FolderError, OSError):
        return None
    return lines + (last != b"\n")
