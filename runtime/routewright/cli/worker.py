"""``routewright worker``: run the worker of one handler module by hand."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """Examples:

\b
  routewright worker handlers.greeter --connect ipc:///run/shop/bridge.sock
  routewright worker handlers.greeter --project demo --connect tcp://10.0.0.7:8003
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
    code = main(arguments)
    raise typer.Exit(1 if code > 2 else code)
