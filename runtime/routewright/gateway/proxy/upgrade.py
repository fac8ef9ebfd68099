"""From a handshake on a proxy route to a connection with its upstream."""

import math

from aiohttp import web

from routewright.gateway.auth.credential import in_queries
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.gateway import Gateway
from routewright.gateway.handshake import location, switching
from routewright.gateway.proxy.client import Refused, Unreachable, end
from routewright.gateway.proxy.connection import ProxyConnection
from routewright.gateway.proxy.handshake import Handshake, address, headers, protocols
from routewright.gateway.proxy.upstream import Resting, Upstream
from routewright.gateway.responses import Refuse
from routewright.gateway.room import check_room
from routewright.gateway.socket import take_over
from routewright.hooks import SessionInfo
from routewright.table.paths import Match


async def upgrade_proxy(
    gateway: Gateway,
    request: web.BaseRequest,
    match: Match,
    endpoint: Endpoint,
    upstream: Upstream,
    info: SessionInfo,
    accept: str,
    secure: bool,
) -> web.StreamResponse:
    """Reach the upstream first: a client that it cannot have, or that it does not want, is told by HTTP."""
    handshake = Handshake(
        address(info.route, match.parameters, request.raw_path.partition("?")[2], in_queries(info.route.auth)),
        headers(request.headers, info, secure=secure),
        protocols(request.headers),
    )
    check_room(gateway, endpoint, info.address)
    gateway.opening += 1
    gateway.addresses[info.address] += 1
    try:
        link = await upstream.open(
            gateway.upstreams,
            info.route,
            handshake,
            endpoint.circuit,
            patience=gateway.settings.limits.handshake,
            heartbeat=gateway.settings.heartbeat,
        )
    except Resting as resting:
        text = f"the upstream of route {info.route.name!r} has failed too often and rests"
        raise Refuse(503, "circuit_open", text, {"Retry-After": str(math.ceil(resting.wait))}) from None
    except Unreachable:
        text = f"the upstream of route {info.route.name!r} cannot be reached"
        raise Refuse(503, "overloaded", text, {"Retry-After": "1"}) from None
    except Refused as refusal:
        raise Refuse(refusal.status, refusal.code, str(refusal)) from None
    finally:
        gateway.opening -= 1
        gateway.forget_address(info.address)
    handshake = handshake._replace(protocols=(link.protocol,) if link.protocol else ())
    switched = None
    try:
        check_room(gateway, endpoint, info.address)
        if not endpoint.retired:
            chosen = f"Sec-WebSocket-Protocol: {link.protocol}\r\n" if link.protocol else ""
            connection = ProxyConnection(gateway, endpoint, info, upstream, link, handshake)
            switched = take_over(request, switching(accept, location(match) + chosen), connection)
    finally:
        if switched is None:
            gateway.spawn(end(link, 1001, "the client has not come"))
    if switched is None:
        raise ConnectionResetError("the client left during the handshake")
    return switched
