"""``routewright plan``.

``ROUTEWRIGHT_GOLDEN=write pytest tests/cli/test_plan.py`` writes the expected plans anew: read the diff.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from routewright.cli.bare import bare
from routewright.codegen import publish, render
from routewright.spec import check
from routewright.table import load
from routewright.table.change import CLIENTS

from .conftest import Run

GOLDEN = Path(__file__).parent / "golden" / "plan"


def a_spec(**messages: Any) -> dict[str, Any]:
    return {"routes": [{"path": "/ws/a", "pythonModule": "a", "messages": messages}]}


def an_object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"payload": {"type": "object", "required": list(required), "properties": properties}}


SHORT, LONG = {"type": "string", "maxLength": 5}, {"type": "string", "maxLength": 9}


def write(folder: Path, spec: dict[str, Any], name: str = "websocket-routes.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(json.dumps(spec, indent=2) + "\n")
    return file


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a project in a folder of it, committed once."""
    folder = tmp_path / "work" / "shop"
    write(folder, a_spec(ask=an_object(text=LONG)))
    git(tmp_path / "work", "init", "-q", "-b", "main")
    git(tmp_path / "work", "add", "-A")
    git(tmp_path / "work", "commit", "-q", "-m", "first")
    return folder


# What it prints


@pytest.mark.parametrize(
    ("case", "format", "file"),
    [
        ("plan", "text", "plan.txt"),
        ("plan", "json", "plan.json"),
        ("plan", "markdown", "plan.md"),
        ("policies", "text", "plan.txt"),
    ],
)
def test_the_plan_of_two_specs_to_the_character(run: Run, case: str, format: str, file: str) -> None:
    folder = GOLDEN.parent / case
    done = run("plan", "after", "--against", "before", "--format", format, "--fail-on", "none", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    if os.environ.get("ROUTEWRIGHT_GOLDEN") == "write":
        (folder / file).write_text(done.stdout)
    assert done.stdout == (folder / file).read_text()


def test_places_are_those_of_the_files() -> None:
    document = json.loads((GOLDEN / "plan.json").read_text())
    changes = [*document["gateway"], *(change for route in document["routes"] for change in route["changes"])]
    assert {change["path"] for change in changes} == {
        "after/websocket-routes.json",
        "before/websocket-routes.json",
        "after/schemas/tree.json",
    }
    for change in changes:
        line = (GOLDEN / change["path"]).read_text().splitlines()[change["line"] - 1]
        assert re.match(r'["{]', line[change["column"] - 1 :]), change
    (renamed,) = (change for change in changes if change["what"].startswith("name was"))
    assert '"name": "halls"' in (GOLDEN / renamed["path"]).read_text().splitlines()[renamed["line"] - 1]


def test_nothing_of_a_spec_breaks_out_of_the_markdown(run: Run, tmp_path: Path) -> None:
    hostile = "`a` | b \\| c <img src=x> @team #1\n\n# heading\r\u202e```"
    write(tmp_path / "old", a_spec(ask=an_object(**{hostile: SHORT, "`": SHORT})))
    new = a_spec(ask=an_object(hostile, "`", **{hostile: SHORT, "`": SHORT}))
    new["routes"][0]["capabilities"] = ["x"]
    write(tmp_path / "new", new)
    done = run("plan", "new", "--against", "old", "--format", "markdown", "--fail-on", "none")
    table = [line for line in done.stdout.splitlines() if "required now" in line]
    assert len(table) == 2
    for line in table:
        cells = re.split(r"(?<!\\)\|", line)
        assert len(cells) == 7
        for span in (cells[2], cells[3], cells[5]):
            opening, text, closing = re.fullmatch(r" (`+)(.*[^`])(`+) ", span).groups()  # type: ignore[union-attr]
            assert opening == closing
            assert opening not in re.findall("`+", text)
    assert "\u202e" not in done.stdout
    assert done.stdout.count("\n#") == 0
    plain = run("plan", "new", "--against", "old", "--fail-on", "none").stdout
    assert "\u202e" not in plain
    assert "\r" not in plain


def test_no_change(run: Run, tmp_path: Path) -> None:
    write(tmp_path, a_spec(ask=an_object(text=LONG)))
    write(tmp_path / "old", a_spec(ask=an_object(text=LONG)))
    done = run("plan", "--against", "old")
    assert (done.returncode, done.stdout) == (0, "websocket-routes.json against old: no changes\n")
    document = json.loads(run("plan", "--against", "old", "--format", "json").stdout)
    assert [(each["connections"], each["code"]) for each in document["routes"]] == [("unchanged", None)]


# What fails


NARROWED, WIDENED = a_spec(ask=an_object(text=SHORT)), a_spec(ask=an_object(text={"type": "string", "maxLength": 20}))


@pytest.mark.parametrize(
    ("changed", "flags", "code"),
    [
        (NARROWED, (), 1),
        (NARROWED, ("--fail-on", "handlers"), 0),
        (WIDENED, ("--fail-on", "handlers"), 1),
        (WIDENED, ("--fail-on", "any"), 1),
        (WIDENED, (), 0),
        (a_spec(ask={**an_object(text=LONG, more=LONG), "timeout": "9s"}), ("--fail-on", "any"), 0),
    ],
)
def test_the_exit_code_is_asked_for(
    run: Run, tmp_path: Path, changed: dict[str, Any], flags: tuple[str, ...], code: int
) -> None:
    write(tmp_path / "old", a_spec(ask=an_object(text=LONG)))
    write(tmp_path, changed)
    done = run("plan", "--against", "old", *flags)
    assert done.returncode == code
    assert done.stderr.startswith("error: breaking changes: 1 for ") == bool(code)


# Git


def test_a_revision_is_compared_with_what_is_there(run: Run, repository: Path) -> None:
    write(repository, a_spec(ask=an_object(text=SHORT)))
    done = run("plan", "shop", "--against", "main", cwd=repository.parent)
    assert done.returncode == 1
    assert done.stdout.startswith("shop/websocket-routes.json against main: 1 breaking for clients\n")
    git(repository, "rm", "-q", "--cached", "websocket-routes.json")
    git(repository, "commit", "-q", "-m", "without")
    assert run("plan", "--against", "HEAD~1", cwd=repository).returncode == 1
    gone = run("plan", "--against", "HEAD", cwd=repository)
    assert (gone.returncode, gone.stderr.splitlines()[0]) == (2, "error: HEAD has no websocket-routes.json")


def test_a_removal_is_placed_in_the_revision(run: Run, repository: Path) -> None:
    write(repository, a_spec(other=an_object(text=LONG)))
    done = run("plan", "--against", "main", "--format", "json", cwd=repository)
    (change,) = (
        change
        for change in json.loads(done.stdout)["routes"][0]["changes"]
        if (change["kind"], change["what"]) == (CLIENTS, "message removed")
    )
    assert (change["path"], change["line"]) == ("main:websocket-routes.json", 7)


def test_files_that_are_referred_to_are_those_of_the_revision(run: Run, repository: Path) -> None:
    def schemas(text: dict[str, Any]) -> None:
        write(repository / "schemas", {"type": "object", "properties": {"text": {"$ref": "parts/text.json"}}}, "a.json")
        write(repository / "schemas" / "parts", text, "text.json")

    write(repository, a_spec(ask={"payload": {"$ref": "schemas/a.json"}}))
    schemas(LONG)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "second")
    assert run("plan", "--against", "HEAD", cwd=repository).stdout.endswith("no changes\n")
    schemas(SHORT)
    done = run("plan", "--against", "HEAD", cwd=repository)
    assert "payload.text: maxLength was 9, is 5" in done.stdout
    assert "schemas/parts/text.json:3:3" in done.stdout


def test_a_wrong_spec_on_either_side_is_reported_as_check_does(run: Run, repository: Path) -> None:
    good = (repository / "websocket-routes.json").read_text()
    write(repository, {"routes": [{"path": "/ws/a", "pythonModul": "a"}]})
    done = run("plan", "--against", "main", cwd=repository)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("websocket-routes.json:")
    git(repository, "commit", "-q", "-a", "-m", "wrong")
    (repository / "websocket-routes.json").write_text(good)
    done = run("plan", "--against", "main", cwd=repository)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("main:websocket-routes.json:")
    assert str(repository.parent.parent) not in done.stderr


@pytest.mark.parametrize("against", ["--output=stolen", "", "main:websocket-routes.json"])
def test_what_is_neither_a_file_nor_a_revision_is_wrong_usage(run: Run, repository: Path, against: str) -> None:
    done = run("plan", f"--against={against}", cwd=repository)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is neither a file nor a revision of this repository" in done.stderr
    assert sorted(path.name for path in repository.iterdir()) == ["websocket-routes.json"]


def test_without_git_or_a_repository_a_file_will_do(run: Run, tmp_path: Path) -> None:
    write(tmp_path, a_spec(ask=an_object(text=LONG)))
    done = run("plan", "--against", "main", GIT_DIR=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "is in no git repository" in done.stderr
    done = run("plan", "--against", "main", PATH=str(tmp_path))
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: git is not installed")
    write(tmp_path, a_spec(ask=an_object(text=LONG)), "old.json")
    assert run("plan", "--against", "old.json", PATH=str(tmp_path)).returncode == 0


def test_against_has_to_be_given(run: Run, tmp_path: Path) -> None:
    write(tmp_path, a_spec())
    assert run("plan").returncode == 2


# One truth


@pytest.mark.parametrize("case", ["before", "after"])
def test_a_bare_table_is_the_compiled_one_without_its_types(tmp_path: Path, case: str) -> None:
    shutil.copytree(GOLDEN / case, tmp_path / case)
    spec = check(tmp_path / case / "websocket-routes.json").spec
    assert spec is not None
    publish(render(spec), tmp_path / "generated")
    compiled, found = load(tmp_path / "generated"), bare(spec)
    assert found.settings == compiled.settings
    assert [_plain(route) for route in found.routes] == [_plain(route) for route in compiled.routes]


def _plain(route: Any) -> dict[str, Any]:
    fields = {name: getattr(route, name) for name in route.__struct_fields__}
    fields["messages"] = [
        {name: getattr(each, name) for name in each.__struct_fields__ if name not in ("payload", "check")}
        for each in route.messages
    ]
    fields["parameters"] = [(each.name, each.tail) for each in route.parameters]
    return fields
