"""A client of a proxy route, and the WebSocket to its upstream.

Strategy: the client's side is the socket of every client, driven by callbacks; the upstream's is read by one task. Who
does not keep up holds back the other one through TCP: while much waits for the upstream its client is not read, and
while the client has much unread its upstream is not. So a connection never holds more than a few chunks and one message
in either direction.

An upstream that is lost takes its session with it, so by default its client is closed and comes again by itself. Where
the spec says ``reconnect``, the client stays meanwhile, and what it sends waits; a frame that was on its way when the
upstream broke may be lost.
"""

import asyncio
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import WSMsgType

from routewright.gateway.endpoint import Endpoint
from routewright.gateway.lane import Lane
from routewright.gateway.proxy.client import Link, Refused, Unreachable, end
from routewright.gateway.proxy.handshake import Handshake
from routewright.gateway.proxy.upstream import Resting, Upstream
from routewright.gateway.raw import RawConnection
from routewright.gateway.socket import State
from routewright.hooks import SessionInfo

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway

WAITING = 64 * 1024
"""Bytes that may wait for the upstream before its client is no longer read."""

LOST = 1006
"""No close frame came: the connection broke (RFC 6455, 7.1.5)."""

_PASSING = frozenset((1001, LOST, 1012, 1013))
"""Ends of an upstream after which another one may be there soon."""


class ProxyConnection(RawConnection):
    """One client whose frames mean nothing to the gateway, and all to the upstream."""

    __slots__ = ("_handshake", "_link", "_news", "_onward", "_queued", "_reader_task", "_upstream", "waiting")

    def __init__(
        self,
        gateway: "Gateway",
        endpoint: Endpoint,
        info: SessionInfo,
        upstream: Upstream,
        link: Link,
        handshake: Handshake,
    ) -> None:
        super().__init__(gateway, endpoint, info)
        self.waiting = 0
        self._queued = 0
        self._upstream = upstream
        self._link: Link | None = link
        self._handshake = handshake
        self._onward = Lane(self._send)
        self._news: asyncio.Future[None] | None = None
        self._reader_task: asyncio.Task[None] | None = None

    # Its life

    def welcome(self) -> None:
        self._reader_task = self.gateway.spawn(self._read_upstream())

    def on_closed(self, code: int) -> None:
        super().on_closed(code)
        self._onward.stop()
        if self._reader_task is not None:
            self._reader_task.cancel()
        link, self._link = self._link, None
        if link is not None:
            self.gateway.spawn(end(link, code, self.close_reason))

    def resume_writing(self) -> None:
        super().resume_writing()
        self._tell()

    def _left(self) -> None:
        super()._left()
        self._tell()

    # To the upstream

    def blocked(self) -> bool:
        return self.waiting >= WAITING or self.in_flight >= self.endpoint.in_flight

    def hold(self, data: bytes, binary: bool) -> None:
        if self.held is None:
            self._upstream.held_clients += 1
        super().hold(data, binary)

    def _request(self, data: bytes, binary: bool) -> None:
        if self._link is None and self.leaving:
            return
        self.in_flight += 1
        self._queued += 1
        self.waiting += len(data)
        self._onward.push((data, binary))

    async def _send(self, frame: tuple[bytes, bool]) -> None:
        data, binary = frame
        while self._link is None:
            await self._told()
        try:
            await self._link.send_frame(data, WSMsgType.BINARY if binary else WSMsgType.TEXT)
        except (ConnectionError, aiohttp.ClientError):
            pass  # whoever reads the upstream hears of its end
        else:
            self._upstream.frames_out += 1
            self._upstream.bytes_out += len(data)
        if not self._queued:
            return
        self.in_flight -= 1
        self._queued -= 1
        self.waiting -= len(data)
        if self.held is not None:
            self.release()

    # From the upstream

    async def _read_upstream(self) -> None:
        code, reason = await self._pass_back()
        while code in _PASSING and await self._reconnected():
            code, reason = await self._pass_back()
        if code == LOST:
            self.endpoint.count_error("upstream_lost")
            code, reason = 1013, "the upstream went away"
        # what waits for an upstream that is gone will never be sent
        self._onward.stop()
        self.in_flight -= self._queued
        self._queued = self.waiting = 0
        if self.held is not None:
            self.held.clear()
        self.leave(code, reason)

    async def _pass_back(self) -> tuple[int, str]:
        """Pass on what the upstream sends; the code and the reason of its end."""
        link, upstream = self._link, self._upstream
        while link is not None:
            message = await link.receive()
            kind, data = message.type, message.data
            if kind is WSMsgType.TEXT or kind is WSMsgType.BINARY:
                if kind is WSMsgType.TEXT and not _is_utf8(data):
                    return await self._broken(link, 1007, "text is not UTF-8")
                upstream.frames_in += 1
                upstream.bytes_in += len(data)
                self.deliver(data, kind is WSMsgType.BINARY)
                await self._room()
            elif kind is WSMsgType.CLOSE:
                self._link = None
                await end(link, data or 1000, "")
                return data or 1005, message.extra or ""
            elif kind is WSMsgType.ERROR:
                error = message.data
                code = int(error.code) if isinstance(error, aiohttp.WebSocketError) else LOST
                return await self._broken(link, code, str(error)) if code != LOST else self._lost()
            else:
                return self._lost()
        return LOST, ""

    def _lost(self) -> tuple[int, str]:
        self._link = None
        return LOST, ""

    async def _broken(self, link: Link, code: int, reason: str) -> tuple[int, str]:
        """The upstream has sent what it must not; the client cannot help it."""
        self._link = None
        self.endpoint.count_error("too_large" if code == 1009 else "upstream_broken")
        await end(link, code, reason)
        return 1011, "the upstream's message was too large" if code == 1009 else "the upstream broke the protocol"

    async def _room(self) -> None:
        """Wait until the client has read what it got."""
        if self.stalled_since is None and (self.outbound is None or self.outbound.idle):
            return
        self._upstream.held_upstreams += 1
        while self.state is State.OPEN and (
            self.stalled_since is not None or (self.outbound is not None and not self.outbound.idle)
        ):
            await self._told()

    async def _reconnected(self) -> bool:
        """Open the upstream anew, where the spec wants that."""
        route = self.endpoint.route
        patience = route.upstream.reconnect if route.upstream is not None else None
        if patience is None or self.state is not State.OPEN or self.leaving:
            return False
        chosen = self._handshake.protocols
        try:
            link = await self._upstream.open(
                self.gateway.upstreams,
                route,
                self._handshake,
                self.endpoint.circuit,
                patience=patience,
                heartbeat=self.gateway.settings.heartbeat,
            )
        except (Resting, Unreachable, Refused):
            return False
        if chosen and link.protocol != chosen[0]:
            # the client speaks what the first one chose
            self.gateway.spawn(end(link, 1002, "another subprotocol than before"))
            return False
        self._upstream.reconnects += 1
        self._link = link
        self._tell()
        return True

    # Whoever waits

    async def _told(self) -> None:
        """Wait until something has changed."""
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._news)

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.done():
            news.set_result(None)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
