"""The one folder whose files actions may read.

Strategy: a path is walked from the folder's own descriptor, one part at a time, and no part may be a symbolic link. So
no path leads outside, and none can be exchanged between a check and its use: there is no check to come before. Hidden
files stay hidden.
"""

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class FolderError(Exception):
    """A path leads to nothing that may be read; the message names the path as it was given."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file below a folder: its path relative to that folder, and its size in bytes."""

    path: str
    size: int


class Folder:
    """A folder that is open for reading, by paths relative to it and with ``/`` between their parts."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def file(self, path: str) -> Iterator[int]:
        """The descriptor of a regular file.

        Raises:
            FolderError: there is none of that path.
        """
        with self._open(path) as descriptor:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FolderError(f"{path!r} is not a file")
            yield descriptor

    @contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """The descriptor of a folder, ``"."`` for the root.

        Raises:
            FolderError: there is none of that path.
        """
        with self._open(path) as descriptor:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise FolderError(f"{path!r} is not a folder")
            yield descriptor

    def is_folder(self, path: str) -> bool:
        """
        Raises:
            FolderError: there is nothing of that path.
        """
        with self._open(path) as descriptor:
            return stat.S_ISDIR(os.fstat(descriptor).st_mode)

    @contextmanager
    def _open(self, path: str) -> Iterator[int]:
        parts = _parts(path)
        descriptor = -1
        try:
            descriptor = os.open(self.root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
            for part in parts:
                parent = descriptor
                try:
                    descriptor = os.open(part, _FLAGS, dir_fd=parent)
                finally:
                    os.close(parent)
        except OSError as error:
            raise FolderError(f"{path!r} cannot be read: {os.strerror(error.errno or 0)}") from None
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def walk(descriptor: int, *, hidden: bool = False) -> Generator[Entry, None, None]:
    """The regular files below an open folder, folder by folder in order of their names; links are not followed.

    What cannot be read is left out, and so is what is gone before it is reached.

    Args:
        hidden: also what has a name that begins with a dot.
    """
    for place, folders, files, inside in os.fwalk(".", dir_fd=descriptor, follow_symlinks=False):
        folders[:] = sorted(name for name in folders if hidden or not name.startswith("."))
        for name in sorted(name for name in files if hidden or not name.startswith(".")):
            try:
                found = os.stat(name, dir_fd=inside, follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                yield Entry(os.path.normpath(os.path.join(place, name)), found.st_size)


def _parts(path: str) -> list[str]:
    if "\0" in path:
        raise FolderError("a path holds no NUL character")
    if path.startswith("/"):
        raise FolderError(f"{path!r} is absolute; give it relative to the folder")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    for part in parts:
        if part.startswith("."):
            raise FolderError(f"{path!r} leads to what is hidden or outside of the folder")
    return parts
