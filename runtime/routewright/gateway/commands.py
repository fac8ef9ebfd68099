"""What a client asks of the gateway itself: messages whose type begins with ``$``.

Strategy: they are looked for only where a frame is none of the route's messages, so they cost the others nothing. One
table says which there are; a command answers with ``$ok``, a frame of its own or an error.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from routewright.gateway import subscribing
from routewright.gateway.command import Asked, answer
from routewright.table.frames import DECODE_ERRORS, diagnose

if TYPE_CHECKING:
    from routewright.gateway.plain import PlainConnection

__all__ = ["COMMANDS", "Asked", "Command", "answer", "asked"]

Command: TypeAlias = "Callable[[PlainConnection, Asked], None]"

_decode = msgspec.json.Decoder(Asked).decode


def asked(frame: bytes) -> Asked | None:
    """The command that a frame is; ``None`` where it is none.

    Raises:
        FrameError: it is one, but not well-formed.
    """
    try:
        found = _decode(frame)
    except DECODE_ERRORS as error:
        problem = diagnose(frame, error, COMMANDS)
        if problem.code == "unknown_type":
            return None
        raise problem from None
    return found if found.type in COMMANDS else None


def _ping(connection: "PlainConnection", command: Asked) -> None:
    connection.write(answer("$pong", command.id), False)


def _auth(connection: "PlainConnection", command: Asked) -> None:
    # it answers with what stands here
    from routewright.gateway.auth.frames import refresh

    refresh(connection, command)


COMMANDS: Final[dict[str, Command]] = {
    "$ping": _ping,
    "$auth": _auth,
    "$subscribe": subscribing.subscribe,
    "$unsubscribe": subscribing.unsubscribe,
    "$publish": subscribing.publish,
    "$who": subscribing.who,
}
"""Every command, and what carries it out."""
