"""``python -m tests.conformance [--include CASE] [--output FOLDER]``: every case through the whole gateway."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.conformance.suite import echoing, run
from tests.served import serving


def main() -> int:
    """The exit code: 0 if no case failed."""
    parser = argparse.ArgumentParser("python -m tests.conformance", description=__doc__)
    parser.add_argument("--include", action="append", default=[], metavar="CASE", help="only these: 7.*")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="keep the report (HTML and JSON) here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        output = given.output or Path(folder, "report")
        with serving(echoing(Path(folder, "project")), "--no-watch") as served:
            outcome = run(served, output, tuple(given.include))
    print(outcome.printed, end="")
    print(f"{len(outcome.results)} cases: {outcome.summary}")
    for failure in outcome.failed:
        print(f"failed: {failure}")
    return 1 if outcome.failed or outcome.code or not outcome.results else 0


if __name__ == "__main__":
    sys.exit(main())
