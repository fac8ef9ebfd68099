"""From the name in a spec's ``middleware`` to the plugin: built in, installed, or a module."""

import difflib
import importlib
import keyword
import traceback
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from routewright.hooks.errors import PluginError
from routewright.hooks.modules import ProjectModules
from routewright.hooks.specs import PROJECT

BUILT_IN: Final = ("access_log", "api_key", "audit")
"""Plugins that come with the gateway; an installed one cannot take their names."""


class Installed:
    """The plugins that packages offer as entry points of the group ``routewright``, by name; none is imported yet."""

    def __init__(self) -> None:
        self._entries: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=PROJECT):
            same = self._entries.setdefault(entry.name, [])
            if entry.name not in BUILT_IN and all(other.value != entry.value for other in same):
                same.append(entry)

    def names(self) -> list[str]:
        """Names of all of them that can be used, in order."""
        return sorted(name for name, entries in self._entries.items() if entries)

    def get(self, name: str) -> EntryPoint | None:
        """The entry point of that name.

        Raises:
            PluginError: two packages claim it.
        """
        entries = self._entries.get(name, [])
        if len(entries) > 1:
            owners = " and ".join(sorted(entry.dist.name if entry.dist else entry.value for entry in entries))
            raise PluginError(f"plugin {name!r} is offered by {owners}: uninstall one of them")
        return entries[0] if entries else None


def find(name: str, modules: ProjectModules, installed: Installed) -> Any:
    """The plugin of that name, imported.

    Raises:
        PluginError: there is none, or it does not import.
    """
    if name in BUILT_IN:
        return importlib.import_module(f"routewright.hooks.builtin.{name}")
    entry = installed.get(name)
    if entry is not None:
        try:
            return entry.load()
        except (Exception, SystemExit) as error:
            package = f"the package {entry.dist.name}" if entry.dist else "its package"
            raise PluginError(f"plugin {name!r} does not import: {_where(error)}; see to {package}") from error
    if not _is_dotted(name):
        raise PluginError(
            f"plugin {name!r} is not installed, and is no module name either{_nearest(name, installed.names())}"
        )
    return _module(name, modules, installed)


def _module(name: str, modules: ProjectModules, installed: Installed) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise PluginError(
                f"plugin {name!r} does not import: it needs {error.name!r} ({_where(error)}); install that package"
            ) from error
        file = modules.folder / (name.replace(".", "/") + ".py")
        raise PluginError(
            f"plugin {name!r} is not found{_nearest(name, installed.names())}: write {file}, or install its package"
        ) from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"plugin {name!r} does not import: {_where(error)}; mend it and save") from error


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split("."))


def _nearest(name: str, installed: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, [*BUILT_IN, *installed], n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _where(error: BaseException) -> str:
    """``FILE:LINE: Type: text`` of what an import raised."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    own = [frame for frame in frames if frame.filename != __file__]
    return f"{own[-1].filename}:{own[-1].lineno}: {said}" if own else said
