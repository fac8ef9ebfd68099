"""An upstream of proxy routes, by the ``websockets`` library."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve

from tests.served import PATIENCE


class Upstream:
    """A server; what is said there is decided by the test."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.arrived: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.left: asyncio.Queue[tuple[int | None, str | None]] = asyncio.Queue()

    @contextlib.asynccontextmanager
    async def serving(self, **options: Any) -> AsyncIterator["Upstream"]:
        async def handle(connection: ServerConnection) -> None:
            self.arrived.put_nowait(connection)
            await connection.wait_closed()
            self.left.put_nowait((connection.close_code, connection.close_reason))

        async with serve(handle, "127.0.0.1", self.port, max_size=None, compression=None, **options):
            yield self

    async def connection(self) -> ServerConnection:
        async with asyncio.timeout(PATIENCE):
            return await self.arrived.get()

    async def end(self) -> tuple[int | None, str | None]:
        async with asyncio.timeout(PATIENCE):
            return await self.left.get()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def ended(connection: ClientConnection | ServerConnection) -> tuple[int | None, str | None]:
    async with asyncio.timeout(PATIENCE):
        await connection.wait_closed()
    return connection.close_code, connection.close_reason
