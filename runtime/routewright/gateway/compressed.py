"""A client's connection on which messages travel compressed.

Strategy: a class of its own for those who agreed on it, so that the others do not even look. aiohttp's reader is kept
to RFC 6455: the bit that says "compressed" is taken out of a message's first frame before the reader sees it, and the
message is inflated here, when its turn comes and as far as the route's limit allows. Past the rate limit it is inflated
as far as its id may be found in: see `EXPANSION`.
"""

import functools
from collections import deque
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType

from routewright.gateway.chunks import MARK, unmarked
from routewright.gateway.connection import Connection
from routewright.gateway.deflate import Deflater, InflateError, Tally, deflater, inflate
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.framing import head, header
from routewright.gateway.socket import SLICE, State
from routewright.hooks import SessionInfo
from routewright.table import Compression

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway

EXPANSION = 32
"""Times its length to which a message that comes too soon is inflated. What people write stays below it and is answered
with its id; what does not is refused without. So a client past its rate costs no more a byte than short messages do."""

_TEXT = WSMsgType.TEXT
_BINARY = WSMsgType.BINARY


class Compressed(Connection):
    """What compression changes. It stands before one of the ways of speaking, see `compressed`.

    Args:
        bits: of the window that messages to the client may have.
    """

    __slots__ = ()

    deflater: Deflater
    late: deque[tuple[WSMsgType, bytes, bool]]
    marks: deque[bool]
    most: int
    tally: Tally
    threshold: int

    def __init__(self, gateway: "Gateway", endpoint: Endpoint, info: SessionInfo, bits: int) -> None:
        super().__init__(gateway, endpoint, info)
        # a reload that changes or ends the policy holds for new connections: these have agreed
        policy = endpoint.route.compression or Compression()
        self.deflater = deflater(policy.level, bits)
        self.threshold = policy.threshold
        self.tally = endpoint.compressed
        self.late = deque()
        self.marks = deque()
        self.most = most = endpoint.route.limits.message_bytes
        # what cannot be compressed becomes longer by 5 bytes a block
        self.limit(most + (most >> 8) + 64)

    # In

    def data_received(self, data: bytes) -> None:
        if (reader := self._reader) is None:
            return
        self.now = self._clock()
        self.bytes_in += len(data)
        if len(data) <= SLICE:
            self._read(reader, data)
        else:
            self._read_slices(data)

    def _read(self, reader: Any, data: bytes) -> None:
        data, marks = unmarked(data, self._begun)
        self.marks += marks
        super()._read(reader, data)

    def feed_data(self, message: Any, size: int) -> None:
        kind = message[0]
        if kind is not _TEXT and kind is not _BINARY:
            super().feed_data(message, size)
            return
        marked = self.marks.popleft()
        if self.state is not State.OPEN:
            return
        if self.paused:
            # inflated, what waits could take a thousand times the memory
            self.late.append((kind, message[1], marked))
        else:
            self._inflated(kind, message[1], marked)

    def _inflated(self, kind: WSMsgType, data: bytes, marked: bool) -> None:
        if marked:
            wait = self.wait()
            most = min(self.most, EXPANSION * len(data)) if wait else self.most
            try:
                data = inflate(data, most)
            except InflateError as error:
                self.tally.inflated += error.inflated
                if most < self.most and error.code == 1009:
                    self.pass_over(wait)
                else:
                    self.fail(error.code, str(error))
                return
            self.tally.inflated += len(data)
        elif len(data) > self.most:
            self.fail(1009, f"message of more than {self.most} bytes")
            return
        super().feed_data((kind, data), len(data))

    def _catch_up(self) -> None:
        while self.late and not self.paused:
            self._inflated(*self.late.popleft())
        if not self.paused:
            super()._catch_up()

    # Out

    def send_text(self, payload: bytes) -> None:
        if len(payload) < self.threshold:
            super().send_text(payload)
        else:
            self._send_small(1, payload)

    def send_binary(self, payload: bytes) -> None:
        if len(payload) < self.threshold:
            super().send_binary(payload)
        else:
            self._send_small(2, payload)

    def _send_small(self, opcode: int, payload: bytes) -> None:
        small = self.deflater.message(payload)
        self.tally.add(len(payload), len(small))
        self.send(header(MARK | opcode, len(small)), small)

    def send_whole(self, frame: bytes) -> None:
        # one that is held back may be replaced by another: it is looked into, and compressed when it leaves
        super().send_whole(self.wire(frame) if self.stalled_since is None else frame)

    def wire(self, frame: bytes) -> bytes:
        length = len(frame) - head(frame)
        if length < self.threshold:
            return frame
        small = self.deflater.frame(frame)
        self.tally.add(length, len(small) - head(small))
        return small


@functools.cache
def compressed(kind: type[Connection]) -> type[Compressed]:
    """A way of speaking (`PlainConnection`, say), compressed."""
    slots = {"__slots__": ("deflater", "late", "marks", "most", "tally", "threshold")}
    return type(f"Compressed{kind.__name__}", (Compressed, kind), slots)
