"""What a connection that compresses takes in memory, idle and active, beside one that does not, and aiohttp's.

Strategy: growth of the resident memory of all processes of a server by 1,000 connections. Others have come before
them and been as busy, so that what a server takes once is not counted. Active is the most that was seen while each had
a compressed message under way all the time.
"""

import asyncio
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench import policies
from bench.field import AIOHTTP, PROGRAMS, Peer, gateway_absent
from bench.idle import BATCH, settled
from bench.rounds import Figures, over
from bench.section import Section, Target, median
from bench.server import Command, Server, ServerError
from bench.settings import Settings
from bench.sockets import close

FIRST = 500
CONNECTIONS = 1000
PEEK = 0.1
OURS = "Routewright, compressed"
NOTE = " ".join(f"reading {number}: sensor-{number % 50} is fine;" for number in range(120))
MESSAGE = (
    b'{"type":"request_workspace_analysis","id":"1","payload":{"depth":3,"tags":["a"],"note":"%s"}}' % NOTE.encode()
)


class Talker(WSListener):
    """Keeps one message under way while ``busy`` is set."""

    def __init__(self, message: bytes, small: bool, busy: asyncio.Event) -> None:
        self.message = message
        self.small = small
        self.busy = busy
        self.heard = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def talk(self) -> None:
        self.transport.send(WSMsgType.TEXT, self.message, rsv1=self.small)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.heard += 1
            if self.busy.is_set():
                self.talk()


def packed(message: bytes) -> bytes:
    """A message as a client compresses it."""
    client = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (client.compress(message) + client.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def _aiohttp(port: int, folder: Path) -> list[Command]:
    return [[sys.executable, str(PROGRAMS / "aiohttp_echo.py"), str(port), "compress"]]


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    """One row a server and offer."""
    section = Section(
        "compressed",
        f"Connections that compress: {CONNECTIONS:,}, each with messages of {len(MESSAGE):,} bytes",
        ("server", "KiB idle", "KiB active", "KiB afterwards"),
    )
    rounds = max(1, min(3, settings.rounds))
    compressing = partial(policies.commands, {"compression": {"threshold": "256B"}}, {})
    alone: Any = Settings(rounds=rounds, seconds=settings.seconds)
    rows: list[tuple[str, ...]] = []
    for title, commands, path, absent, offer in (
        ("Routewright, not compressed", compressing, "/ws/bench", gateway_absent, ""),
        (OURS, compressing, "/ws/bench", gateway_absent, "permessage-deflate"),
        (f"{OURS}, window of 9 bits", compressing, "/ws/bench", gateway_absent, _windows(9)),
        ("aiohttp, not compressed", _aiohttp, "/", AIOHTTP.absent, ""),
        ("aiohttp, windows of 15 bits kept", _aiohttp, "/", AIOHTTP.absent, _windows(15)),
        ("aiohttp, windows of 9 bits kept", _aiohttp, "/", AIOHTTP.absent, _windows(9)),
    ):
        peer = Peer(title, title, commands, absent, path)
        found = await over(section, (peer,), rounds, partial(_busy, offer=offer, settings=alone), alone, progress)
        rows += section.rows
        section.rows = []
        if title == OURS and title in found:
            figures = zip(*found[title], strict=True)
            section.targets = [
                Target(f"{state} connection that compresses", median(column), 16.0, " KiB")
                for state, column in zip(("idle", "active"), figures, strict=False)
            ]
    section.rows = rows
    return section


def _windows(bits: int) -> str:
    return f"permessage-deflate; server_max_window_bits={bits}; client_max_window_bits={bits}"


async def _busy(server: Server, *, offer: str, settings: Settings) -> Figures:
    """KiB a connection: idle, active at most, and idle again."""
    busy = asyncio.Event()
    warm = await _connect(server.url, FIRST, offer, busy)
    await _talk(server, warm, busy, settings.seconds)
    before = await settled(server)
    talkers = await _connect(server.url, CONNECTIONS, offer, busy)
    idle = await settled(server)
    active = await _talk(server, talkers, busy, settings.seconds)
    after = await settled(server)
    if gone := sum(each.transport.is_disconnected for each in talkers):
        raise ServerError(f"{server.name} closed {gone} of {CONNECTIONS} connections")
    await close([each.transport for each in (*warm, *talkers)])
    return tuple((each - before) / CONNECTIONS / 1024 for each in (idle, active, after))


async def _talk(server: Server, talkers: list[Talker], busy: asyncio.Event, seconds: float) -> int:
    """Have all of them talk for so long; the most resident bytes that were seen."""
    most, loop = 0, asyncio.get_running_loop()
    busy.set()
    for talker in talkers:
        talker.talk()
    end = loop.time() + seconds
    while loop.time() < end or not all(talker.heard for talker in talkers):
        await asyncio.sleep(PEEK)
        most = max(most, server.rss())
        if loop.time() > end + 30:
            raise ServerError(f"{server.name} did not answer everyone:\n{server.log()}")
    busy.clear()
    return most


async def _connect(url: str, number: int, offer: str, busy: asyncio.Event) -> list[Talker]:
    headers = {"Sec-WebSocket-Extensions": offer} if offer else {}
    message = packed(MESSAGE) if offer else MESSAGE
    talkers: list[Talker] = []
    for _ in range(0, number, BATCH):
        connecting = (
            ws_connect(lambda: Talker(message, bool(offer), busy), url, extra_headers=headers) for _ in range(BATCH)
        )
        talkers += [talker for _, talker in await asyncio.gather(*connecting)]
    return talkers
