"""``routewright check``: every problem of a spec, with its place."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routewright.cli.project import FILE, SpecArgument, generated, locate, rendered, report
from routewright.cli.terminal import PROBLEMS, error, note, progress

if TYPE_CHECKING:
    from routewright.handlers import HandlerProblem
    from routewright.spec.model import Spec

EPILOG = """Examples:

\b
  routewright check
  routewright check --handlers
  routewright check --format json shop/websocket-routes.json
  routewright check --format github
"""


class Format(StrEnum):
    """How problems are printed."""

    text = "text"
    json = "json"
    github = "github"


def check(
    spec: SpecArgument = Path(FILE),
    format: Annotated[
        Format, typer.Option(help="text goes to stderr; json (a list) and github (annotations) go to stdout.")
    ] = Format.text,
    handlers: Annotated[
        bool, typer.Option("--handlers", help="Also import the handler modules and compare them with the spec.")
    ] = False,
) -> None:
    """Find every problem of a spec.

    Exit code 1 if there is an error.
    """
    file = locate(spec)
    from routewright.spec import check as check_spec
    from routewright.spec import report_github, report_json

    with progress(f"checking {file}"):
        checked = check_spec(file)
    if format is Format.json:
        print(report_json(checked))
    elif format is Format.github:
        if checked.problems:
            print(report_github(checked))
    elif checked.problems:
        note(report(checked))
    if checked.spec is None:
        raise typer.Exit(PROBLEMS)
    if handlers and not _handlers_fit(file, checked.spec, format):
        raise typer.Exit(PROBLEMS)
    if format is Format.text:
        messages = sum(len(route.messages) for route in checked.spec.routes)
        print(f"{file}: {_count(len(checked.spec.routes), 'route')}, {_count(messages, 'message')}, no errors")


def _handlers_fit(file: Path, spec: "Spec", format: Format) -> bool:
    """Compare each handler module with the spec, in a process of its own, and print what does not fit.

    Named workers are left aside: they connect from elsewhere.
    """
    from routewright.codegen import compare
    from routewright.handlers import audit

    if compare(rendered(spec, file), generated(file)):
        error(f"{generated(file)} is out of date", hint="run `routewright generate` before `check --handlers`")
        return False
    modules = sorted({route.handler for route in spec.routes if route.source == "module"})
    fit = True
    for module in modules:
        with progress(f"importing {module}"):
            problems = audit(module, file.parent)
        for problem in problems:
            fit = False
            if format is Format.github:
                print(_annotation(problem))
            else:
                note(str(problem))
    return fit


def _annotation(problem: "HandlerProblem") -> str:
    """A workflow command, which GitHub shows beside the line."""
    place = f"file={problem.file}" + (f",line={problem.line}" if problem.line else "")
    message = problem.message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::error {place}::{message}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
