"""The replay buffer against a plain list of everything that was ever sent."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from routewright.gateway.session.buffer import Buffer, Gone
from routewright.table.policy import Delivery

BOUNDS = Delivery(window=10.0, messages=5, bytes=40)


class Replaying(RuleBasedStateMachine):
    """``sent`` is every frame with its time; ``gone`` how many of the first are not kept any more."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.buffer = Buffer(BOUNDS)
        self.sent: list[tuple[float, bytes]] = []
        self.gone = 0

    def bound(self) -> None:
        """Let go of the oldest as long as what is kept is too much or too old."""
        while kept := self.sent[self.gone :]:
            size = sum(len(frame) for _, frame in kept)
            if len(kept) <= BOUNDS.messages and size <= BOUNDS.bytes and kept[0][0] >= self.now - BOUNDS.window:
                return
            self.gone += 1

    @rule(size=st.integers(1, 60))
    def publish(self, size: int) -> None:
        frame = str(len(self.sent)).encode().ljust(size, b"x")
        self.sent.append((self.now, frame))
        assert self.buffer.append(frame, self.now) == len(self.sent)
        self.bound()

    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        seq = data.draw(st.integers(0, len(self.sent) + 1))
        if seq > len(self.sent):
            with pytest.raises(Gone, match="wrong_seq"):
                self.buffer.ack(seq)
        else:
            self.buffer.ack(seq)
            self.gone = max(self.gone, seq)

    @rule(seconds=st.sampled_from([0.5, 4.0, 10.0, 11.0]))
    def expire(self, seconds: float) -> None:
        self.now += seconds
        self.buffer.expire(self.now)
        self.bound()

    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        seq = data.draw(st.integers(0, len(self.sent) + 1))
        self.bound()
        if seq < self.gone or seq > len(self.sent):
            with pytest.raises(Gone, match="wrong_seq" if seq > len(self.sent) else "buffer_overflow"):
                self.buffer.after(seq, self.now)
        else:
            following = [(at, frame) for at, (_, frame) in enumerate(self.sent, 1) if at > seq]
            assert self.buffer.after(seq, self.now) == following

    @rule()
    def restart(self) -> None:
        self.buffer = Buffer.of(BOUNDS, self.buffer.last, self.buffer.ages(self.now), self.now)
        self.bound()

    @invariant()
    def it_stays_in_its_bounds(self) -> None:
        kept = self.sent[self.gone :]
        assert self.buffer.last == len(self.sent)
        assert (len(self.buffer), self.buffer.bytes) == (len(kept), sum(len(frame) for _, frame in kept))
        assert self.buffer.first == self.gone + 1


TestReplaying = Replaying.TestCase
