"""The ``routewright`` command: its verbs, and those that plugins add."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from routewright.cli import call, check, docs, explain, generate, import_, init, plan, routes, scan, serve, worker
from routewright.cli.terminal import is_rich

_EPILOG = """Examples:

\b
  routewright init demo
  routewright check
  routewright serve --port 9000
"""


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"routewright {version('routewright')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """A WebSocket gateway compiled from a route spec."""


_VERBS = (init, check, generate, import_, plan, serve, worker, routes, explain, call, docs, scan)


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line that these arguments need: plugins are looked for unless one of our own verbs comes first."""
    app = typer.Typer(
        name="routewright",
        rich_markup_mode="rich" if is_rich(sys.stdout) else None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(epilog=_EPILOG)(_root)
    verbs = {module.__name__.rpartition(".")[2]: module for module in _VERBS}
    for name, module in verbs.items():
        app.command(name.rstrip("_"), epilog=module.EPILOG)(getattr(module, name))
    if not arguments or arguments[0] not in (*(name.rstrip("_") for name in verbs), "--version"):
        _add_plugins(app)
    return app


def _add_plugins(app: typer.Typer) -> None:
    from routewright.hooks import Plugins

    Plugins(Path.cwd()).cli(app)
