"""Specs and the exact text that checking them prints.

``UPDATE_GOLDEN=1 pytest tests/spec/test_golden.py`` writes the texts anew.
"""

import os
from pathlib import Path

import pytest

from routewright.spec import check, report_text
from routewright.spec.rules import RULES

CASES = sorted(path.parent for path in Path(__file__).parent.glob("golden/*/websocket-routes.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_problem_is_reported_at_its_place(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case)
    checked = check(Path("websocket-routes.json"))
    text = report_text(checked, carets=True)
    expected = case / "expected.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(f"{text}\n" if text else "", encoding="utf-8")
    assert (f"{text}\n" if text else "") == expected.read_text(encoding="utf-8")
    assert (checked.spec is None) == bool(checked.problems)


def test_the_cases_cover_every_rule() -> None:
    printed = "".join((case / "expected.txt").read_text(encoding="utf-8") for case in CASES)
    assert [rule.code for rule in RULES if f": {rule.code} " not in printed] == []


def test_every_rule_has_one_code_and_one_line() -> None:
    found = [rule.code for rule in RULES]
    assert found == sorted(set(found))
    assert all(rule.purpose.endswith(".") and "\n" not in rule.purpose for rule in RULES)
