"""Retries and their budget, with a clock and chance that are given."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routewright.policies.retry import FLOOR, SHARE, WINDOW, Retries, RetryBudget
from routewright.table import Retry


def longest(low: float, high: float) -> float:
    return high


class Listed:
    """The budget as its definition has it: every request and every retry by its time."""

    def __init__(self) -> None:
        self.requests: list[float] = []
        self.retries: list[float] = []

    def take(self, now: float) -> bool:
        step = WINDOW / 10
        recent = [sum(1 for at in times if at // step > now // step - 10) for times in (self.requests, self.retries)]
        if recent[1] + 1 > max(FLOOR, SHARE * recent[0]):
            return False
        self.retries.append(now)
        return True


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["requests", "retry"]), st.integers(1, 40)), max_size=60))
def test_the_budget_is_a_share_of_the_recent_requests(steps: list[tuple[int, str, int]]) -> None:
    budget, listed = RetryBudget(), Listed()
    now = 1000.0
    for wait, kind, count in steps:
        now += wait / 4
        for _ in range(count):
            if kind == "requests":
                budget.requested(now)
                listed.requests.append(now)
            else:
                assert budget.take(now) == listed.take(now)


def attempts(retries: Retries, arrivals: Iterator[float]) -> tuple[int, int]:
    """Requests, and attempts in all, at a handler that fails each at once."""
    due: list[tuple[float, int, float]] = []
    requests = made = 0
    for now in arrivals:
        due.sort()
        while due and due[0][0] <= now:
            at, tried, deadline = due.pop(0)
            made += 1
            if (pause := retries.pause(tried, at, deadline)) is not None:
                due.append((at + pause, tried + 1, deadline))
                due.sort()
        requests += 1
        made += 1
        retries.requested(now)
        if (pause := retries.pause(1, now, now + 30.0)) is not None:
            due.append((now + pause, 2, now + 30.0))
    return requests, made + len(due)


@pytest.mark.parametrize("allowed", [2, 3, 10])
def test_a_handler_that_is_down_for_a_minute_gets_little_more_than_its_requests(allowed: int) -> None:
    retries = Retries(Retry(attempts=allowed))
    requests, made = attempts(retries, (1000.0 + number / 1000 for number in range(60_000)))
    assert requests == 60_000
    assert made <= 1.2 * requests + FLOOR
    assert made > 1.19 * requests, "the budget is there to be used"
    assert retries.taken == made - requests
    assert retries.denied >= requests - retries.taken


def test_few_requests_have_the_floor() -> None:
    retries = Retries(Retry(attempts=3, base=0.01))
    for _ in range(FLOOR):
        assert retries.pause(1, 1000.0, 1030.0) is not None
    assert retries.pause(1, 1000.0, 1030.0) is None
    assert (retries.taken, retries.denied) == (FLOOR, 1)
    assert retries.pause(1, 1000.0 + WINDOW, 1060.0) is not None


def test_the_pause_doubles_up_to_its_cap() -> None:
    retries = Retries(Retry(attempts=8, base=0.1, cap=1.0), longest)
    for _ in range(100):
        retries.requested(1000.0)
    pauses = [retries.pause(tried, 1000.0, 1030.0) for tried in range(1, 9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, None]


@given(st.integers(1, 2), st.floats(0.0, 5.0), st.floats(0.0, 2.0))
def test_no_pause_outlasts_the_deadline(tried: int, left: float, asked: float) -> None:
    retries = Retries(Retry())
    pause = retries.pause(tried, 1000.0, 1000.0 + left, asked)
    if pause is None:
        assert retries.denied == 0
    else:
        assert asked <= pause < left + 1e-9
        assert pause <= max(asked, 0.1 * 2 ** (tried - 1))


def test_what_cannot_be_in_time_costs_no_budget() -> None:
    retries = Retries(Retry())
    for _ in range(100):
        assert retries.pause(1, 1000.0, 1001.0, 2.0) is None
    assert (retries.taken, retries.denied) == (0, 0)
