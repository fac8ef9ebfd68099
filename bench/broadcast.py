"""Broadcast: one message to every connection of a route, in CPU per recipient and in encodings."""

import asyncio
import time
from array import array
from collections.abc import Callable

from picows import WSFrame, WSListener, WSTransport, ws_connect

from bench.field import AIOHTTP_BROADCAST, GATEWAY, NODE_BROADCAST, PICOWS_BROADCAST
from bench.rounds import Figures, over
from bench.section import Section, Target, median, quantile
from bench.server import Server, ServerError
from bench.settings import BENCH, Settings
from bench.sockets import TEXT, close

RECIPIENTS = 1000
COUNTED = 10
ANNOUNCE = b'{"type":"announce","payload":{"text":"%s"}}' % (b"x" * 78)
BATCH = 50


class Crowd:
    """All recipients of one server; ``everyone`` is set when each has received the present announcement."""

    def __init__(self) -> None:
        self.count = 0
        self.expected = 0
        self.everyone = asyncio.Event()
        self.transports: list[WSTransport] = []

    async def gather(self, url: str, number: int) -> None:
        """Connect ``number`` recipients."""
        for start in range(0, number, BATCH):
            batch = range(min(BATCH, number - start))
            found = await asyncio.gather(*(ws_connect(lambda: Recipient(self), url) for _ in batch))
            self.transports += [transport for transport, _ in found]

    async def announce(self) -> float:
        """Send one announcement; returns the seconds until the last recipient has it."""
        self.count, self.expected = 0, len(self.transports)
        self.everyone.clear()
        began = time.perf_counter()
        self.transports[0].send(TEXT, ANNOUNCE)
        await asyncio.wait_for(self.everyone.wait(), timeout=10)
        return time.perf_counter() - began


class Recipient(WSListener):  # type: ignore[misc]
    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == TEXT:
            crowd = self.crowd
            crowd.count += 1
            if crowd.count == crowd.expected:
                crowd.everyone.set()


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    section = Section(
        "broadcast",
        f"Broadcast to {RECIPIENTS:,} connections, one announcement after the other",
        ("server", "us a recipient", "recipients/s", "p50 ms to the last", "p99 ms"),
    )
    field = (GATEWAY, PICOWS_BROADCAST, NODE_BROADCAST, AIOHTTP_BROADCAST)

    async def once(server: Server) -> Figures:
        return await _broadcast(server, settings.seconds)

    found = await over(section, field, max(1, min(3, settings.rounds)), once, settings, progress)
    if ours := found.get(GATEWAY.name):
        section.targets.append(Target("broadcast", median(figures[0] for figures in ours), 3.0, " us a recipient"))
        try:
            section.targets.append(Target("JSON encodings of one announcement", await _encodings(section), 1.0))
        except (ServerError, TimeoutError) as error:
            section.notes.append(f"encodings not counted: {error!r}")
    return section


async def _broadcast(server: Server, duration: float) -> Figures:
    """CPU microseconds a recipient, recipients a second, p50 and p99 milliseconds until the last one has it."""
    crowd = Crowd()
    await crowd.gather(server.url, RECIPIENTS)
    for _ in range(5):
        await crowd.announce()
    times = array("d")
    cpu, began = server.cpu(), time.perf_counter()
    while time.perf_counter() - began < duration:
        times.append(await crowd.announce())
    seconds, cpu = time.perf_counter() - began, server.cpu() - cpu
    await close(crowd.transports)
    deliveries, ordered = len(times) * RECIPIENTS, sorted(times)
    return (
        cpu / deliveries * 1e6,
        deliveries / seconds,
        quantile(ordered, 0.5) * 1e3,
        quantile(ordered, 0.99) * 1e3,
    )


async def _encodings(section: Section) -> float:
    """JSON encodings in all processes for one announcement, counted over some in a run of its own."""
    server = Server(GATEWAY.name, GATEWAY.commands, path=GATEWAY.path)
    file = server.folder / "encodings"
    server.environment |= {"BENCH_ENCODES": str(file), "PYTHONPATH": str(BENCH / "inside")}
    async with server:
        crowd = Crowd()
        await crowd.gather(server.url, RECIPIENTS)
        await crowd.announce()
        before = file.read_bytes()
        for _ in range(COUNTED):
            await crowd.announce()
        marks = file.read_bytes()[len(before) :]
        await close(crowd.transports)
    section.notes.append(
        f"encodings of {COUNTED} announcements: {marks.count(b'j')} JSON, {marks.count(b'm')} MessagePack"
    )
    return marks.count(b"j") / COUNTED
