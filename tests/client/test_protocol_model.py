"""Client and model gateway over a network that breaks at any moment: nothing is lost, nothing comes twice.

The network is two lists of frames under way; a break loses both. The model for comparison is the list of what was
published, and of what was asked.
"""

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from routewright.client import Bounds
from routewright.client.happenings import Broken, Happened, Happening, Opened, Reply, Unknown
from routewright.client.protocol import Protocol
from routewright.client.state import State

from .model import Connection, Gateway


class Drops(RuleBasedStateMachine):
    """Random asking, publishing, breaking and coming again."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.gateway = Gateway(instant=False, room=8)
        self.protocol = Protocol(State(), Bounds(ack_every=4, ack_after=1.0))
        self.connection: Connection | None = None
        self.up: list[bytes] = []
        self.asked: dict[int, tuple[str, bool]] = {}
        self.answers: dict[int, list[Any]] = {}
        self.unknown: set[int] = set()
        self.published = 0
        self.seen: list[int] = []
        self.told: list[int] = []
        self.fresh = 0

    # The application

    @precondition(lambda self: len(self.asked) < 40)
    @rule(idempotent=st.booleans(), type=st.sampled_from(["echo", "note", "count"]))
    def ask(self, idempotent: bool, type: str) -> None:
        number = len(self.asked)
        payload = msgspec.Raw(b"%d" % (2 if type == "count" else number))
        id = self.protocol.ask(type, payload, idempotent=idempotent, stream=type == "count", reply=type != "note")
        self.asked[id] = type, idempotent
        self.write()

    # The network

    @precondition(lambda self: self.connection is None)
    @rule()
    def connect(self) -> None:
        self.connection = Connection(self.gateway)
        self.take(self.protocol.opened(True, self.now))
        self.write()

    @precondition(lambda self: self.up)
    @rule(count=st.integers(1, 5))
    def upstream(self, count: int) -> None:
        assert self.connection is not None
        for data in self.up[:count]:
            self.connection.take(data)
        del self.up[:count]

    @precondition(lambda self: self.connection and self.connection.sent)
    @rule(count=st.integers(1, 5))
    def downstream(self, count: int) -> None:
        assert self.connection is not None
        batch, self.connection.sent = self.connection.sent[:count], self.connection.sent[count:]
        for data in batch:
            self.take(self.protocol.received(data, self.now))
        self.write()

    @precondition(lambda self: self.connection)
    @rule()
    def drop(self) -> None:
        assert self.connection is not None
        self.connection.gone()
        self.connection = None
        self.up.clear()
        self.take(self.protocol.closed())

    @rule()
    def wait(self) -> None:
        self.now += 1.0
        self.take(self.protocol.tick(self.now))
        self.write()

    # The gateway

    @rule(at=st.integers(0, 100))
    def complete(self, at: int) -> None:
        running = [(session, id) for session in self.gateway.sessions for id in session.running]
        if running:
            self.gateway.complete(*running[at % len(running)])

    @precondition(lambda self: self.gateway.sessions)
    @rule()
    def publish(self) -> None:
        self.published += 1
        self.gateway.publish("event", self.published)

    @rule()
    def restart(self) -> None:
        if self.connection is not None:
            self.drop()
        self.gateway.forget()

    # What holds

    def write(self) -> None:
        self.up += self.protocol.outgoing(self.now)

    def take(self, happenings: list[Happening]) -> None:
        for happened in happenings:
            if isinstance(happened, Broken):
                assert happened.code == 4003
                self.drop()
            elif isinstance(happened, Opened):
                self.fresh += happened.again and not happened.resumed
                assert happened.resumed or not happened.again or happened.reason
                if not happened.resumed:
                    self.told.append(len(self.seen))
            elif isinstance(happened, Happened):
                self.seen.append(int(bytes(happened.payload)))
            elif isinstance(happened, Unknown):
                assert happened.id not in self.unknown
                self.unknown.add(happened.id)
            elif isinstance(happened, Reply):
                parts = self.answers.setdefault(happened.id, [])
                assert None not in parts, "an answer after the last one"
                if bytes(happened.payload):
                    parts.append(int(bytes(happened.payload)))
                if happened.final:
                    parts.append(None)

    @invariant()
    def events_come_once_in_order_and_gaps_are_told(self) -> None:
        for at, (before, after) in enumerate(zip(self.seen, self.seen[1:], strict=False), 1):
            assert after == before + 1 or (after > before and at in self.told)

    @invariant()
    def nothing_is_handled_twice_unless_it_may_be(self) -> None:
        ids = [frame["id"] for _, frame in self.gateway.handled]
        assert len(set(self.gateway_pairs())) == len(ids)
        for id in set(ids):
            assert ids.count(id) == 1 or self.asked[id][1]

    def gateway_pairs(self) -> list[tuple[str, int]]:
        return [(session, frame["id"]) for session, frame in self.gateway.handled]

    @invariant()
    def only_what_a_lost_session_had_is_unknown(self) -> None:
        assert self.fresh or not self.unknown

    def teardown(self) -> None:
        """In the end the network holds, and everything is settled."""
        if self.connection is None:
            self.connect()
        connection = self.connection
        assert connection is not None
        while self.up or connection.sent or self.protocol.state.unanswered:
            self.upstream(1000)
            for session in list(self.gateway.sessions):
                for id in list(session.running):
                    self.gateway.complete(session, id)
            self.downstream(1000)
        for id, (type, _) in self.asked.items():
            answered = self.answers.get(id)
            if id in self.unknown:
                assert answered is None or None not in answered
            elif type == "count":
                assert answered == [0, 1, None]
            elif type == "echo":
                assert answered is not None
                assert len(answered) == 2
            else:
                assert answered is None


TestDrops = Drops.TestCase
TestDrops.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
