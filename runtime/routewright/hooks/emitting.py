"""The plugins that write further files into ``generated/``: found and checked as any other plugin.

Strategy: only plugins that the spec names are asked, so that one spec gives the same files wherever it is compiled.
What comes of it are plain functions and folders; the compiler knows nothing of plugins.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from routewright.hooks.errors import PluginError
from routewright.hooks.finding import Installed, find
from routewright.hooks.modules import ProjectModules
from routewright.hooks.registry import Registry


class Emitting(NamedTuple):
    """What one plugin writes: by a function of the spec, from a folder of Jinja2 templates, or both."""

    name: str
    emit: Callable[[Any], dict[str, str]] | None
    templates: Path | None


class Emitters(NamedTuple):
    """All of a spec's plugins that write files; ``files`` are the project's modules that they are made of."""

    plugins: tuple[Emitting, ...]
    files: tuple[Path, ...]


@contextmanager
def emitting(project: Path, names: Iterable[str]) -> Iterator[Emitters]:
    """The plugins of these names, imported from their source as it is now; they are to be used inside the block.

    Raises:
        PluginError: one cannot be used, or writes nothing.
    """
    modules = ProjectModules(project)
    registry, installed = Registry(), Installed()
    try:
        with modules.renewed():
            for name in names:
                if name not in registry:
                    registry.add(name, find(name, modules, installed))
            plugins = tuple(_emitting(name, registry, project) for name in dict.fromkeys(names))
        yield Emitters(plugins, modules.files())
    finally:
        modules.close()


def _emitting(name: str, registry: Registry, project: Path) -> Emitting:
    calls = registry.calls("routewright_emit", [(name, None)])
    folder = registry.calls("routewright_templates", [(name, None)])
    if not calls and not folder:
        raise PluginError(f"plugin {name!r} writes nothing: give it a routewright_emit or a routewright_templates")
    emit = calls[0].function if calls else None
    return Emitting(name, emit, _folder(name, folder[0].function, project) if folder else None)


def _folder(name: str, ask: Callable[[], Any], project: Path) -> Path:
    try:
        answer = ask()
    except Exception as error:
        # a plugin is somebody else's code
        said = f"{type(error).__name__}: {error}"
        raise PluginError(f"plugin {name!r} failed in routewright_templates: {said}") from error
    if not isinstance(answer, str | Path):
        kind = type(answer).__name__
        raise PluginError(f"plugin {name!r}: routewright_templates answers with a {kind}: a folder's path is wanted")
    return project / answer
