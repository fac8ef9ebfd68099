"""The programs of npm that judge what is generated: TypeScript's compiler and AsyncAPI's parser."""

import fcntl
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

NODE = Path(__file__).parent.parent / "node"
COMPILERS = ["typescript", "typescript-5"] if shutil.which("npm") else []
"""The current compiler, and the last one that is written in JavaScript; none where there is no npm."""

PARSERS = ["@asyncapi/parser"] if shutil.which("npm") else []

_ERROR = re.compile(r"(?P<file>[^(\n]+)\((?P<line>\d+),\d+\): error (?P<code>TS\d+): (?P<message>.*)")


class Error(NamedTuple):
    """What the compiler has against a line of a file."""

    file: str
    line: int
    code: str
    message: str


def installed() -> None:
    """Install the packages of ``tests/node`` where `make test` has not; one process of several does it."""
    stamp = NODE / "node_modules" / ".package-lock.json"
    with (NODE / "package.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=NODE, check=True, capture_output=True)


def compiled(folder: Path, files: Iterable[str], compiler: str, *flags: str) -> list[Error]:
    """The errors that the compiler finds in some files of a folder."""
    installed()
    command = [
        "node",
        str(NODE / "node_modules" / compiler / "bin" / "tsc"),
        "--strict",
        "--noEmit",
        "--pretty",
        "false",
    ]
    options = ["--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"]
    done = subprocess.run([*command, *options, *flags, *files], cwd=folder, capture_output=True, text=True, check=False)
    found = [
        Error(match["file"], int(match["line"]), match["code"], match["message"])
        for match in _ERROR.finditer(done.stdout)
    ]
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    return found


def parsed(documents: Iterable[Path]) -> list[dict[str, Any]]:
    """What the parser says of each document: ``valid``, ``problems``, ``anonymous`` schemas and ``messages``."""
    installed()
    paths = "".join(f"{each}\n" for each in documents)
    command = ["node", str(NODE / "parse.mjs")]
    done = subprocess.run(command, input=paths, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
