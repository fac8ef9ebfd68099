"""What a client asks of the gateway itself: messages whose type begins with ``$``.

Strategy: they are looked for only where a frame is none of the route's messages, so they cost the others nothing. One
table says which there are; a command answers with ``$ok``, a frame of its own or an error.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from routewright.table.frames import DECODE_ERRORS, Id

if TYPE_CHECKING:
    from routewright.gateway.plain import PlainConnection


class Asked(msgspec.Struct):
    """A command as it came: ``seq`` and ``resume`` are those of a reliable client."""

    type: str
    id: Id = None
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    seq: int | None = None
    resume: str | None = None


Command: TypeAlias = "Callable[[PlainConnection, Asked], None]"

_decode = msgspec.json.Decoder(Asked).decode
_encode = msgspec.json.Encoder().encode


def asked(frame: bytes) -> Asked | None:
    """The command that a frame is; ``None`` where it is none."""
    try:
        found = _decode(frame)
    except DECODE_ERRORS:
        return None
    return found if found.type in COMMANDS else None


def answer(type: str, id: Id, payload: Any = None) -> bytes:
    """The frame of an answer to a command."""
    frame: dict[str, Any] = {"type": type}
    if id is not None:
        frame["id"] = id
    if payload is not None:
        frame["payload"] = payload
    return _encode(frame)


def _ping(connection: "PlainConnection", command: Asked) -> None:
    connection.write(answer("$pong", command.id), False)


def _auth(connection: "PlainConnection", command: Asked) -> None:
    # it answers with what stands here
    from routewright.gateway.auth.frames import refresh

    refresh(connection, command)


COMMANDS: Final[dict[str, Command]] = {"$ping": _ping, "$auth": _auth}
"""Every command, and what carries it out."""
