"""The rate limiter against the list of what it has admitted, and a clock that is moved by hand."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routewright.policies.rate_limit import RateLimiter


class Listed:
    """GCRA as its definition has it, in exact numbers: the n-th message of the theoretical schedule is due one
    interval after the one before, or when it comes, and may come early by the tolerance."""

    def __init__(self, rate: int, burst: int) -> None:
        self.interval = Fraction(1, rate)
        self.tolerance = self.interval * (burst - 1)
        self.due: list[Fraction] = []

    def admit(self, now: Fraction) -> Fraction:
        due = self.due[-1] + self.interval if self.due else now
        due = max(due, now)
        if due - now > self.tolerance:
            return due - now - self.tolerance
        self.due.append(due)
        return Fraction(0)


RATES = st.sampled_from([1, 2, 4, 8, 64, 1024])
STEPS = st.lists(st.integers(0, 4096).map(lambda ticks: Fraction(ticks, 1024)), max_size=80)


@given(RATES, st.integers(1, 20), STEPS)
@example(1, 1, [Fraction(0), Fraction(1), Fraction(1)])
def test_it_admits_what_the_definition_admits(rate: int, burst: int, steps: list[Fraction]) -> None:
    # Powers of two alone: so that every number is exact in both
    limiter, listed = RateLimiter(rate, burst), Listed(rate, burst)
    now = Fraction(1000)
    for step in steps:
        now += step
        told = limiter.wait(float(now))
        assert told == limiter.admit(float(now)) == float(listed.admit(now))


@given(st.floats(0.01, 1e5), st.integers(1, 200), st.lists(st.floats(0, 3), max_size=100))
def test_no_span_holds_more_than_its_share(rate: float, burst: int, steps: list[float]) -> None:
    limiter = RateLimiter(rate, burst)
    now, admitted = 1000.0, list[float]()
    for step in steps:
        now += step
        if not limiter.admit(now):
            admitted.append(now)
    for first in range(len(admitted)):
        for last in range(first, len(admitted)):
            assert last - first + 1 <= burst + rate * (admitted[last] - admitted[first]) * (1 + 1e-6) + 1e-3


@given(st.floats(0.01, 1e5), st.integers(1, 50))
def test_who_waits_as_long_as_told_is_admitted(rate: float, burst: int) -> None:
    limiter = RateLimiter(rate, burst)
    now = 1000.0
    assert [limiter.admit(now) for _ in range(burst)] == [0.0] * burst
    for _ in range(5):
        wait = limiter.admit(now)
        assert 0 < wait <= 1 / rate + 1e-9
        now += wait
        assert limiter.admit(now) == 0.0


@pytest.mark.parametrize("refused", [1, 1000])
def test_a_refused_message_costs_nothing(refused: int) -> None:
    limiter = RateLimiter(1.0, 1)
    assert limiter.admit(10.0) == 0.0
    assert [limiter.admit(10.5) for _ in range(refused)] == [0.5] * refused
    assert limiter.admit(11.0) == 0.0


def test_after_a_pause_it_is_as_new() -> None:
    limiter = RateLimiter(2.0, 4)
    assert limiter.idle(0.0)
    for _ in range(4):
        assert limiter.admit(5.0) == 0.0
    assert not limiter.idle(5.0)
    assert not limiter.idle(6.9)
    assert limiter.idle(7.0)
    assert [limiter.admit(7.0) for _ in range(4)] == [0.0] * 4
    assert limiter.admit(7.0) == 0.5
