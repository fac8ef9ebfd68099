"""Specs and the exact text that checking them prints.

Each folder of ``golden/`` holds a spec with many faults; each folder of ``golden/rules/`` a rule's smallest one,
``bad.json``, and beside it ``good.json``, the same spec as it should be (docs/rules.md is made of them).

``UPDATE_GOLDEN=1 pytest tests/spec/test_golden.py`` writes the texts anew.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from routewright.spec import Checked, check, report_github, report_json, report_text
from routewright.spec.budget import budget
from routewright.spec.overrun import OVERRUN, overrun
from routewright.spec.rules import RULES

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/websocket-routes.json"))
EXAMPLES = sorted(path for path in (GOLDEN / "rules").iterdir())


def looked_at(code: str, name: str) -> Checked:
    """A spec as `check` sees it; for the rule about budgets, with 1,000 connections and 2 GiB."""
    checked = check(Path(name))
    if code != OVERRUN:
        return checked
    assert checked.spec is not None
    problem = overrun(Path(name), checked.spec, budget(checked.spec, 1000), "2GiB")
    return replace(checked, problems=(problem,) if problem is not None else ())


def hold(text: str, expected: Path) -> None:
    """A text is what the file says, to the character."""
    text = f"{text}\n" if text else ""
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_problem_is_reported_at_its_place(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case)
    checked = check(Path("websocket-routes.json"))
    hold(report_text(checked, carets=True), case / "expected.txt")
    assert (checked.spec is None) == bool(checked.errors)


def test_reports_for_machines_are_so_to_the_character(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN / "allowances")
    checked = check(Path("websocket-routes.json"))
    hold(report_json(checked), Path("expected.json"))
    hold(report_github(checked), Path("expected.github"))


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case.name)
def test_a_rule_finds_what_is_bad_and_nothing_in_what_is_good(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case)
    bad, good = looked_at(case.name, "bad.json"), looked_at(case.name, "good.json")
    hold(report_text(bad, carets=False), case / "expected.txt")
    assert case.name in {problem.code for problem in bad.problems}
    assert report_text(good, carets=False) == ""


def test_the_cases_cover_every_rule() -> None:
    printed = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("**/expected.txt"))
    assert [rule.code for rule in RULES if f": {rule.code} " not in printed] == []


def test_every_rule_has_one_code_and_one_line() -> None:
    found = [rule.code for rule in RULES]
    assert found == sorted(set(found))
    assert all(rule.purpose.endswith(".") and "\n" not in rule.purpose for rule in RULES)
