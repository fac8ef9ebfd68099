"""The public HTTP listener: discovery, refusals, and the WebSocket handshake (RFC 6455, 4.2).

Strategy: aiohttp's low-level server, without an application or a router: the path is looked up once, in the table.
Whatever refuses a client does so before the handshake is answered, with an HTTP status and a JSON body that says why.
"""

import asyncio
import base64
import binascii
import contextlib
import functools
import hashlib
import ipaddress
import json
import math
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import structlog
from aiohttp import hdrs, web

from routewright.gateway.auth import minting
from routewright.gateway.auth.authenticator import Authenticator
from routewright.gateway.auth.credential import carries, in_queries, offered
from routewright.gateway.auth.door import stranger
from routewright.gateway.auth.identity import Denied, Identity
from routewright.gateway.auth.minting import TICKETS
from routewright.gateway.compressed import compressed
from routewright.gateway.connection import Connection
from routewright.gateway.deflate import agree
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.gateway import Gateway
from routewright.gateway.origin import allowed
from routewright.gateway.plain import PlainConnection
from routewright.gateway.proxy.client import Refused, Unreachable, end
from routewright.gateway.proxy.connection import ProxyConnection
from routewright.gateway.proxy.handshake import Handshake, address, headers, protocols
from routewright.gateway.proxy.upstream import Resting, Upstream
from routewright.gateway.raw import RawConnection
from routewright.gateway.session.reliable import ReliableConnection
from routewright.gateway.socket import take_over
from routewright.hooks import PluginFailed, Refusal, SessionInfo, UpgradeRequest
from routewright.policies.rate_limit import RateLimiter
from routewright.table.discovery import SUBPROTOCOL, describe_route, subprotocols
from routewright.table.paths import Match, ParameterError, convert

log = structlog.get_logger("routewright.gateway")

DISCOVERY = "/.well-known/websocket-routes"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BACKLOG = 4096
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Listener:
    """Serves one gateway on one listening socket."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.waiting: dict[Any, float] = {}
        self._near = RateLimiter(100.0, 100)
        self._server: asyncio.Server | None = None
        self._http = web.Server(
            self._handle,
            access_log=None,
            # `tick` cuts who is too slow, by the limit that is then in force, and counts it
            keepalive_timeout=3600.0,
            max_line_size=4096,
            max_field_size=8190,
        )

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
        protocol = self._http()
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
                self.gateway.refused["handshake"] += 1
                protocol.transport.abort()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.waiting.pop(request.protocol, None)
        try:
            return await self._answer(request)
        except _Refuse as refusal:
            self.gateway.refused[refusal.code] += 1
            return _json(refusal.status, refusal.body(), refusal.headers)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        upgrade = request.headers.get(hdrs.UPGRADE, "")
        if path == DISCOVERY and not upgrade:
            self._only_get(request)
            return _json(200, self.gateway.discovery, {"Cache-Control": "no-cache"})
        if path == TICKETS and not upgrade:
            return await self._ticket(request)
        match = self.gateway.matcher.match(path) or self._nearest(path)
        if not upgrade:
            self._only_get(request)
            where = {"Content-Location": match.pattern} if match.near else {}
            return _json(200, describe_route(match.route), {"Cache-Control": "no-cache", **where})
        accept = _accept_key(request, upgrade)
        return await self._upgrade(request, match, accept)

    def _only_get(self, request: web.BaseRequest) -> None:
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            raise _Refuse(405, "method_not_allowed", f"{request.method} is not GET", {"Allow": "GET, HEAD"})

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
        raise _Refuse(404, "not_found", f"no route {path[:200]!r}", hint=hint, near=near)

    async def _upgrade(self, request: web.BaseRequest, match: Match, accept: str) -> web.StreamResponse:
        gateway = self.gateway
        route = match.route
        endpoint = gateway.endpoints[route.name]
        address, secure = self._caller(request)
        self._room(endpoint, address)
        try:
            parameters = convert(route, match.parameters)
        except ParameterError as error:
            raise _Refuse(400, "invalid_parameter", str(error)) from None
        path = match.pattern if match.near else unquote(request.raw_path.partition("?")[0])
        identity = await self._authenticate(request, endpoint, path, address, secure)
        # others may have come, or the route gone, while a plugin made up its mind
        self._room(endpoint, address)
        if endpoint.retired:
            raise _Refuse(503, "overloaded", f"route {route.name!r} has just changed", {"Retry-After": "1"})
        if route.framing == "raw" and endpoint.upstream is None and (wait := endpoint.resting()):
            # a raw client's first frame would close its connection
            text = f"the handler of route {route.name!r} has failed too often"
            raise _Refuse(503, "circuit_open", text, {"Retry-After": str(math.ceil(wait))})
        if endpoint.upstream is None and not endpoint.pool.ready:
            raise _Refuse(503, "overloaded", f"no worker of route {route.name!r} is ready", {"Retry-After": "1"})
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
            return await self._upgrade_proxy(request, match, endpoint, endpoint.upstream, info, accept, secure)
        reliable = SUBPROTOCOL in offered(request.headers) and SUBPROTOCOL in subprotocols(endpoint.route)
        chosen = f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n" if reliable else _subprotocol(request)
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
        head = _location(match) + chosen + extensions
        switched = take_over(request, _switching(accept, head), connection)
        if switched is None:
            raise ConnectionResetError("the client left during the handshake")
        return switched

    async def _upgrade_proxy(
        self,
        request: web.BaseRequest,
        match: Match,
        endpoint: Endpoint,
        upstream: Upstream,
        info: SessionInfo,
        accept: str,
        secure: bool,
    ) -> web.StreamResponse:
        """Reach the upstream first: a client that it cannot have, or that it does not want, is told by HTTP."""
        gateway = self.gateway
        handshake = Handshake(
            address(info.route, match.parameters, request.raw_path.partition("?")[2], in_queries(info.route.auth)),
            headers(request.headers, info, secure=secure),
            protocols(request.headers),
        )
        self._room(endpoint, info.address)
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
            raise _Refuse(503, "circuit_open", text, {"Retry-After": str(math.ceil(resting.wait))}) from None
        except Unreachable:
            text = f"the upstream of route {info.route.name!r} cannot be reached"
            raise _Refuse(503, "overloaded", text, {"Retry-After": "1"}) from None
        except Refused as refusal:
            raise _Refuse(refusal.status, refusal.code, str(refusal)) from None
        finally:
            gateway.opening -= 1
            gateway.forget_address(info.address)
        handshake = handshake._replace(protocols=(link.protocol,) if link.protocol else ())
        switched = None
        try:
            self._room(endpoint, info.address)
            if not endpoint.retired:
                chosen = f"Sec-WebSocket-Protocol: {link.protocol}\r\n" if link.protocol else ""
                connection = ProxyConnection(gateway, endpoint, info, upstream, link, handshake)
                switched = take_over(request, _switching(accept, _location(match) + chosen), connection)
        finally:
            if switched is None:
                gateway.spawn(end(link, 1001, "the client has not come"))
        if switched is None:
            raise ConnectionResetError("the client left during the handshake")
        return switched

    def _caller(self, request: web.BaseRequest) -> tuple[str, bool]:
        """The client's address, and whether it came by TLS; a page of an origin that is not allowed is refused."""
        gateway = self.gateway
        peer = _peer(request)
        proxies = gateway.settings.trusted_proxies
        proxied = bool(proxies) and _trusted(peer, proxies)
        address = _address(request, peer, proxies) if proxied else peer
        secure = request.secure or (proxied and request.headers.get("X-Forwarded-Proto") == "https")
        if not allowed(
            request.headers.getall(hdrs.ORIGIN, []),
            gateway.settings.allowed_origins,
            request.headers.get(hdrs.HOST),
            secure=secure,
            loopback=not proxied and is_loopback(gateway.settings.host),
        ):
            raise _Refuse(
                403,
                "forbidden",
                "pages of this origin may not connect",
                hint="list the origin in gateway.allowedOrigins",
            )
        return address, secure

    def _room(self, endpoint: Endpoint, address: str) -> None:
        gateway = self.gateway
        route_limit = endpoint.route.limits.connections
        opening = endpoint.upstream.opening if endpoint.upstream is not None else 0
        on_route = len(endpoint.connections) + opening + gateway.door.on(endpoint)
        limits = gateway.settings.limits
        retry = {"Retry-After": "5"}
        if gateway.draining:
            raise _Refuse(503, "overloaded", "the gateway is shutting down", {"Retry-After": "1"})
        if len(gateway.sessions) + gateway.opening + len(gateway.door.waiting) >= limits.connections:
            raise _Refuse(503, "overloaded", "the gateway has no room for further connections", retry)
        if route_limit is not None and on_route >= route_limit:
            raise _Refuse(503, "overloaded", "the route has no room for further connections", retry)
        if gateway.addresses[address] >= limits.connections_per_address:
            raise _Refuse(429, "rate_limited", "too many connections from this address", retry)

    async def _authenticate(
        self, request: web.BaseRequest, endpoint: Endpoint, path: str, address: str, secure: bool
    ) -> Identity | None:
        """Who asks; ``None`` where nobody wants to know, or where the first frame is to say it."""
        hooks, route, authenticator = endpoint.hooks, endpoint.route, endpoint.authenticator
        if hooks.upgrade is None and hooks.authenticate is None and authenticator is None:
            return None
        asked = _asked(request, path, address, secure)
        with _told(authenticator):
            if hooks.upgrade is not None:
                await hooks.upgrade.run_async(asked, route)
            if authenticator is not None:
                return await authenticator.upgrade(asked, route, hooks.authenticate)
            if hooks.authenticate is None:
                return None
            principal = await hooks.authenticate.run_async(asked, route)
            if principal is None:
                raise Denied("missing", "this route wants a credential")
            return Identity(principal, "plugin")

    async def _ticket(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request for a ticket (see `routewright.gateway.auth.minting`)."""
        gateway = self.gateway
        address, secure = self._caller(request)
        shared = {**minting.shared(request, gateway.settings.allowed_origins), "Cache-Control": "no-store"}
        if request.method == hdrs.METH_OPTIONS:
            return _json(200, {}, {**shared, **minting.preflight(gateway)})
        try:
            if request.method != hdrs.METH_POST:
                raise _Refuse(405, "method_not_allowed", f"{request.method} is not POST", {"Allow": "POST, OPTIONS"})
            with _told(None):
                path = await minting.wanted(request, gateway.settings.limits.handshake)
            match = gateway.matcher.match(path)
            endpoint = gateway.endpoints[match.route.name] if match is not None else None
            with _told(endpoint.authenticator if endpoint is not None else None):
                ticket = await minting.mint(gateway, endpoint, _asked(request, path, address, secure))
        except _Refuse as refusal:
            refusal.headers.update(shared)
            raise
        return _json(201, ticket, shared)


class _Refused(asyncio.Protocol):
    """A connection for which there is no room at all."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class _Refuse(Exception):
    """An HTTP answer that is not the one hoped for."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: dict[str, str] | None = None,
        *,
        hint: str = "",
        near: list[str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.hint = hint
        self.near = near

    def body(self) -> dict[str, Any]:
        """What the client is told."""
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.hint:
            error["hint"] = self.hint
        return {"error": error} if self.near is None else {"error": error, "near": self.near}


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> web.Response:
    response = web.Response(
        status=status,
        text=json.dumps(body, ensure_ascii=False) + "\n",
        content_type="application/json",
        headers=headers,
    )
    response.force_close()
    return response


def _location(match: Match) -> str:
    """The header line that names the path which was meant, where that is not the one asked for (RFC 9110, 8.7)."""
    return f"Content-Location: {match.pattern}\r\n" if match.near else ""


def _switching(accept: str, more: str) -> bytes:
    """The answer to a handshake that succeeds; ``more`` are whole header lines."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"{more}Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode("ascii")


def _asked(request: web.BaseRequest, path: str, address: str, secure: bool) -> UpgradeRequest:
    """The request as those see it who make out who asks."""
    return UpgradeRequest(
        method=request.method,
        path=path,
        query=request.rel_url.query,
        headers=request.headers,
        address=address,
        secure=secure,
    )


@contextlib.contextmanager
def _told(authenticator: Authenticator | None) -> Iterator[None]:
    """Make HTTP answers of what stands against a client."""
    try:
        yield
    except (Denied, Refusal) as refusal:
        headers = {"Retry-After": str(max(1, round(refusal.retry_after)))} if refusal.retry_after else {}
        if isinstance(refusal, Denied) and authenticator is not None and refusal.code != "overloaded":
            headers["WWW-Authenticate"] = authenticator.challenge(refusal)
        elif refusal.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        raise _Refuse(refusal.status, refusal.code, refusal.message, headers) from None
    except PluginFailed:
        raise _Refuse(500, "handler_error", "a plugin failed") from None


def _subprotocol(request: web.BaseRequest) -> str:
    """The header that answers a subprotocol: none is spoken, but a client that has sent its credential as one wants
    another one answered."""
    if not carries(request.headers):
        return ""
    others = [each for each in offered(request.headers) if _TOKEN.fullmatch(each)]
    return f"Sec-WebSocket-Protocol: {others[0]}\r\n" if others else ""


def _accept_key(request: web.BaseRequest, upgrade: str) -> str:
    """``Sec-WebSocket-Accept`` of a well-formed handshake."""
    headers = request.headers
    version = {"Sec-WebSocket-Version": "13"}
    if request.method != hdrs.METH_GET or request.version < (1, 1):
        raise _Refuse(400, "bad_handshake", "a handshake is a GET request of HTTP/1.1")
    if hdrs.TRANSFER_ENCODING in headers or headers.get(hdrs.CONTENT_LENGTH, "0") != "0":
        raise _Refuse(400, "bad_handshake", "a handshake has no body")
    if upgrade.strip().lower() != "websocket":
        raise _Refuse(
            426, "upgrade_required", f"cannot upgrade to {upgrade[:50]!r}", {"Upgrade": "websocket", **version}
        )
    tokens = [token.strip().lower() for value in headers.getall(hdrs.CONNECTION, []) for token in value.split(",")]
    if "upgrade" not in tokens:
        raise _Refuse(400, "bad_handshake", "the Connection header does not say Upgrade")
    if headers.get(hdrs.SEC_WEBSOCKET_VERSION) != "13":
        raise _Refuse(426, "upgrade_required", "the WebSocket version must be 13", version)
    keys = headers.getall(hdrs.SEC_WEBSOCKET_KEY, [])
    try:
        valid = len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise _Refuse(400, "bad_handshake", "Sec-WebSocket-Key must be 16 bytes in base64")
    # SHA-1 is what RFC 6455 asks for; nothing secret depends on it
    digest = hashlib.sha1(keys[0].encode("ascii") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


@functools.lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _trusted(address: str, proxies: tuple[str, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(proxy, strict=False) for proxy in proxies)


def _peer(request: web.BaseRequest) -> str:
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) else "local"


def _address(request: web.BaseRequest, peer: str, proxies: tuple[str, ...]) -> str:
    """The client's address: the last one that trusted proxies did not add for each other."""
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for entry in reversed([entry.strip() for entry in forwarded if entry.strip()]):
        try:
            address = str(ipaddress.ip_address(entry))
        except ValueError:
            return peer
        if not _trusted(address, proxies):
            return address
    return peer
