"""A command: what a client asks of the gateway itself, and how it is answered."""

from typing import Any

import msgspec

from routewright.table.frames import Id


class Asked(msgspec.Struct):
    """A command as it came: ``seq`` and ``resume`` are those of a reliable client."""

    type: str
    id: Id = None
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    seq: int | None = None
    resume: str | None = None


_encode = msgspec.json.Encoder().encode


def answer(type: str, id: Id, payload: Any = None) -> bytes:
    """The frame of an answer to a command."""
    frame: dict[str, Any] = {"type": type}
    if id is not None:
        frame["id"] = id
    if payload is not None:
        frame["payload"] = payload
    return _encode(frame)
