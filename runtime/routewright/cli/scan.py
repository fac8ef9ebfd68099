"""``routewright scan``: the WebSocket endpoints of Python sources, and which of them are in each other's way."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routewright.cli.project import FILE
from routewright.cli.terminal import PROBLEMS, USAGE, fail, heading, note, progress
from routewright.cli.terminal import table as print_table

if TYPE_CHECKING:
    from routewright.scan import Endpoint, Scan, Seen

EPILOG = """Examples:

\b
  routewright scan .
  routewright scan app tests --format json
  routewright scan app --write
  routewright scan app --out drafts/websocket-routes.json --force
"""


class Format(StrEnum):
    """How the endpoints are printed."""

    text = "text"
    json = "json"
    github = "github"


def scan(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Python files, and folders of them.")],
    format: Annotated[
        Format, typer.Option(help="A table to read, a JSON object for machines, or annotations of the conflicts.")
    ] = Format.text,
    write: Annotated[bool, typer.Option("--write", help=f"Draft a {FILE} from what is found.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to draft it; implies --write.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Draft it even where there is one already.")] = False,
) -> None:
    """Find the WebSocket endpoints in Python sources, without importing them.

    Knows FastAPI, Starlette, aiohttp, Django Channels, Tornado, Sanic, Quart, Flask-Sock, Litestar and websockets. Exit
    code 1 if endpoints are in each other's way.
    """
    for path in paths:
        if not path.exists():
            fail(f"{path} does not exist", code=USAGE)
    target = out or (Path(FILE) if write else None)
    if target is not None and target.exists() and not force:
        fail(f"{target} exists already", hint="name another file by --out, or replace it by --force", code=USAGE)
    from routewright.scan import scan as scan_sources

    with progress(f"reading {', '.join(map(str, paths))}"):
        found = scan_sources(paths)
    _print(found, format)
    if target is not None:
        _write(found, target)
    if found.conflicts:
        raise typer.Exit(PROBLEMS)


def _write(found: "Scan", target: Path) -> None:
    from routewright.cli.drafting import draft

    try:
        target.write_text(draft(found), encoding="utf-8")
    except OSError as problem:
        fail(str(problem), code=USAGE)
    note(f"wrote {target}")


def _print(found: "Scan", format: Format) -> None:
    from routewright.scan.report import report_github, report_json

    if format is Format.json:
        print(report_json(found.endpoints, found.conflicts, found.skipped, found.files))
        return
    if format is Format.github:
        if said := report_github(found.conflicts, found.skipped):
            print(said)
        return
    for skipped in found.skipped:
        note(f"{skipped.path}: passed over: {skipped.reason}")
    if found.endpoints:
        print_table(
            ("path", "framework", "handler", "place", "messages"), [_row(endpoint) for endpoint in found.endpoints]
        )
        print()
    _print_unknown([endpoint for endpoint in found.endpoints if not endpoint.known])
    if found.conflicts:
        heading("conflicts")
        for conflict in found.conflicts:
            print(f"  {conflict.place.file}:{conflict.place.line}: {conflict.kind}: {conflict.message}")
            for endpoint in conflict.endpoints:
                print(f"    {endpoint.place.file}:{endpoint.place.line}: {endpoint.handler}")
        print()
    counted = (_count(len(found.endpoints), "endpoint"), _count(found.files, "file"))
    print(f"{counted[0]} in {counted[1]}, {_count(len(found.conflicts), 'conflict')}")


def _print_unknown(endpoints: "list[Endpoint]") -> None:
    if not endpoints:
        return
    heading("not known from reading")
    for endpoint in endpoints:
        place = f"{endpoint.place.file}:{endpoint.place.line}"
        if endpoint.dynamic:
            print(f"  {place}: {endpoint.path} depends on {', '.join(dict.fromkeys(endpoint.dynamic))}")
        else:
            print(f"  {place}: {endpoint.handler} is registered nowhere that could be seen")
    print()


def _row(endpoint: "Endpoint") -> tuple[str, ...]:
    return (
        endpoint.path or "?",
        endpoint.framework,
        endpoint.handler,
        f"{endpoint.place.file}:{endpoint.place.line}",
        "\n".join(map(_arrow, endpoint.messages)),
    )


def _arrow(seen: "Seen") -> str:
    name = seen.name if seen.key == "type" else f"{seen.key}={seen.name}"
    return f"{'>' if seen.origin == 'client' else '<'} {name}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
