"""Decoding frames, and telling a client what is wrong with one."""

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.table import MessageType, Route
from routewright.table.checks import Violation
from routewright.table.frames import (
    DECODE_ERRORS,
    FrameError,
    client_messages,
    decode_open,
    decoder,
    diagnose,
    envelope_type,
    handler_messages,
    reader,
    with_integers,
)


class Point(msgspec.Struct):
    x: Annotated[int, msgspec.Meta(ge=0)]
    name: str = "origin"


class Options(msgspec.Struct):
    depth: int = 1
    tags: list[str] = msgspec.field(default_factory=list)


MESSAGES = (
    MessageType(name="draw", payload=Point),
    MessageType(name="look", payload=Options, optional=True),
    MessageType(name="stop"),
    MessageType(name="count", payload=int),
    MessageType(name="wave", origin="both"),
    MessageType(name="drawn", origin="handler", payload=Point),
)
ROUTE = Route(name="r", path="/r", handler="app", digest="1", contract="1", messages=MESSAGES)
DECLARED = [message.name for message in client_messages(ROUTE)]
DECODE = decoder(client_messages(ROUTE))


def judged(frame: bytes) -> Any:
    """The envelope of a frame, or what is wrong with it."""
    assert DECODE is not None
    try:
        return DECODE(frame)
    except DECODE_ERRORS as error:
        return diagnose(frame, error, DECLARED)


def test_a_number_that_nothing_can_hold_hides_no_end_that_is_missing() -> None:
    for rest in (b"", b"}", b",", b"}}x"):
        problem = judged(b'{"type":"count","payload":' + b"9" * 5000 + rest)
        assert isinstance(problem, FrameError)
        assert problem.code in ("invalid_json", "invalid_message")


def test_who_sends_what() -> None:
    assert DECLARED == ["draw", "look", "stop", "count", "wave"]
    assert [message.name for message in handler_messages(ROUTE)] == ["wave", "drawn"]
    assert decoder([]) is None


@pytest.mark.parametrize(
    ("frame", "name", "id", "payload"),
    [
        ('{"type": "draw", "id": 7, "payload": {"x": 1}}', "draw", 7, Point(1)),
        ('{"payload": {"x": 1, "more": []}, "extra": 1, "type": "draw"}', "draw", None, Point(1)),
        ('{"type": "look"}', "look", None, Options()),
        ('{"type": "look", "id": "a", "payload": {"depth": 2}}', "look", "a", Options(2)),
        ('{"type": "stop", "payload": null}', "stop", None, None),
        ('{"type": "count", "payload": -5}', "count", None, -5),
        (' \n{"type":"wave"}\t', "wave", None, None),
    ],
)
def test_a_frame_becomes_its_envelope(frame: str, name: str, id: Any, payload: Any) -> None:
    envelope = judged(frame.encode())
    assert envelope.message is next(message for message in MESSAGES if message.name == name)
    assert (envelope.id, envelope.payload) == (id, payload)


def test_defaults_are_each_frames_own() -> None:
    one, two = judged(b'{"type": "look"}'), judged(b'{"type": "look"}')
    one.payload.tags.append("mine")
    assert two.payload.tags == []


def test_an_envelope_leaves_out_what_it_has_not() -> None:
    encode = msgspec.json.encode
    drawn, wave = envelope_type(MESSAGES[5]), envelope_type(MESSAGES[4])
    assert json.loads(encode(drawn(payload=Point(1)))) == {"type": "drawn", "payload": {"x": 1, "name": "origin"}}
    assert encode(wave()) == b'{"type":"wave"}'
    assert json.loads(encode(wave(id=0, final=True))) == {"type": "wave", "id": 0, "final": True}


@pytest.mark.parametrize(
    ("frame", "code", "path", "id", "hint"),
    [
        (b"", "invalid_json", "", None, ""),
        (b"{", "invalid_json", "", None, ""),
        (b'{"type": "draw"} x', "invalid_json", "", None, ""),
        (b'{"type": "dr\xff"}', "invalid_json", "", None, ""),
        (b'{"type": "\\ud800"}', "invalid_json", "", None, ""),
        (b"[" * 200_000, "invalid_json", "", None, ""),
        (b'{"type": "stop", "x": ' + b"[" * 200_000, "invalid_json", "", None, ""),
        (b"7", "invalid_message", "$", None, 'send {"type": "..."}'),
        (b'{"id": 7}', "invalid_message", "$.type", 7, "one of: count, draw, look, stop, wave"),
        (b'{"type": null, "id": 7}', "invalid_message", "$.type", 7, "one of: count, draw, look, stop, wave"),
        (b'{"type": ["draw"], "id": 7}', "invalid_message", "$.type", 7, ""),
        (b'{"type": "drew", "id": 7}', "unknown_type", "$.type", 7, "did you mean 'draw'?"),
        (b'{"type": "drawn", "payload": {"x": 1}}', "unknown_type", "$.type", None, "did you mean 'draw'?"),
        (b'{"type": "zzz", "id": []}', "unknown_type", "$.type", None, "one of: count, draw, look, stop, wave"),
        (b'{"type": "draw", "id": {}, "payload": {"x": 1}}', "invalid_message", "$.id", None, ""),
        (b'{"type": "draw", "id": false, "payload": {"x": 1}}', "invalid_message", "$.id", None, ""),
        (b'{"type": "draw", "id": 7}', "invalid_message", "$", 7, ""),
        (b'{"type": "draw", "id": 7, "payload": {}}', "invalid_message", "$.payload", 7, ""),
        (b'{"type": "draw", "id": 7, "payload": {"x": -1}}', "invalid_message", "$.payload.x", 7, ""),
        (b'{"type": "look", "payload": {"tags": ["a", 1]}}', "invalid_message", "$.payload.tags[1]", None, ""),
        (b'{"type": "stop", "payload": 1}', "invalid_message", "$.payload", None, ""),
        (b'{"type": "count", "id": 7, "payload": 1e999}', "invalid_message", "$[...]", 7, ""),
        (b'{"type": "count", "id": 7, "payload": ' + b"9" * 5000 + b"}", "invalid_message", "$[...]", 7, ""),
        (b'{"type": "stop", "id": ' + b"9" * 5000 + b"}", "invalid_message", "$.id", None, ""),
        (b'{"type": 1e999, "id": 7}', "invalid_message", "$.type", None, ""),
    ],
)
def test_what_a_client_is_told(frame: bytes, code: str, path: str | None, id: Any, hint: str) -> None:
    problem = judged(frame)
    assert isinstance(problem, FrameError)
    assert problem.code.startswith(code)
    assert path is None or problem.path == path
    assert problem.id == id
    assert problem.hint == hint
    assert problem.message
    assert str(problem) == problem.message


def test_a_long_type_is_told_in_short() -> None:
    problem = judged(json.dumps({"type": "x" * 60_000}).encode())
    assert len(problem.message) < 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "id", "payload", "x", "name", "depth", "tags"]), inner, max_size=4)
    ),
    max_leaves=12,
)
ALMOST = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(DECLARED) | JSON, "id": JSON, "payload": JSON, "x": JSON}
)
FRAMES = st.one_of(
    ALMOST.map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.builds(lambda text, cut: text[:cut], ALMOST.map(lambda value: json.dumps(value).encode()), st.integers(0, 80)),
)


@settings(max_examples=400, deadline=None)
@given(FRAMES)
def test_every_frame_is_an_envelope_or_a_problem_with_a_place(frame: bytes) -> None:
    found = judged(frame)
    if isinstance(found, FrameError):
        assert found.code in ("invalid_json", "invalid_message", "unknown_type")
        assert found.path.startswith("$") == (found.code != "invalid_json")
        assert is_id(found.id)
    else:
        value = json.loads(frame)
        assert value["type"] == found.message.name
        assert value.get("id") == found.id


@settings(max_examples=300, deadline=None)
@given(FRAMES)
def test_an_open_envelope_is_any_object_with_a_type(frame: bytes) -> None:
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and isinstance(value.get("type"), str) and is_id(value.get("id")):
        envelope = decode_open(frame)
        assert (envelope.type, envelope.id) == (value["type"], value.get("id"))
        assert json.loads(bytes(envelope.payload)) == value.get("payload")
    else:
        with pytest.raises(FrameError):
            decode_open(frame)


def is_id(value: Any) -> bool:
    return value is None or (isinstance(value, int | str) and not isinstance(value, bool))


@pytest.mark.parametrize("payload", [b"[1,}", b'"\xff"', b"[" * 100_000 + b"]" * 100_000, b'{"a": "\\ud800"}'])
def test_nothing_hides_in_an_open_payload(payload: bytes) -> None:
    with pytest.raises(FrameError) as raised:
        decode_open(b'{"type": "x", "id": 1, "payload": ' + payload + b"}")
    assert raised.value.code == "invalid_json"


def check_even(value: Any) -> Violation | None:
    if value == {"nested": True}:
        return check_even(value)
    if isinstance(value, list):
        violation = next(filter(None, map(check_even, value)), None)
        return violation.below(value.index(3), "a b") if violation is not None else None
    return Violation("Expected an even number") if value % 2 else None


CHECKED = MessageType(name="even", payload=int, check=check_even)


def test_a_message_with_a_check_function_is_checked_and_read_as_its_model() -> None:
    decode, read = decoder([*MESSAGES, CHECKED]), reader([CHECKED])
    assert decode is not None
    assert read is not None
    assert decode(b'{"type": "even", "payload": 4}').payload == 4
    assert decode(b'{"type": "draw", "payload": {"x": 1}}').payload == Point(1)
    assert read(b'{"type": "even", "payload": 3}').payload == 3
    for frame, path, message in (
        (b'{"id": 7, "payload": 3, "type": "even"}', "$.payload", "Expected an even number"),
        (b'{"id": 7, "payload": [2, 3], "type": "even"}', "$.payload[1]['a b']", "Expected an even number"),
        (b'{"id": 7, "payload": {"nested": true}, "type": "even"}', "$.payload", "the payload is nested too deeply"),
    ):
        with pytest.raises(DECODE_ERRORS) as raised:
            decode(frame)
        problem = diagnose(frame, raised.value, ["even"])
        assert (problem.code, problem.id, problem.path, problem.message) == ("invalid_message", 7, path, message)


def test_a_whole_float_is_an_integer_after_another_look() -> None:
    assert DECODE is not None
    frame = b'{"type": "draw", "payload": {"x": 2.0, "y": [1.5, {"z": -3e2}], "big": 1e300}}'
    with pytest.raises(DECODE_ERRORS) as raised:
        DECODE(frame)
    again = with_integers(frame, raised.value)
    assert again is not None
    assert json.loads(again)["payload"] == {"x": 2, "y": [1.5, {"z": -300}], "big": 1e300}
    assert DECODE(again).payload == Point(2)
    assert isinstance(judged(b'{"type": "draw", "payload": {"x": 2.5}}'), FrameError)
    assert with_integers(frame, msgspec.ValidationError("Expected `int`, got `str`")) is None
    assert with_integers(b'{"type": "draw", "payload": 1e999}', raised.value) is None


@pytest.mark.parametrize("number", ["1e308", "-1e308", "1e19", "1e15", "-0.0"])
@pytest.mark.parametrize("text", ["", "\u00e9\U0001f600\\u0000", "\x7f"])
def test_a_frame_does_not_grow_much_by_its_integers(number: str, text: str) -> None:
    assert DECODE is not None
    numbers = ",".join([number] * 10_000 + ["1e23", str(10**300)])
    frame = f'{{"type":"draw","payload":{{"x":2.0,"text":"{text * 1000}","more":[{numbers}]}}}}'.encode()
    with pytest.raises(DECODE_ERRORS) as raised:
        DECODE(frame)
    again = with_integers(frame, raised.value)
    assert again is not None
    assert len(again) < 6 * len(frame)
    assert json.loads(again) == json.loads(frame)
    assert DECODE(again).payload == Point(2)
    assert isinstance(judged(frame.replace(b'"x":2.0', b'"x":2.5')), FrameError)


def test_long_integers_are_integers_while_they_are_few() -> None:
    frame = b'{"type":"all","payload":[1e308,-1e20]}'
    again = with_integers(frame, msgspec.ValidationError("Expected `int`, got `float`"))
    assert again is not None
    assert [type(each) for each in json.loads(again)["payload"]] == [int, int]
