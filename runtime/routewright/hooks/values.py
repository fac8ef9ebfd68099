"""What hooks are called with."""

from typing import Any

import msgspec
from multidict import CIMultiDictProxy, MultiDictProxy

from routewright.table import Principal, Route


class UpgradeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The HTTP request that asks for a WebSocket.

    Attributes:
        path: decoded, without the query.
        address: the client's, after trusted proxies.
        secure: it came by TLS, as far as the gateway can tell.
    """

    method: str = "GET"
    path: str
    query: MultiDictProxy[str]
    headers: CIMultiDictProxy[str]
    address: str
    secure: bool = False


class SessionInfo(msgspec.Struct, kw_only=True):
    """A connection, as plugins see it, from the handshake to the end.

    Attributes:
        id: the session's number in this gateway process; handlers see the same.
        route: the route it came in by; ``route.extensions`` holds the ``x-`` keys of the spec.
        path: decoded, as the client asked for it.
        parameters: the path's parameters, converted.
        principal: what authentication found out, or ``None``. A client may renew it (``$auth``): its id stays.
        expires: when that ends and the connection with it, in seconds since the epoch; ``None`` where it does not.
        state: the plugins' own; use your plugin's name as the key.
    """

    id: int
    route: Route
    path: str
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    principal: Principal | None = None
    expires: float | None = None
    address: str = ""
    state: dict[str, Any] = msgspec.field(default_factory=dict)


class Incoming(msgspec.Struct, gc=False):
    """A client's frame on its way to the handler.

    Attributes:
        type: the message's; ``""`` on a raw route. It stays what the client sent when a plugin replaces the frame.
        id: the client's, or ``None``.
        frame: the whole frame; what an earlier plugin replaced it with, if one did.
        binary: it is a binary frame (raw routes only).
    """

    type: str
    id: int | str | None
    frame: bytes
    binary: bool = False


class Outgoing(msgspec.Struct, gc=False):
    """A frame on its way to the client.

    Attributes:
        frame: the whole frame; what an earlier plugin replaced it with, if one did.
        final: nothing follows for the request that this answers.
        binary: it is a binary frame (raw routes only).
        type: the message's type, where the gateway knows it without looking into the frame.
        id: of the request that this answers, where the gateway knows it; ``None`` for events too.
        event: nobody asked for it: it was pushed or published.
    """

    frame: bytes
    final: bool = True
    binary: bool = False
    type: str | None = None
    id: int | str | None = None
    event: bool = False


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload did, or why it did not happen.

    Attributes:
        epoch: the number of the table that serves from now on.
        digest: of its spec.
        changed: names of routes that have a new state; likewise ``added``, ``removed`` and ``kept`` (those that
            kept their old one).
        problems: what was wrong, one text each; the old table serves on.
    """

    epoch: int
    digest: str
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
