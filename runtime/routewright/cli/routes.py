"""``routewright routes``: what a spec serves, one line a route."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from routewright.cli.policies import policies
from routewright.cli.project import FILE, SpecArgument, locate, table
from routewright.cli.terminal import json_text, progress
from routewright.cli.terminal import table as print_table

if TYPE_CHECKING:
    from routewright.table import MessageType, Route

EPILOG = """Examples:

\b
  routewright routes
  routewright routes --format json
"""


class Format(StrEnum):
    """How the routes are printed."""

    table = "table"
    json = "json"


def routes(
    spec: SpecArgument = Path(FILE),
    format: Annotated[Format, typer.Option(help="A table to read, or a JSON list for machines.")] = Format.table,
) -> None:
    """List the routes of a spec."""
    file = locate(spec)
    with progress(f"compiling {file}"):
        compiled = table(file)
    if format is Format.json:
        json_text(json.dumps([_document(route) for route in compiled.routes], indent=2, ensure_ascii=False))
        return
    print_table(
        ("path", "name", "handler", "framing", "messages", "policies"), [_row(route) for route in compiled.routes]
    )


def handler(route: "Route") -> str:
    """Who answers a route: a module with its number of processes, a named worker, or an upstream."""
    if route.source != "module":
        from routewright.table.change import answerer

        return answerer(route)
    return route.handler if route.workers == 1 else f"{route.handler} x{route.workers}"


def _arrow(message: "MessageType") -> str:
    if message.origin == "handler":
        return f"< {message.name}"
    if message.reply is None:
        return f"> {message.name}"
    return f"> {message.name} -> {message.reply}{'...' if message.stream else ''}"


def _row(route: "Route") -> tuple[str, ...]:
    replies = {message.reply for message in route.messages}
    shown = [
        _arrow(message) for message in route.messages if message.origin != "handler" or message.name not in replies
    ]
    if route.framing == "raw":
        shown.append("any frame")
    elif route.open:
        shown.append("> anything")
    return (
        "\n".join((route.path, *(f"  also {alias}" for alias in route.aliases))),
        route.name,
        handler(route),
        route.framing,
        "\n".join(shown),
        "\n".join(f"{key}: {text}" for key, text in policies(route).items()),
    )


def _document(route: "Route") -> dict[str, Any]:
    return {
        "path": route.path,
        "name": route.name,
        "aliases": list(route.aliases),
        "capabilities": list(route.capabilities),
        "source": route.source,
        "handler": route.handler,
        "workers": route.workers,
        "framing": route.framing,
        "open": route.open,
        "messages": [
            {
                "name": each.name,
                "from": each.origin,
                "reply": each.reply,
                "stream": each.stream,
                "timeout": each.timeout,
            }
            for each in route.messages
        ],
        "policies": policies(route),
    }
