"""``routewright docs``."""

import json
from pathlib import Path

from .conftest import Run


def test_it_writes_pages_and_only_what_has_changed(run: Run, demo: Path) -> None:
    done = run("docs", "--out", "reference", cwd=demo)
    assert (done.returncode, done.stdout) == (0, "wrote 3 files: open reference/index.html\n")
    index = (demo / "reference/index.html").read_text()
    assert "ws://127.0.0.1:8001" in index
    assert "worker_lost" in index
    assert "4504" in index
    assert 'href="routes/greeter.html#message-greet"' in index
    page = (demo / "reference/routes/greeter.html").read_text()
    assert "wscat --connect ws://127.0.0.1:8001/ws/greeter" in page
    again = run("docs", "--out", "reference", cwd=demo)
    assert (again.returncode, again.stdout) == (0, "reference is up to date\n")


def test_clients_are_told_the_public_address(run: Run, demo: Path) -> None:
    assert run("docs", "--out", "reference", "--url", "wss://api.example.com/", cwd=demo).returncode == 0
    page = (demo / "reference/routes/greeter.html").read_text()
    assert "wss://api.example.com/ws/greeter" in page
    assert "127.0.0.1" not in page
    done = run("docs", "--out", "reference", "--url", "api.example.com", cwd=demo)
    assert done.returncode == 2
    assert done.stderr == "error: api.example.com is no WebSocket URL\n  hint: write it as wss://HOST\n"


def test_it_deletes_its_own_pages_and_nothing_else(run: Run, demo: Path) -> None:
    run("docs", "--out", "reference", cwd=demo)
    (demo / "reference/routes/mine.html").write_text("mine")
    spec = demo / "websocket-routes.json"
    spec.write_text(spec.read_text().replace('"path": "/ws/greeter"', '"path": "/ws/host"'))
    done = run("docs", "--out", "reference", cwd=demo)
    assert done.stdout.splitlines()[0] == "deleted reference/routes/greeter.html"
    assert {path.name for path in (demo / "reference/routes").iterdir()} == {"host.html", "mine.html"}


def test_the_compilers_folder_is_left_alone(run: Run, demo: Path) -> None:
    before = {path: path.read_bytes() for path in (demo / "generated").iterdir() if path.is_file()}
    done = run("docs", "--out", "generated", cwd=demo)
    assert done.returncode == 1
    assert done.stderr.startswith("error: generated/manifest.json is not a manifest of `routewright docs`")
    assert {path: path.read_bytes() for path in (demo / "generated").iterdir() if path.is_file()} == before
    run("docs", "--out", "reference", cwd=demo)
    (demo / "reference/manifest.json").write_text(json.dumps({"generator": {"name": "another"}, "files": {}}))
    assert run("docs", "--out", "reference", cwd=demo).returncode == 1


def test_a_wrong_spec_writes_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text('{"routes": [{"path": "x"}]}')
    done = run("docs", "--out", "reference")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("websocket-routes.json:1:")
    assert not (tmp_path / "reference").exists()
    assert run("docs").returncode == 2
