"""Backoff with full jitter: its bounds, its growth, and its start afresh."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routewright.policies.backoff import Backoff

SECONDS = st.floats(1e-3, 1e3)


def longest(low: float, high: float) -> float:
    """The worst luck of all."""
    assert low == 0.0
    return high


@given(SECONDS, SECONDS, st.integers(1, 80))
def test_each_failure_doubles_the_ceiling_up_to_the_cap(base: float, cap: float, failures: int) -> None:
    backoff = Backoff(base, cap, longest)
    ceilings = [backoff.failed() for _ in range(failures)]
    assert ceilings == [pytest.approx(min(cap, base * 2**number)) for number in range(failures)]
    assert backoff.failures == failures


@given(SECONDS, SECONDS, st.integers(1, 10))
def test_every_delay_lies_below_its_ceiling(base: float, cap: float, failures: int) -> None:
    backoff = Backoff(base, cap)
    for number in range(failures):
        assert 0.0 <= backoff.failed() <= min(cap, base * 2**number)


def test_a_success_begins_again() -> None:
    backoff = Backoff(1.0, 60.0, longest)
    assert [backoff.failed() for _ in range(3)] == [1.0, 2.0, 4.0]
    backoff.succeeded()
    assert (backoff.failures, backoff.failed()) == (0, 1.0)


def test_a_thousand_failures_are_no_overflow() -> None:
    backoff = Backoff(1.0, 60.0, longest)
    assert [backoff.failed() for _ in range(1100)][-1] == 60.0
