"""Every drill in its short form: nothing is lost, doubled or disordered."""

from pathlib import Path

import pytest

from tests.drills.all import DRILLS
from tests.drills.drill import Outcome, Size


@pytest.mark.parametrize("name", DRILLS)
async def test_the_promise_is_kept(name: str, tmp_path: Path) -> None:
    outcome = await DRILLS[name](Size(), tmp_path)
    assert (outcome.lost, outcome.duplicated, outcome.disordered) == (0, 0, 0), outcome.notes


def test_what_is_missing_doubled_or_out_of_order_is_counted() -> None:
    outcome = Outcome("", "")
    outcome.heard([1, 2, 2, 5, 4, 7], range(1, 9))
    assert (outcome.lost, outcome.duplicated, outcome.disordered) == (3, 1, 1)
    assert not outcome.sound
