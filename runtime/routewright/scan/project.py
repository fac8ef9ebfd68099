"""The files of a scan as modules: found by the name that an import gives, parsed when somebody asks for them.

Strategy: nothing is known of ``sys.path``. A dotted name means the file whose path ends like it, and of several the
one nearest to the file that imports it.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from routewright.scan.modules import Import, Module
from routewright.scan.sources import Skipped, Unreadable, decode, is_of_use, parse, read


class Project:
    """The modules of a scan, each parsed at most once."""

    def __init__(self, files: Iterable[Path]) -> None:
        self.files = {file.absolute(): file for file in files}
        self.skipped: list[Skipped] = []
        self._modules: dict[Path, Module | None] = {}
        self._packages: dict[Path, bool] = {}
        self._of_use: dict[Path, bool] = {}
        self._found: dict[tuple[Path, str], Path | None] = {}
        self._names: dict[str, list[tuple[tuple[str, ...], Path]]] = {}
        for file in self.files:
            place = file.parent if file.stem == "__init__" else file.with_suffix("")
            self._names.setdefault(place.name, []).append((place.parts, file))

    def module(self, file: Path, source: bytes | None = None) -> Module | None:
        """The module in a file; ``None`` where it cannot be parsed, which is noted once."""
        if file not in self._modules:
            self._modules[file] = self._parse(file, source)
        return self._modules[file]

    def _parse(self, file: Path, source: bytes | None) -> Module | None:
        shown = self.files[file].as_posix()
        try:
            source = read(file) if source is None else source
            text = decode(source)
            tree = parse(text)
        except Unreadable as problem:
            self.skipped.append(Skipped(shown, str(problem)))
            return None
        return Module(file, shown, self._dotted(file), file.stem == "__init__", tree, text.encode("utf-8", "replace"))

    def _dotted(self, file: Path) -> str:
        parts = [] if file.stem == "__init__" else [file.stem]
        folder = file.parent
        while self._is_package(folder):
            parts.append(folder.name)
            folder = folder.parent
        given = self.files[file].with_suffix("").parts
        if len(parts) == 1 and not self.files[file].is_absolute() and all(map(str.isidentifier, given)):
            return ".".join(given[1:] if given[0] == "src" and given[1:] else given)
        return ".".join(reversed(parts)) or file.parent.name

    def _is_package(self, folder: Path) -> bool:
        if folder not in self._packages:
            self._packages[folder] = folder != folder.parent and (folder / "__init__.py").is_file()
        return self._packages[folder]

    def absolute(self, module: Module, found: Import) -> str:
        """The dotted name that an import means, as far as the importing module's own name tells."""
        if not found.level:
            return found.module
        parts = module.name.split(".")
        kept = len(parts) - found.level + (1 if module.is_package else 0)
        return ".".join([*parts[: max(kept, 0)], *([found.module] if found.module else [])])

    def imported(self, module: Module, found: Import, anywhere: bool = True) -> Module | None:
        """The module that an import names (not the name that it takes from there)."""
        if not found.level:
            return self.named(found.module, module, anywhere)
        folder = module.file.parent
        for _ in range(found.level - 1):
            folder = folder.parent
        return self._at(folder.joinpath(*found.module.split(".")) if found.module else folder, anywhere)

    def submodule(self, module: Module, name: str, anywhere: bool = True) -> Module | None:
        """A module inside of a package."""
        return self._at(module.file.parent / name, anywhere) if module.is_package else None

    def beside(self, module: Module, found: Import, anywhere: bool = True) -> Module | None:
        """The module that ``from <module> import <name>`` takes where that is a folder without ``__init__.py``."""
        inside = f"{found.module}.{found.name}" if found.module else found.name
        return self.imported(module, Import(inside, "", found.level), anywhere)

    def _at(self, place: Path, anywhere: bool) -> Module | None:
        for file in (place.with_name(f"{place.name}.py") if place.name else place, place / "__init__.py"):
            if file in self.files:
                return self._wanted(file, anywhere)
        return None

    def _wanted(self, file: Path, anywhere: bool) -> Module | None:
        """The module in a file; where not any will do, only if it looks of use."""
        if anywhere or self._modules.get(file) is not None:
            return self.module(file)
        if file not in self._of_use:
            try:
                self._of_use[file] = file.stem == "__init__" or is_of_use(read(file))
            except Unreadable:
                self._of_use[file] = False
        return self.module(file) if self._of_use[file] else None

    def named(self, dotted: str, importer: Module, anywhere: bool = True) -> Module | None:
        """The module of an absolute name, as seen from another module."""
        if not dotted or dotted.partition(".")[0] in sys.stdlib_module_names:
            return None
        key = (importer.file.parent, dotted)
        if key not in self._found:
            self._found[key] = self._nearest(dotted, importer.file)
        file = self._found[key]
        return None if file is None else self._wanted(file, anywhere)

    def _nearest(self, dotted: str, importer: Path) -> Path | None:
        parts = tuple(dotted.split("."))
        best: tuple[int, int] = (-1, 0)
        nearest = None
        for place, file in self._names.get(parts[-1], ()):
            if place[-len(parts) :] != parts or file == importer:
                continue
            root = place[: -len(parts)]
            common = 0
            for one, other in zip(root, importer.parent.parts, strict=False):
                if one != other:
                    break
                common += 1
            rank = (common, -len(root))
            if rank > best:
                best, nearest = rank, file
        return nearest
