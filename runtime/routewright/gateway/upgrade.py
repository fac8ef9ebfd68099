"""From a handshake to a connection: whether a client may have one, and of which kind.

Strategy: whatever speaks against a client does so before the handshake is answered. The kind is a class: framing,
subprotocol and compression choose it once, and no message asks again.
"""

import math
from typing import Any
from urllib.parse import unquote

from aiohttp import hdrs, web

from routewright.gateway.addresses import came_from
from routewright.gateway.auth.credential import offered
from routewright.gateway.auth.door import stranger
from routewright.gateway.auth.upgrade import authenticate
from routewright.gateway.compressed import compressed
from routewright.gateway.connection import Connection
from routewright.gateway.deflate import agree
from routewright.gateway.gateway import Gateway
from routewright.gateway.handshake import location, subprotocol, switching
from routewright.gateway.plain import PlainConnection
from routewright.gateway.proxy.upgrade import upgrade_proxy
from routewright.gateway.raw import RawConnection
from routewright.gateway.responses import Refuse
from routewright.gateway.room import check_room
from routewright.gateway.session.reliable import ReliableConnection
from routewright.gateway.socket import take_over
from routewright.hooks import SessionInfo
from routewright.table.discovery import SUBPROTOCOL, subprotocols
from routewright.table.paths import Match, ParameterError, convert


async def upgrade(gateway: Gateway, request: web.BaseRequest, match: Match, accept: str) -> web.StreamResponse:
    """Answer a well-formed handshake on a route; ``accept`` is its ``Sec-WebSocket-Accept``.

    Raises:
        Refuse: the client may not connect, or not now.
        ConnectionResetError: it has left.
    """
    route = match.route
    endpoint = gateway.endpoints[route.name]
    address, secure = came_from(request, gateway.settings)
    check_room(gateway, endpoint, address)
    try:
        parameters = convert(route, match.parameters)
    except ParameterError as error:
        raise Refuse(400, "invalid_parameter", str(error)) from None
    path = match.pattern if match.near else unquote(request.raw_path.partition("?")[0])
    identity = await authenticate(request, endpoint, path, address, secure)
    # others may have come, or the route gone, while a plugin made up its mind
    check_room(gateway, endpoint, address)
    if endpoint.retired:
        raise Refuse(503, "overloaded", f"route {route.name!r} has just changed", {"Retry-After": "1"})
    if route.framing == "raw" and endpoint.upstream is None and (wait := endpoint.resting()):
        # a raw client's first frame would close its connection
        text = f"the handler of route {route.name!r} has failed too often"
        raise Refuse(503, "circuit_open", text, {"Retry-After": str(math.ceil(wait))})
    if endpoint.upstream is None and not endpoint.pool.ready:
        raise Refuse(503, "overloaded", f"no worker of route {route.name!r} is ready", {"Retry-After": "1"})
    info = SessionInfo(
        id=gateway.next_session(),
        route=route,
        path=path,
        parameters=parameters,
        principal=identity.principal if identity is not None else None,
        expires=identity.expires if identity is not None else None,
        address=address,
    )
    if endpoint.upstream is not None:
        return await upgrade_proxy(gateway, request, match, endpoint, endpoint.upstream, info, accept, secure)
    reliable = SUBPROTOCOL in offered(request.headers) and SUBPROTOCOL in subprotocols(endpoint.route)
    chosen = f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n" if reliable else subprotocol(request)
    kind: Any = RawConnection if route.framing == "raw" else ReliableConnection if reliable else PlainConnection
    offers = request.headers.getall(hdrs.SEC_WEBSOCKET_EXTENSIONS, ())
    agreed = agree(offers) if offers and endpoint.route.compression is not None else None
    more: tuple[int, ...] = ()
    extensions = ""
    if agreed is not None:
        kind, more = compressed(kind), (agreed.bits,)
        extensions = f"Sec-WebSocket-Extensions: {agreed.answer}\r\n"
    if identity is None and endpoint.authenticator is not None:
        kind = stranger(kind)
    connection: Connection = kind(gateway, endpoint, info, *more)
    head = location(match) + chosen + extensions
    switched = take_over(request, switching(accept, head), connection)
    if switched is None:
        raise ConnectionResetError("the client left during the handshake")
    return switched
