"""Whether a handler module fits its project's compiled table, found out without serving it."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from routewright.handlers.matching import HandlerProblem

PATIENCE = 60.0
"""Seconds that a module may take to import."""


class _State(msgspec.Struct):
    state: str
    problems: list[HandlerProblem] = []


def audit(module_name: str, project: Path, *, name: str | None = None) -> list[HandlerProblem]:
    """What keeps a module from serving; empty where nothing does.

    The module is imported in a process of its own, so that one project's modules never meet another's. ``name`` is the
    worker's name where that is not the module's.
    """
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "routewright.handlers", module_name, "--project", str(project), "--check"]
    command += ["--status-fd", str(writing)] + (["--name", name] if name else [])
    try:
        with subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL) as process:  # noqa: S603
            os.close(writing)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                return [
                    HandlerProblem(f"{module_name} did not import within {PATIENCE:g} s", _file(module_name, project))
                ]
        with open(reading, "rb", closefd=False) as status:
            said = status.read()
    finally:
        os.close(reading)
    if said:
        return msgspec.json.decode(said, type=_State).problems
    if process.returncode:
        text = f"{module_name} ended the process that imported it (exit code {process.returncode})"
        return [HandlerProblem(text, _file(module_name, project))]
    return []


def _file(module: str, project: Path) -> str:
    return f"{project.resolve().joinpath(*module.split('.'))}.py"
