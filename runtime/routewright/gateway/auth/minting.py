"""``POST /.well-known/websocket-tickets``: a ticket for a route, for who has another credential of that route.

Strategy: a page's script cannot set headers on a WebSocket, but it can on this request. A page of another origin may
ask where it may connect, and a browser asks first whether it may (the CORS protocol of the Fetch standard).
"""

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import hdrs, web

from routewright.hooks import Refusal, UpgradeRequest
from routewright.table import Plugin, Ticket
from routewright.table.frames import DECODE_ERRORS

if TYPE_CHECKING:
    from routewright.gateway.endpoint import Endpoint
    from routewright.gateway.gateway import Gateway

TICKETS = "/.well-known/websocket-tickets"
"""Where tickets are got."""

LARGEST = 4096
"""Bytes that a request may have."""


class _Wanted(msgspec.Struct):
    path: str


_decode = msgspec.json.Decoder(_Wanted).decode


def shared(request: web.BaseRequest, allow_list: tuple[str, ...]) -> dict[str, str]:
    """The headers by which a page of an allowed origin may read the answer."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return {}
    if "*" in allow_list:
        return {"Access-Control-Allow-Origin": "*"}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}


def preflight(gateway: "Gateway") -> dict[str, str]:
    """What a browser is told that asks whether a page may ask."""
    ways = [way for endpoint in gateway.endpoints.values() for way in endpoint.route.auth]
    named = {way.header for way in ways if not isinstance(way, Plugin)}
    headers = ["Authorization", "Content-Type", "X-API-Key", *sorted(name for name in named if name)]
    return {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": ", ".join(dict.fromkeys(headers)),
        "Access-Control-Max-Age": "600",
    }


async def wanted(request: web.BaseRequest, seconds: float) -> str:
    """The path that a ticket is wanted for.

    Raises:
        Refusal: the request does not say it, or not in time.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > LARGEST:
                    raise Refusal("too_large", f"the request has more than {LARGEST} bytes", status=413)
    except TimeoutError:
        raise Refusal("timeout", "the request did not end in time", status=408) from None
    try:
        return _decode(bytes(body)).path
    except DECODE_ERRORS:
        raise Refusal("invalid_message", 'the body must be {"path": "/ws/..."}', status=400) from None


async def mint(gateway: "Gateway", endpoint: "Endpoint | None", request: UpgradeRequest) -> dict[str, Any]:
    """A ticket for a route, as the answer's body.

    Raises:
        Refusal: there is no such route, or it takes no tickets.
        Denied, PluginFailed: the client is not known, or may not connect.
    """
    ways = endpoint.route.auth if endpoint is not None else ()
    way = next((way for way in ways if isinstance(way, Ticket)), None)
    if endpoint is None or endpoint.authenticator is None or way is None:
        raise Refusal("not_found", "no route at this path takes tickets", status=404)
    identity = await endpoint.authenticator.mint(request, endpoint.route, endpoint.hooks.authenticate)
    address = request.address if way.same_address else ""
    now = gateway.clock()
    ticket = gateway.auth.tickets.mint(endpoint.route.name, address, identity, way.ttl, now)
    return {"ticket": ticket, "expiresIn": way.ttl, "route": endpoint.route.name}
