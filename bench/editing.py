"""Edits of a project that is being served, and seeing them arrive.

Strategy: a file is replaced in one step from a folder nobody watches, as a careful editor saves; what a client sees is
polled every few milliseconds, which is then the error of the figures.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from picows import WSTransport, ws_connect

from bench.sockets import TEXT, Waiter

POLL = 0.003
PATIENCE = 20.0
DISCOVERY = "/.well-known/websocket-routes"


class Editor:
    """Replaces files of a project; the staging folder must be on the same file system."""

    def __init__(self, project: Path, staging: Path) -> None:
        self.project = project
        self.staging = staging
        staging.mkdir(exist_ok=True)

    def replace(self, name: str, text: str) -> float:
        """Replace one file; returns the moment before (`time.perf_counter`)."""
        staged = self.staging / name
        staged.write_text(text)
        moment = time.perf_counter()
        os.replace(staged, self.project / name)
        return moment

    def spec(self, document: dict[str, Any]) -> float:
        """Replace the spec."""
        return self.replace("websocket-routes.json", json.dumps(document, indent=2) + "\n")

    def revise(self, module: str, number: int) -> float:
        """Give a handler module another ``REVISION``."""
        lines = (self.project / module).read_text().splitlines()
        text = "\n".join(f"REVISION = {number}" if line.startswith("REVISION =") else line for line in lines)
        return self.replace(module, text + "\n")


class Discovery:
    """The spec digest that the gateway serves by, read over one kept connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.request = f"GET {DISCOVERY} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def digest(self) -> str:
        """The digest now."""
        try:
            return await self._read()
        except (EOFError, ConnectionError):
            # A kept connection may be closed at any time; a new one may not.
            self.close()
            return await self._read()

    async def _read(self) -> str:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(self.request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        return str(json.loads(await reader.readexactly(length))["spec"])

    async def changed(self, old: str) -> float:
        """Wait for another digest; returns the moment.

        Raises:
            TimeoutError: it stays the old one.
        """
        async with asyncio.timeout(PATIENCE):
            while True:
                if await self.digest() != old:
                    return time.perf_counter()
                await asyncio.sleep(POLL)

    def close(self) -> None:
        """Close the kept connection, if there is one."""
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


class Asker:
    """Sends one message again and again on one open connection until the right answer comes."""

    def __init__(self, transport: WSTransport, waiter: Waiter) -> None:
        self.transport = transport
        self.waiter = waiter

    @classmethod
    async def connect(cls, url: str) -> "Asker":
        return cls(*await ws_connect(Waiter, url))

    async def until(self, message: dict[str, Any], right: Callable[[dict[str, Any]], bool]) -> float:
        """Returns the moment of the first right answer.

        Raises:
            TimeoutError: none came.
            ConnectionError: the server has closed the connection.
        """
        frame = json.dumps(message).encode()
        async with asyncio.timeout(PATIENCE):
            while True:
                self.transport.send(TEXT, frame)
                if right(json.loads(await self.waiter.receive())):
                    return time.perf_counter()
                await asyncio.sleep(POLL)
