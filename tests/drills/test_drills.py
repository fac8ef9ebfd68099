"""Every drill in its short form: nothing is lost, doubled, disordered, or let in."""

from pathlib import Path

import pytest

from tests.drills.__main__ import row
from tests.drills.all import DRILLS
from tests.drills.drill import Outcome, Size


@pytest.mark.parametrize("name", DRILLS)
async def test_the_promise_is_kept(name: str, tmp_path: Path) -> None:
    outcome = await DRILLS[name](Size(), tmp_path)
    assert outcome.sound, outcome


def test_what_is_missing_doubled_or_out_of_order_is_counted() -> None:
    outcome = Outcome("", "")
    outcome.heard([1, 2, 2, 5, 4, 7], range(1, 9))
    assert (outcome.lost, outcome.duplicated, outcome.disordered) == (3, 1, 1)
    assert not outcome.sound


def test_what_is_let_in_or_not_kept_is_told() -> None:
    outcome = Outcome("", "", let_in=1)
    assert not outcome.sound
    outcome = Outcome("", "")
    outcome.expect(True, "kept")
    assert outcome.sound
    outcome.expect(False, "not kept")
    assert not outcome.sound
    assert row("drill", outcome)[-1] == "NOT KEPT: not kept"
