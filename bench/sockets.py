"""The load generator's WebSocket clients (picows: the cheapest client there is in Python, so that it is not what is
measured)."""

import asyncio
import time
from array import array

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

TEXT = WSMsgType.TEXT
FRAME = (
    b'{"type":"request_workspace_analysis","id":"%016x","payload":{"depth":3,"tags":["a","b"],"note":"hello world"}}'
)
PAYLOADS = tuple(FRAME % number for number in range(64))
PAYLOAD = PAYLOADS[0]
SAMPLE = 16


class Tally:
    """What all connections of one burst have seen; a reply whose size is not the ``expected`` one is ``wrong``."""

    __slots__ = ("count", "expected", "latencies", "lost", "running", "wrong")

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.running = True
        self.lost = 0
        self.reset()

    def reset(self) -> None:
        self.count = 0
        self.wrong = 0
        self.latencies = array("d")


class Pump(WSListener):  # type: ignore[misc]
    """Keeps ``window`` requests in flight, and times every sixteenth reply."""

    def __init__(self, tally: Tally, window: int) -> None:
        self.tally = tally
        self.window = window
        self.sent: list[float] = []
        self.next = 0
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def start(self) -> None:
        assert self.transport is not None
        for number in range(self.window):
            self.sent.append(time.perf_counter())
            self.transport.send(TEXT, PAYLOADS[number])
        self.next = self.window & 63

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != TEXT:
            return
        tally = self.tally
        tally.count += 1
        if frame.payload_size != tally.expected:
            tally.wrong += 1
        now = time.perf_counter()
        sent = self.sent.pop(0)
        if not tally.count & (SAMPLE - 1):
            tally.latencies.append(now - sent)
        if tally.running:
            self.sent.append(now)
            transport.send(TEXT, PAYLOADS[self.next])
            self.next = (self.next + 1) & 63

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self.tally.running:
            self.tally.lost += 1


class Waiter(WSListener):  # type: ignore[misc]
    """Hands text frames to a queue; for the few messages that are not the load itself."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[bytes | None] = asyncio.Queue()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == TEXT:
            self.frames.put_nowait(frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.frames.put_nowait(None)

    async def receive(self) -> bytes:
        """The next text frame.

        Raises:
            ConnectionError: the server has closed.
        """
        frame = await self.frames.get()
        if frame is None:
            raise ConnectionError("the server closed the connection")
        return frame


async def ask(url: str, frame: bytes) -> bytes:
    """Connect, send one text frame, and return the first text frame that comes back."""
    transport, waiter = await ws_connect(Waiter, url, websocket_handshake_timeout=5)
    try:
        transport.send(TEXT, frame)
        return await waiter.receive()
    finally:
        transport.send_close(WSCloseCode.OK)
        transport.disconnect()


async def close(transports: list[WSTransport]) -> None:
    """Close connections properly, and wait until they are gone."""
    for transport in transports:
        transport.send_close(WSCloseCode.OK)
        transport.disconnect()
    await asyncio.gather(*(transport.wait_disconnected() for transport in transports), return_exceptions=True)
