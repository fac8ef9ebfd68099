"""The emitters that a spec names in ``x-emitters``, as the compiler takes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from routewright.codegen import Emitter
    from routewright.spec.model import Spec

KEY = "x-emitters"
"""The spec's key: a list of names of plugins."""


class Emission(NamedTuple):
    """``files`` are what the emitters are made of: modules of the project, and templates."""

    emitters: "tuple[Emitter, ...]"
    files: tuple[Path, ...]


@contextmanager
def emission(spec: "Spec", file: Path) -> Iterator[Emission]:
    """The emitters of the spec in ``file``, to be used inside the block.

    Raises:
        RenderError: a plugin cannot be used.
    """
    names = spec.extensions.get(KEY, [])
    if not names:
        yield Emission((), ())
        return
    from routewright.codegen import Emitter, RenderError, templates
    from routewright.hooks import PluginError
    from routewright.hooks.emitting import emitting

    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RenderError(KEY, 'a list of names of plugins is wanted, as ["plugins.notes"]')
    try:
        with emitting(file.parent.resolve(), names) as found:
            emitters: list[Emitter] = []
            files = list(found.files)
            for plugin in found.plugins:
                if plugin.emit is not None:
                    emitters.append(Emitter(plugin.name, plugin.emit))
                if plugin.templates is not None:
                    emitters.append(templates(plugin.name, plugin.templates))
                    files += sorted(path for path in plugin.templates.rglob("*") if path.is_file())
            yield Emission(tuple(emitters), tuple(files))
    except PluginError as error:
        raise RenderError(KEY, str(error)) from error


def likely(spec: "Spec", file: Path) -> tuple[Path, ...]:
    """Where the modules of the spec's emitters would lie, which is to be watched even if they do not import."""
    names = spec.extensions.get(KEY, [])
    listed = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return tuple((file.parent / f"{name.replace('.', '/')}.py").resolve() for name in listed)
