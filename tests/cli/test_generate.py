"""``routewright generate``."""

from pathlib import Path

from .conftest import Run


def snapshot(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_it_writes_only_what_has_changed(run: Run, demo: Path) -> None:
    (demo / "generated/greeter.py").unlink()
    before = snapshot(demo / "generated")
    done = run("generate", cwd=demo)
    assert (done.returncode, done.stdout) == (0, "wrote generated/greeter.py\n")
    assert {path: before[path] for path in before} == {
        path: each for path, each in snapshot(demo / "generated").items() if path.name != "greeter.py"
    }
    again = run("generate", cwd=demo)
    assert (again.returncode, again.stdout) == (0, "generated is up to date\n")


def test_check_names_every_difference_and_writes_nothing(run: Run, demo: Path) -> None:
    generated = demo / "generated"
    (generated / "greeter.py").write_text(
        (generated / "greeter.py").read_text().replace("class Greet(", "class Gruss(")
    )
    (generated / "table.py").unlink()
    before = snapshot(demo)
    done = run("generate", "--check", cwd=demo)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "stale: generated/greeter.py" in lines
    assert "missing: generated/table.py" in lines
    assert any(line.startswith("-class Gruss(") for line in lines)
    assert any(line.startswith("+class Greet(") for line in lines)
    assert done.stderr == (
        "error: generated is out of date (2 files)\n  hint: run `routewright generate` and commit what it writes\n"
    )
    assert snapshot(demo) == before


def test_diff_shows_what_would_be_written_and_fails_nothing(run: Run, demo: Path) -> None:
    generated = demo / "generated"
    (generated / "greeter.py").write_text(
        (generated / "greeter.py").read_text().replace("class Greet(", "class Gruss(")
    )
    before = snapshot(demo)
    done = run("generate", "--diff", cwd=demo)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("--- greeter.py (on disk)\n+++ greeter.py (rendered)\n@@ ")
    assert "\n-class Gruss(" in done.stdout
    assert "\n+class Greet(" in done.stdout
    assert snapshot(demo) == before
    assert run("generate", cwd=demo).returncode == 0
    again = run("generate", "--diff", cwd=demo)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "generated is up to date\n")


def test_check_names_what_a_route_has_left_behind(run: Run, demo: Path) -> None:
    spec = demo / "websocket-routes.json"
    spec.write_text(spec.read_text().replace('"path": "/ws/greeter"', '"path": "/ws/host"'))
    done = run("generate", "--check", cwd=demo)
    assert done.returncode == 1
    assert "extra: generated/greeter.py" in done.stdout.splitlines()
    assert "missing: generated/host.py" in done.stdout.splitlines()
    written = run("generate", cwd=demo)
    assert "deleted generated/greeter.py" in written.stdout.splitlines()
    assert not (demo / "generated/greeter.py").exists()


def test_a_wrong_spec_changes_nothing(run: Run, demo: Path) -> None:
    before = snapshot(demo / "generated")
    (demo / "websocket-routes.json").write_text('{"routes": [{"path": "x"}]}')
    done = run("generate", cwd=demo)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("websocket-routes.json:1:")
    assert snapshot(demo / "generated") == before


def test_a_file_that_is_not_the_compilers_is_left_alone(run: Run, tmp_path: Path) -> None:
    spec = '{"routes": [{"path": "/ws/mine", "pythonModule": "mine"}]}'
    (tmp_path / "websocket-routes.json").write_text(spec)
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated/table.py").write_text("precious")
    done = run("generate")
    assert done.returncode == 1
    assert done.stderr.startswith("error: generated/table.py is in the way")
    assert snapshot(tmp_path / "generated").keys() == {tmp_path / "generated/table.py"}
