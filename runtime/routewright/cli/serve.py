"""``routewright serve``: compile the spec, start the workers and serve."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from routewright.cli.project import FILE, SpecArgument, compilation, locate
from routewright.cli.terminal import USAGE, fail

EPILOG = """Every setting below the spec's gateway key has an environment variable, its keys joined by underscores:
admin.port is ROUTEWRIGHT_ADMIN_PORT. WEBSOCKET_PORT, ENABLE_RATE_LIMIT, ENABLE_DYNAMIC_ROUTING
and PYTHON_BACKEND_URL are understood too. Flags come before
variables, variables before the spec; an empty variable is unset.

Examples:

\b
  routewright serve
  routewright serve --port 9000 --processes 2 --no-watch
  ROUTEWRIGHT_LIMITS_CONNECTIONS=500 routewright serve shop
"""


class Level(StrEnum):
    """The least severe log line to write."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


class LogFormat(StrEnum):
    """How log lines look."""

    auto = "auto"
    text = "text"
    json = "json"


Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port for clients; 0 takes a free one.")]
AdminPort = Annotated[int | None, typer.Option(min=0, max=65535, help="Port for operators; 0 takes a free one.")]


def serve(
    spec: SpecArgument = Path(FILE),
    host: Annotated[str | None, typer.Option(help="Address to listen on for clients.")] = None,
    port: Port = None,
    admin_host: Annotated[str | None, typer.Option(help="Address to listen on for operators.")] = None,
    admin_port: AdminPort = None,
    processes: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", envvar="ROUTEWRIGHT_PROCESSES", help="Gateway processes.")
    ] = 1,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Reload when the spec or code changes.")] = True,
    drain: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long connections may take to end at a stop: 30s.")
    ] = None,
    dynamic_routing: Annotated[
        bool | None,
        typer.Option(
            "--dynamic-routing/--no-dynamic-routing",
            help="Workers may register routes that the spec does not name; near paths may match.",
            show_default=False,
        ),
    ] = None,
    log_level: Annotated[
        Level, typer.Option(envvar="ROUTEWRIGHT_LOG_LEVEL", case_sensitive=False, help="Least severe line.")
    ] = Level.info,
    log_format: Annotated[
        LogFormat, typer.Option(envvar="ROUTEWRIGHT_LOG_FORMAT", help="auto is text on a terminal and json elsewhere.")
    ] = LogFormat.auto,
) -> None:
    """Compile a spec and serve it.

    Workers are started for every pythonModule, and everything is reloaded when it changes; SIGTERM and SIGINT drain.
    """
    file = locate(spec)
    flags = {
        "host": host,
        "port": port,
        "admin.host": admin_host,
        "admin.port": admin_port,
        "drainSeconds": _seconds(drain),
        "dynamicRouting": dynamic_routing,
    }
    sys.exit(_serve(file, _overrides(flags), processes, watch, log_level, log_format))


def _seconds(drain: str | None) -> float | None:
    from routewright.table.overrides import DURATION

    try:
        return None if drain is None else DURATION.parse(drain)
    except ValueError:
        fail(f"--drain is {drain!r}: expected {DURATION.expected}", code=USAGE)


def _overrides(flags: dict[str, Any]) -> dict[str, Any]:
    """What flags and the environment lay over the spec's settings."""
    from routewright.cli.environment import overrides
    from routewright.table.overrides import OverrideError

    try:
        return overrides(flags, os.environ)
    except OverrideError as problem:
        fail(str(problem), code=USAGE)


def _serve(
    file: Path, overrides: dict[str, Any], processes: int, watch: bool, log_level: Level, log_format: LogFormat
) -> int:
    """Serve until a signal says otherwise; the exit code. What serves is imported here: it takes its time."""
    from routewright.gateway import Compiled, Options
    from routewright.gateway.serve import serve as serve_gateway

    def compile() -> Compiled:
        found = compilation(file)
        return Compiled(
            ok=found.ok,
            report=found.report,
            problems=found.problems,
            files=found.files,
            warnings=found.warnings,
        )

    options = Options(
        overrides=overrides,
        processes=processes,
        watch=watch,
        log_level=log_level.value,
        log_format=log_format.value,
    )
    return serve_gateway(file.parent, options, compile)
