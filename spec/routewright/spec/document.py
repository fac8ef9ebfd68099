"""A JSON file of the spec, as it was read: its text, its value, and where everything in it stands."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from routewright.spec.allowances import Allowance, lift
from routewright.spec.decoding import Unsound, decode
from routewright.spec.lines import Lines
from routewright.spec.places import Places
from routewright.spec.pointer import parent
from routewright.spec.scanner import Fault, Place, scan

SIZE = 32 * 1024 * 1024
"""Bytes that a file may have."""


@dataclass(frozen=True, eq=False)
class Document:
    """``path`` is the file's real path, ``name`` the one that problems show; ``whole`` says that it is JSON.
    ``value`` is without its ``allowances``."""

    path: Path
    name: str
    text: str
    whole: bool = False
    value: Any = None
    places: Places | Mapping[str, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    allowances: tuple[Allowance, ...] = ()

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1, columns in code points."""
        return self._lines.place(offset)

    def offset(self, pointer: str, *, key: bool = False) -> int:
        """Where the node at ``pointer`` begins (or its key), or the nearest node above it that there is."""
        place = self.places.get(pointer)
        while place is None and pointer:
            pointer = parent(pointer)
            place = self.places.get(pointer)
        place = place or Place(0, -1)
        return place.key if key and place.key >= 0 else place.value

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)


def shown(path: Path) -> str:
    """A path as problems show it: relative to the working folder where it is below that."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return str(path)


def read(path: Path) -> Document:
    """Read a JSON file; whatever is wrong with it is among the document's ``faults``. Never raises."""
    name = shown(path)
    real = path
    try:
        real = Path(os.path.realpath(path))
        data = _bytes(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "`routewright init` writes a first one" if isinstance(error, FileNotFoundError) else ""
        fault = Fault("RW001", 0, f"the file cannot be read: {reason}", hint)
        return Document(real, name, "", faults=[fault])
    return _decoded(real, name, data)


def _bytes(path: Path) -> bytes:
    # Only regular files: reading a FIFO or a device would wait, or never end.
    if path.exists() and not path.is_file():
        raise OSError(0, "it is not a regular file")
    if path.stat().st_size > SIZE:
        raise OSError(0, f"it has more than {SIZE // 1024 // 1024} MiB")
    return path.read_bytes()


def _decoded(path: Path, name: str, data: bytes) -> Document:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        offset = len(data[: error.start].decode("utf-8"))
        fault = Fault("RW002", offset, f"byte 0x{data[error.start]:02X} is not UTF-8", "save the file as UTF-8")
        return Document(path, name, data.decode("utf-8", errors="replace"), faults=[fault])
    faults: list[Fault] = []
    if text.startswith("\ufeff"):
        text = text[1:]
        faults.append(Fault("RW002", 0, "the file begins with a byte order mark", "save it as UTF-8 without BOM"))
    with contextlib.suppress(Unsound):
        value = decode(text)
        return Document(path, name, text, True, value, Places(text), faults, lift(text, value))
    found = scan(text)
    allowances = lift(text, found.value)
    return Document(path, name, text, found.whole, found.value, found.places, faults + found.faults, allowances)
