"""``routewright worker``: run the worker of one handler module by hand."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """Examples:

\b
  routewright worker handlers.greeter --connect ipc:///run/shop/bridge.sock
  routewright worker handlers.greeter --project demo --connect tcp://10.0.0.7:8003
  routewright worker handlers.lab --connect ipc:///run/shop/bridge.sock --route /ws/lab
"""


def worker(
    module: Annotated[str, typer.Argument(metavar="MODULE", help="The Python module that holds the handlers.")],
    connect: Annotated[
        list[str], typer.Option(metavar="ENDPOINT", help="The bridge of a gateway; repeat it for several gateways.")
    ],
    project: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The folder of the spec.", exists=True, file_okay=False)
    ] = Path(),
    name: Annotated[
        str | None, typer.Option(help="The worker's name in the spec, where that is not the module's.")
    ] = None,
    route: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Answer a route that the spec does not name; the gateway must allow it."),
    ] = None,
    route_name: Annotated[
        str, typer.Option(help="That route's name. Default: made of its path.", show_default=False)
    ] = "",
    capability: Annotated[list[str] | None, typer.Option(help="What clients may ask for by name; repeatable.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="That route has raw frames.")] = False,
    summary: Annotated[str, typer.Option(help="One line about that route.", show_default=False)] = "",
    drain: Annotated[float, typer.Option(help="Seconds to finish what runs when told to stop.", min=0)] = 30.0,
) -> None:
    """Run the worker of one handler module.

    generated/ must be up to date: a gateway refuses a worker that was built for another contract.
    """
    from routewright.handlers.__main__ import main

    arguments = [module, "--project", str(project), "--drain", str(drain)]
    arguments += [argument for endpoint in connect for argument in ("--connect", endpoint)]
    if name is not None:
        arguments += ["--name", name]
    if route is not None:
        arguments += ["--route", route, "--route-name", route_name, "--summary", summary]
        arguments += ["--framing", "raw" if raw else "message"]
        arguments += [argument for each in capability or () for argument in ("--capability", each)]
    code = main(arguments)
    raise typer.Exit(1 if code > 2 else code)
