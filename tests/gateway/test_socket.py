"""An open WebSocket without a network, and the parts of aiohttp that it is made of."""

import asyncio
import inspect
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from aiohttp._websocket.models import WebSocketError
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.web_protocol import RequestHandler
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.gateway.framing import header
from routewright.gateway.socket import SLICE, State, WebSocket
from routewright.gateway.sockets import Sockets
from tests.gateway.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    closing,
    frame,
)

# The same bytes, cut anywhere


class Recorder(WebSocket):
    """Keeps what it is told."""

    __slots__ = ("heard",)

    def __init__(self, sockets: Sockets) -> None:
        super().__init__(sockets, 100_000, lambda: 0.0)
        self.heard: list[tuple[str, Any]] = []

    def on_text(self, data: bytes) -> None:
        self.heard.append(("text", bytes(data)))

    def on_binary(self, data: bytes) -> None:
        self.heard.append(("binary", bytes(data)))

    def on_closed(self, code: int) -> None:
        self.heard.append(("closed", code))


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.calls: list[str] = []

    def write(self, data: Any) -> None:
        self.calls.append("write")
        self.written += bytes(data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")


def recorder(sockets: Sockets) -> tuple[Recorder, Transport]:
    socket, transport = Recorder(sockets), Transport()
    socket.transport = transport
    return socket, transport


def fed(chunks: list[bytes]) -> tuple[list[tuple[str, Any]], bytes, State]:
    """What a socket made of these chunks: heard, answered, and how it ended."""

    async def feed() -> tuple[list[tuple[str, Any]], bytes, State]:
        socket, transport = recorder(Sockets())
        for chunk in chunks:
            socket.data_received(chunk)
        socket.sockets.flush()
        return socket.heard, transport.written, socket.state

    return asyncio.run(feed())


WIDTHS = st.sampled_from([0, 16, 64])
SOUND = st.one_of(
    st.builds(lambda text, width: frame(TEXT, text, width=width), st.text(max_size=200), WIDTHS),
    st.builds(lambda data, width: frame(BINARY, data, width=width), st.binary(max_size=200), WIDTHS),
    st.builds(lambda data: frame(PING, data), st.binary(max_size=125)),
    st.builds(
        lambda one, two, data: frame(BINARY, one, fin=False) + frame(PING, data) + frame(CONTINUATION, two),
        st.binary(max_size=200),
        st.binary(max_size=200),
        st.binary(max_size=125),
    ),
    st.just(frame(BINARY, b"z" * 70_000)),
)
UNSOUND = st.sampled_from(
    [
        b"",
        frame(TEXT, b"\xff"),
        frame(TEXT, "unmasked", masked=False),
        frame(BINARY, b"x" * 300, masked=False),
        frame(5, "x"),
        closing(1006),
        closing(1000, b"bye"),
        b"\x82\xff" + (200_000).to_bytes(8, "big") + bytes(4),
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(SOUND, max_size=6), UNSOUND, st.data())
def test_where_the_bytes_are_cut_makes_no_difference(frames: list[bytes], last: bytes, data: st.DataObject) -> None:
    stream = b"".join(frames) + last
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    edges = [0, *places, len(stream)]
    whole = fed([stream])
    assert fed([stream[start:end] for start, end in pairwise(edges)]) == whole


def test_a_flood_does_not_pile_up_what_answers_it() -> None:
    """What comes in one tick may be megabytes, and its peer need not read."""

    async def flood() -> tuple[int, int, bytes]:
        socket, transport = recorder(Sockets())
        transport.write = lambda data: (Transport.write(transport, data), socket.pause_writing())  # type: ignore[method-assign, assignment]
        pings, most = frame(PING, "p") * 20_000, 0
        for _ in range(32):
            socket.data_received(pings)
            most = max(most, len(socket.out))
        before = len(transport.written)
        socket.resume_writing()
        socket.sockets.flush()
        return most, before, transport.written[before:]

    most, answered, owed = asyncio.run(flood())
    assert most == 0
    assert answered <= SLICE
    assert owed == header(10, 1) + b"p"


@pytest.mark.parametrize("width", [0, 16, 64])
@pytest.mark.parametrize("masked", [True, False])
def test_every_single_cut_makes_no_difference(width: int, masked: bool) -> None:
    stream = frame(TEXT, "first") + frame(PING, "p") + frame(BINARY, b"second", width=width, masked=masked)
    whole = fed([stream])
    assert whole[2] is (State.OPEN if masked else State.CLOSING)
    for cut in range(len(stream) + 1):
        assert fed([stream[:cut], stream[cut:]])[0][:1] == whole[0][:1]
        assert fed([stream[:cut], stream[cut:]])[2] is whole[2]
    assert fed([stream[at : at + 1] for at in range(len(stream))])[0] == [("text", b"first")] + (
        [("binary", b"second")] if masked else []
    )


def opcodes(written: bytes) -> list[int]:
    """The kinds of small frames that were sent."""
    found = []
    while written:
        found.append(written[0] & 0x0F)
        written = written[2 + written[1] :]
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(SOUND, max_size=2), st.binary(max_size=400))
def test_any_bytes_are_answered_with_a_close_or_wait_for_more(frames: list[bytes], junk: bytes) -> None:
    _, written, state = fed([*frames, junk])
    sent = opcodes(written)
    assert state is (State.CLOSING if CLOSE in sent else State.OPEN)
    assert CLOSE not in sent[:-1]


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_a_header_says_how_long_its_frame_is(length: int) -> None:
    head = header(2, length)
    assert head[0] == 0x82
    assert len(head) == (2 if length < 126 else 4 if length < 0x10000 else 10)
    assert head[1] == (length if length < 126 else 126 if length < 0x10000 else 127)
    assert len(head) == 2 or int.from_bytes(head[2:], "big") == length


# Sending and closing


async def test_the_frames_of_one_tick_leave_in_one_write() -> None:
    sockets = Sockets()
    socket, transport = recorder(sockets)
    for text in (b"one", b"two"):
        socket.send_text(text)
    socket.send_binary(b"x" * 200)
    assert transport.calls == []
    await asyncio.sleep(0)
    assert transport.calls == ["write"]
    assert transport.written == header(1, 3) + b"one" + header(1, 3) + b"two" + header(2, 200) + b"x" * 200
    assert sockets.writes == 1


class Sated(Recorder):
    """Has had enough after each message."""

    __slots__ = ()

    def on_text(self, data: bytes) -> None:
        super().on_text(data)
        self.pause_reading()


async def test_who_has_had_enough_is_given_no_more_than_a_slice() -> None:
    socket = Sated(Sockets())
    socket.transport = Transport()
    frames = [frame(TEXT, b"%d" % number) for number in range(30_000)]
    chunk = b"".join(frames)
    socket.data_received(chunk)
    most = SLICE // min(map(len, frames)) + 1
    assert 0 < len(socket.heard) <= most
    rounds = 1
    while socket.paused:
        before = len(socket.heard)
        socket.resume_reading()
        rounds += 1
        assert len(socket.heard) - before <= most
    assert socket.heard == [("text", b"%d" % number) for number in range(30_000)]
    assert rounds > len(chunk) // SLICE
    assert socket.transport.calls[-1] == "resume_reading"


async def test_a_close_discards_what_was_not_read_yet() -> None:
    socket = Sated(Sockets())
    socket.transport = Transport()
    socket.data_received(b"".join(frame(TEXT, b"more") for _ in range(10_000)))
    heard = len(socket.heard)
    socket.close(1012)
    assert len(socket.heard) == heard
    socket.data_received(closing(1012))
    assert socket.transport.calls[-1] == "close"


async def test_a_close_frame_comes_after_what_is_queued_and_only_once() -> None:
    socket, transport = recorder(Sockets())
    socket.send_text(b"last words")
    socket.close(4001, "☃" * 100)
    socket.close(1000)
    assert transport.written == header(1, 10) + b"last words" + header(8, 125) + b"\x0f\xa1" + "☃".encode() * 41
    assert socket.state is State.CLOSING


async def test_what_comes_too_late_for_one_client_holds_up_no_other() -> None:
    sockets = Sockets()
    failed, transport = recorder(sockets)
    other, heard = recorder(sockets)
    failed.data_received(frame(TEXT, b"x", masked=False))
    written = transport.written
    failed.send_text(b"late")
    other.send_text(b"in time")
    sockets.flush()
    assert transport.written == written
    assert heard.written == header(1, 7) + b"in time"


async def test_who_does_not_answer_a_close_frame_is_cut() -> None:
    sockets = Sockets()
    socket, transport = recorder(sockets)
    socket.close(1000)
    sockets.cut(4.9)
    assert "abort" not in transport.calls
    sockets.cut(5.0)
    assert "abort" in transport.calls
    socket.connection_lost(None)
    socket.connection_lost(None)
    assert socket.heard == [("closed", 1000)]


async def test_a_connection_that_breaks_ends_with_1006() -> None:
    sockets = Sockets()
    socket, _ = recorder(sockets)
    socket.pause_writing()
    assert sockets.stalled == {socket}
    socket.connection_lost(ConnectionResetError())
    assert socket.heard == [("closed", 1006)]
    assert sockets.stalled == set()
    socket.data_received(frame(TEXT, "x"))
    assert socket.heard == [("closed", 1006)]


async def test_who_does_not_read_is_owed_one_pong() -> None:
    socket, transport = recorder(Sockets())
    socket.pause_writing()
    for number in range(1000):
        socket.data_received(frame(PING, str(number)))
    socket.sockets.flush()
    assert transport.written == b""
    socket.resume_writing()
    socket.sockets.flush()
    assert transport.written == header(10, 3) + b"999"


async def test_an_error_of_ours_closes_with_1011_and_is_told() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    socket, transport = recorder(Sockets())

    class Broken(Recorder):
        __slots__ = ()

        def on_text(self, data: bytes) -> None:
            raise ZeroDivisionError

    broken = Broken(Sockets())
    broken.transport = transport
    broken.data_received(frame(TEXT, "x"))
    assert broken.close_code == 1011
    assert isinstance(told[0]["exception"], ZeroDivisionError)
    assert socket.state is State.OPEN


# aiohttp's private parts


def test_the_installed_aiohttp_is_one_this_was_written_for() -> None:
    assert aiohttp.__version__.split(".")[:2] == ["3", "14"], "read routewright/gateway/socket.py before moving on"


def test_the_reader_takes_what_it_is_given() -> None:
    class Queue(WebSocketDataQueue):
        def __init__(self) -> None:
            self.fed: list[tuple[Any, int]] = []
            self.problem: BaseException | None = None

        def feed_data(self, message: Any, size: int) -> None:
            self.fed.append((message, size))

        def set_exception(self, exc: BaseException, exc_cause: Any = None) -> None:
            self.problem = exc

    queue = Queue()
    reader = WebSocketReader(queue, 10, compress=False, decode_text=False)
    reader.feed_data(frame(TEXT, b"\xff") + frame(BINARY, b"b") + frame(PING, b"p") + closing(1000, b"bye"))
    assert [(message[0], message[1]) for message, _ in queue.fed] == [
        (WSMsgType.TEXT, b"\xff"),
        (WSMsgType.BINARY, b"b"),
        (WSMsgType.PING, b"p"),
        (WSMsgType.CLOSE, 1000),
    ]
    assert type(queue.fed[0][0][1]) is bytes
    reader = WebSocketReader(queue, 10, compress=False, decode_text=False)
    reader.feed_data(frame(BINARY, b"x" * 9))
    assert queue.fed[-1][0][1] == b"x" * 9
    assert queue.problem is None
    reader.feed_data(frame(BINARY, b"x" * 10))
    assert isinstance(queue.problem, WebSocketError)
    assert int(queue.problem.code) == 1009


def test_a_request_lets_go_of_its_connection() -> None:
    for name in ("_message_tail", "_reading_paused", "transport"):
        assert any(name in getattr(kind, "__slots__", ()) for kind in RequestHandler.__mro__), name
    lost = inspect.signature(RequestHandler.connection_lost)
    assert list(lost.parameters) == ["self", "exc"]
    assert inspect.iscoroutinefunction(web.StreamResponse.prepare)
    assert inspect.iscoroutinefunction(web.StreamResponse.write_eof)
