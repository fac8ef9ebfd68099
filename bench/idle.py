"""Memory of an idle connection: growth of the resident memory of all server processes.

Strategy: the growth is taken from 1,000 connections to 3,000, so that memory which a server freed after its start, and
which the first connections fill, does not flatter it.
"""

import asyncio
from collections.abc import Callable

from picows import WSListener, WSTransport, ws_connect

from bench.field import AIOHTTP, GATEWAY, NODE
from bench.rounds import Figures, over
from bench.section import Section, Target, median
from bench.server import Server, ServerError
from bench.settings import Settings
from bench.sockets import close

FIRST = 1000
CONNECTIONS = 2000
BATCH = 50
SETTLED = 128 * 1024


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    section = Section(
        "idle",
        f"Idle connections: {CONNECTIONS:,} beside {FIRST:,}, compression off",
        ("server", "KiB a connection", "MiB before", "MiB after"),
    )
    found = await over(section, (GATEWAY, AIOHTTP, NODE), max(1, min(3, settings.rounds)), _idle, settings, progress)
    if ours := found.get(GATEWAY.name):
        section.targets.append(Target("idle connection", median(figures[0] for figures in ours), 16.0, " KiB"))
    return section


async def _idle(server: Server) -> Figures:
    """KiB a connection, and MiB of all processes before and after."""
    transports = await _connect(server.url, FIRST)
    before = await settled(server)
    transports += await _connect(server.url, CONNECTIONS)
    after = await settled(server)
    gone = sum(transport.is_disconnected for transport in transports)
    if gone:
        raise ServerError(f"{server.name} closed {gone} of {len(transports)} idle connections")
    await close(transports)
    return (after - before) / CONNECTIONS / 1024, before / 2**20, after / 2**20


async def _connect(url: str, number: int) -> list[WSTransport]:
    transports: list[WSTransport] = []
    for _ in range(0, number, BATCH):
        found = await asyncio.gather(*(ws_connect(WSListener, url) for _ in range(BATCH)))
        transports += [transport for transport, _ in found]
    return transports


async def settled(server: Server) -> int:
    """Resident bytes once they stand still for a second, or after ten."""
    seen = server.rss()
    for _ in range(10):
        await asyncio.sleep(1)
        seen, last = server.rss(), seen
        if abs(seen - last) < SETTLED:
            break
    return seen
