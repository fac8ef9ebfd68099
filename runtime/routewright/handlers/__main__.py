"""``python -m routewright.handlers MODULE --project DIR --connect ENDPOINT``: one worker process."""

import argparse
import contextlib
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from routewright.handlers import logs
from routewright.handlers.loading import HandlerModuleError, imported_files, load
from routewright.handlers.status import Status

FAILED = 3
"""Exit code of a worker whose module cannot serve."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one worker; the exit code: 0 it left in good order, 2 wrong usage, 3 the module cannot serve, 4 a gateway
    did not accept it."""
    if arguments is None and sys.argv[1:] == ["--wait"]:
        arguments = _wait()
        if arguments is None:
            return 0
    given = _parser().parse_args(arguments)
    status = Status(given.module, given.status_fd, lambda: imported_files(given.project))
    try:
        logs.configure((os.environ.get("ROUTEWRIGHT_LOG_LEVEL") or "info").upper())
    except ValueError as error:
        print(f"routewright worker: ROUTEWRIGHT_LOG_LEVEL: {error}", file=sys.stderr)
        return 2
    claim = None
    if given.route is not None:
        from routewright.table.dynamic import ClaimError
        from routewright.table.dynamic import claim as checked

        said = {"path": given.route, "name": given.route_name, "capabilities": given.capability}
        try:
            claim = checked({**said, "framing": given.framing, "summary": given.summary})
        except ClaimError as error:
            print(f"routewright worker: {error}", file=sys.stderr)
            return 2
    try:
        loaded = load(given.module, given.project, given.name, claim)
    except HandlerModuleError as error:
        status.failed(error.problems)
        return FAILED
    if given.check:
        return 0
    from routewright.bridge.worker import BridgeKeyError
    from routewright.handlers.process import run

    try:
        return run(loaded, given.connect, status, given.drain)
    except BridgeKeyError as error:
        print(f"routewright worker: {error}", file=sys.stderr)
        return 2


def _wait() -> Sequence[str] | None:
    """Be ready for a module that is not known yet: import all else, and read the arguments from standard input.
    ``None`` if nobody is left to give them."""
    for name in ("routewright.bridge.worker", "routewright.handlers.process", "routewright.table", "uvloop"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    line = sys.stdin.readline()
    return list(map(str, json.loads(line))) if line else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("routewright worker", description="Run one handler module as a worker process.")
    parser.add_argument("module", help="the Python module that holds the handlers")
    parser.add_argument("--project", type=Path, default=Path(), help="the folder of the route spec (default: this one)")
    parser.add_argument("--connect", action="append", default=[], metavar="ENDPOINT", help="a gateway's bridge")
    parser.add_argument("--name", help="the worker's name in the spec, where it is not the module's")
    parser.add_argument("--route", metavar="PATH", help="answer a route that the spec does not name")
    parser.add_argument("--route-name", default="", help="its name, where that is not made of its path")
    parser.add_argument("--capability", action="append", default=[], help="what clients may ask for by name")
    parser.add_argument("--framing", choices=("message", "raw"), default="message", help="of that route")
    parser.add_argument("--summary", default="", help="one line about that route")
    parser.add_argument("--drain", type=float, default=30.0, help="seconds to finish what runs (30)")
    parser.add_argument("--status-fd", type=int, help="a descriptor for JSON lines about the worker's state")
    parser.add_argument("--check", action="store_true", help="only look whether the module can serve")
    return parser


if __name__ == "__main__":
    sys.exit(main())
