"""Import a generated package from disk, any number of times, each time as a new epoch.

Strategy: the package is imported under an alias of its own (``routewright_epoch_7``), so an old epoch's models stay
alive while connections still use them. A module whose text has not changed is shared between epochs, and byte-code
caches are left aside: they are keyed by a time stamp in whole seconds, which two saves may share.
"""

import hashlib
import importlib
import importlib.util
import itertools
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from routewright.table.table import Table

_epochs = itertools.count(1)
_shared: dict[Path, tuple[str, ModuleType]] = {}


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
    finder = _Finder(alias, folder)
    sys.meta_path.insert(0, finder)
    try:
        table = importlib.import_module(f"{alias}.table").table
        if isinstance(table, Table):
            _resolve(table)
        _share(alias, folder)
    except Exception as error:
        raise TableError(
            f"{folder}/table.py does not load ({type(error).__name__}: {error}): run `routewright generate`"
        ) from error
    finally:
        sys.meta_path.remove(finder)
        kept = {module.__name__ for _, module in _shared.values()}
        for name in [name for name in sys.modules if name.split(".")[0] == alias and name not in kept]:
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


def _share(alias: str, folder: Path) -> None:
    """Remember this epoch's model modules for the next one, and forget what it has superseded.

    A shared module keeps its entry in ``sys.modules``: msgspec resolves forward references through it. It is as old
    as the shapes it shares, so these stay with it although nothing imported them this time.
    """
    for path, (digest, module) in list(_shared.items()):
        if path.parent == folder and not (path.is_file() and _hash(path) == digest):
            del _shared[path]
            sys.modules.pop(module.__name__, None)
    for name, module in list(sys.modules.items()):
        package, _, stem = name.partition(".")
        if package == alias and stem and stem != "table" and module.__name__ == name:
            path = folder / f"{stem}.py"
            _shared[path] = (_hash(path), module)


def _hash(path: Path) -> str:
    """Of a module's text, and of the shapes that it may import: a change there makes a new module of it as well."""
    shapes = path.with_name("components.py")
    return hashlib.sha256(path.read_bytes() + (shapes.read_bytes() if shapes.is_file() else b"")).hexdigest()


class _Finder(MetaPathFinder):
    """Finds ``alias`` and its modules in one folder, or among the modules that an earlier epoch shares."""

    def __init__(self, alias: str, folder: Path) -> None:
        self.alias = alias
        self.folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, stem = fullname.partition(".")
        if package != self.alias:
            return None
        file = self.folder / f"{stem or '__init__'}.py"
        if not file.is_file():
            return None
        if file in _shared and _shared[file][0] == _hash(file):
            return ModuleSpec(fullname, _Shared(_shared[file][1]), origin=str(file))
        locations = None if stem else [str(self.folder)]
        return importlib.util.spec_from_file_location(
            fullname, file, loader=_Fresh(fullname, str(file)), submodule_search_locations=locations
        )


class _Fresh(SourceFileLoader):
    """Compiles the source every time."""

    def path_stats(self, path: Any) -> Any:
        raise OSError("byte code is neither read nor written")


class _Shared(SourceFileLoader):
    """Hands out a module that is loaded already."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        return None
