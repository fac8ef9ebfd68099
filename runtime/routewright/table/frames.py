"""The frames of a ``framing: message`` route: how its JSON envelopes are decoded, and what is wrong with one.

Strategy: one msgspec pass per frame. Each message type gets an envelope struct ``{type, id, payload}`` whose tag is the
type; a route's decoder is the union of what clients may send. A message with a check function has it called by
msgspec itself, at the end of its envelope, so that the others pay nothing for it. Only when that pass fails, a second,
slow look at the frame finds out which error the client is told. The gateway and the worker use this one parser.
"""

import functools
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from routewright.table.checks import Violation
from routewright.table.message import MessageType
from routewright.table.route import Route
from routewright.table.topic import Topic

Id = int | str | None

DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Violation)
"""What a decoder raises on bad input."""


class Envelope(msgspec.Struct, gc=False):
    """A frame of a type that the route does not declare. ``payload`` keeps its bytes."""

    message: ClassVar[MessageType | None] = None

    type: str
    id: Id = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


class FrameError(Exception):
    """A frame that is answered with an error frame.

    Attributes:
        code: ``invalid_json``, ``invalid_message`` or ``unknown_type``.
        id: the frame's ``id``, where it could be read.
        path: JSON path of the wrong node (``$.payload.depth``), or ``""``.
        hint: what to do about it, or ``""``.
    """

    def __init__(self, code: str, message: str, *, id: Id = None, path: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id
        self.path = path
        self.hint = hint


def envelope_type(message: MessageType) -> Any:
    """The struct of one message's envelope: fields ``payload``, ``id`` and ``final``, tagged with its ``type``, and its
    `MessageType` as the class attribute ``message``.

    A field that has its default (no ``id``, no ``payload``, not ``final``) is left out when it is encoded.
    """
    payload: tuple[str, Any] | tuple[str, Any, Any]
    if message.payload is None:
        payload = ("payload", None, None)
    elif message.optional:
        payload = ("payload", message.payload, msgspec.field(default_factory=functools.partial(_default, message)))
    else:
        payload = ("payload", message.payload)
    return _struct(message, payload, {})


def checking_envelope_type(message: MessageType) -> Any:
    """`envelope_type` for frames that nobody has checked yet. Where the message has a check function, the payload is
    plain JSON values, and decoding raises the `Violation` that it finds."""
    check = message.check
    if check is None:
        return envelope_type(message)

    def __post_init__(envelope: Any) -> None:
        violation = check(envelope.payload)
        if violation is not None:
            raise violation

    payload: tuple[str, Any] | tuple[str, Any, Any] = ("payload", Any)
    if message.optional:
        payload = ("payload", Any, msgspec.field(default_factory=dict))
    return _struct(message, payload, {"__post_init__": __post_init__})


def _struct(message: MessageType, payload: tuple[str, Any] | tuple[str, Any, Any], namespace: dict[str, Any]) -> Any:
    return msgspec.defstruct(
        "Envelope",
        [payload, ("id", Id, None), ("final", bool, False)],
        tag=message.name,
        tag_field="type",
        omit_defaults=True,
        gc=False,
        namespace={"message": message, **namespace},
    )


def _default(message: MessageType) -> Any:
    return msgspec.convert({}, message.payload)


def client_messages(route: Route) -> list[MessageType]:
    """The declared messages that a client may send."""
    return [message for message in route.messages if message.origin in ("client", "both")]


def handler_messages(route: Route) -> list[MessageType]:
    """The declared messages that a handler may send."""
    return [message for message in route.messages if message.origin in ("handler", "both")]


def topic_messages(route: Route, topic: Topic) -> list[MessageType]:
    """The declared messages that may be published on a topic of the route."""
    sent = handler_messages(route)
    return [message for message in sent if message.name in topic.messages] if topic.messages else sent


def decoder(messages: Iterable[MessageType]) -> Callable[[bytes], Any] | None:
    """One pass over the bytes of a frame that anybody may have sent -> the envelope of one of these messages (see
    `checking_envelope_type`).

    The returned function raises one of `DECODE_ERRORS`; `with_integers` may know another try, and `diagnose` tells
    what to answer. ``None`` for no messages.
    """
    return _union([checking_envelope_type(message) for message in messages])


def reader(messages: Iterable[MessageType]) -> Callable[[bytes], Any] | None:
    """`decoder` for frames of which the other side has made sure: every payload becomes its model."""
    return _union([envelope_type(message) for message in messages])


def _union(types: list[Any]) -> Callable[[bytes], Any] | None:
    if not types:
        return None
    union: Any = types[0]
    for each in types[1:]:
        union = union | each
    return msgspec.json.Decoder(union).decode


class _Head(msgspec.Struct):
    type: Any = None
    id: Any = None


_decode_open = msgspec.json.Decoder(Envelope).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_any = msgspec.json.Decoder().decode

_LONG, _LONGEST = 2.0**64, 309
"""The first float that is a long integer, and the digits of the longest one."""

_LONG_ROOM = 4096
"""Bytes that long integers may add to the shortest frame."""


def with_integers(frame: bytes, error: Exception) -> bytes | None:
    """The frame with ``1`` in the place of ``1.0``, which JSON Schema takes for an integer and msgspec does not.

    ``1e308`` would be 309 digits: of such numbers only so many become integers that the frame stays below six times
    its length, give or take a few KiB.

    Args:
        error: what decoding the frame has raised. Unless it speaks of a float where an integer was expected, the answer
            is ``None``: there is nothing to try again.
    """
    if not isinstance(error, msgspec.ValidationError) or "got `float`" not in str(error):
        return None
    try:
        envelope = _decode_any(frame)
        room = len(frame) + _LONG_ROOM
        ahead: list[Any] = [envelope]
        while ahead:
            parent = ahead.pop()
            for key, value in list(parent.items() if isinstance(parent, dict) else enumerate(parent)):
                if isinstance(value, dict | list):
                    ahead.append(value)
                elif isinstance(value, float) and value.is_integer():
                    if abs(value) >= _LONG:
                        room -= _LONGEST
                        if room < 0:
                            continue
                    parent[key] = int(value)
        return _encoded(envelope)
    except DECODE_ERRORS:
        return None


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except OverflowError:
        # msgspec decodes integers of more than 64 bits, but does not encode them
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_TYPE = re.compile(rb'\{"type":"(?:[^"\\]|\\.)*"')


def with_topic(frame: bytes, topic: str) -> bytes:
    """A frame that `envelope_type` (or any other struct with its type first) has written, as an event of a topic."""
    found = _TYPE.match(frame)
    if found is None:
        raise ValueError("the frame does not begin with its type")
    return b'%b,"topic":%b%b' % (found[0], msgspec.json.encode(topic), frame[found.end() :])


def decode_open(frame: bytes) -> Envelope:
    """The envelope of a frame whose type is not declared.

    Raises:
        FrameError: it is no envelope.
    """
    try:
        envelope = _decode_open(frame)
        _decode_any(envelope.payload)
    except DECODE_ERRORS as error:
        raise diagnose(frame, error, ()) from None
    return envelope


def diagnose(frame: bytes, error: Exception, declared: Iterable[str]) -> FrameError:
    """What to tell a client whose frame did not decode.

    Args:
        error: what the decoder raised.
        declared: the types that would have been accepted, for the hint.
    """
    try:
        _decode_any(frame)
    except msgspec.ValidationError as reason:
        # JSON, but with a number that nothing can hold
        error = reason
    except DECODE_ERRORS as reason:
        return FrameError("invalid_json", _text(reason))
    try:
        head = _decode_head(frame)
    except msgspec.ValidationError as reason:
        if frame.lstrip().startswith(b"{"):
            return _invalid(reason, None)
        return FrameError("invalid_message", "a frame is a JSON object", path="$", hint='send {"type": "..."}')
    except DECODE_ERRORS as reason:
        # that number hid what is wrong behind it
        return FrameError("invalid_json", _text(reason))
    id = head.id if isinstance(head.id, int | str) and not isinstance(head.id, bool) else None
    if head.type is None:
        return FrameError("invalid_message", "the frame has no type", id=id, path="$.type", hint=_nearest("", declared))
    if not isinstance(head.type, str):
        return FrameError("invalid_message", "type is not a string", id=id, path="$.type")
    names = list(declared)
    if isinstance(error, Violation):
        return FrameError("invalid_message", error.message, id=id, path=f"$.payload{error.where}")
    if isinstance(error, RecursionError):
        return FrameError("invalid_message", "the payload is nested too deeply", id=id, path="$.payload")
    if isinstance(error, msgspec.ValidationError):
        problem = _invalid(error, id)
        if problem.path == "$.type" or (names and head.type not in names):
            return FrameError(
                "unknown_type",
                f"this route has no message {head.type[:100]!r}",
                id=id,
                path="$.type",
                hint=_nearest(head.type, names),
            )
        return problem
    return FrameError("invalid_json", _text(error), id=id)


def _invalid(error: msgspec.ValidationError, id: Id) -> FrameError:
    message, _, path = str(error).partition(" - at `")
    return FrameError("invalid_message", message, id=id, path=path.rstrip("`") or "$")


def _text(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "the JSON is not UTF-8"
    return str(error)


def _nearest(name: str, declared: Iterable[str]) -> str:
    from rapidfuzz import process

    names = sorted(declared)
    found = process.extractOne(name[:100], names, score_cutoff=60) if name else None
    if found is not None:
        return f"did you mean {found[0]!r}?"
    return f"one of: {', '.join(names[:10])}" if names else ""
