"""Import a generated package from disk, any number of times, each time as a new epoch.

Strategy: the package is imported under an alias of its own (``routewright_epoch_7``), so an old epoch's models stay
alive while connections still use them. Every file is read once. A module whose text has not changed is shared between
epochs, and byte code is only taken where it is of the very text (`routewright.table.bytecode`).
"""

import hashlib
import importlib
import itertools
import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import msgspec

from routewright.table.bytecode import HashedLoader, compiled
from routewright.table.table import Table

_epochs = itertools.count(1)
_shared: dict[str, tuple[str, ModuleType]] = {}
"""The model modules of the last epoch of each folder: the digest of their text, by their path."""


class TableError(Exception):
    """A generated package cannot be loaded; the message names the file and what to do."""


def load(folder: Path) -> Table:
    """The `Table` of the generated package in ``folder``.

    Raises:
        TableError: the folder holds no table, or its code does not import.
    """
    folder = folder.resolve()
    if not (folder / "table.py").is_file():
        raise TableError(f"{folder}/table.py does not exist: run `routewright generate`")
    alias = f"routewright_epoch_{next(_epochs)}"
    finder = _Finder(alias, str(folder))
    sys.meta_path.insert(0, finder)
    try:
        table = importlib.import_module(f"{alias}.table").table
        if isinstance(table, Table):
            _resolve(table)
        _share(finder)
    except Exception as error:
        raise TableError(
            f"{folder}/table.py does not load ({type(error).__name__}: {error}): run `routewright generate`"
        ) from error
    finally:
        sys.meta_path.remove(finder)
        kept = {module.__name__ for _, module in _shared.values()}
        for name in [name for name in list(sys.modules) if name.split(".")[0] == alias and name not in kept]:
            del sys.modules[name]
    if not isinstance(table, Table):
        raise TableError(f"{folder}/table.py has no `table`: run `routewright generate`")
    return table


def _resolve(table: Any) -> None:
    """Let msgspec look at every model once. It keeps what it finds, so that an old epoch needs ``sys.modules`` no
    more, and a model that it cannot decode to fails here and not under traffic."""
    for route in table.routes:
        for message in route.messages:
            msgspec.json.Decoder(message.payload)


def _share(finder: "_Finder") -> None:
    """Remember this epoch's model modules for the next one, and forget what it has superseded.

    A shared module keeps its entry in ``sys.modules``: msgspec resolves forward references through it. It is as old
    as the shapes it shares, so these stay with it although nothing imported them this time.
    """
    for path, (digest, module) in list(_shared.items()):
        if os.path.dirname(path) == finder.folder and finder.digest(path) != digest:
            del _shared[path]
            sys.modules.pop(module.__name__, None)
    for name, module in list(sys.modules.items()):
        package, _, stem = name.partition(".")
        if package == finder.alias and stem and stem != "table" and module.__name__ == name:
            path = finder.path(stem)
            _shared[path] = (finder.digest(path), module)


class _Finder(MetaPathFinder):
    """Finds ``alias`` and its modules in one folder, or among the modules that an earlier epoch shares."""

    def __init__(self, alias: str, folder: str) -> None:
        self.alias = alias
        self.folder = folder
        self._sources: dict[str, bytes | None] = {}

    def path(self, stem: str) -> str:
        """The file of a module."""
        return os.path.join(self.folder, f"{stem}.py")

    def source(self, path: str) -> bytes | None:
        """The text of a file as it was when it was first asked for; ``None`` where there is none."""
        if path not in self._sources:
            try:
                with open(path, "rb") as file:
                    self._sources[path] = file.read()
            except OSError:
                self._sources[path] = None
        return self._sources[path]

    def digest(self, path: str) -> str:
        """Of a module's text, and of the shapes that it may import: a change there makes a new module of it as well.
        Empty where there is no such file."""
        source = self.source(path)
        if source is None:
            return ""
        return hashlib.sha256(source + (self.source(self.path("components")) or b"")).hexdigest()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, stem = fullname.partition(".")
        if package != self.alias:
            return None
        file = self.path(stem or "__init__")
        source = self.source(file)
        if source is None:
            return None
        if file in _shared and _shared[file][0] == self.digest(file):
            return ModuleSpec(fullname, _Shared(_shared[file][1]), origin=file)
        spec = ModuleSpec(fullname, _Fresh(fullname, file, source), origin=file, is_package=not stem)
        spec.has_location = True
        if not stem:
            spec.submodule_search_locations = [self.folder]
        return spec


class _Fresh(HashedLoader):
    """Makes a module of the text that its finder has read."""

    def __init__(self, name: str, path: str, source: bytes) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, fullname: str) -> CodeType:
        return compiled(self.source, self.path)


class _Shared(Loader):
    """Hands out a module that is loaded already."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        return None
