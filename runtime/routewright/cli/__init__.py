"""The command line: ``routewright VERB``, one module a verb.

Strategy: start-up is what a person waits for, so a verb imports what it needs when it runs; this package imports typer
and nothing heavier. Exit codes: 0 fine, 1 problems found, 2 wrong usage.
"""

import sys


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    from routewright.cli.app import build

    build(sys.argv[1:])(prog_name="routewright")


__all__ = ["main"]
