"""The operators' listener: ``/healthz``, ``/readyz``, ``/metrics``, ``/stats`` and ``/breakers``.

One thing can be done here: ``POST /breakers/ROUTE/open``, ``.../close`` or ``.../auto``.

It binds to loopback unless a token guards it, and without a token it only answers requests that name a loopback host,
so that no page in a browser can reach it through a name of its own. A request that a page of another origin sends is
refused too: a browser would send a POST without asking.
"""

import asyncio
import hmac
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from routewright.gateway import breakers
from routewright.gateway.addresses import is_loopback
from routewright.gateway.malformed import HttpConnection
from routewright.gateway.metrics import exposition
from routewright.gateway.report import readiness, stats
from routewright.gateway.supervisor import StartFailed, Supervisor


class Admin:
    """Serves one supervisor's figures."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._token = ""
        self._server: asyncio.Server | None = None
        self._http = web.Server(self._handle)
        self._pages: dict[str, Callable[[], Awaitable[web.Response]]] = {
            "/healthz": self._health,
            "/readyz": self._ready,
            "/metrics": self._metrics,
            "/stats": self._stats,
            "/breakers": self._breakers,
        }

    async def start(self) -> tuple[str, int]:
        """Listen; the address.

        Raises:
            StartFailed: the address is taken, or public without a token.
        """
        settings = self._supervisor.settings.admin
        if settings.token_env is not None:
            self._token = os.environ.get(settings.token_env, "")
            if not self._token:
                raise StartFailed(f"gateway.admin.tokenEnv names {settings.token_env}, which is not set")
        if not self._token and not is_loopback(settings.host):
            raise StartFailed(
                f"the admin listener does not bind to {settings.host} without a token: set gateway.admin.tokenEnv"
            )
        try:
            self._server = await asyncio.get_running_loop().create_server(self._accept, settings.host, settings.port)
        except OSError as error:
            raise StartFailed(
                f"cannot listen on {settings.host}:{settings.port} (admin): {error.strerror or error}"
            ) from None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
        await self._http.shutdown(0.5)

    def _accept(self) -> HttpConnection:
        return HttpConnection(self._http, lambda _: None, access_log=None, keepalive_timeout=30.0)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._token:
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            known = hmac.compare_digest(given.encode(errors="surrogateescape"), self._token.encode())
            if scheme.lower() != "bearer" or not known:
                return _json({"error": {"code": "unauthorized", "message": "a bearer token is needed"}}, 401)
        elif not is_loopback(_host(request)):
            return _json({"error": {"code": "forbidden", "message": "the Host header names no loopback host"}}, 403)
        if not _same_origin(request):
            return _json({"error": {"code": "forbidden", "message": "pages of other origins may not ask"}}, 403)
        if request.path.startswith("/breakers/"):
            return await self._hold(request)
        page = self._pages.get(request.path)
        if page is None:
            return _json({"error": {"code": "not_found", "message": "no such page"}, "pages": list(self._pages)}, 404)
        if request.method not in ("GET", "HEAD"):
            return _json({"error": {"code": "method_not_allowed", "message": "only GET"}}, 405)
        return await page()

    async def _health(self) -> web.Response:
        return _json({"status": "ok"})

    async def _ready(self) -> web.Response:
        report = readiness(self._supervisor)
        return _json(report, 200 if report["ready"] else 503)

    async def _metrics(self) -> web.Response:
        text = exposition(await stats(self._supervisor))
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _stats(self) -> web.Response:
        return _json(await stats(self._supervisor))

    async def _breakers(self) -> web.Response:
        return _json({"breakers": await breakers.listed(self._supervisor)})

    async def _hold(self, request: web.BaseRequest) -> web.Response:
        """``POST /breakers/ROUTE/VERB``."""
        _, _, route, *rest = request.path.split("/")
        mode = breakers.VERBS.get(rest[0]) if len(rest) == 1 else None
        if mode is None:
            message = f"ask for /breakers/ROUTE/VERB, VERB being {', '.join(breakers.VERBS)}"
            return _json({"error": {"code": "not_found", "message": message}}, 404)
        if request.method != "POST":
            return _json({"error": {"code": "method_not_allowed", "message": "only POST"}}, 405)
        problem = await breakers.hold_everywhere(self._supervisor, route, mode)
        if problem:
            return _json({"error": {"code": "not_found", "message": problem}}, 404)
        found = await breakers.listed(self._supervisor)
        return _json({"breakers": [breaker for breaker in found if breaker["route"] == route]})


def _same_origin(request: web.BaseRequest) -> bool:
    """Whether no page of another origin has sent a request. Browsers name the page's origin in whatever is more than a
    GET."""
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("Host")


def _host(request: web.BaseRequest) -> str:
    """The host that a request names; ``""`` for none."""
    try:
        return urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    except ValueError:
        return ""


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(body) + "\n", content_type="application/json")
