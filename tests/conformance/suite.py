"""A raw route that echoes, and the cases run against it."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tests.served import Project, Served

SPEC = {
    "routes": [
        {
            "path": "/",
            "name": "echo",
            "pythonModule": "echo_handler",
            "framing": "raw",
            "rateLimit": False,
            "compression": {"threshold": "1B"},
            "limits": {"messageBytes": "64MiB", "inFlight": 1024},
            "slowConsumer": {"backlog": "256MiB", "after": "60s"},
        }
    ]
}

HANDLER = """\
from routewright.handlers import on


@on.any
async def echo(frame):
    return frame
"""

PASSED = ("OK", "INFORMATIONAL", "NON-STRICT")


class Outcome(NamedTuple):
    """What came of a run.

    Attributes:
        results: case -> how it behaved (``OK``, ``NON-STRICT``, ``INFORMATIONAL``, ``FAILED``, ``UNIMPLEMENTED``).
        printed: what the tool printed.
        code: its exit code.
    """

    results: dict[str, str]
    printed: str
    code: int

    @property
    def failed(self) -> list[str]:
        """The cases that did not pass, and how they ended."""
        return [f"{case}: {result}" for case, result in self.results.items() if result not in PASSED]

    @property
    def summary(self) -> str:
        """Counts by result."""
        counts = Counter(self.results.values())
        return ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))


def run(served: Served, output: Path, include: tuple[str, ...] = ()) -> Outcome:
    """Run cases against a gateway that serves `SPEC`; the tool's report goes to the folder ``output``."""
    command = [str(Path(sys.executable).with_name("kosoku")), f"127.0.0.1:{served.port}", "-p", "4", "-o", str(output)]
    for case in include:
        command += ["-i", case]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    index = json.loads((output / "index.json").read_text())
    results = {case: _result(each) for agent in index.values() for case, each in agent.items()}
    return Outcome(results, done.stdout, done.returncode)


def _result(case: dict[str, Any]) -> str:
    behaviour, closing = str(case["behavior"]), str(case["behaviorClose"])
    return behaviour if closing in PASSED or behaviour not in PASSED else f"{closing} at the close"


def echoing(folder: Path) -> Project:
    """The project to run the cases against."""
    project = Project(folder)
    folder.mkdir(parents=True, exist_ok=True)
    project.spec(SPEC)
    project.save("echo_handler.py", HANDLER)
    return project
