"""Plugin modules below the project folder: imported from their source, and again when it has changed.

Strategy: an import finder serves the project's modules under their own names and remembers what it read. Byte-code
caches are left aside: they are keyed by a time stamp in whole seconds and a size, which two saves may share. Before an
import everything whose text has changed is forgotten, and everything that imports it; if the new code fails, the old
modules come back. One project is served at a time.
"""

import ast
import contextlib
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, final


class Source(NamedTuple):
    """The text that a module was made of."""

    file: Path
    digest: str


_serving: "list[ProjectModules]" = []


@final
class ProjectModules(MetaPathFinder):
    """The modules of one project; ``folder`` comes before everything else on the import path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._sources: dict[str, Source] = {}
        self._namespaces: set[str] = set()

    def has(self, name: str) -> bool:
        """There is a file for a module of that dotted name."""
        return _file(self.folder.joinpath(*name.split("."))) is not None

    def files(self) -> tuple[Path, ...]:
        """The files of the modules that have been imported."""
        return tuple(source.file for source in self._sources.values())

    @contextlib.contextmanager
    def renewed(self) -> Iterator[frozenset[str]]:
        """Forget what has changed, so that it is imported afresh inside; gives the names of what was forgotten.

        If an exception leaves the block, all modules are again what they were.
        """
        self._serve()
        stale = self._stale()
        sources = dict(self._sources)
        modules = {name: sys.modules[name] for name in stale if name in sys.modules}
        self._forget(stale)
        try:
            yield stale
        except BaseException:
            self._forget(set(self._sources) - set(sources) | stale)
            for name, module in modules.items():
                _restore(name, module)
            self._sources = sources
            raise

    def close(self) -> None:
        """Serve no more, and forget all modules."""
        if self in _serving:
            _serving.remove(self)
            sys.meta_path.remove(self)
        self._forget({*self._sources, *self._namespaces})
        self._namespaces.clear()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        stem = fullname.rpartition(".")[2]
        parents = [self.folder] if path is None else [Path(each) for each in path]
        for parent in parents:
            if not parent.is_relative_to(self.folder) or "site-packages" in parent.parts:
                continue
            place = parent / stem
            file = _file(place)
            if file is not None:
                return self._module(fullname, file)
            if place.is_dir():
                return self._namespace(fullname, place, path)
        return None

    def read(self, name: str, file: Path, text: bytes) -> None:
        """A module is about to be made of this text."""
        self._sources[name] = Source(file, hashlib.sha256(text).hexdigest())

    def _forget(self, names: Iterable[str]) -> None:
        """The next import of these reads their text; ``from package import name`` looks at the package first."""
        for name in names:
            self._sources.pop(name, None)
            module = sys.modules.pop(name, None)
            package, _, stem = name.rpartition(".")
            if module is not None and package in sys.modules and vars(sys.modules[package]).get(stem) is module:
                delattr(sys.modules[package], stem)

    def _module(self, name: str, file: Path) -> ModuleSpec | None:
        locations = [str(file.parent)] if file.name == "__init__.py" else None
        loader = _Fresh(name, file, self)
        return importlib.util.spec_from_file_location(name, file, loader=loader, submodule_search_locations=locations)

    def _namespace(self, name: str, place: Path, path: Sequence[str] | None) -> ModuleSpec | None:
        """A folder without ``__init__.py`` is a package only if nothing else has its name."""
        other = PathFinder.find_spec(name, path)
        if other is not None and other.loader is not None:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        elsewhere = list(other.submodule_search_locations or []) if other is not None else []
        spec.submodule_search_locations = list(dict.fromkeys([str(place), *elsewhere]))
        self._namespaces.add(name)
        return spec

    def _serve(self) -> None:
        if self in _serving:
            return
        for other in list(_serving):
            other.close()
        _serving.append(self)
        sys.meta_path.insert(0, self)

    def _stale(self) -> frozenset[str]:
        """Modules whose text has changed, and those that import them, directly or not."""
        importlib.invalidate_caches()
        stale = {name for name, source in self._sources.items() if _digest(source.file) != source.digest}
        if not stale:
            return frozenset()
        imports = {name: imported(name, self._sources[name].file) for name in self._sources if name not in stale}
        while more := {name for name, names in imports.items() if name not in stale and names & stale}:
            stale |= more
        return frozenset(stale)


class _Fresh(SourceFileLoader):
    """Compiles the source every time, and says what it read."""

    def __init__(self, name: str, file: Path, owner: ProjectModules) -> None:
        super().__init__(name, str(file))
        self.owner = owner

    def path_stats(self, path: Any) -> Any:
        raise OSError("byte code is neither read nor written")

    def get_data(self, path: Any) -> bytes:
        text = super().get_data(path)
        if str(path) == self.path:
            self.owner.read(self.name, Path(self.path), text)
        return text


def imported(name: str, file: Path) -> set[str]:
    """Names that the module may import, by its text, and its parent packages. Names of objects may be among them."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    names = set(_lineage(name.rpartition(".")[0]))
    try:
        nodes = list(ast.walk(ast.parse(file.read_bytes())))
    except (SyntaxError, ValueError, OSError):
        return names
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                names.update(_lineage(alias.name))
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, package)
            names.update(_lineage(origin))
            names.update(f"{origin}.{alias.name}" for alias in node.names)
    return names


def _origin(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, node.module] if node.module else kept)


def _lineage(name: str) -> list[str]:
    """``a.b.c`` -> ``a``, ``a.b``, ``a.b.c``."""
    parts = name.split(".") if name else []
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _file(place: Path) -> Path | None:
    for file in (place / "__init__.py", place.with_name(place.name + ".py")):
        if file.is_file():
            return file
    return None


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _restore(name: str, module: ModuleType) -> None:
    """Put a module back where imports find it: in ``sys.modules`` and in its package."""
    sys.modules[name] = module
    package, _, stem = name.rpartition(".")
    if package in sys.modules:
        setattr(sys.modules[package], stem, module)
