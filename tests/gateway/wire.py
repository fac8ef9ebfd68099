"""Bytes on the wire (RFC 6455): what a well-behaved client would not send, and what came back."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tests.served import PATIENCE, Served

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The key of RFC 6455, 1.3, and what must answer it."""

MASK = b"\x37\xfa\x21\x3d"
"""That of its examples (5.7). Always the same, for frames are parameters of tests, which must have the same names in
every process."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Frame(NamedTuple):
    """A frame that the gateway has sent."""

    opcode: int
    payload: bytes
    fin: bool = True

    @property
    def code(self) -> int:
        """The close code."""
        return int.from_bytes(self.payload[:2], "big")


class Answer(NamedTuple):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def frame(opcode: int, payload: bytes | str = b"", *, fin: bool = True, masked: bool = True, width: int = 0) -> bytes:
    """A client's frame. ``width`` asks for a length of 16 or 64 bits where fewer would do."""
    data = payload.encode() if isinstance(payload, str) else payload
    bit = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | opcode])
    if width == 64 or len(data) > 0xFFFF:
        head += struct.pack("!BQ", bit | 127, len(data))
    elif width == 16 or len(data) > 125:
        head += struct.pack("!BH", bit | 126, len(data))
    else:
        head += bytes([bit | len(data)])
    if not masked:
        return head + data
    return head + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(data))


def closing(code: int, reason: bytes = b"") -> bytes:
    """A client's close frame."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def handshake(path: str, *lines: str, leave: Iterable[str] = (), method: str = "GET", version: str = "1.1") -> bytes:
    """An upgrade request; a line replaces the usual header of that name, ``leave`` leaves some out."""
    headers = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    replaced = {line.partition(":")[0].lower() for line in lines} | {name.lower() for name in leave}
    usual = [f"{name}: {value}" for name, value in headers.items() if name.lower() not in replaced]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *usual, *lines, "", ""]).encode("latin-1")


class Wire:
    """A TCP connection to a gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *data: bytes) -> None:
        for each in data:
            self.writer.write(each)

    async def answer(self) -> Answer:
        """The HTTP response; the body as far as its length says."""
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(first.split()[1]), headers, body)

    async def frame(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(PATIENCE):
            first, second = await self.reader.readexactly(2)
            assert not second & 0x80, "a server must not mask"
            length = second & 0x7F
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2), "big")
            elif length == 127:
                length = int.from_bytes(await self.reader.readexactly(8), "big")
            return Frame(first & 0x0F, await self.reader.readexactly(length), bool(first & 0x80))

    async def message(self) -> Any:
        """The next frame, which holds JSON."""
        received = await self.frame()
        assert received.opcode == TEXT, received
        return json.loads(received.payload)

    async def closed(self) -> int:
        """The code of the close frame that comes next; nothing comes after it."""
        received = await self.frame()
        assert received.opcode == CLOSE, received
        async with asyncio.timeout(PATIENCE):
            assert await self.reader.read() == b""
        return received.code

    async def gone(self) -> bytes:
        """What still comes until the gateway hangs up."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def dialled(served: Served, *, source: str = "127.0.0.1", window: int = 0) -> AsyncIterator[Wire]:
    """A TCP connection, from the address ``source``; ``window`` bounds what is buffered before it is read."""
    dialling = socket.socket()
    dialling.setblocking(False)
    if window:
        dialling.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    dialling.bind((source, 0))
    await asyncio.get_running_loop().sock_connect(dialling, ("127.0.0.1", served.port))
    reader, writer = await asyncio.open_connection(sock=dialling, limit=window or 2**16)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def opened(served: Served, path: str, *lines: str, window: int = 0) -> AsyncIterator[Wire]:
    """A WebSocket whose handshake is done."""
    async with dialled(served, window=window) as wire:
        wire.send(handshake(path, *lines))
        answer = await wire.answer()
        assert answer.status == 101, answer
        assert answer.headers["sec-websocket-accept"] == ACCEPT
        yield wire


async def asked(served: Served, request: bytes, *, source: str = "127.0.0.1") -> Answer:
    """The answer to one HTTP request."""
    async with dialled(served, source=source) as wire:
        wire.send(request)
        return await wire.answer()
