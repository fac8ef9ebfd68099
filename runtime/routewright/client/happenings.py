"""What happens to a session, as `Protocol` tells it to whoever owns the connection."""

from typing import NamedTuple, TypeAlias

import msgspec

from routewright.client.frames import Problem


class Opened(NamedTuple):
    """Messages may flow. ``reason`` says why an earlier session was not resumed; ``again``: there was one; ``expires``:
    when the credential runs out, in seconds since 1970, where the gateway says so."""

    resumed: bool
    reason: str
    again: bool
    expires: float | None = None


class Reply(NamedTuple):
    """An answer, or a part of one. ``payload`` is `ABSENT` where there is none."""

    id: int
    type: str
    payload: msgspec.Raw
    final: bool


class Refused(NamedTuple):
    """An answer that is an error."""

    id: int
    problem: Problem


class Unknown(NamedTuple):
    """A message that may have been handled and cannot be repeated. ``reply``: an answer was awaited."""

    id: int
    reply: bool


class Happened(NamedTuple):
    """An event."""

    type: str
    payload: msgspec.Raw
    topic: str | None


class Broken(NamedTuple):
    """The connection is of no use any more: close it with this code. ``final``: nor is another one."""

    code: int
    reason: str
    final: bool = False
    retry_after: float | None = None
    hint: str = ""


Happening: TypeAlias = Opened | Reply | Refused | Unknown | Happened | Broken
