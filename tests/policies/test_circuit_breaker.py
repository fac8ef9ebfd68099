"""The breaker against the list of everything that happened to it, and a clock that is moved by hand."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from routewright.policies.circuit_breaker import BUCKETS, Breaker
from routewright.table import CircuitBreaker

TICK = 0.25
"""A quarter of a second: sums of it are exact."""


@dataclass
class Call:
    """A call that was let through: when, and in the which of all states that the breaker has been in."""

    sent: float
    period: int


class Listed:
    """The definition: a list of the outcomes that belong to the present state, counted anew each time."""

    def __init__(self, policy: CircuitBreaker) -> None:
        self.policy = policy
        self.state = "closed"
        self.mode = "auto"
        self.period = 0
        self.since = 0.0
        self.admitted = 0
        self.outcomes: list[tuple[float, bool]] = []

    def enter(self, state: str, now: float) -> None:
        self.state, self.since = state, now
        self.period += 1
        self.admitted = 0
        self.outcomes = []

    def look(self, now: float) -> None:
        if self.mode == "auto" and self.state == "open" and now - self.since >= self.policy.open_for:
            self.enter("half-open", now)

    def admit(self, now: float) -> bool:
        self.look(now)
        if self.state == "half-open":
            self.admitted += 1
            if self.admitted > self.policy.half_open_calls:
                self.admitted -= 1
                return False
        return self.state != "open"

    def ended(self, call: Call, succeeded: bool | None, now: float) -> None:
        if call.period != self.period or self.mode != "auto":
            return
        if self.state == "half-open":
            if succeeded is None:
                self.admitted -= 1
            elif not succeeded:
                self.enter("open", now)
            else:
                self.outcomes.append((now, True))
                if len(self.outcomes) == self.policy.half_open_calls:
                    self.enter("closed", now)
        elif succeeded is not None:
            self.outcomes.append((now, succeeded))
            if self.too_many_in_a_row() or self.too_large_a_share(now):
                self.enter("open", now)

    def too_many_in_a_row(self) -> bool:
        most = self.policy.consecutive_failures
        last = self.outcomes[-most:] if most is not None else []
        return len(last) == most and not any(succeeded for _, succeeded in last)

    def too_large_a_share(self, now: float) -> bool:
        rate, width = self.policy.failure_rate, self.policy.window / BUCKETS
        if rate is None:
            return False
        kept = [succeeded for at, succeeded in self.outcomes if at // width > now // width - BUCKETS]
        return len(kept) >= self.policy.minimum_calls and kept.count(False) / len(kept) >= rate


POLICIES = st.builds(
    CircuitBreaker,
    consecutive_failures=st.none() | st.integers(1, 4),
    failure_rate=st.none() | st.sampled_from([0.25, 0.5, 1.0]),
    window=st.sampled_from([10 * TICK, 20 * TICK]),
    minimum_calls=st.integers(1, 6),
    open_for=st.sampled_from([TICK, 4 * TICK, 40 * TICK]),
    half_open_calls=st.integers(1, 4),
)


class Together(RuleBasedStateMachine):
    """One history, told to both."""

    @initialize(policy=POLICIES)
    def begin(self, policy: CircuitBreaker) -> None:
        self.now = 1000.0
        self.breaker = Breaker(policy, self.now)
        self.listed = Listed(policy)
        self.calls: list[Call] = []

    @rule(ticks=st.integers(1, 45))
    def wait(self, ticks: int) -> None:
        self.now += ticks * TICK

    @rule()
    def ask(self) -> None:
        admitted = self.breaker.admit(self.now)
        assert admitted == self.listed.admit(self.now)
        if admitted:
            self.calls.append(Call(self.now, self.listed.period))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), outcome=st.sampled_from([True, False, False, None]))
    def end(self, data: st.DataObject, outcome: bool | None) -> None:
        # a moment later, so that no call is sent at the very time at which a state begins
        self.now += TICK / 64
        call = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        if outcome is None:
            self.breaker.abandoned(call.sent)
        elif outcome:
            self.breaker.succeeded(call.sent, self.now)
        else:
            self.breaker.failed(call.sent, self.now)
        self.listed.ended(call, outcome, self.now)
        self.now += TICK / 64

    @rule(mode=st.sampled_from(["auto", "auto", "open", "closed"]))
    def hold(self, mode: Any) -> None:
        self.now += TICK / 64
        self.breaker.hold(mode, self.now)
        if mode != self.listed.mode:
            self.listed.mode = mode
            self.listed.enter("open" if mode == "open" else "closed", self.now)
        self.now += TICK / 64

    @invariant()
    def agree(self) -> None:
        if hasattr(self, "breaker"):
            self.listed.look(self.now)
            assert self.breaker.look(self.now) == self.listed.state
            assert self.breaker.mode == self.listed.mode

    @invariant()
    def quiet_only_where_a_success_says_nothing(self) -> None:
        if hasattr(self, "breaker") and self.breaker.quiet:
            assert self.listed.state == "closed"
            assert self.breaker.failures == 0
            assert self.listed.policy.failure_rate is None or self.listed.mode != "auto"


Together.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
test_it_does_as_the_list_says = Together.TestCase


def opened(**policy: Any) -> Breaker:
    """A breaker that has just opened, at 10.0."""
    breaker = Breaker(CircuitBreaker(**policy), 0.0)
    for _ in range(5):
        assert breaker.admit(10.0)
        breaker.failed(10.0, 10.0)
    assert breaker.state == "open"
    return breaker


@pytest.mark.parametrize("trials", [1, 3, 10])
def test_of_a_thousand_calls_at_once_exactly_so_many_are_trials(trials: int) -> None:
    breaker = opened(half_open_calls=trials)
    assert not any(breaker.admit(39.9) for _ in range(1000))
    assert sum(breaker.admit(40.0) for _ in range(1000)) == trials
    for number in range(trials):
        assert breaker.state == "half-open"
        assert not breaker.admit(41.0), number
        breaker.succeeded(40.0, 41.0)
    assert breaker.state == "closed"
    assert all(breaker.admit(41.0) for _ in range(1000))


def test_an_abandoned_trial_makes_room_for_one_more() -> None:
    breaker = opened()
    assert [breaker.admit(40.0) for _ in range(4)] == [True, True, True, False]
    breaker.abandoned(40.0)
    assert [breaker.admit(40.0) for _ in range(2)] == [True, False]


def test_a_late_result_of_an_earlier_state_changes_nothing() -> None:
    breaker = opened()
    assert breaker.look(40.0) == "half-open"
    for outcome in (breaker.succeeded, breaker.failed):
        for _ in range(10):
            outcome(9.0, 41.0)
    breaker.abandoned(9.0)
    assert [breaker.admit(41.0) for _ in range(4)] == [True, True, True, False]
    assert breaker.state == "half-open"


def test_a_failure_that_follows_a_success_begins_a_new_row() -> None:
    breaker = Breaker(CircuitBreaker(), 0.0)
    for _ in range(20):
        for _ in range(4):
            breaker.failed(1.0, 1.0)
        assert not breaker.quiet
        breaker.succeeded(1.0, 1.0)
        assert breaker.quiet
    assert breaker.state == "closed"


def test_who_is_refused_is_told_how_long() -> None:
    breaker = opened(open_for=8.0)
    assert breaker.wait(12.0) == 6.0
    assert breaker.look(18.0) == "half-open"
    assert breaker.wait(18.0) == 1.0
    breaker.hold("open", 18.0)
    assert breaker.wait(18.0) == 1.0


def test_the_window_holds_few_numbers_however_many_calls() -> None:
    breaker = Breaker(CircuitBreaker(consecutive_failures=None, failure_rate=0.9, window=10.0), 0.0)
    for number in range(100_000):
        breaker.succeeded(1.0, 1.0 + number / 100)
    assert breaker._buckets is not None
    assert len(breaker._buckets) <= BUCKETS
