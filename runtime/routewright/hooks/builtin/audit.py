"""``audit``: who sent which message and was answered how, one JSON object a line; never what it said.

Settings: ``file`` (a path from the gateway's working folder; without it standard error), ``rate`` (the share of
messages that is logged, 1 for all; a message and its replies are logged together or not at all), ``digest`` (add the
SHA-256 of each frame, to prove later what was sent; it is not salted, so short frames can be guessed from it).
"""

import contextlib
import hashlib
import itertools
import secrets
from datetime import datetime
from typing import Any, Final, final

import msgspec

from routewright.hooks.lines import LineWriter, cut, now, writer
from routewright.hooks.specs import hookimpl
from routewright.hooks.values import Incoming, Outgoing, SessionInfo

_salt: Final = secrets.token_hex(16)
_unnamed: Final = itertools.count()
_writers: set[LineWriter] = set()


class Record(msgspec.Struct, tag_field="event", tag=str.lower, kw_only=True, omit_defaults=True, gc=False):
    """A frame. ``bytes`` is its length."""

    time: datetime
    route: str
    session: int
    principal: str | None = None
    type: str | None = None
    id: int | str | None = None
    bytes: int
    sha256: str = ""


class Message(Record):
    pass


class Reply(Record):
    final: bool = True


@final
class Audit:
    """The settings of one route, prepared."""

    __slots__ = ("digest", "lines", "threshold")

    def __init__(self, lines: LineWriter, rate: float, digest: bool) -> None:
        self.lines = lines
        self.threshold = round(rate * 2**32)
        self.digest = digest

    def wants(self, session: SessionInfo, id: int | str | None) -> bool:
        """This message, and what answers it, belongs to the sample. No client can tell, or choose an id that does
        not: the salt is the process's own."""
        if self.threshold == 2**32:
            return True
        return hash((_salt, session.id, next(_unnamed) if id is None else id)) & 0xFFFFFFFF < self.threshold


class Head(msgspec.Struct, gc=False):
    """What an envelope says of itself."""

    type: str | None = None
    id: int | str | None = None


_decode_head = msgspec.json.Decoder(Head).decode


def head(session: SessionInfo, reply: Outgoing) -> Head:
    """The type and id of a reply: as the gateway knows them, or as they stand in the frame."""
    if reply.type is None and reply.id is None and session.route.framing == "message":
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _decode_head(reply.frame)
    return Head(reply.type, reply.id)


@hookimpl
def routewright_settings() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "file": {"type": "string", "minLength": 1},
            "rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            "digest": {"type": "boolean"},
        },
        "additionalProperties": False,
    }


@hookimpl
def routewright_prepare(settings: dict[str, Any]) -> Audit:
    lines = writer(settings.get("file"))
    _writers.add(lines)
    return Audit(lines, settings.get("rate", 1.0), settings.get("digest", False))


@hookimpl(trylast=True)
def routewright_message(session: SessionInfo, message: Incoming, settings: Audit) -> None:
    if settings.wants(session, message.id):
        settings.lines.write(
            Message(
                time=now(),
                route=session.route.name,
                session=session.id,
                principal=None if session.principal is None else cut(session.principal.id),
                type=cut(message.type) or None,
                id=_cut_id(message.id),
                bytes=len(message.frame),
                sha256=hashlib.sha256(message.frame).hexdigest() if settings.digest else "",
            )
        )


@hookimpl(trylast=True)
def routewright_reply(session: SessionInfo, reply: Outgoing, settings: Audit) -> None:
    envelope = head(session, reply)
    if settings.wants(session, envelope.id):
        settings.lines.write(
            Reply(
                time=now(),
                route=session.route.name,
                session=session.id,
                principal=None if session.principal is None else cut(session.principal.id),
                type=None if envelope.type is None else cut(envelope.type),
                id=_cut_id(envelope.id),
                bytes=len(reply.frame),
                sha256=hashlib.sha256(reply.frame).hexdigest() if settings.digest else "",
                final=reply.final,
            )
        )


@hookimpl
def routewright_shutdown() -> None:
    for lines in _writers:
        lines.close()
    _writers.clear()


def _cut_id(id: int | str | None) -> int | str | None:
    return cut(id) if isinstance(id, str) else id
