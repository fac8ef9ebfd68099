"""A message type: one name that may travel on a route, and what its payload looks like."""

from typing import Any, Literal

import msgspec

from routewright.table.checks import Check
from routewright.table.policy import Cache

Origin = Literal["client", "handler", "both"]


class MessageType(msgspec.Struct, frozen=True, kw_only=True):
    """One declared message of a route.

    Attributes:
        name: the value of ``type`` on the wire.
        origin: who sends it (the spec's ``from``).
        payload: the type that msgspec decodes the payload to (a generated struct, ``int``,
            ``Annotated[str, Meta(...)]``, ...), or ``None`` where the message declares no payload.
        check: enforces the payload's schema where msgspec's types cannot say all of it: what the generated function is
            given is the payload as plain JSON values. ``None`` where decoding to ``payload`` is enough.
        optional: the payload may be left out: it is an object without required properties. The default instance is
            then decoded from ``{}``.
        reply: the name of the message that answers this one, if any.
        stream: the reply comes in parts, the last one marked ``final``.
        timeout: seconds from arrival to the final reply (for a stream, to the next part).
        idempotent: handling it twice is the same as handling it once.
        cache: how long its replies are kept, ``None`` where they are not.
        scopes: what a client must be allowed to send it.
        digest: changes whenever the shape on the wire changes; two messages with one digest are interchangeable.
    """

    name: str
    origin: Origin = "client"
    payload: Any = None
    check: Check | None = None
    optional: bool = False
    reply: str | None = None
    stream: bool = False
    timeout: float = 30.0
    idempotent: bool = False
    cache: Cache | None = None
    scopes: tuple[str, ...] = ()
    deprecated: bool = False
    summary: str = ""
    digest: str = ""
