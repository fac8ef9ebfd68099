"""What a session remembers of its requests: within its bounds, whatever its client calls them, and what a plain list
would remember."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from routewright.gateway.session.seen import Seen
from routewright.table.frames import Id
from routewright.table.policy import Delivery

BOUNDS = Delivery(window=100.0, messages=20, bytes=1000)
ANSWERS = st.lists(st.tuples(st.integers(0, 400), st.lists(st.integers(0, 1500), min_size=1, max_size=3)), max_size=40)
SMALL = Delivery(window=100.0, messages=3, bytes=100)
IDS = st.sampled_from(["a", "long" * 10, 1, 2, "2", 0, ""])


@given(answers=ANSWERS)
@settings(max_examples=200, deadline=None)
def test_answers_and_ids_take_no_more_than_their_bounds(answers: list[tuple[int, list[int]]]) -> None:
    seen = Seen(BOUNDS)
    for number, (length, parts) in enumerate(answers):
        id = f"{number}-{'x' * length}"
        seen.begin(id)
        for part in parts[:-1]:
            seen.answer(id, b"." * part, False, 0.0)
        seen.answer(id, b"." * parts[-1], True, 0.0)
        held = [(each, answer) for each, answer in seen.answered.items()]
        frames = sum(len(frame) for _, answer in held for frame in answer.frames)
        names = sum(len(each) for each, answer in held if answer.cut)
        assert seen.bytes == frames + names
        assert seen.bytes <= BOUNDS.bytes
        assert len(held) <= BOUNDS.messages
        assert seen.find(id) is not None


def test_what_is_forgotten_leaves_nothing() -> None:
    seen = Seen(BOUNDS)
    seen.begin("a")
    seen.answer("a", b"." * 900, False, 0.0)
    seen.answer("a", b"." * 900, False, 0.0)
    assert seen.bytes == len("a")
    seen.forget("a")
    assert (len(seen), seen.bytes) == (0, 0)
    seen.keep("b", [], 1.0, 2.0)
    assert seen.bytes == len("b")


class Remembering(RuleBasedStateMachine):
    """``running`` is what has been answered of each id so far; ``answered`` is every final answer that is kept, in
    order: its id, its frames (``None``: cut), its size and its time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.seen = Seen(SMALL)
        self.running: dict[Id, tuple[list[bytes], bool]] = {}
        self.answered: list[tuple[Id, list[bytes], bool, float]] = []

    def size(self) -> int:
        kept = [*((id, *parts) for id, parts in self.running.items()), *(each[:3] for each in self.answered)]
        return sum(len(str(id)) if cut and isinstance(id, str) else sum(map(len, frames)) for id, frames, cut in kept)

    def bound(self) -> None:
        while len(self.answered) > 1 and (
            len(self.answered) > SMALL.messages
            or self.size() > SMALL.bytes
            or self.answered[0][3] < self.now - SMALL.window
        ):
            del self.answered[0]

    def known(self) -> set[Id]:
        return {*self.running, *(each[0] for each in self.answered)}

    @rule(id=IDS)
    def ask(self, id: Id) -> None:
        if id not in self.known():
            self.seen.begin(id)
            self.running[id] = ([], False)

    @rule(size=st.sampled_from([1, 10, 40, 70]), final=st.booleans())
    def reply_to_the_first(self, size: int, final: bool) -> None:
        for id in [*self.running][:1]:
            self.reply(id, size, final)

    @rule(id=IDS, size=st.integers(1, 50), final=st.booleans())
    def reply(self, id: Id, size: int, final: bool) -> None:
        frame = b"." * size
        self.seen.answer(id, frame, final, self.now)
        if id not in self.running:
            return
        frames, cut = self.running[id]
        self.running[id] = frames, cut = (frames if cut else [*frames, frame]), cut
        if final:
            del self.running[id]
            self.answered.append((id, frames, cut, self.now))
        self.bound()
        if self.size() > SMALL.bytes and not cut:
            if final:
                self.answered[-1] = (id, [], True, self.now)
            else:
                self.running[id] = ([], True)

    @rule(id=IDS)
    def forget(self, id: Id) -> None:
        self.seen.forget(id)
        self.running.pop(id, None)

    @rule(seconds=st.sampled_from([0.1, 5.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        """All is put down, and taken up again."""
        before, self.seen = self.seen, Seen(SMALL)
        for id, answer in before.answered.items():
            self.seen.keep(id, answer.frames, self.now - answer.at, self.now)
        for id in before.running:
            self.seen.begin(id)
        kept, self.answered, self.running = self.answered, [], dict.fromkeys(self.running, ([], False))
        running, self.running = self.running, {}
        for id, frames, cut, at in kept:
            self.answered.append((id, frames, cut or not frames, at))
            self.bound()
        self.running = running

    @invariant()
    def agrees(self) -> None:
        seen = self.seen
        assert set(seen.running) == {*self.running}
        assert [(id, answer.frames, answer.cut) for id, answer in seen.answered.items()] == [
            each[:3] for each in self.answered
        ]
        assert seen.bytes == self.size()
        assert len(seen) == len(self.known())
        for id in self.known():
            found = seen.find(id)
            assert found is not None
            assert found.done is (id not in self.running)


TestRemembering = Remembering.TestCase
