"""What the open sockets of one gateway share."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routewright.gateway.socket import WebSocket


class Sockets:
    """What the sockets of one gateway share: which there are, which of them have something to send in this tick, which
    wait for their peer's close frame (and until when), and which have a peer that does not read."""

    __slots__ = ("_loop", "closing", "dirty", "open", "scheduled", "stalled", "writes")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.scheduled = False
        self.open: set[WebSocket] = set()
        self.dirty: list[WebSocket] = []
        self.closing: dict[WebSocket, float] = {}
        self.stalled: set[WebSocket] = set()
        self.writes = 0

    def schedule(self) -> None:
        """Flush at the end of this tick, unless somebody does it earlier; to be called once a tick."""
        self.scheduled = True
        self._loop.call_soon(self._scheduled_flush)

    def _scheduled_flush(self) -> None:
        self.scheduled = False
        self.flush()

    def flush(self) -> None:
        """One joined write for each socket that has frames."""
        dirty = self.dirty
        if not dirty:
            return
        self.dirty = []
        self.writes += len(dirty)
        for socket in dirty:
            socket.flush()

    def cut(self, now: float) -> None:
        """Cut every connection whose peer did not answer a close frame in time."""
        for socket in [socket for socket, deadline in self.closing.items() if deadline <= now]:
            del self.closing[socket]
            socket.abort()
