"""A backlog against a plain list."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from routewright.policies.backlog import Backlog

LIMIT = 100


class Model(RuleBasedStateMachine):
    """Whatever is added, lost and taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog(LIMIT)
        self.model: list[tuple[str, str | None, bytes]] = []
        self.lost = 0

    def _fit(self) -> bool:
        while sum(len(frame) for _, _, frame in self.model) > LIMIT:
            events = [entry for entry in self.model[:-1] if entry[0] == "event"]
            if not events:
                break
            self.model.remove(events[0])
            self.lost += 1
        return sum(len(frame) for _, _, frame in self.model) <= LIMIT or len(self.model) == 1

    @rule(size=st.integers(1, 60), number=st.integers())
    def reply(self, size: int, number: int) -> None:
        frame = f"{number}".encode().ljust(size, b".")
        self.model.append(("reply", None, frame))
        assert self.backlog.reply(frame) == self._fit()

    @rule(size=st.integers(1, 150), key=st.none() | st.sampled_from("abc"), number=st.integers())
    def event(self, size: int, key: str | None, number: int) -> None:
        frame = f"{number}".encode().ljust(size, b".")
        if key is not None:
            self.model = [entry for entry in self.model if entry[1] != key]
        self.model.append(("event", key, frame))
        assert self.backlog.event(frame, key) == self._fit()

    @rule()
    def drain(self) -> None:
        assert list(self.backlog.drain()) == [frame for _, _, frame in self.model]
        self.model = []

    @invariant()
    def agrees(self) -> None:
        assert len(self.backlog) == len(self.model)
        assert self.backlog.bytes == sum(len(frame) for _, _, frame in self.model)
        assert self.backlog.dropped == self.lost


TestBacklog = Model.TestCase


@given(st.lists(st.integers(0, 5), min_size=1))
def test_of_each_key_the_latest_is_kept(keys: list[int]) -> None:
    backlog = Backlog(1000)
    for number, key in enumerate(keys):
        backlog.event(b"%d" % number, key)
    latest = {key: number for number, key in enumerate(keys)}
    assert list(backlog.drain()) == [b"%d" % number for number in sorted(latest.values())]
    assert backlog.conflated == len(keys) - len(latest)
