"""``routewright init``."""

import json
from pathlib import Path

from .conftest import Run

FILES = ["websocket-routes.json", "handlers/greeter.py", ".gitignore", "README.md", "generated"]


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_it_makes_a_project_that_every_check_is_content_with(run: Run, demo: Path) -> None:
    assert {"websocket-routes.json", "handlers/greeter.py", ".gitignore", "README.md"} < files(demo).keys()
    schema = json.loads((demo / "websocket-routes.json").read_text())["$schema"]
    assert (demo / schema).is_file()
    done = run("check", "--handlers", cwd=demo)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "websocket-routes.json: 1 route, 4 messages, no errors\n",
        "",
    )
    assert run("generate", "--check", cwd=demo).returncode == 0


def test_it_says_what_it_wrote_and_what_comes_next(run: Run) -> None:
    done = run("init", "my shop")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        *(f"wrote my shop/{path}" for path in FILES),
        "",
        "Serve it:  cd 'my shop' && routewright serve",
        'Call it:   routewright call ws://127.0.0.1:8001/ws/greeter greet \'{"name": "Ada"}\'',
    ]


def test_without_a_folder_it_uses_this_one(run: Run, tmp_path: Path) -> None:
    done = run("init")
    assert done.returncode == 0
    assert "Serve it:  routewright serve" in done.stdout
    assert (tmp_path / "generated/table.py").is_file()


def test_a_name_with_quotes_is_only_a_title(run: Run, tmp_path: Path) -> None:
    name = 'it\'s "quoted" \\ ümlaut'
    assert run("init", name).returncode == 0
    assert json.loads((tmp_path / name / "websocket-routes.json").read_text())["info"]["title"] == name


def test_it_overwrites_nothing(run: Run, demo: Path) -> None:
    (demo / "handlers/greeter.py").write_text("mine")
    before = files(demo)
    done = run("init", cwd=demo)
    assert done.returncode == 1
    assert done.stderr.startswith("error: . already has websocket-routes.json, handlers/greeter.py,")
    assert files(demo) == before


def test_one_file_in_the_way_is_enough(run: Run, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    done = run("init")
    assert done.returncode == 1
    assert files(tmp_path) == {"README.md": "mine"}


def test_a_file_is_no_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    done = run("init", "demo")
    assert (done.returncode, done.stderr) == (1, "error: demo is not a folder\n")
