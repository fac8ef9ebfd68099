"""The ``routewright`` command: its verbs, and those that plugins add."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

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


_VERBS = {
    **{name: name for name in ("init", "check", "generate")},
    "import": "import_",
    **{name: name for name in ("plan", "serve", "worker", "routes", "explain", "call", "docs", "scan")},
}
"""The module of each verb, in the order in which they are listed."""


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line that these arguments need: where one of our own verbs comes first, only that one is there;
    plugins are looked for unless it does, or `--version`."""
    app = typer.Typer(
        name="routewright",
        rich_markup_mode="rich" if is_rich(sys.stdout) else None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(epilog=_EPILOG)(_root)
    first = arguments[0] if arguments else ""
    for verb in [first] if first in _VERBS else _VERBS:
        module = import_module(f"routewright.cli.{_VERBS[verb]}")
        app.command(verb, epilog=module.EPILOG)(getattr(module, _VERBS[verb]))
    if first not in (*_VERBS, "--version"):
        _add_plugins(app)
    return app


def _add_plugins(app: typer.Typer) -> None:
    from routewright.hooks import Plugins

    Plugins(Path.cwd()).cli(app)
