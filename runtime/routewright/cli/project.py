"""The project that a command works on: a spec file, its folder, and ``generated/`` beside it."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from routewright.cli.terminal import PROBLEMS, USAGE, fail, is_rich, note

if TYPE_CHECKING:
    from routewright.spec import Checked
    from routewright.spec.model import Spec
    from routewright.table import Table

FILE = "websocket-routes.json"
"""The name of a spec file."""

GENERATED = "generated"
"""The folder beside the spec that holds the compiler's output."""

SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="The route spec, or the folder that holds it.")]
SpecOption = Annotated[
    Path, typer.Option("--spec", metavar="SPEC", help="The route spec, or the folder that holds it.")
]


class Compilation(NamedTuple):
    """What became of a spec: ``report`` is its errors as text, ``warnings`` how many it has beside them, ``files`` what
    was read; without ``ok`` nothing was published, else it is ``written`` and ``deleted`` (paths below
    ``generated/``)."""

    ok: bool
    report: str
    problems: int
    files: tuple[Path, ...]
    written: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    warnings: int = 0


def locate(spec: Path) -> Path:
    """The spec file that an argument means; leaves the command with `USAGE` where there is none."""
    file = spec / FILE if spec.is_dir() else spec
    if not file.is_file():
        fail(f"{file} does not exist", hint="name the spec, or start a project with `routewright init`", code=USAGE)
    return file


def generated(file: Path) -> Path:
    """The folder for the output of the spec in ``file``."""
    return file.parent / GENERATED


def report(checked: "Checked") -> str:
    """The problems of a spec as text, with carets where a terminal shows them."""
    from routewright.spec import report_text

    return report_text(checked, carets=is_rich(sys.stderr))


def valid(file: Path, *, count_warnings: bool = False) -> "Spec":
    """The spec in ``file``; with errors in it, they are printed and the command ends. Warnings are left to
    ``routewright check``, or counted in one line."""
    from routewright.spec import check

    checked = check(file)
    if checked.spec is None:
        note(report(checked))
        raise typer.Exit(PROBLEMS)
    if count_warnings and checked.warnings:
        note(warnings_line(len(checked.warnings)))
    return checked.spec


def warnings_line(count: int) -> str:
    """Where to see so many warnings."""
    return (
        f"{count} {'warning' if count == 1 else 'warnings'}: `routewright check` shows {'it' if count == 1 else 'them'}"
    )


def table(file: Path) -> "Table":
    """The compiled table of the spec in ``file`` as it is now; ``generated/`` is neither read nor written."""
    from routewright.codegen import publish, render
    from routewright.table import load

    files = render(valid(file))
    with tempfile.TemporaryDirectory(prefix="routewright-") as folder:
        publish(files, Path(folder))
        return load(Path(folder))


def rendered(spec: "Spec", file: Path) -> dict[str, str]:
    """Every file that the spec in ``file`` compiles to, those of its emitters included.

    Raises:
        RenderError: it has no rendering.
    """
    from routewright.cli.emitters import emission
    from routewright.codegen import render

    with emission(spec, file) as found:
        return render(spec, found.emitters)


def compilation(file: Path) -> Compilation:
    """Check the spec and bring ``generated/`` up to date; never raises for a fault of the spec."""
    from routewright.cli.emitters import emission, likely
    from routewright.codegen import PublishError, RenderError, publish, render
    from routewright.spec import Checked, check

    checked = check(file)
    files, warnings = tuple(Path(path).resolve() for path in checked.source), len(checked.warnings)
    if checked.spec is None:
        errors = Checked(None, checked.errors, checked.source)
        return Compilation(False, report(errors), len(errors.problems), files, warnings=warnings)
    try:
        with emission(checked.spec, file) as emitting:
            files += emitting.files
            published = publish(render(checked.spec, emitting.emitters), generated(file))
    except (RenderError, PublishError, OSError) as error:
        files += likely(checked.spec, file)
        return Compilation(False, f"error: {error}", 1, files, warnings=warnings)
    return Compilation(True, "", 0, files, published.written, published.deleted, warnings)
