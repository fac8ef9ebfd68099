"""Small projects of every framework, and the exact text, JSON and draft that scanning them gives.

``UPDATE_GOLDEN=1 pytest tests/scan/test_golden.py`` writes them anew.
"""

import os
from pathlib import Path

import pytest

from routewright.cli.drafting import draft
from routewright.scan import scan
from routewright.scan.frameworks import FRAMEWORKS
from routewright.spec import check, report_text

from .conftest import run

CASES = sorted(path for path in (Path(__file__).parent / "golden").iterdir() if path.is_dir())


def compare(file: Path, found: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_project_is_read_to_the_character(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case / "tree")
    text, json, github = run("."), run(".", "--format", "json"), run(".", "--format", "github")
    compare(case / "expected.txt", text.stdout)
    compare(case / "expected.json", json.stdout)
    compare(case / "expected.github", github.stdout)
    assert text.stderr == json.stderr == github.stderr == ""
    assert {text.code, json.code, github.code} == {1 if "\nconflicts\n" in text.stdout else 0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_its_draft_is_a_spec_that_check_accepts(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case / "tree")
    text = draft(scan([Path(".")]))
    compare(case / "drafted.json", text)
    file = tmp_path / "websocket-routes.json"
    file.write_text(text, encoding="utf-8")
    checked = check(file)
    assert checked.spec is not None, report_text(checked, carets=False)


def test_every_framework_has_a_project() -> None:
    printed = "".join((case / "expected.txt").read_text(encoding="utf-8") for case in CASES)
    assert [each.name for each in FRAMEWORKS if each.name != "flask" and f"  {each.name}  " not in printed] == []
