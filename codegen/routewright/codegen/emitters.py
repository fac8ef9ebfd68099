"""Users' own emitters: further files for ``generated/``, from a function or from a folder of Jinja2 templates.

Strategy: an emitter answers with the text of files by their path, as `routewright.codegen.render` itself does, so that
writing, comparing, the manifest and deletion need not know who made a file. What an emitter does wrong is a
`RenderError` that names it, with the file and line of its template.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2

from routewright.codegen.errors import RenderError
from routewright.spec.model import Spec

SUFFIX = ".jinja"
"""What a template's name ends with; without it, it is the path of the file that it makes."""


@dataclass(frozen=True, slots=True)
class Emitter:
    """``name`` is for error messages. ``emit`` gives the text of files by their path below ``generated/``."""

    name: str
    emit: Callable[[Spec], Mapping[str, str]]


def templates(name: str, folder: Path) -> Emitter:
    """The emitter that renders every template below ``folder`` with the `Spec` as ``spec``.

    ``notes/messages.md.jinja`` makes ``notes/messages.md``. Names that begin with ``_`` are left for the others to
    include. A variable that is not defined is an error, never an empty text.
    """

    def emit(spec: Spec) -> dict[str, str]:
        if not folder.is_dir():
            raise RenderError(_place(name), f"{folder} is no folder of templates")
        environment = _environment(folder)
        files: dict[str, str] = {}
        for path in sorted(folder.rglob(f"*{SUFFIX}")):
            template = path.relative_to(folder).as_posix()
            if not any(part.startswith("_") for part in PurePosixPath(template).parts):
                files[template.removesuffix(SUFFIX)] = _rendered(environment, template, name, spec)
        return files

    return Emitter(name, emit)


def emitted(emitters: Iterable[Emitter], spec: Spec, taken: Iterable[str]) -> dict[str, str]:
    """The files of all emitters.

    Args:
        taken: paths of the compiler's own files.

    Raises:
        RenderError: an emitter fails, its answer is no text by path, or a path is not its to have.
    """
    owners = {path.casefold(): "the compiler" for path in taken}
    files: dict[str, str] = {}
    for emitter in emitters:
        for path, text in _answer(emitter, spec).items():
            _check(emitter.name, path, text, owners)
            owners[path.casefold()] = _place(emitter.name)
            files[path] = text
    return files


def _environment(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - what it writes is the template's business
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _rendered(environment: jinja2.Environment, template: str, name: str, spec: Spec) -> str:
    try:
        return environment.get_template(template).render(spec=spec)
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename or error.name}:{error.lineno}"
        raise RenderError(_place(name), f"{where}: {error.message}") from error
    except Exception as error:
        # a template calls what it likes
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(SUFFIX)]
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else template
        raise RenderError(_place(name), f"{where}: {_said(error)}") from error


def _answer(emitter: Emitter, spec: Spec) -> Mapping[str, str]:
    try:
        answer: Any = emitter.emit(spec)
    except RenderError:
        raise
    except Exception as error:
        # an emitter is somebody else's code
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise RenderError(_place(emitter.name), f"{frame.filename}:{frame.lineno}: {_said(error)}") from error
    if not isinstance(answer, Mapping):
        raise RenderError(_place(emitter.name), f"answers with {_kind(answer)}: a dict of path and text is wanted")
    return answer


def _check(name: str, path: Any, text: Any, owners: Mapping[str, str]) -> None:
    """Whether a file may stand at a path.

    Raises:
        RenderError: it may not.
    """
    if not isinstance(path, str) or not isinstance(text, str):
        raise RenderError(_place(name), f"{path!r}: {_kind(text)} is no text by path: a dict of str and str is wanted")
    parts = path.split("/")
    if not path.isprintable() or set(parts) & {"", ".", ".."} or set(path) & {"\\", ":"}:
        raise RenderError(_place(name), f"{path!r} is no path below generated/: write it relative, with / and no ..")
    try:
        text.encode()
        if path.endswith(".py"):
            compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise RenderError(_place(name), f"{path}: {error}") from error
    folded = path.casefold()
    other = owners.get(folded) or next(
        (owner for taken, owner in owners.items() if taken.startswith(f"{folded}/") or folded.startswith(f"{taken}/")),
        None,
    )
    if other is not None:
        raise RenderError(_place(name), f"{path!r} is taken by {other}: choose another path")


def _place(name: str) -> str:
    return f"emitter {name!r}"


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
