"""The reply cache against plain lists of what it was told, and a clock that is moved by hand."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from routewright.policies.cache import OVERHEAD, Flight, ReplyCache

KEYS = st.integers(0, 5)
TAGS = 3
"""A key's tag is the key modulo this."""

Cache = ReplyCache[int, int, str, str]


def cache(ttl: float = 10.0, stale_for: float = 0.0, entries: int = 100, bytes: int = 1_000_000) -> Cache:
    return ReplyCache(lambda key: key % TAGS, ttl=ttl, stale_for=stale_for, entries=entries, bytes=bytes)


def fetched(cache: Cache, key: int, value: str, now: float, size: int = 1) -> None:
    flight = cache.ask(key, "asker", now).flight
    assert flight is not None
    assert cache.land(flight, value, size, now) == ["asker"]


@dataclass
class Line:
    """One reply as the list has it: lines stand in the order of their last use."""

    key: int
    value: str
    size: int
    fresh_until: float


@dataclass
class Fetch:
    key: int
    waiters: list[str]
    valid: bool = True
    flight: Flight[int, int, str] | None = None


@dataclass
class Listed:
    ttl: float
    stale_for: float
    entries: int
    bytes: int
    lines: list[Line] = field(default_factory=list)
    fetches: list[Fetch] = field(default_factory=list)

    def line(self, key: int) -> Line | None:
        return next((line for line in self.lines if line.key == key), None)

    def fetch(self, key: int) -> Fetch | None:
        return next((fetch for fetch in self.fetches if fetch.key == key and fetch.valid), None)


class CacheMachine(RuleBasedStateMachine):
    """Whatever is asked, fetched, invalidated and waited for: the cache and the lists agree."""

    @initialize(
        ttl=st.sampled_from([1.0, 4.0]),
        stale_for=st.sampled_from([0.0, 2.0]),
        entries=st.integers(1, 4),
        room=st.integers(1, 40),
    )
    def begin(self, ttl: float, stale_for: float, entries: int, room: int) -> None:
        self.now = 100.0
        self.asked = 0
        self.cache = cache(ttl, stale_for, entries, room + 2 * OVERHEAD)
        self.listed = Listed(ttl, stale_for, entries, room + 2 * OVERHEAD)

    @rule(seconds=st.sampled_from([0.25, 1.0, 3.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(key=KEYS)
    def ask(self, key: int) -> None:
        self.asked += 1
        waiter = f"asker {self.asked}"
        found = self.cache.ask(key, waiter, self.now)
        line, fetch = self.listed.line(key), self.listed.fetch(key)
        if line is not None and self.now >= line.fresh_until + self.listed.stale_for:
            self.listed.lines.remove(line)
            line = None
        if line is not None:
            self.listed.lines.remove(line)
            self.listed.lines.append(line)
            assert found.value == line.value
            begins = self.now >= line.fresh_until and fetch is None
            waiters: list[str] = []
        else:
            assert found.value is None
            begins = fetch is None
            waiters = [waiter]
            if fetch is not None:
                fetch.waiters.append(waiter)
        assert (found.flight is not None) == begins
        if found.flight is not None:
            self.listed.fetches.append(Fetch(key, waiters, True, found.flight))

    def _end(self, data: st.DataObject) -> Fetch:
        fetch = data.draw(st.sampled_from(self.listed.fetches))
        self.listed.fetches.remove(fetch)
        return fetch

    @precondition(lambda self: self.listed.fetches)
    @rule(data=st.data(), size=st.integers(0, 30))
    def land(self, data: st.DataObject, size: int) -> None:
        fetch = self._end(data)
        assert fetch.flight is not None
        value = f"{fetch.key} at {self.now}"
        assert self.cache.land(fetch.flight, value, size, self.now) == fetch.waiters
        listed = self.listed
        if fetch.valid:
            listed.lines = [line for line in listed.lines if line.key != fetch.key]
            if size + OVERHEAD <= listed.bytes:
                listed.lines.append(Line(fetch.key, value, size + OVERHEAD, self.now + listed.ttl))
            while len(listed.lines) > listed.entries or sum(line.size for line in listed.lines) > listed.bytes:
                del listed.lines[0]

    @precondition(lambda self: self.listed.fetches)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        fetch = self._end(data)
        assert fetch.flight is not None
        assert self.cache.fail(fetch.flight) == fetch.waiters

    @precondition(lambda self: any(fetch.valid and fetch.waiters for fetch in self.listed.fetches))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        fetch = data.draw(st.sampled_from([each for each in self.listed.fetches if each.valid and each.waiters]))
        waiter = data.draw(st.sampled_from(fetch.waiters))
        fetch.waiters.remove(waiter)
        self.cache.withdraw(waiter)

    @rule(tag=st.integers(0, TAGS - 1))
    def invalidate(self, tag: int) -> None:
        self.cache.invalidate(tag)
        self.listed.lines = [line for line in self.listed.lines if line.key % TAGS != tag]
        for fetch in self.listed.fetches:
            fetch.valid = fetch.valid and fetch.key % TAGS != tag

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.listed.lines = []
        for fetch in self.listed.fetches:
            fetch.valid = False

    @rule()
    def expire(self) -> None:
        self.cache.expire(self.now)
        self.listed.lines = [line for line in self.listed.lines if self.now < line.fresh_until + self.listed.stale_for]

    @invariant()
    def as_many_and_as_large(self) -> None:
        assert len(self.cache) == len(self.listed.lines) <= self.listed.entries
        assert self.cache.bytes == sum(line.size for line in self.listed.lines) <= self.listed.bytes

    @invariant()
    def every_question_is_counted_once(self) -> None:
        counted = self.cache.hits + self.cache.stale + self.cache.joined + self.cache.misses
        assert counted == self.asked


CacheMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCache = CacheMachine.TestCase


def test_a_reply_is_fresh_for_its_time_and_no_longer() -> None:
    kept = cache(ttl=10.0)
    fetched(kept, 1, "one", now=100.0)
    assert kept.ask(1, "a", 109.9).value == "one"
    late = kept.ask(1, "b", 110.0)
    assert late.value is None
    assert late.flight is not None
    assert (kept.hits, kept.misses, len(kept)) == (1, 2, 0)


def test_a_stale_reply_serves_while_one_fetch_is_under_way() -> None:
    kept = cache(ttl=10.0, stale_for=5.0)
    fetched(kept, 1, "old", now=100.0)
    first, second = kept.ask(1, "a", 112.0), kept.ask(1, "b", 112.0)
    assert (first.value, second.value) == ("old", "old")
    assert first.flight is not None
    assert second.flight is None
    assert kept.land(first.flight, "new", 1, 113.0) == []
    assert kept.ask(1, "c", 113.0).value == "new"
    assert (kept.stale, kept.hits) == (2, 1)


def test_a_refresh_that_fails_leaves_the_stale_reply_to_its_end() -> None:
    kept = cache(ttl=10.0, stale_for=5.0)
    fetched(kept, 1, "old", now=100.0)
    flight = kept.ask(1, "a", 111.0).flight
    assert flight is not None
    assert kept.fail(flight) == []
    again = kept.ask(1, "b", 112.0)
    assert again.value == "old"
    assert again.flight is not None
    assert kept.ask(1, "c", 115.0).value is None


def test_of_a_thousand_who_ask_at_once_one_fetches() -> None:
    kept = cache()
    flights = [kept.ask(1, f"{number}", 100.0).flight for number in range(1000)]
    assert [flight is not None for flight in flights] == [True] + [False] * 999
    assert flights[0] is not None
    assert kept.fail(flights[0]) == [f"{number}" for number in range(1000)]
    assert kept.ask(1, "again", 100.0).flight is not None


def test_a_reply_begun_before_an_invalidation_is_not_kept_and_nobody_joins_it() -> None:
    kept = cache()
    before = kept.ask(1, "before", 100.0).flight
    kept.invalidate(1)
    after = kept.ask(1, "after", 100.0).flight
    assert before is not None
    assert after is not None
    assert kept.land(before, "old", 1, 101.0) == ["before"]
    assert kept.ask(1, "third", 101.0) == (None, None)
    assert kept.land(after, "new", 1, 102.0) == ["after", "third"]
    assert kept.ask(1, "fourth", 102.0).value == "new"


def test_a_tag_reaches_every_variant_and_nothing_else() -> None:
    kept = cache()
    for key in range(6):
        fetched(kept, key, f"{key}", now=100.0)
    kept.invalidate(1)
    assert [kept.ask(key, "a", 100.0).value for key in range(6)] == ["0", None, "2", "3", None, "5"]


def test_the_least_recently_used_goes_first() -> None:
    kept = cache(entries=2)
    fetched(kept, 1, "one", now=100.0)
    fetched(kept, 2, "two", now=100.0)
    assert kept.ask(1, "a", 100.0).value == "one"
    fetched(kept, 3, "three", now=100.0)
    assert kept.ask(1, "a", 100.0).value == "one"
    assert kept.ask(2, "a", 100.0).value is None


def test_what_is_larger_than_all_the_room_is_not_kept() -> None:
    kept = cache(bytes=OVERHEAD + 10)
    fetched(kept, 1, "large", now=100.0, size=11)
    assert (len(kept), kept.bytes) == (0, 0)
    fetched(kept, 1, "fits", now=100.0, size=10)
    assert (len(kept), kept.bytes) == (1, OVERHEAD + 10)
