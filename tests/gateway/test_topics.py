"""Who gets what, against a plain dictionary of names; what is kept of events, and who is there."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from routewright.gateway import retained
from routewright.gateway.presence import HERE, Presence, Present
from routewright.gateway.retained import Retained
from routewright.gateway.topics import Topics
from routewright.table import Route, Topic

NAMES = ("a.{x}", "a.b", "{x}.{y}.c")
ROUTE = Route(
    name="r",
    path="/r",
    handler="h",
    digest="",
    contract="",
    open=True,
    topics=tuple(Topic(name=each) for each in NAMES),
)
SEGMENTS = st.lists(st.sampled_from(["a", "b", "c", "*"]), min_size=1, max_size=3).map(".".join)


class Listener:
    """A member on a route without hooks, which counts what it gets."""

    class endpoint:
        reply_hook = None

    info: Any = None

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send_whole(self, frame: bytes) -> None:
        self.frames.append(frame)


def owner(name: str) -> str | None:
    """The topic that a name or pattern belongs to, by looking at each."""
    fits = [
        topic
        for topic in NAMES
        if topic.count(".") == name.count(".")
        and all(
            theirs.startswith("{") or ours == theirs
            for ours, theirs in zip(name.split("."), topic.split("."), strict=True)
        )
    ]
    return min(fits, key=lambda topic: [segment.startswith("{") for segment in topic.split(".")], default=None)


def reaches(pattern: str, name: str) -> bool:
    """Whether what is published on a name is for who has subscribed to this."""
    same = owner(pattern) == owner(name) and pattern.count(".") == name.count(".")
    return same and all(ours in ("*", theirs) for ours, theirs in zip(pattern.split("."), name.split("."), strict=True))


@given(st.lists(st.tuples(st.sampled_from(["on", "off", "leave", "publish"]), st.integers(0, 2), SEGMENTS)))
def test_subscriptions_are_those_of_a_plain_dictionary(steps: list[tuple[str, int, str]]) -> None:
    topics = Topics()
    topics.bind([ROUTE])
    members: list[Any] = [Listener() for _ in range(3)]
    model: dict[int, set[str]] = {0: set(), 1: set(), 2: set()}
    expected = [0, 0, 0]
    for what, number, name in steps:
        found = topics.find(name)
        assert (found.value.topic.name if found is not None else None) == owner(name)
        if what == "on" and found is not None:
            assert topics.subscribe(members[number], found.value, name) == (name not in model[number])
            model[number].add(name)
        elif what == "off":
            assert (topics.unsubscribe(members[number], name) is not None) == (name in model[number])
            model[number].discard(name)
        elif what == "leave":
            for each in tuple(topics.names(members[number])):
                topics.unsubscribe(members[number], each)
            model[number].clear()
        elif what == "publish" and found is not None and "*" not in name:
            found.value.deliver(name, b"{}")
            for each, names in model.items():
                hit = any(reaches(pattern, name) for pattern in names)
                assert topics.has(members[each], found.value, name) == hit
                expected[each] += hit
        assert [len(member.frames) for member in members] == expected
        assert [set(topics.names(member)) for member in members] == list(model.values())
        assert sum(live.subscriptions for live in topics) == sum(map(len, model.values()))


def test_a_topic_that_is_gone_serves_those_who_have_subscribed() -> None:
    topics = Topics()
    topics.bind([ROUTE])
    member: Any = Listener()
    found = topics.find("a.7")
    assert found is not None
    topics.subscribe(member, found.value, "a.7")
    topics.bind([])
    assert [live.gone for live in topics] == [True]
    found.value.deliver("a.7", b"{}")
    assert len(member.frames) == 1
    topics.unsubscribe(member, "a.7")
    assert list(topics) == []


def test_what_is_retained_is_bounded() -> None:
    kept = Retained()
    kept.keep("a.{x}", "a.large", b"x" * (retained.LARGEST + 1))
    assert "a.large" not in kept
    for number in range(retained.TOPICS + 5):
        kept.keep("a.{x}", f"a.{number}", b"{}")
    assert (len(kept), kept.bytes) == (retained.TOPICS, 2 * retained.TOPICS)
    assert "a.4" not in kept
    assert len(kept.of("a.{x}", "a.*")) == retained.THROUGH_PATTERN
    assert kept.of("b.{x}", "b.*") == []
    for number in range(17):
        kept.keep("a.{x}", f"a.big{number}", b"x" * retained.LARGEST)
    assert kept.bytes <= retained.BYTES
    assert "a.big16" in kept


def test_presence_follows_the_processes() -> None:
    presence = Presence()
    ada, eve = Present("1", 1.0, "ada"), Present("2", 2.0, "eve")
    assert presence.join(HERE, "room", ada)
    assert not presence.join(HERE, "room", ada)
    assert presence.replace(7, {"room": {"2": eve}}) == ([("room", eve)], [])
    assert presence.who("room") == [ada, eve]
    assert presence.replace(7, {}) == ([], [("room", eve)])
    assert presence.join(7, "room", eve)
    assert presence.ended(7) == [("room", eve)]
    assert presence.leave(HERE, "room", "1") == ada
    assert presence.leave(HERE, "room", "1") is None
    assert presence.topics() == []


def test_who_is_on_the_way_between_processes_has_neither_left_nor_joined() -> None:
    presence = Presence()
    ada = Present("1", 1.0, "ada")
    assert presence.join(7, "room", ada)
    assert not presence.join(8, "room", ada)
    assert presence.who("room") == [ada]
    assert presence.leave(7, "room", "1") is None
    assert presence.who("room") == [presence.find("room", "1")] == [ada]
    assert presence.replace(9, {"room": {"1": ada}}) == ([], [])
    assert presence.replace(8, {}) == ([], [])
    assert presence.ended(9) == [("room", ada)]
    assert presence.topics() == []
