"""A TCP relay between clients and a gateway that can be told to break connections."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class Relay:
    """Passes bytes on, both ways, and cuts.

    Attributes:
        cuts: connections broken so far.
        gate: while it is not set, new connections wait.
        rations: bytes from the gateway after which the next connections are broken, one each.
    """

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.port = 0
        self.cuts = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.rations: deque[int] = deque()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Relay"]:
        """Listen on a free port for the length of a block."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.gate.set()
            server.close()
            self.cut_all()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def open_pairs(self) -> int:
        """Connections that are open now."""
        return len(self._pairs)

    def cut(self, index: int) -> None:
        """Break one connection, with a reset: what is on its way is lost."""
        pairs = sorted(self._pairs, key=id)
        if pairs:
            self._break(pairs[index % len(pairs)])

    def cut_all(self) -> None:
        """Break every connection."""
        for pair in list(self._pairs):
            self._break(pair)

    def _break(self, pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self._pairs.discard(pair)
        self.cuts += 1
        for writer in pair:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.gate.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self._pairs.add(pair)
        ration = self.rations.popleft() if self.rations else None
        for source, sink, bytes in ((reader, far_writer, None), (far_reader, writer, ration)):
            task = asyncio.get_running_loop().create_task(self._pass(source, sink, pair, bytes))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        ration: int | None,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536 if ration is None else max(1, ration)):
                sink.write(data)
                await sink.drain()
                if ration is not None:
                    ration -= len(data)
                    if ration <= 0:
                        self._break(pair)
                        return
        self._pairs.discard(pair)
        for writer in pair:
            writer.close()
