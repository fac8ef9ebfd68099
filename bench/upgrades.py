"""Upgrades: connect, handshake, closing handshake, again; in CPU of the server per upgrade.

Strategy: the client is a bare protocol with ready-made bytes, so that the server's core is the one that fills up.
"""

import asyncio
import base64
import time
from collections.abc import Callable
from typing import cast

from bench.field import AIOHTTP, GATEWAY, NODE
from bench.rounds import Figures, over
from bench.section import Section, Target, median
from bench.server import Server, ServerError
from bench.settings import CONNECTIONS, Settings

KEY = base64.b64encode(bytes(range(16))).decode()
# Masked with zeros: 1000.
CLOSE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"


class Upgrade(asyncio.Protocol):
    """One connection from the request to the end; ``done`` says whether it was upgraded."""

    def __init__(self, request: bytes, done: asyncio.Future[bool]) -> None:
        self.request = request
        self.done = done
        self.received = b""
        self.upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.upgraded:
            head, end, self.received = self.received.partition(b"\r\n\r\n")
            if not end:
                self.received = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.transport.close()
                return
            self.upgraded = True
            self.transport.write(CLOSE)
        if self.received.startswith(b"\x88"):
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(self.upgraded)


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    section = Section(
        "upgrades",
        f"Upgrades, {CONNECTIONS} at a time, each closed at once",
        ("server", "us an upgrade", "upgrades/s a core", "seen upgrades/s", "failed"),
    )

    async def once(server: Server) -> Figures:
        return await _upgrades(server, settings)

    found = await over(section, (GATEWAY, AIOHTTP, NODE), settings.rounds, once, settings, progress)
    ours, bare = found.get(GATEWAY.name), found.get(AIOHTTP.name)
    if ours:
        section.targets.append(Target("upgrades a core", median(s[1] for s in ours), 5000.0, "/s", at_least=True))
        if bare:
            share = median(mine[1] / theirs[1] for mine, theirs in zip(ours, bare, strict=False))
            section.targets.append(Target("or: upgrades a core, by bare aiohttp", share, 0.9, " x", at_least=True))
    return section


class Clients:
    """Connections that follow each other; ``running`` set to false lets the last ones end."""

    def __init__(self, server: Server) -> None:
        self.port = server.port
        self.request = (
            f"GET {server.path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self.running = True
        self.done = 0
        self.failed = 0

    async def repeat(self) -> None:
        """One upgrade after the other."""
        while self.running:
            if await self.upgrade():
                self.done += 1
            else:
                self.failed += 1

    async def upgrade(self) -> bool:
        """Whether one connection was upgraded, and closed again, within ten seconds."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[bool] = loop.create_future()
        try:
            await loop.create_connection(lambda: Upgrade(self.request, over), "127.0.0.1", self.port)
            return await asyncio.wait_for(over, timeout=10)
        except (OSError, TimeoutError):
            return False


async def _upgrades(server: Server, settings: Settings) -> Figures:
    """CPU microseconds an upgrade, upgrades a second of CPU, upgrades a second as seen, and failed ones."""
    clients = Clients(server)
    tasks = [asyncio.create_task(clients.repeat()) for _ in range(CONNECTIONS)]
    await asyncio.sleep(settings.warmup)
    count, cpu, began = clients.done, server.cpu(), time.perf_counter()
    await asyncio.sleep(settings.seconds)
    count, cpu, seconds = clients.done - count, server.cpu() - cpu, time.perf_counter() - began
    clients.running = False
    await asyncio.gather(*tasks)
    if not count:
        raise ServerError(f"{server.name} upgraded nothing")
    return cpu / count * 1e6, count / cpu, count / seconds, float(clients.failed)
