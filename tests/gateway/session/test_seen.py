"""What a session remembers of its requests stays within its bounds, whatever its client calls them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.gateway.session.seen import Seen
from routewright.table.policy import Delivery

BOUNDS = Delivery(window=100.0, messages=20, bytes=1000)
ANSWERS = st.lists(st.tuples(st.integers(0, 400), st.lists(st.integers(0, 1500), min_size=1, max_size=3)), max_size=40)


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
