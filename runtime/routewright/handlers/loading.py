"""Import a handler module of a project, beside the project's compiled table, and say where it went wrong.

Strategy: of everything below the project's folder, byte code is only taken where it is of the very source
(`routewright.table.bytecode`). Python's own is known by a time stamp in whole seconds and a size, which two saves may
share.
"""

import importlib
import importlib.util
import os
import sys
import traceback
from importlib.abc import Loader
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder
from pathlib import Path
from typing import Any

import msgspec

from routewright.handlers.matching import HandlerProblem, Matching
from routewright.handlers.plan import Plan, RoutePlan
from routewright.handlers.registry import Registry
from routewright.table import Pool, Table
from routewright.table.bytecode import HashedLoader
from routewright.table.dynamic import Claim, route

_INSTALLED = frozenset({"site-packages", "dist-packages"})


class HandlerModuleError(Exception):
    """A handler module cannot serve."""

    def __init__(self, problems: list[HandlerProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class Loaded(msgspec.Struct, frozen=True):
    """A handler module that is ready to serve its pool. ``events`` are by name or pattern of topics."""

    table: Table
    pool: Pool
    plans: dict[str, RoutePlan]
    events: dict[str, Plan] = {}
    claim: Claim | None = None


def load(module: str, project: Path, name: str | None = None, claim: Claim | None = None) -> Loaded:
    """Import the table and the module into this process, and match one to the other.

    Args:
        module: the Python module's name.
        project: the folder that holds ``generated/``; it comes first on ``sys.path``.
        name: the pool's name where it is not the module's (a named worker).
        claim: a route that the spec does not name, to answer instead; then there need be no table.

    Raises:
        HandlerModuleError: with everything that is wrong.
    """
    project = project.resolve()
    _sources_only(project)
    table = _table(project) if claim is None else _claiming(project, claim)
    pool = table.pool(name or module if claim is None else claim.name)
    if pool is None:
        known = ", ".join(repr(each.name) for each in table.pools)
        text = f"no route is answered by {name or module!r}; there are: {known}"
        raise HandlerModuleError([HandlerProblem(text, str(project / table.spec))])
    registry = Registry()
    with registry.collecting():
        file = _import(module, project)
    matching = Matching(table, pool, registry, file=file, project=project)
    if matching.problems:
        raise HandlerModuleError(matching.problems)
    return Loaded(table, pool, matching.plans, matching.events, claim)


def imported_files(project: Path) -> list[str]:
    """The project's own files among the modules of this process: not ``generated/``, nothing installed."""
    root = f"{project.resolve()}{os.sep}"
    generated = f"{root}generated{os.sep}"
    files = {os.path.abspath(file) for module in list(sys.modules.values()) if (file := _file(module))}
    return sorted(
        file
        for file in files
        if file.startswith(root) and not file.startswith(generated) and _INSTALLED.isdisjoint(Path(file).parts)
    )


def _file(module: Any) -> str | None:
    # what stands in sys.modules may be anything
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) else None


def _sources_only(project: Path) -> None:
    """Let the import system read the project's sources, and byte code of theirs by their hash alone."""
    root = str(project)
    details: list[tuple[type[Loader], list[str]]] = [
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (HashedLoader, SOURCE_SUFFIXES),
    ]

    def finder(entry: str) -> FileFinder:
        path = Path(entry or ".").resolve()
        inside = path == project or project in path.parents
        if not inside or not path.is_dir() or not _INSTALLED.isdisjoint(path.parts):
            raise ImportError(f"{entry} is not a folder of the project")
        return FileFinder(str(path), *details)

    sys.path_hooks.insert(0, finder)
    sys.path_importer_cache.clear()
    sys.path.insert(0, root)


def _table(project: Path) -> Table:
    file = project / "generated" / "table.py"
    again = "run `routewright generate`"
    if not file.is_file():
        raise HandlerModuleError([HandlerProblem(f"there is no compiled table: {again}", str(file))])
    try:
        table = importlib.import_module("generated.table").table
    except Exception as error:
        where, line = _place(error, project)
        text = f"the compiled table does not load ({_line(error)}): {again}"
        raise HandlerModuleError([HandlerProblem(text, where or str(file), line)]) from error
    if not isinstance(table, Table):
        raise HandlerModuleError([HandlerProblem(f"it has no `table`: {again}", str(file))])
    return table


def _claiming(project: Path, claim: Claim) -> Table:
    """The table with the claimed route in it; that of an empty spec where there is none."""
    there = (project / "generated" / "table.py").is_file()
    table = _table(project) if there else Table(digest="", routes=(), pools=())
    pool = Pool(name=claim.name, source="worker", workers=0, routes=(claim.name,), digest="")
    routes = (route(claim, table.undeclared), *(each for each in table.routes if each.name != claim.name))
    pools = (pool, *(each for each in table.pools if each.name != claim.name))
    return msgspec.structs.replace(table, routes=routes, pools=pools)


def _import(module: str, project: Path) -> str:
    """Import the module; its file."""
    expected = project.joinpath(*module.split("."))
    try:
        imported = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module}.".startswith(f"{missing}.") and not _place(error, project)[0]:
            text = f"there is no module {missing!r}, neither below {project} nor installed"
            raise HandlerModuleError([HandlerProblem(text, f"{expected}.py")]) from None
        where, line = _place(error, project)
        text = f"{module} does not import: {_line(error)}"
        raise HandlerModuleError([HandlerProblem(text, where or f"{expected}.py", line)]) from error
    return getattr(imported, "__file__", None) or f"{expected}.py"


def _line(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]


def _place(error: BaseException, project: Path) -> tuple[str, int]:
    """The innermost place of an error inside the project; a syntax error's own."""
    if isinstance(error, SyntaxError) and error.filename and _inside(error.filename, project):
        return error.filename, error.lineno or 0
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _inside(frame.filename, project):
            return frame.filename, frame.lineno or 0
    return "", 0


def _inside(file: str, project: Path) -> bool:
    path = Path(file)
    return project in path.parents and _INSTALLED.isdisjoint(path.parts)
