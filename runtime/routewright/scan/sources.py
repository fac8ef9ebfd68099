"""Python files: which ones there are below some paths, which are worth reading, and their syntax trees.

Strategy: the tree is listed once, and a file's bytes are searched for telltale words before anything is parsed. What
cannot be read or parsed is named and passed over; nothing that a file holds may stop the others from being read.
"""

import ast
import io
import os
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

SIZE = 4 * 1024 * 1024
"""Bytes of the largest file that is parsed."""

_PASSED_OVER = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages", "venv", "virtualenv", "env"})

_WORDS = (
    rb"[wW]eb[sS]ocket|as_asgi|URLRouter|flask_sock|sockets?\.route\(|sock\.route\(|add_handlers|include_router|add_subapp|"
    rb"add_domain|add_get\(|add_view\(|add_routes?\(|register_blueprint|\.blueprint\(|Blueprint\.group|route_handlers|"
    rb"[mM]ount\(|_urlpatterns|\(\s*r?[\"'][^\"'\n]*[\"'],\s*[\w.]*Handler\b"
)
_TELLTALE = re.compile(_WORDS)
_OF_USE = re.compile(
    rb"FastAPI|Starlette|Application|RouteTableDef|Sanic|Quart|Flask|Sock|Litestar|[rR]oute|[bB]lueprint|"
    rb"[cC]ontroller|[hH]andler|[cC]onsumer|\bapp\b"
)


class Skipped(NamedTuple):
    """A file that was passed over, and why."""

    path: str
    reason: str


class Unreadable(Exception):
    """The file cannot be read or parsed; the argument says why."""


def listing(paths: Iterable[Path]) -> Iterator[Path]:
    """Every Python file at or below the paths, sorted within its folder, once.

    Hidden folders, virtual environments and installed packages are left out unless a path names them.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if path.is_file():
            yield from _new([path], seen)
        else:
            yield from _below(path, seen)


def _below(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            about = current.stat()
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except OSError:
            continue
        if (about.st_dev, about.st_ino) in seen:
            continue
        seen.add((about.st_dev, about.st_ino))
        folders = [current / entry.name for entry in entries if _is_folder(entry) and not _is_left_out(entry)]
        waiting.extend(reversed(folders))
        files = [current / entry.name for entry in entries if entry.name.endswith(".py") and not _is_folder(entry)]
        yield from _new(files, seen)


def _new(files: Iterable[Path], seen: set[tuple[int, int]]) -> Iterator[Path]:
    """The regular files among some that were not met before, under this name or another."""
    for file in files:
        try:
            about = file.stat()
        except OSError:
            continue
        if file.is_file() and (about.st_dev, about.st_ino) not in seen:
            seen.add((about.st_dev, about.st_ino))
            yield file


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_left_out(entry: "os.DirEntry[str]") -> bool:
    name = entry.name
    return name.startswith(".") or name in _PASSED_OVER or os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))


def read(file: Path) -> bytes:
    """The bytes of a source.

    Raises:
        Unreadable: it is too large, or the system refuses.
    """
    try:
        if file.stat().st_size > SIZE:
            raise Unreadable(f"it is larger than {SIZE // 1024 // 1024} MiB")
        return file.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from None


def is_telltale(source: bytes) -> bool:
    """Whether a source has any word that an endpoint, or what mounts one, cannot do without."""
    return _TELLTALE.search(source) is not None


def is_of_use(source: bytes) -> bool:
    """Whether a source that another imports from may have a part of what holds routes, or a handler."""
    return _OF_USE.search(source) is not None or is_telltale(source)


def decode(source: bytes) -> str:
    """The text of a source, by its declared encoding.

    Raises:
        Unreadable: it has another encoding, or null bytes.
    """
    if b"\0" in source:
        raise Unreadable("it has null bytes")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        return source.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError):
        raise Unreadable("its encoding is not the declared one, or unknown") from None


def parse(source: str) -> ast.Module:
    """The syntax tree of a source.

    Raises:
        Unreadable: it is not Python of this version, or nested too deeply.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as error:
        where = f" at line {error.lineno}" if error.lineno else ""
        raise Unreadable(f"{error.msg}{where}") from None
    except ValueError as error:
        raise Unreadable(str(error)) from None
    except (RecursionError, MemoryError):
        raise Unreadable("it is nested too deeply") from None
