"""The calendar of ends against a plain mapping."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from routewright.policies.expiry import Calendar

ITEMS = st.integers(0, 9)


class CalendarMachine(RuleBasedStateMachine):
    """Ends that are set, moved and forgotten while time passes, now and then backwards."""

    def __init__(self) -> None:
        super().__init__()
        self.calendar: Calendar[int] = Calendar()
        self.ends: dict[int, float] = {}
        self.now = 1000.0

    @rule(item=ITEMS, seconds=st.floats(-10, 500))
    def set(self, item: int, seconds: float) -> None:
        self.calendar.set(item, self.now + seconds)
        self.ends[item] = self.now + seconds

    @rule(item=ITEMS)
    def never(self, item: int) -> None:
        self.calendar.set(item, None)
        self.ends.pop(item, None)

    @rule(item=ITEMS)
    def discard(self, item: int) -> None:
        self.calendar.discard(item)
        self.ends.pop(item, None)

    @rule(seconds=st.floats(0, 3) | st.floats(100, 10_000) | st.floats(-5, 0))
    def look(self, seconds: float) -> None:
        self.now += seconds
        due = self.calendar.due(self.now)
        assert len(due) == len(set(due))
        for item in due:
            assert self.ends.pop(item) <= self.now
        # nothing stays for more than a second past its end
        self.now += 2.0
        for item in self.calendar.due(self.now):
            assert self.ends.pop(item) <= self.now
        assert all(end > self.now - 2.0 for end in self.ends.values())

    @invariant()
    def nothing_is_forgotten(self) -> None:
        assert len(self.calendar) == len(self.ends)


TestCalendar = CalendarMachine.TestCase


def test_a_clock_that_leaps_costs_no_more_than_there_is() -> None:
    calendar: Calendar[int] = Calendar()
    calendar.due(0.0)
    for item in range(3):
        calendar.set(item, 1e12 + item)
    assert sorted(calendar.due(2e12)) == [0, 1, 2]


def test_what_has_ended_already_is_due_though_the_clock_goes_back() -> None:
    calendar: Calendar[str] = Calendar()
    assert calendar.due(1002.0) == []
    calendar.set("over", 992.0)
    assert calendar.due(1000.0) == ["over"]
