"""An open WebSocket (RFC 6455), driven by callbacks: no task, no future and no timer per connection.

Strategy: aiohttp parses the HTTP request; then its transport is taken over (`take_over`) by a protocol of our own that
feeds aiohttp's compiled frame reader and is, at the same time, the queue which that reader fills. Frames to send are
collected and leave in one transport write per tick of the event loop.

This is the one module that touches aiohttp's private parts: the frame reader, and the connection of a request. The
contract they are used by is held by tests/gateway/test_socket.py.

What the reader does not do is done here: it accepts unmasked frames (section 5.1: must fail with 1002) and close codes
that must not travel (7.4.1), and it leaves the UTF-8 of a text frame unchecked when it hands out bytes (8.1).
"""

import asyncio
import enum
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType, web
from aiohttp._websocket.models import WebSocketError
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

from routewright.gateway.chunks import Begun, masked
from routewright.gateway.framing import BINARY_HEADERS, TEXT_HEADERS, header
from routewright.gateway.sockets import Sockets

HIGH_WATER = 64 * 1024
"""Unsent bytes past which a client counts as slow."""

SLICE = 16 * 1024
"""Bytes of a chunk that are read before one looks whether the reading is to pause."""

CLOSE_WAIT = 5.0
"""Seconds that a peer has to answer a close frame before its connection is cut."""

_TEXT = WSMsgType.TEXT
_BINARY = WSMsgType.BINARY
_PING = WSMsgType.PING
_CLOSE = WSMsgType.CLOSE
_NEVER_SENT = frozenset((1004, 1005, 1006, 1015))


class State(enum.Enum):
    """Where a connection is in its life."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


# looking a member up in its class costs more than all else that is done with it per message
_OPEN = State.OPEN


class WebSocket(WebSocketDataQueue, asyncio.Protocol):
    """One open connection. A subclass says what its messages mean.

    Args:
        sockets: what it shares with the gateway's other sockets.
        message_bytes: the largest message a client may send; a larger one closes with 1009.
        clock: monotonic seconds.
    """

    __slots__ = (
        "_begun",
        "_clock",
        "_reader",
        "_unread",
        "bytes_in",
        "bytes_out",
        "close_code",
        "close_deadline",
        "close_reason",
        "dirty",
        "now",
        "out",
        "paused",
        "ping",
        "pinged",
        "sockets",
        "stalled_since",
        "state",
        "transport",
    )

    # what aiohttp's reader looks at where it is not compiled
    _size = _limit = 0
    _stalled_reader: Any = None

    def __init__(self, sockets: Sockets, message_bytes: int, clock: Any) -> None:
        # The queue's own constructor is left out: nothing is ever queued in it
        self.sockets = sockets
        self.out: list[bytes] = []
        self.dirty = False
        self.state = State.OPEN
        self.bytes_in = 0
        self.bytes_out = 0
        self.close_code = 1006
        self.close_reason = ""
        self.close_deadline = 0.0
        self.stalled_since: float | None = None
        self.paused = False
        self.ping: bytes | None = None
        self.pinged = 0.0
        self.now = clock()
        self.transport: asyncio.Transport
        self._clock = clock
        self._begun: Begun = 0
        self._unread = b""
        self._reader: WebSocketReader | None
        self.limit(message_bytes)

    def limit(self, message_bytes: int) -> None:
        """Take messages of so many bytes from now on; to be called where none has begun."""
        # the reader's bound is exclusive
        self._reader = WebSocketReader(self, message_bytes + 1, compress=False, decode_text=False)

    # To be said by a subclass

    def on_open(self) -> None:
        """The handshake is answered; messages will follow."""

    def on_text(self, data: bytes) -> None:
        """A whole text message, known to be UTF-8."""

    def on_binary(self, data: bytes) -> None:
        """A whole binary message."""

    def on_closed(self, code: int) -> None:
        """The connection is gone: ``code`` is the peer's, ours, or 1006."""

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            return
        size = len(data)
        self.now = self._clock()
        self.bytes_in += size
        if 5 < size < 132 and data[1] == size + 122 and not self._begun:
            # by far the most frequent chunk: one short frame, whole and masked
            reader.feed_data(data)
        elif size <= SLICE:
            self._read(reader, data)
        else:
            self._read_slices(data)

    def _read(self, reader: WebSocketReader, data: bytes) -> None:
        sound, self._begun = masked(data, self._begun)
        if sound == len(data):
            reader.feed_data(data)
        else:
            reader.feed_data(data[:sound])
            self.fail(1002, "client frames must be masked")

    def _read_slices(self, data: bytes) -> None:
        """Read a large chunk until somebody has had enough: as frames its bytes may take twenty times the memory, and
        so may what answers them at once. A tick can bring many such chunks."""
        for at in range(0, len(data), SLICE):
            if self.paused:
                self._unread = data[at:]
                return
            if (reader := self._reader) is None:
                return
            self._read(reader, data[at : at + SLICE])
            if self.out:
                self.flush()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        self.sockets.open.discard(self)
        self.sockets.closing.pop(self, None)
        self.sockets.stalled.discard(self)
        self._reader = None
        self._unread = b""
        self.out = []
        self.on_closed(self.close_code)

    def pause_writing(self) -> None:
        self.stalled_since = self._clock()
        self.sockets.stalled.add(self)

    def resume_writing(self) -> None:
        self.stalled_since = None
        self.sockets.stalled.discard(self)
        self._pong()

    # aiohttp's reader

    def feed_data(self, message: Any, size: int) -> None:
        kind = message[0]
        if self.state is not _OPEN and kind is not _CLOSE:
            return
        if kind is _TEXT:
            data = message[1]
            if not data.isascii():
                try:
                    data.decode()
                except UnicodeDecodeError:
                    self.fail(1007, "text is not UTF-8")
                    return
            self.on_text(data)
        elif kind is _BINARY:
            self.on_binary(message[1])
        elif kind is _PING:
            self.ping = bytes(message[1])
            if self.stalled_since is None:
                self._pong()
        elif kind is _CLOSE:
            self.close_reason = self.close_reason or message[2] or ""
            self._close_received(message[1])

    def _pong(self) -> None:
        """Answer the last ping. A peer that does not read is owed no more than that (section 5.5.3)."""
        if self.ping is not None and self.state is State.OPEN:
            self.send(header(10, len(self.ping)), self.ping)
            self.ping = None

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        if isinstance(exc, WebSocketError):
            self.fail(int(exc.code), str(exc))
        else:
            self.fail(1011, "internal error")
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a frame could not be handled", "exception": exc, "protocol": self}
            )

    def feed_eof(self) -> None:
        return

    # Sending and closing

    def send(self, head: bytes, payload: bytes) -> None:
        """Queue one frame; it leaves with the tick."""
        out = self.out
        out.append(head)
        out.append(payload)
        if not self.dirty:
            self.wake()

    def send_text(self, payload: bytes) -> None:
        """Queue a text frame."""
        length = len(payload)
        out = self.out
        out.append(TEXT_HEADERS[length] if length < 126 else header(1, length))
        out.append(payload)
        if not self.dirty:
            self.wake()

    def send_binary(self, payload: bytes) -> None:
        """Queue a binary frame."""
        length = len(payload)
        self.send(BINARY_HEADERS[length] if length < 126 else header(2, length), payload)

    def wake(self) -> None:
        """Have what is queued written with the tick."""
        self.dirty = True
        sockets = self.sockets
        sockets.dirty.append(self)
        if not sockets.scheduled:
            sockets.schedule()

    def flush(self) -> None:
        """Write what is queued. After a close frame nothing may follow (section 5.5.1)."""
        self.dirty = False
        out = self.out
        if out:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            if self.state is _OPEN:
                self.bytes_out += len(data)
                self.transport.write(data)

    def unsent(self) -> int:
        """Bytes that the operating system has not taken yet."""
        return self.transport.get_write_buffer_size()

    def close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake: what is queued, then a close frame, then up to `CLOSE_WAIT` seconds for the
        peer's. Idempotent. Code 1005 sends a close frame without a code (section 7.1.5)."""
        if self.state is not State.OPEN:
            return
        self.close_code = code
        self.close_reason = reason
        # cut between two characters: a reason that is not UTF-8 would fail the connection
        text = reason.encode(errors="replace")[:123].decode(errors="ignore")
        payload = code.to_bytes(2, "big") + text.encode() if code != 1005 else b""
        self.out.append(header(8, len(payload)))
        self.out.append(payload)
        self.flush()
        self.state = State.CLOSING
        # the peer's close frame is to be read, whatever was held back before
        self.paused = False
        self._catch_up()
        self.transport.resume_reading()
        self.sockets.closing[self] = self._clock() + CLOSE_WAIT

    def fail(self, code: int, reason: str) -> None:
        """Close because of the peer's mistake: a close frame, and nothing more is read as a message."""
        if self.state is State.OPEN:
            self.close(code, reason)
            # the peer may go on sending: reading on (and dropping) keeps the close frame from being lost to a reset
            self._reader = None
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self.sockets.closing[self] = self._clock() + 1.0

    def abort(self) -> None:
        """Cut the connection."""
        if self.state is not State.CLOSED:
            self.transport.abort()

    def _close_received(self, code: int) -> None:
        if code in _NEVER_SENT or (code and code < 1000) or code >= 5000:
            self.fail(1002, f"close code {code} must not be sent")
            return
        if self.state is State.OPEN:
            self.close_code = code or 1005
            payload = code.to_bytes(2, "big") if code else b""
            self.out.append(header(8, len(payload)))
            self.out.append(payload)
            self.flush()
            self.state = State.CLOSING
        self.sockets.closing[self] = self._clock() + CLOSE_WAIT
        self.transport.close()

    def pause_reading(self) -> None:
        """Let TCP push back."""
        if not self.paused and self.state is State.OPEN:
            self.paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self.paused:
            self.paused = False
            self._catch_up()
            if self.state is State.OPEN and not self.paused:
                self.transport.resume_reading()

    def _catch_up(self) -> None:
        if self._unread:
            unread, self._unread = self._unread, b""
            self._read_slices(unread)


def cut(link: ClientWebSocketResponse[Any]) -> None:
    """Cut the connection of a client of ours that has not ended in good order."""
    connection = link._conn
    if connection is not None and connection.transport is not None:
        connection.transport.abort()


class Switched(web.StreamResponse):
    """What a handler returns after `take_over`: nothing more is written for the request."""

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


def take_over(request: web.BaseRequest, response: bytes, socket: WebSocket) -> Switched | None:
    """Answer an upgrade request with ``response`` (a whole HTTP 101) and make ``socket`` the protocol of its
    connection. ``None`` if the client has gone meanwhile.

    aiohttp's side of the connection is told that the connection is lost, which makes it let go of the request, its
    task and its timers; the transport itself stays open.
    """
    protocol = request.protocol
    transport = protocol.transport
    if transport is None or transport.is_closing():
        return None
    tail: bytes = protocol._message_tail
    protocol._message_tail = b""
    protocol.transport = None
    socket.transport = transport
    socket.sockets.open.add(socket)
    transport.set_protocol(socket)
    transport.set_write_buffer_limits(high=HIGH_WATER)
    protocol.connection_lost(None)
    transport.write(response)
    if protocol._reading_paused:
        transport.resume_reading()
    socket.on_open()
    if tail:
        socket.data_received(tail)
    return Switched()
