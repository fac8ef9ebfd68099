"""Events in bursts, to plain clients, to reliable ones, and to reliable ones that take a burst in one frame.

Strategy: one connection has a burst published, and the next follows when every client has heard all of it. A reliable
client acknowledges each burst once.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from picows import WSFrame, WSListener, WSTransport, ws_connect

from bench.field import GATEWAY
from bench.rounds import Figures, over
from bench.section import Section
from bench.server import Server
from bench.settings import Settings
from bench.sockets import TEXT, close

CLIENTS = 50
BURST = 20
ANNOUNCE = b'{"type":"announce","payload":{"text":"%s"}}' % (b"x" * 78)
MARK = b'"announcement"'
KINDS: dict[str, bytes | None] = {
    "plain": None,
    "reliable": b'{"type":"$hello"}',
    "reliable, batch": b'{"type":"$hello","batch":true}',
}
"""What a client says first."""


class Listener(WSListener):  # type: ignore[misc]
    """One client; ``heard`` is set when the burst is complete."""

    def __init__(self, hello: bytes | None) -> None:
        self.hello = hello
        self.welcome = asyncio.Event()
        self.heard = asyncio.Event()
        self.count = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        if self.hello is None:
            self.welcome.set()
        else:
            transport.send(TEXT, self.hello)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != TEXT:
            return
        payload = frame.get_payload_as_bytes()
        self.welcome.set()
        self.count += payload.count(MARK)
        if self.count >= BURST:
            self.count -= BURST
            if self.hello is not None:
                last = json.loads(payload)
                seq = (last[-1] if isinstance(last, list) else last)["seq"]
                transport.send(TEXT, b'{"type":"$ack","seq":%d}' % seq)
            self.heard.set()


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    """Every kind of client once a round."""
    section = Section(
        "batch",
        f"Bursts of {BURST} events to {CLIENTS} clients",
        ("client", "us an event and client", "events/s to clients"),
    )
    field = [replace(GATEWAY, name=name, title=name) for name in KINDS]
    alone = replace(settings, peers=())
    await over(section, field, settings.rounds, partial(_load, settings=settings), alone, progress)
    return section


async def _load(server: Server, settings: Settings) -> Figures:
    hello = KINDS[server.name]
    headers = {} if hello is None else {"Sec-WebSocket-Protocol": "routewright.v1"}
    found = await asyncio.gather(
        *(ws_connect(lambda: Listener(hello), server.url, extra_headers=headers) for _ in range(CLIENTS))
    )
    asker, _ = await ws_connect(WSListener, server.url)
    transports, listeners = [each for each, _ in found], [each for _, each in found]
    await asyncio.gather(*(listener.welcome.wait() for listener in listeners))
    for _ in range(10):
        await _burst(asker, listeners)
    bursts, cpu, began = 0, server.cpu(), time.perf_counter()
    while time.perf_counter() - began < settings.seconds:
        await _burst(asker, listeners)
        bursts += 1
    seconds, cpu = time.perf_counter() - began, server.cpu() - cpu
    await close([*transports, asker])
    events = bursts * BURST * CLIENTS
    return cpu / events * 1e6, events / seconds


async def _burst(asker: WSTransport, listeners: list[Listener]) -> None:
    for listener in listeners:
        listener.heard.clear()
    for _ in range(BURST):
        asker.send(TEXT, ANNOUNCE)
    async with asyncio.timeout(10):
        await asyncio.gather(*(listener.heard.wait() for listener in listeners))
