"""The command line: ``routewright VERB``, one module a verb.

Strategy: start-up is what a person waits for, so a verb imports what it needs when it runs; this package imports typer
and nothing heavier. Exit codes: 0 fine, 1 problems found, 2 wrong usage.
"""

import atexit
import gc
import sys

_BRIEF = ("check", "generate")
"""Verbs that make much, drop little, and end."""


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    from routewright.cli.app import build

    if sys.argv[1:2] and sys.argv[1] in _BRIEF and "--watch" not in sys.argv:
        # what is made is needed to the end, and looking through it again and again takes a tenth of the time
        gc.disable()
        atexit.register(gc.freeze)
    build(sys.argv[1:])(prog_name="routewright")


__all__ = ["main"]
