"""The client's end of the wire: frames as they are written and read (docs/frontend.md says what they mean).

Strategy: one msgspec pass per frame, which leaves payloads as the bytes that came: they are decoded by whoever knows
what they are to become. An array is a batch of frames.
"""

from typing import Any, Final

import msgspec

from routewright.client.errors import RequestFailed

SUBPROTOCOL: Final = "routewright.v1"
"""What a reliable client offers at the handshake."""

ABSENT: Final = msgspec.Raw()
"""The payload of a frame that has none."""

DECODE_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Frame(msgspec.Struct):
    """A frame from the gateway. ``id`` is that of the request which it answers."""

    type: str
    id: int | str | None = None
    payload: msgspec.Raw = ABSENT
    final: bool = False
    seq: int | None = None
    topic: str | None = None
    error: msgspec.Raw = ABSENT


class Limits(msgspec.Struct, frozen=True):
    """What a gateway takes, as far as a client must know. ``None``: it does not say."""

    message_bytes: int | None = msgspec.field(default=None, name="messageBytes")


class Granted(msgspec.Struct, frozen=True):
    """What a credential gives: to whom, which scopes, and until when (seconds since 1970; ``None``: it does not
    end)."""

    principal: str = ""
    scopes: tuple[str, ...] = ()
    expires: float | None = None


class Welcome(msgspec.Struct):
    """The payload of ``$welcome``. ``heartbeat`` is in seconds, ``expires`` as in `Granted`."""

    session: str = ""
    resume: str | None = None
    epoch: int | str | None = None
    resumed: bool = False
    reason: str | None = None
    heartbeat: float | None = None
    expires: float | None = None
    limits: Limits = Limits()


class Problem(msgspec.Struct):
    """What an error frame says."""

    code: str = "error"
    message: str = ""
    retryable: bool = False
    retry_after: float | None = msgspec.field(default=None, name="retryAfter")
    path: str = ""
    hint: str = ""

    def raised(self) -> RequestFailed:
        """The exception that stands for it."""
        return RequestFailed(
            self.code,
            self.message,
            retryable=self.retryable,
            retry_after=self.retry_after,
            path=self.path,
            hint=self.hint,
        )


_encode = msgspec.json.Encoder().encode
_decode_frame = msgspec.json.Decoder(Frame).decode
_decode_batch = msgspec.json.Decoder(list[Frame]).decode
_decode_problem = msgspec.json.Decoder(Problem).decode
_decode_granted = msgspec.json.Decoder(Granted).decode
_decode_welcome = msgspec.json.Decoder(Welcome).decode


class Unreadable(ValueError):
    """What came is no frame of this protocol."""


def read(data: bytes) -> list[Frame]:
    """The frames of one text message.

    Raises:
        Unreadable: it is none.
    """
    try:
        return _decode_batch(data) if data.lstrip()[:1] == b"[" else [_decode_frame(data)]
    except DECODE_ERRORS as error:
        raise Unreadable(f"the gateway sent what is no frame: {error}") from None


def problem(frame: Frame) -> Problem:
    """What an error frame says; an empty one where it says nothing that can be read."""
    try:
        return _decode_problem(frame.error)
    except DECODE_ERRORS:
        return Problem()


def welcome(frame: Frame) -> Welcome:
    """The payload of a ``$welcome``.

    Raises:
        Unreadable: it is not what it should be.
    """
    try:
        return _decode_welcome(frame.payload)
    except DECODE_ERRORS as error:
        raise Unreadable(f"the gateway's $welcome cannot be read: {error}") from None


def granted(frame: Frame) -> Granted:
    """The payload of the ``$ok`` that answers an ``$auth``; an empty one where it says nothing that can be read."""
    try:
        return _decode_granted(frame.payload)
    except DECODE_ERRORS:
        return Granted()


def message(type: str, id: int, payload: msgspec.Raw | None) -> bytes:
    """A message's frame."""
    frame: dict[str, Any] = {"type": type, "id": id}
    if payload is not None:
        frame["payload"] = payload
    return _encode(frame)


def auth(token: str) -> bytes:
    """The first frame of a connection that has still to say whose it is."""
    return _encode({"type": "$auth", "payload": {"token": token}})


def hello(resume: str | None, seq: int) -> bytes:
    """What opens a session; ``resume`` is the token of the session that it continues."""
    frame: dict[str, Any] = {"type": "$hello", "batch": True}
    return _encode(frame if resume is None else {**frame, "resume": resume, "seq": seq})


def ack(seq: int) -> bytes:
    """Everything up to ``seq`` has been received."""
    return _encode({"type": "$ack", "seq": seq})


def pong(id: int | str | None) -> bytes:
    """The answer to the gateway's ``$ping``."""
    return _encode({"type": "$pong"} if id is None else {"type": "$pong", "id": id})
