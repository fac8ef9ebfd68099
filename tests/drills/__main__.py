"""``make drills``: every drill in its long form, as a table."""

import argparse
import asyncio
import json
import logging
import math
import sys
import tempfile
from pathlib import Path

from tests.drills.all import DRILLS
from tests.drills.drill import Outcome, Size

HEADS = ("drill", "load", "faults injected", "lost", "duplicated", "out of order", "p99 ms", "notes")


def row(name: str, outcome: Outcome) -> tuple[str, ...]:
    """One line of the table."""
    p99 = "" if math.isnan(outcome.p99) else f"{outcome.p99 * 1000:.1f}"
    counts = (outcome.lost, outcome.duplicated, outcome.disordered)
    notes = "; ".join([*filter(None, [outcome.notes]), *(f"NOT KEPT: {promise}" for promise in outcome.broken)])
    return (name, outcome.load, outcome.faults, *map(str, counts), p99, notes)


def main() -> int:
    """Run what was asked for; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(DRILLS), choices=list(DRILLS), metavar="DRILL")
    parser.add_argument("--factor", type=int, default=10, help="how much longer than in the test suite")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    # the client says when it cannot connect, which is what most of the drills are about
    logging.getLogger("routewright.client").setLevel(logging.ERROR)
    found: dict[str, Outcome] = {}
    print("| " + " | ".join(HEADS) + " |\n|" + " --- |" * len(HEADS))
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = asyncio.run(DRILLS[name](Size(options.factor, options.seed), Path(folder)))
        print("| " + " | ".join(row(name, found[name])) + " |", flush=True)
    if options.json is not None:
        figures = {name: dict(zip(HEADS[1:], row(name, each)[1:], strict=True)) for name, each in found.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    broken = [name for name, each in found.items() if not each.sound]
    if broken:
        print("broken: " + ", ".join(broken), file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
