"""The frames of a ``framing: message`` route: how its JSON envelopes are decoded, and what is wrong with one.

Strategy: one msgspec pass per frame. Each message type gets an envelope struct ``{type, id, payload}`` whose tag is the
type; a route's decoder is the union of what clients may send. Only when that pass fails, a second, slow look at the
frame finds out which error the client is told. The gateway and the worker use this one parser.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from routewright.table.message import MessageType
from routewright.table.route import Route

Id = int | str | None

DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec's JSON decoder raises on bad input."""


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
    return msgspec.defstruct(
        "Envelope",
        [payload, ("id", Id, None), ("final", bool, False)],
        tag=message.name,
        tag_field="type",
        omit_defaults=True,
        gc=False,
        namespace={"message": message},
    )


def _default(message: MessageType) -> Any:
    return msgspec.convert({}, message.payload)


def client_messages(route: Route) -> list[MessageType]:
    """The declared messages that a client may send."""
    return [message for message in route.messages if message.origin in ("client", "both")]


def handler_messages(route: Route) -> list[MessageType]:
    """The declared messages that a handler may send."""
    return [message for message in route.messages if message.origin in ("handler", "both")]


def decoder(messages: Iterable[MessageType]) -> Callable[[bytes], Any] | None:
    """One pass over the bytes of a frame -> the envelope of one of these messages (see `envelope_type`).

    The returned function raises one of `DECODE_ERRORS`; `diagnose` tells what to answer. ``None`` for no messages.
    """
    types = [envelope_type(message) for message in messages]
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
    id = head.id if isinstance(head.id, int | str) and not isinstance(head.id, bool) else None
    if head.type is None:
        return FrameError("invalid_message", "the frame has no type", id=id, path="$.type", hint=_nearest("", declared))
    if not isinstance(head.type, str):
        return FrameError("invalid_message", "type is not a string", id=id, path="$.type")
    names = list(declared)
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
