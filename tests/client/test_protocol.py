"""The protocol, frame by frame: what it writes, and what it makes of what comes."""

import json
from typing import Any

import msgspec
import pytest

from routewright.client import Bounds, QueueFull, RequestFailed
from routewright.client.happenings import Broken, Happened, Opened, Refused, Reply, Unknown
from routewright.client.protocol import Protocol
from routewright.client.state import State

WELCOME = {"session": "s", "resume": "t1", "resumed": False, "reason": None, "heartbeat": 10.0}


def frame(**keys: Any) -> bytes:
    return json.dumps(keys).encode()


def welcome(**keys: Any) -> bytes:
    return frame(type="$welcome", payload={**WELCOME, **keys})


def written(protocol: Protocol, now: float = 0.0) -> list[Any]:
    return [json.loads(data) for data in protocol.outgoing(now)]


def ask(protocol: Protocol, type: str, payload: Any = None, **options: Any) -> int:
    body = None if payload is None else msgspec.Raw(json.dumps(payload).encode())
    return protocol.ask(type, body, **options)


@pytest.fixture
def protocol() -> Protocol:
    """A reliable connection that has just been welcomed."""
    protocol = Protocol(State(), Bounds(ack_every=3, ack_after=0.5))
    assert protocol.opened(True, 0.0) == []
    assert written(protocol) == [{"type": "$hello", "batch": True}]
    assert protocol.received(welcome(), 0.0) == [Opened(False, "", False)]
    return protocol


def again(protocol: Protocol, now: float = 1.0, **keys: Any) -> list[Any]:
    """The connection breaks, and there is another one."""
    protocol.closed()
    protocol.opened(True, now)
    protocol.outgoing(now)
    return protocol.received(welcome(resume="t2", **keys), now)


def test_nothing_is_written_before_the_welcome() -> None:
    protocol = Protocol(State())
    first = ask(protocol, "greet", {"name": "Ada"})
    protocol.opened(True, 0.0)
    second = ask(protocol, "greet")
    assert [each["type"] for each in written(protocol)] == ["$hello"]
    protocol.received(welcome(), 0.0)
    assert written(protocol) == [
        {"type": "greet", "id": first, "payload": {"name": "Ada"}},
        {"type": "greet", "id": second},
    ]


def test_a_reply_a_stream_and_an_error(protocol: Protocol) -> None:
    one, parts, wrong = ask(protocol, "a"), ask(protocol, "b", stream=True), ask(protocol, "c")
    taken = [
        *protocol.received(frame(type="part", seq=1, id=parts, payload=1), 0.0),
        *protocol.received(frame(type="reply", seq=2, id=one, payload="x"), 0.0),
        *protocol.received(frame(type="part", seq=3, id=parts, final=True), 0.0),
        *protocol.received(
            frame(type="error", seq=4, id=wrong, error={"code": "rate_limited", "message": "m", "retryAfter": 0.5}), 0.0
        ),
    ]
    assert [(each.id, getattr(each, "final", None)) for each in taken] == [
        (parts, False),
        (one, True),
        (parts, True),
        (wrong, None),
    ]
    assert isinstance(taken[3], Refused)
    assert taken[3].problem.retry_after == 0.5
    assert protocol.state.unanswered == {}


def test_ids_grow_and_never_come_twice(protocol: Protocol) -> None:
    ids = [ask(protocol, "a") for _ in range(3)]
    again(protocol)
    ids += [ask(protocol, "a") for _ in range(3)]
    assert ids == sorted(set(ids))


def test_acknowledgements_are_coalesced(protocol: Protocol) -> None:
    for seq in (1, 2):
        protocol.received(frame(type="e", seq=seq), 1.0)
    assert written(protocol) == []
    assert protocol.deadline() == 1.5
    protocol.tick(1.5)
    assert written(protocol) == [{"type": "$ack", "seq": 2}]
    for seq in (3, 4, 5):
        protocol.received(frame(type="e", seq=seq), 2.0)
    assert written(protocol) == [{"type": "$ack", "seq": 5}]


def test_what_has_been_seen_is_dropped(protocol: Protocol) -> None:
    first = protocol.received(frame(type="e", seq=1, payload=1), 0.0)
    second = protocol.received(frame(type="e", seq=1, payload=1), 0.0)
    assert (len(first), second, protocol.stats.duplicates) == (1, [], 1)


def test_a_gap_is_counted(protocol: Protocol) -> None:
    protocol.received(frame(type="e", seq=1), 0.0)
    protocol.received(frame(type="e", seq=4), 0.0)
    assert protocol.stats.missed == 2


def test_a_batch_is_its_frames_in_their_order(protocol: Protocol) -> None:
    batch = [{"type": "e", "seq": 1, "payload": 1}, {"type": "f", "seq": 2, "topic": "jobs.7"}]
    happened = protocol.received(json.dumps(batch).encode(), 0.0)
    assert [(each.type, each.topic) for each in happened if isinstance(each, Happened)] == [
        ("e", None),
        ("f", "jobs.7"),
    ]


def test_a_resume_repeats_what_has_no_answer(protocol: Protocol) -> None:
    answered, waiting = ask(protocol, "a"), ask(protocol, "b")
    protocol.outgoing(0.0)
    protocol.received(frame(type="reply", seq=1, id=answered), 0.0)
    protocol.closed()
    late = ask(protocol, "c")
    protocol.opened(True, 1.0)
    assert written(protocol) == [{"type": "$hello", "batch": True, "resume": "t1", "seq": 1}]
    assert protocol.received(welcome(resumed=True, resume="t2"), 1.0) == [Opened(True, "", True)]
    assert [each["id"] for each in written(protocol)] == [waiting, late]
    assert protocol.stats.resent == 1


def test_a_lost_session_repeats_only_what_may_be_done_twice(protocol: Protocol) -> None:
    unsafe, safe = ask(protocol, "a"), ask(protocol, "b", idempotent=True)
    protocol.outgoing(0.0)
    protocol.received(frame(type="e", seq=9), 0.0)
    protocol.closed()
    unsent = ask(protocol, "c")
    protocol.opened(True, 1.0)
    protocol.outgoing(1.0)
    happened = protocol.received(welcome(resume="t2", reason="expired"), 1.0)
    assert happened == [Opened(False, "expired", True), Unknown(unsafe, True)]
    assert [each["id"] for each in written(protocol)] == [safe, unsent]
    # the new session counts from the beginning
    assert len(protocol.received(frame(type="e", seq=1), 1.0)) == 1


def test_a_stream_that_has_begun_is_not_begun_again(protocol: Protocol) -> None:
    id = ask(protocol, "count", idempotent=True, stream=True)
    protocol.outgoing(0.0)
    protocol.received(frame(type="part", seq=1, id=id, payload=0), 0.0)
    assert again(protocol, reason="expired") == [Opened(False, "expired", True), Unknown(id, True)]


def test_a_second_answer_is_for_nobody(protocol: Protocol) -> None:
    id = ask(protocol, "a")
    assert len(protocol.received(frame(type="reply", seq=1, id=id), 0.0)) == 1
    assert protocol.received(frame(type="reply", seq=2, id=id), 0.0) == []
    assert protocol.stats.late == 1


def test_what_nobody_awaits_is_kept_until_it_has_arrived(protocol: Protocol) -> None:
    id = ask(protocol, "note", reply=False)
    assert [each["id"] for each in written(protocol)] == [id]
    assert not protocol.idle
    again(protocol, resumed=True)
    assert [each["id"] for each in written(protocol)] == [id]
    assert protocol.received(frame(type="$ok", seq=1, id=id), 1.0) == []
    assert protocol.idle


def test_a_plain_connection_keeps_nothing_that_was_written() -> None:
    protocol = Protocol(State())
    assert protocol.opened(False, 0.0) == [Opened(False, "", False)]
    note, unsafe = ask(protocol, "note", reply=False), ask(protocol, "a")
    safe = ask(protocol, "b", idempotent=True)
    assert [each["id"] for each in written(protocol)] == [note, unsafe, safe]
    assert protocol.closed() == [Unknown(unsafe, True)]
    assert protocol.opened(False, 1.0) == [Opened(False, "the gateway keeps no session", True)]
    assert [each["id"] for each in written(protocol)] == [safe]


def test_heartbeats_both_ways(protocol: Protocol) -> None:
    assert protocol.deadline() == 8.0
    assert protocol.tick(8.0) == []
    (ping,) = written(protocol, 8.0)
    assert ping["type"] == "$ping"
    assert protocol.received(frame(type="$pong", seq=1, id=ping["id"]), 8.25) == []
    assert protocol.stats.round_trip == 0.25
    protocol.received(frame(type="$ping", seq=2, id="x"), 9.0)
    assert {"type": "$pong", "id": "x"} in written(protocol, 9.0)
    assert protocol.deadline() == 8.75
    assert protocol.tick(29.0) == [Broken(4003, "nothing came for 20 s")]


def test_a_client_that_only_listens_is_heard(protocol: Protocol) -> None:
    protocol.received(frame(type="e", seq=1), 7.0)
    protocol.tick(8.0)
    assert [each["type"] for each in written(protocol, 8.0)] == ["$ack", "$ping"]


def test_there_is_no_ping_before_the_welcome() -> None:
    protocol = Protocol(State(), Bounds(heartbeat=5.0))
    protocol.opened(True, 0.0)
    protocol.outgoing(0.0)
    assert protocol.deadline() == 10.0
    assert protocol.tick(9.0) == []
    assert written(protocol) == []
    assert protocol.tick(10.0) == [Broken(4003, "nothing came for 10 s")]


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'"x"', b'{"type": 1}', b'{"type": "e", "seq": "1"}', b"\xff"])
def test_what_is_no_frame_ends_the_connection(protocol: Protocol, data: bytes) -> None:
    (broken,) = protocol.received(data, 0.0)
    assert isinstance(broken, Broken)
    assert broken.code == 1007


def test_a_greeting_that_is_refused_or_cannot_be_read() -> None:
    for data in (
        frame(type="error", error={"code": "invalid_message", "message": "no"}),
        frame(type="$welcome", payload=1),
    ):
        protocol = Protocol(State())
        protocol.opened(True, 0.0)
        (broken,) = protocol.received(data, 0.0)
        assert isinstance(broken, Broken)
        assert broken.code == 1002


def test_the_queue_is_bounded_in_messages_and_in_bytes() -> None:
    protocol = Protocol(State(), Bounds(messages=2, bytes=100))
    first = ask(protocol, "a")
    ask(protocol, "b")
    with pytest.raises(QueueFull, match="2 messages"):
        ask(protocol, "c")
    protocol.forget(first)
    with pytest.raises(QueueFull, match="100 bytes"):
        ask(protocol, "c", "x" * 100)
    ask(protocol, "c")
    assert protocol.queued == 2


def test_a_message_larger_than_the_gateway_takes_is_not_sent() -> None:
    protocol = Protocol(State())
    protocol.opened(True, 0.0)
    protocol.received(welcome(limits={"messageBytes": 50}), 0.0)
    with pytest.raises(RequestFailed) as failed:
        ask(protocol, "a", "x" * 50)
    assert failed.value.code == "too_large"


def test_an_error_that_answers_nothing_is_an_event(protocol: Protocol) -> None:
    error = {"code": "rate_limited", "message": "too many"}
    (first,) = protocol.received(frame(type="error", seq=1, error=error), 0.0)
    id = ask(protocol, "note", reply=False)
    (second,) = protocol.received(frame(type="error", seq=2, id=id, error=error), 0.0)
    for happened in (first, second):
        assert isinstance(happened, Happened)
        assert (happened.type, json.loads(bytes(happened.payload))) == ("error", error)


def test_a_state_that_was_kept_goes_on(protocol: Protocol) -> None:
    id = ask(protocol, "a", {"n": 1})
    protocol.outgoing(0.0)
    protocol.received(frame(type="e", seq=1), 0.0)
    kept = msgspec.json.encode(protocol.state)
    later = Protocol(msgspec.json.decode(kept, type=State))
    later.opened(True, 0.0)
    assert written(later) == [{"type": "$hello", "batch": True, "resume": "t1", "seq": 1}]
    assert later.received(welcome(resumed=True, resume="t2"), 0.0) == [Opened(True, "", True)]
    assert written(later) == [{"type": "a", "id": id, "payload": {"n": 1}}]
    (reply,) = later.received(frame(type="reply", seq=2, id=id), 0.0)
    assert isinstance(reply, Reply)
    assert ask(later, "b") > id


def test_a_session_that_was_taken_over_is_left(protocol: Protocol) -> None:
    protocol.closed()
    protocol.abandon()
    protocol.opened(True, 1.0)
    assert written(protocol) == [{"type": "$hello", "batch": True}]
