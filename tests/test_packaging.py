"""The wheel: what is in it, and that it is all that a user needs."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("spec", "codegen", "runtime")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def binaries(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of a new environment that has the wheel, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin/python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # a plain path in a .pth does not run the .pth files of that folder, so the editable install stays out
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def clean() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ROUTEWRIGHT_", "WEBSOCKET_", "ENABLE_", "PYTHON", "COV_"))
    }


def run(program: Path, *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [program, *arguments], cwd=cwd, env=clean(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def serving(program: Path, project: Path) -> Iterator[str]:
    """``serve`` on free ports; its URL once every route is ready."""
    process = subprocess.Popen(
        [program, "serve", "--port", "0", "--admin-port", "0", "--log-format", "json"],
        cwd=project,
        env=clean(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    printed = ""
    try:
        for line in process.stderr:
            printed += line
            if line.startswith("{") and "url" in (found := json.loads(line)):
                assert found["event"] == "ready", printed
                yield found["url"]
                break
        else:
            raise AssertionError(printed)
        process.send_signal(signal.SIGTERM)
        printed += process.stderr.read()
        assert process.wait(30) == 0, printed
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    expected = {
        str(path.relative_to(ROOT / root))
        for root in SOURCES
        for path in (ROOT / root / "routewright").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected
    assert "routewright/__init__.py" not in held
    assert {
        "routewright/cli/templates/websocket-routes.json.template",
        "routewright/codegen/templates/table.py.jinja",
        "routewright/spec/schema.json",
        "routewright/table/py.typed",
    } <= held


def test_the_wheel_names_its_command_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (folder,) = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        entries = archive.read(f"{folder}/entry_points.txt").decode()
        metadata = archive.read(f"{folder}/METADATA").decode()
        assert f"{folder}/licenses/LICENSE" in archive.namelist()
    assert "routewright = routewright.cli:main" in entries
    assert "Requires-Python: >=3.11" in metadata


def test_nothing_is_imported_from_the_repository(binaries: Path, tmp_path: Path) -> None:
    program = "import routewright; print(*routewright.__path__, sep='\\n')"
    paths = run(binaries / "python", "-c", program, cwd=tmp_path).splitlines()
    assert [Path(path).is_relative_to(binaries.parent) for path in paths] == [True]


def test_a_project_from_an_empty_folder(binaries: Path, tmp_path: Path) -> None:
    command = binaries / "routewright"
    run(command, "init", "demo", cwd=tmp_path)
    demo = tmp_path / "demo"
    run(command, "check", "--handlers", cwd=demo)
    run(command, "generate", "--check", cwd=demo)
    with serving(command, demo) as url:
        printed = run(command, "call", f"{url}/ws/greeter", "greet", '{"name": "Ada"}', cwd=tmp_path)
    assert json.loads(printed)["payload"] == {"text": "Hello, Ada."}


SMALLEST = """\
{"routes": [{"path": "/ws/vision", "capabilities": ["vision", "monitoring", "claude"],
             "pythonModule": "backend.api.unified_vision_handler"}]}
"""

HANDLER = '''\
"""Answers whatever comes."""

from typing import Any

from routewright.handlers import Context, on


@on.any
async def answer(message: dict[str, Any], context: Context) -> dict[str, Any]:
    return {"type": "seen", "payload": message["payload"]}
'''


def test_the_smallest_spec_with_a_handler_of_ten_lines(binaries: Path, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(SMALLEST)
    module = tmp_path / "backend/api/unified_vision_handler.py"
    module.parent.mkdir(parents=True)
    module.write_text(HANDLER)
    command = binaries / "routewright"
    with serving(command, tmp_path) as url:
        printed = run(command, "call", f"{url}/ws/vision", "request_workspace_analysis", "[1]", cwd=tmp_path)
    assert json.loads(printed) == {"type": "seen", "id": 1, "payload": [1]}
