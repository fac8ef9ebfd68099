"""Rendered files on disk: published, or compared with what is there.

Strategy: the manifest of the last publication says which files are the compiler's. Those are written over and deleted
as needed, nothing else is touched. Each file is replaced in one step, models before the table that imports them, and
the manifest last, so that whoever reads in between finds a whole table and a manifest that does not match it.
"""

import difflib
import io
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from routewright.codegen.errors import PublishError
from routewright.codegen.rendering import GENERATOR, MANIFEST

_COMMANDS = {GENERATOR: f"{GENERATOR} generate"}


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did; paths below the folder, sorted."""

    written: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not as it would be rendered: ``stale`` (other text), ``missing``, or ``extra`` (rendered once, no
    longer). ``diff`` is a unified diff that leads from what is there to what would be rendered."""

    path: str
    kind: Literal["stale", "missing", "extra"]
    diff: str


def publish(files: Mapping[str, str], folder: Path, *, generator: str = GENERATOR) -> Published:
    """Make the folder hold these files, and none of those that only the last publication had.

    Args:
        generator: whose name the manifest among the files bears; a folder belongs to one of them.

    Raises:
        PublishError: a file that the compiler does not own is in the way; nothing has been written.
        OSError: the folder cannot be written.
    """
    owned = _owned(folder, generator)
    contents = {path: text.encode() for path, text in files.items()}
    present = {path: _read(folder, path) for path in contents}
    changed = [path for path in contents if present[path] != contents[path]]
    for path in changed:
        if present[path] is not None and path not in owned and path != MANIFEST:
            raise PublishError(
                f"{folder / path} is in the way: it was not generated. Move it out of {folder}, or rename the route"
            )
    deleted = sorted(path for path in owned - contents.keys() if _read(folder, path) is not None)
    for parent in {_inside(folder, path).parent for path in changed}:
        parent.mkdir(parents=True, exist_ok=True)
    for path in sorted(changed, key=_turn):
        if path == MANIFEST:
            _delete(folder, deleted)
        _replace(_inside(folder, path), contents[path])
    if MANIFEST not in changed:
        _delete(folder, deleted)
    unchanged = sorted(contents.keys() - set(changed))
    return Published(tuple(sorted(changed)), tuple(deleted), tuple(unchanged))


def compare(files: Mapping[str, str], folder: Path) -> tuple[Difference, ...]:
    """How the folder differs from these files, sorted by path; files that the compiler does not own do not count.

    Raises:
        PublishError: the manifest cannot be read.
    """
    found: list[Difference] = []
    for path in sorted({*files, *_owned(folder)}):
        content = _read(folder, path)
        text = files.get(path)
        if content is None and text is not None:
            found.append(Difference(path, "missing", _diff(path, "", text)))
        elif content is not None and text is None:
            found.append(Difference(path, "extra", _diff(path, content.decode(errors="replace"), "")))
        elif content is not None and text is not None and content != text.encode():
            found.append(Difference(path, "stale", _diff(path, content.decode(errors="replace"), text)))
    return tuple(found)


def _owned(folder: Path, generator: str = GENERATOR) -> frozenset[str]:
    """The files that the manifest in the folder claims.

    Raises:
        PublishError: it is not this generator's manifest.
    """
    content = _read(folder, MANIFEST)
    if content is None:
        return frozenset()
    try:
        manifest = json.loads(content)
        ours = manifest["generator"]["name"] == generator
        paths = frozenset(str(path) for path in manifest["files"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        ours, paths = False, frozenset()
    if not ours:
        raise PublishError(
            f"{folder / MANIFEST} is not a manifest of `{_COMMANDS.get(generator, generator)}`: "
            "restore it, or delete the folder's generated files together with it"
        )
    for path in paths:
        _inside(folder, path)
    return paths


def _inside(folder: Path, path: str) -> Path:
    """The place of a file below the folder, with no link on the way there.

    Raises:
        PublishError: the path leads out of the folder.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or set(parts) & {"..", "."} or "\\" in path or "\0" in path or ":" in path:
        raise PublishError(f"{path!r} is no path below {folder}: delete {folder / MANIFEST} and generate again")
    place = folder
    for part in parts[:-1]:
        place = place / part
        if place.is_symlink():
            raise PublishError(f"{place} is a symbolic link: replace it by a folder")
    return place / parts[-1]


def _read(folder: Path, path: str) -> bytes | None:
    """The bytes of a file, ``None`` where there is none.

    Raises:
        PublishError: something stands there that is no file.
    """
    place = _inside(folder, path)
    try:
        if not stat.S_ISREG(place.lstat().st_mode):
            raise PublishError(f"{place} is not a regular file: move it out of the way")
        return place.read_bytes()
    except FileNotFoundError:
        return None


def _turn(path: str) -> tuple[int, str]:
    return (2 if path == MANIFEST else 1 if path == "table.py" else 0), path


def _replace(place: Path, content: bytes) -> None:
    """Put a whole file in its place in one step."""
    draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(content)
        os.replace(draft, place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _delete(folder: Path, paths: list[str]) -> None:
    for path in paths:
        _inside(folder, path).unlink(missing_ok=True)


def _diff(path: str, old: str, new: str) -> str:
    before, after = (list(io.StringIO(text, newline="\n")) for text in (old, new))
    lines = difflib.unified_diff(before, after, f"{path} (on disk)", f"{path} (rendered)")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
