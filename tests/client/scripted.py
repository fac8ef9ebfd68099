"""A server that does what a test has planned: each connection takes the next step of the plan, or is served well.

Strategy: the model gateway behind a real socket. Nothing sleeps; tests wait for what the server has seen.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from routewright.client import Timing

from .model import Connection, Gateway

PATIENCE = 30.0


class Refuse(NamedTuple):
    """Answer the handshake with an HTTP status."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: Mapping[str, Any] = MappingProxyType({})


class Close(NamedTuple):
    """Open, and close at once with a code."""

    code: int
    reason: str = ""


class Swallow(NamedTuple):
    """Greet, take so many messages, and cut the connection before any is answered."""

    messages: int


class Say(NamedTuple):
    """Open, and send this."""

    data: str | bytes


class Mute(NamedTuple):
    """Greet, and never say anything again."""


Step = Refuse | Close | Swallow | Say | Mute


class Plain(Connection):
    """The model for clients without a session."""

    def take(self, data: bytes) -> None:
        message = json.loads(data)
        if not self.knows(message):
            return
        self.gateway.handled.append(("plain", message))
        if message["type"] == "$ping":
            self.write({"type": "$pong", "id": message["id"]})
        elif message["type"] != "note":
            for frame in self.gateway.answer(message):
                self.write(frame)


class Scripted:
    """The server.

    Attributes:
        attempts: every handshake that came.
        slept: the pauses that the client made.
    """

    def __init__(self, gateway: Gateway, *, reliable: bool = True) -> None:
        self.gateway = gateway
        self.plan: deque[Step] = deque()
        self.attempts: list[web.Request] = []
        self.slept: list[float] = []
        self.document: dict[str, Any] = {}
        self._protocols = ("routewright.v1",) if reliable else ()
        self._open: dict[web.WebSocketResponse, tuple[web.Request, Connection]] = {}
        self._news = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def timing(self) -> Timing:
        """Pauses of the client are written down, and over at once; chance always takes the longest."""

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.sleep(0)

        return Timing(sleep=sleep, uniform=lambda low, high: high)

    async def start(self, ssl: Any = None) -> None:
        """Listen, on the port of before where there was one."""
        app = web.Application()
        app.router.add_get("/.well-known/websocket-routes", self._discover)
        app.router.add_get("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=ssl)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be gone."""
        self.cut()
        if self._runner is not None:
            await self._runner.cleanup()

    def cut(self) -> None:
        """Break every connection, without a word."""
        for request, connection in list(self._open.values()):
            connection.gone()
            if request.transport is not None:
                request.transport.abort()

    async def close(self, code: int, reason: str = "") -> None:
        """Close every connection with a code."""
        for socket in list(self._open):
            await socket.close(code=code, message=reason.encode())

    async def push(self) -> None:
        """Write what the model has for its connections."""
        for socket, (_, connection) in list(self._open.items()):
            await self._flush(socket, connection)

    async def until(self, test: Callable[[], bool]) -> None:
        """Wait until the server has seen what a test waits for."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(test)

    async def _flush(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        sent, connection.sent = connection.sent, []
        for data in sent:
            with contextlib.suppress(ConnectionError):
                await socket.send_str(data.decode())

    async def _discover(self, request: web.Request) -> web.Response:
        return web.json_response(self.document)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        step = self.plan.popleft() if self.plan else None
        await self._noted(lambda: self.attempts.append(request))
        if isinstance(step, Refuse):
            return web.json_response(dict(step.body), status=step.status, headers=step.headers)
        socket = web.WebSocketResponse(protocols=self._protocols)
        await socket.prepare(request)
        connection = (Connection if socket.ws_protocol else Plain)(self.gateway)
        self._open[socket] = request, connection
        try:
            await self._serve(socket, connection, step)
        finally:
            del self._open[socket]
            connection.gone()
            await self._noted(lambda: None)
        return socket

    async def _serve(self, socket: web.WebSocketResponse, connection: Connection, step: Step | None) -> None:
        if isinstance(step, Close):
            await socket.close(code=step.code, message=step.reason.encode())
        elif isinstance(step, Say):
            await (socket.send_str(step.data) if isinstance(step.data, str) else socket.send_bytes(step.data))
        left = step.messages if isinstance(step, Swallow) else None
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            data = message.data.encode()
            await self._noted(lambda data=data: connection.take(data))
            if b'"$hello"' in data or b'"$auth"' in data or step is None:
                await self._flush(socket, connection)
            elif left is not None and b'"$ack"' not in data:
                left -= 1
                if not left:
                    self.cut()

    async def _noted(self, act: Callable[[], object]) -> None:
        act()
        async with self._news:
            self._news.notify_all()


@contextlib.asynccontextmanager
async def scripted(*plan: Step, reliable: bool = True, ssl: Any = None, **options: Any) -> AsyncIterator[Scripted]:
    """A server for the length of a block."""
    server = Scripted(Gateway(**options), reliable=reliable)
    server.plan.extend(plan)
    await server.start(ssl)
    try:
        yield server
    finally:
        await server.stop()
