"""Finds the WebSocket endpoints of Python sources by reading them; nothing is imported or run.

Strategy: a file that has none of the telltale words is not parsed. The others become scopes of names; what holds
routes becomes a tree of sites; each route's path is what stands on the ways from the applications down to it.
"""

import contextlib
import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from routewright.scan.building import Sites
from routewright.scan.conflicts import Conflict, conflicts
from routewright.scan.constants import Constants
from routewright.scan.endpoints import Endpoint, endpoints, holes, paths_asked
from routewright.scan.frameworks import is_known
from routewright.scan.frameworks.aiohttp import AIOHTTP
from routewright.scan.messages import Messages, Seen
from routewright.scan.modules import Module
from routewright.scan.names import Definition, Names
from routewright.scan.project import Project
from routewright.scan.reading import Reader
from routewright.scan.sites import Place, Registration
from routewright.scan.sources import Skipped, Unreadable, is_telltale, listing, read
from routewright.scan.templates import display
from routewright.scan.texts import EMPTY, Text
from routewright.scan.vocabulary import Framework

__all__ = ["Conflict", "Endpoint", "Place", "Scan", "Seen", "Skipped", "scan"]


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found: ``endpoints`` by path, ``conflicts`` and ``skipped`` by place; ``files`` counts what was looked
    at."""

    endpoints: tuple[Endpoint, ...]
    conflicts: tuple[Conflict, ...]
    skipped: tuple[Skipped, ...]
    files: int


def scan(paths: Iterable[Path]) -> Scan:
    """Find the endpoints of every Python file at or below some paths.

    A file that cannot be read or parsed is named in the answer and passed over.
    """
    with uncollected():
        project = Project(listing(paths))
        reader = _read(project)
        found = [*_registered(reader), *_unregistered(reader)]
    found.sort(key=lambda each: (not each.known, each.path, each.place, each.handler))
    return Scan(tuple(found), conflicts(found), tuple(sorted(project.skipped)), len(project.files))


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, which would go through all syntax trees again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _read(project: Project) -> Reader:
    names, anywhere = Names(project, is_known), Names(project, is_known, anywhere=True)
    reader = Reader(Sites(names, Constants(anywhere)))
    for file in project.files:
        try:
            source = read(file)
        except Unreadable as problem:
            project.skipped.append(Skipped(project.files[file].as_posix(), str(problem)))
            continue
        module = project.module(file, source) if is_telltale(source) else None
        if module is not None:
            _read_module(reader, module)
    reader.connect()
    return reader


def _read_module(reader: Reader, module: Module) -> None:
    try:
        reader.read(module)
    except RecursionError:
        reader.names.project.skipped.append(Skipped(module.shown, "it is nested too deeply"))


def _registered(reader: Reader) -> Iterator[Endpoint]:
    messages = Messages(reader.names, reader.sites.constants)
    for site in reader.sites.all.values():
        for item in site.items:
            if isinstance(item, Registration):
                definition = item.handler.definition
                asked = paths_asked(definition.node) if definition is not None and item.path is None else []
                yield from endpoints(item, messages.of(definition), asked)


def _unregistered(reader: Reader) -> Iterator[Endpoint]:
    """Handlers that answer WebSockets, and that nothing was seen to register."""
    messages = Messages(reader.names, reader.sites.constants)
    answers = reader.sites.answers
    items = (item for site in reader.sites.all.values() for item in site.items if isinstance(item, Registration))
    used = {id(item.handler.definition.node) for item in items if item.handler.definition is not None}
    for known in reader.classes:
        used |= {id(each.node) for each in reader.names.lineage(known)[1:] if isinstance(each, Definition)}
    for definition in reader.classes:
        framework = answers.base(definition)
        if framework is not None and framework.name != "litestar" and id(definition.node) not in used:
            yield _unseen(definition, framework, messages, EMPTY)
    own = [each for each in reader.classes if answers.base(each) is None and id(each.node) not in used]
    for definition in own:
        url = reader.sites.paths.attribute(definition, "url")
        if url and answers.upgrades(definition):
            yield _unseen(definition, AIOHTTP, messages, url)


def _unseen(definition: Definition, framework: Framework, messages: Messages, path: Text) -> Endpoint:
    return Endpoint(
        path=display(path) if path else "",
        declared=display(path) if path else "",
        prefixes=(),
        dynamic=holes(path),
        framework=framework.name,
        handler=definition.name,
        place=Place(definition.scope.module.shown, definition.node.lineno),
        app="",
        messages=messages.of(definition),
    )
