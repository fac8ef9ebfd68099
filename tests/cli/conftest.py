"""The real command in a process of its own, and a project for it to work on."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

COMMAND = Path(sys.executable).parent / "routewright"

Run: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]


def environment(**variables: str) -> dict[str, str]:
    """This process's, without what would change the command's mind."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ROUTEWRIGHT_", "WEBSOCKET_", "ENABLE_", "PYTHON_BACKEND", "FORCE_COLOR"))
    }
    return kept | {"COLUMNS": "100", "TERM": "dumb"} | variables


def command(*arguments: str, cwd: Path, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``routewright`` to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env=environment(**variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``init`` makes; not to be changed."""
    folder = tmp_path_factory.mktemp("projects")
    done = command("init", "demo", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "demo"


@pytest.fixture
def demo(pristine: Path, tmp_path: Path) -> Path:
    """A project as ``init`` makes it."""
    return Path(shutil.copytree(pristine, tmp_path / "demo"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command, in a folder of the test's own unless another is given."""

    def run(*arguments: str, cwd: Path = tmp_path, **options: str) -> subprocess.CompletedProcess[str]:
        return command(*arguments, cwd=cwd, **options)

    return run


FREE_PORTS = ("--port", "0", "--admin-port", "0", "--log-format", "json")


@contextmanager
def serving(project: Path, *arguments: str, flags: tuple[str, ...] = FREE_PORTS, **variables: str) -> Iterator[str]:
    """``routewright serve``, until the block ends; its URL once every route is ready."""
    process = subprocess.Popen(
        [COMMAND, "serve", *flags, *arguments],
        cwd=project,
        env=environment(**variables),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = []
    try:
        for line in process.stderr:
            lines.append(line)
            if line.startswith("{") and "url" in (found := json.loads(line)):
                assert found["event"] == "ready", "".join(lines)
                yield found["url"]
                break
        else:
            raise AssertionError("".join(lines))
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(30) == 0, "".join(lines) + rest
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
