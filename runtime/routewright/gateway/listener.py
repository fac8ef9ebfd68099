"""The public HTTP listener: discovery, tickets, and what goes on to `routewright.gateway.upgrade`.

Strategy: aiohttp's low-level server, without an application or a router: the path is looked up once, in the table.
Whatever refuses a client does so before the handshake is answered, with an HTTP status and a JSON body that says why.
"""

import asyncio
import time
from typing import Any

import structlog
from aiohttp import hdrs, web

from routewright.gateway.addresses import came_from
from routewright.gateway.auth import minting
from routewright.gateway.auth.minting import TICKETS
from routewright.gateway.auth.upgrade import told, upgrade_request
from routewright.gateway.gateway import Gateway
from routewright.gateway.handshake import accept_key
from routewright.gateway.malformed import HttpConnection
from routewright.gateway.responses import Refuse, json_response
from routewright.gateway.upgrade import upgrade
from routewright.policies.rate_limit import RateLimiter
from routewright.table.discovery import describe_route
from routewright.table.paths import Match

log = structlog.get_logger("routewright.gateway")

DISCOVERY = "/.well-known/websocket-routes"
_BACKLOG = 4096


class Listener:
    """Serves one gateway on one listening socket."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.waiting: dict[Any, float] = {}
        self._near = RateLimiter(100.0, 100)
        self._server: asyncio.Server | None = None
        self._http = web.Server(self._handle)

    async def start(self, listening: Any, ssl: Any = None) -> None:
        """Accept connections from an already bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=listening, backlog=_BACKLOG, ssl=ssl)

    async def stop(self) -> None:
        """Accept no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def shut(self) -> None:
        """Let go of the connections that never became WebSockets."""
        await self._http.shutdown(0.5)

    def _accept(self) -> asyncio.Protocol:
        gateway = self.gateway
        if len(self.waiting) + len(gateway.sessions) >= gateway.settings.limits.connections + _BACKLOG:
            return _Refused()
        protocol = HttpConnection(
            self._http,
            self._count,
            access_log=None,
            # `tick` cuts who is too slow, by the limit that is then in force, and counts it
            keepalive_timeout=3600.0,
            max_line_size=4096,
            max_field_size=8190,
        )
        self.waiting[protocol] = gateway.clock()
        return protocol

    def tick(self) -> None:
        """Cut connections that have not finished a request in time."""
        now = self.gateway.clock()
        limit = self.gateway.settings.limits.handshake
        for protocol, since in list(self.waiting.items()):
            if protocol.transport is None:
                if now - since > 1.0:
                    del self.waiting[protocol]
            elif now - since > limit:
                del self.waiting[protocol]
                self._count("handshake")
                protocol.transport.abort()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.waiting.pop(request.protocol, None)
        try:
            return await self._answer(request)
        except Refuse as refusal:
            self._count(refusal.code)
            return json_response(refusal.status, refusal.body(), refusal.headers)

    def _count(self, reason: str) -> None:
        self.gateway.refused[reason] += 1

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        wanted = request.headers.get(hdrs.UPGRADE, "")
        if path == DISCOVERY and not wanted:
            self._only_get(request)
            return json_response(200, self.gateway.discovery, {"Cache-Control": "no-cache"})
        if path == TICKETS and not wanted:
            return await self._ticket(request)
        match = self.gateway.matcher.match(path) or self._nearest(path)
        if not wanted:
            self._only_get(request)
            where = {"Content-Location": match.pattern} if match.near else {}
            return json_response(200, describe_route(match.route), {"Cache-Control": "no-cache", **where})
        accept = accept_key(request, wanted)
        return await upgrade(self.gateway, request, match, accept)

    def _only_get(self, request: web.BaseRequest) -> None:
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            raise Refuse(405, "method_not_allowed", f"{request.method} is not GET", {"Allow": "GET, HEAD"})

    def _nearest(self, path: str) -> Match:
        """The route that a path of none is taken for. All that follows is as if the client had asked for its path."""
        near: list[str] = []
        gateway = self.gateway
        if gateway.settings.fuzzy.mode != "off" and not self._near.admit(time.monotonic()):
            match = gateway.nearest(path)
            if match is not None:
                gateway.redirected += 1
                log.info("a near path is taken for a route", asked=path[:200], path=match.pattern)
                return match
            near = gateway.matcher.near(path)
        hint = f"did you mean {near[0]}?" if near else f"see {DISCOVERY}"
        raise Refuse(404, "not_found", f"no route {path[:200]!r}", hint=hint, near=near)

    async def _ticket(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request for a ticket (see `routewright.gateway.auth.minting`)."""
        gateway = self.gateway
        address, secure = came_from(request, gateway.settings)
        shared = {**minting.shared(request, gateway.settings.allowed_origins), "Cache-Control": "no-store"}
        if request.method == hdrs.METH_OPTIONS:
            return json_response(200, {}, {**shared, **minting.preflight(gateway)})
        try:
            if request.method != hdrs.METH_POST:
                raise Refuse(405, "method_not_allowed", f"{request.method} is not POST", {"Allow": "POST, OPTIONS"})
            with told(None):
                path = await minting.wanted(request, gateway.settings.limits.handshake)
            match = gateway.matcher.match(path)
            endpoint = gateway.endpoints[match.route.name] if match is not None else None
            with told(endpoint.authenticator if endpoint is not None else None):
                ticket = await minting.mint(gateway, endpoint, upgrade_request(request, path, address, secure))
        except Refuse as refusal:
            refusal.headers.update(shared)
            raise
        return json_response(201, ticket, shared)


class _Refused(asyncio.Protocol):
    """A connection for which there is no room at all."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()
