"""``routewright check``: every problem of a spec, with its place, and what it can take at worst."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routewright.cli.memory import budget_json, budget_table
from routewright.cli.project import FILE, SpecArgument, generated, locate, rendered, report
from routewright.cli.terminal import PROBLEMS, USAGE, error, fail, note, progress

if TYPE_CHECKING:
    from routewright.handlers import HandlerProblem
    from routewright.spec import Checked
    from routewright.spec.budget import Budget
    from routewright.spec.model import Spec

EPILOG = """Examples:

\b
  routewright check
  routewright check --strict
  routewright check --handlers
  routewright check --connections 5000 --budget 8GiB
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
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings too.")] = False,
    connections: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Also show the memory that so many connections can take.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Exit 1 where that is more than SIZE, as in 512MiB or 8GB.")
    ] = None,
) -> None:
    """Find every problem of a spec.

    Exit code 1 if there is an error.
    """
    file = locate(spec)
    from routewright.spec import check as check_spec

    with progress(f"checking {file}"):
        checked = check_spec(file)
    memory = None
    if checked.spec is not None and (connections is not None or budget is not None):
        checked, memory = _weighed(file, checked, checked.spec, connections, budget)
    _print(checked, memory, format)
    wrong = bool(checked.errors) or (strict and bool(checked.warnings))
    if checked.spec is not None and not wrong and handlers and not _handlers_fit(file, checked.spec, format):
        raise typer.Exit(PROBLEMS)
    if format is Format.text:
        (note if wrong else print)(f"{file}: {_counted(checked)}")
    if wrong:
        raise typer.Exit(PROBLEMS)


def _weighed(
    file: Path, checked: "Checked", spec: "Spec", connections: int | None, most: str | None
) -> "tuple[Checked, Budget]":
    """What the spec can take, and its problems with that of a budget it does not keep."""
    from routewright.spec.budget import budget
    from routewright.spec.overrun import overrun
    from routewright.spec.units import size

    if most is not None and not size(most):
        fail(f"--budget is {most!r}: expected a size such as 512MiB or 8GB", code=USAGE)
    found = budget(spec, connections)
    problem = overrun(file, spec, found, most) if most is not None else None
    if problem is None:
        return checked, found
    listed = sorted((*checked.problems, problem), key=lambda each: (each.path != problem.path, each))
    return replace(checked, problems=tuple(listed)), found


def _print(checked: "Checked", memory: "Budget | None", format: Format) -> None:
    from routewright.spec import report_github, report_json

    if format is Format.json:
        problems = report_json(checked)
        print(problems if memory is None else budget_json(problems, memory))
    elif format is Format.github:
        if checked.problems:
            print(report_github(checked))
    else:
        if memory is not None:
            budget_table(memory)
        if checked.problems:
            note(report(checked))


def _counted(checked: "Checked") -> str:
    """What was checked and what was found, in numbers."""
    parts = []
    if checked.spec is not None:
        messages = sum(len(route.messages) for route in checked.spec.routes)
        parts += [_count(len(checked.spec.routes), "route"), _count(messages, "message")]
    errors, warnings = len(checked.errors), len(checked.warnings)
    parts.append(_count(errors, "error") if errors else "no errors")
    if warnings:
        parts.append(_count(warnings, "warning"))
    return ", ".join(parts)


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
