"""Steps that follow each other, by a clock that knows whole milliseconds alone, as that of an event loop does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routewright.policies.pace import LEAST, Pace


def walk(pause: float, steps: int, late: float = 0.0) -> list[float]:
    """When each step is done, from 0.0 on; every sleep is rounded to milliseconds, and ``late``."""
    now = 0.0
    pace, done = Pace(pause, now), list[float]()
    for _ in range(steps):
        done.append(now)
        wait = pace.step(now)
        if wait:
            now += round(wait * 1000) / 1000 + late
    return done


@given(st.floats(0.00001, 0.1), st.integers(2, 500))
def test_no_step_comes_much_before_it_is_due(pause: float, steps: int) -> None:
    for number, at in enumerate(walk(pause, steps)):
        assert at >= number * pause - LEAST - 0.0005


@given(st.floats(0.00001, 0.1), st.integers(2, 500), st.floats(0, 0.005))
def test_what_a_sleep_is_late_is_made_up_for(pause: float, steps: int, late: float) -> None:
    assert walk(pause, steps, late)[-1] <= steps * pause + late + 0.0005


@pytest.mark.parametrize(("pause", "last"), [(0.0, 0.0), (0.0005, 0.5)])
def test_a_thousand_steps(pause: float, last: float) -> None:
    assert walk(pause, 1001)[-1] == pytest.approx(last, abs=LEAST)
