"""Raw routes: frames reach the handler untouched, go back so, and every error is a close code."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.gateway.conftest import Serve
from tests.served import PATIENCE, Served

SPEC: dict[str, Any] = {
    "defaults": {"rateLimit": False, "limits": {"inFlight": 8, "messageBytes": "128KiB"}},
    "routes": [
        {"path": "/ws/echo", "framing": "raw", "pythonModule": "echo"},
        {"path": "/ws/waiting", "framing": "raw", "pythonModule": "waiting"},
        {"path": "/ws/errors", "framing": "raw", "pythonModule": "errors", "timeout": "50ms"},
        {"path": "/ws/paced", "framing": "raw", "pythonModule": "echo", "rateLimit": {"rate": "1/m", "burst": 2}},
        {"path": "/ws/stream", "framing": "raw", "pythonModule": "stream"},
    ],
}
ECHO = """
from routewright.handlers import on

@on.any
async def echo(frame): return frame
"""
WAITING = """
import asyncio
from routewright.handlers import on

@on.any
async def echo(frame, context):
    for _ in range(frame[0] % 4 if isinstance(frame, bytes) else len(frame) % 4):
        await asyncio.sleep(0)
    context.send(f"before {len(frame)}")
    return frame
"""
ERRORS = """
import asyncio
from routewright.handlers import HandlerError, on

@on.any
async def fail(frame):
    if frame == "break":
        raise RuntimeError("the password is swordfish")
    if frame == "wait":
        await asyncio.Event().wait()
    if frame == "wrong":
        return 5
    if isinstance(frame, str) and ":" in frame:
        raise HandlerError(*frame.split(":"))
"""
STREAM = """
from routewright.handlers import on

@on.any
async def letters(frame):
    for letter in frame:
        yield letter
        yield letter.encode()
"""
FILES = {"echo.py": ECHO, "waiting.py": WAITING, "errors.py": ERRORS, "stream.py": STREAM}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


async def receive(connection: ClientConnection, count: int) -> list[str | bytes]:
    async with asyncio.timeout(PATIENCE):
        return [await connection.recv() for _ in range(count)]


async def ended(connection: ClientConnection) -> tuple[int | None, str | None]:
    """Close code and reason."""
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    return connection.close_code, connection.close_reason


FRAMES: list[str | bytes] = [
    "text",
    b"bytes",
    "",
    b"",
    "☃ \x00",
    bytes(range(256)),
    "x" * 125,
    b"x" * 126,
    "x" * 65_535,
    b"x" * 65_536,
    '{"type": "$hello"}',
]


async def test_frames_come_back_as_they_were_and_in_order(served: Served) -> None:
    async with served.connect("/ws/echo") as echo:
        for frame in FRAMES:
            await echo.send(frame)
        assert await receive(echo, len(FRAMES)) == FRAMES


async def test_a_fragmented_message_comes_back_whole(served: Served) -> None:
    async with served.connect("/ws/echo") as echo:
        await echo.send(["one ", "two ", "☃"])
        await echo.send([b"1", b"", b"2"])
        assert await receive(echo, 2) == ["one two ☃", b"12"]


async def test_frames_stay_in_order_when_the_handler_waits(served: Served) -> None:
    frames: list[str | bytes] = [bytes([number % 256]) * 2 if number % 3 else "y" * number for number in range(300)]
    async with served.connect("/ws/waiting") as waiting:

        async def send() -> None:
            for frame in frames:
                await waiting.send(frame)

        sending = asyncio.create_task(send())
        received = await receive(waiting, 2 * len(frames))
        await sending
    assert received[1::2] == frames
    assert received[::2] == [f"before {len(frame)}" for frame in frames]


async def test_a_stream_sends_its_parts_as_frames(served: Served) -> None:
    async with served.connect("/ws/stream") as stream:
        await stream.send("ab")
        await stream.send("c")
        assert await receive(stream, 6) == ["a", b"a", "b", b"b", "c", b"c"]


@pytest.mark.parametrize(
    ("frame", "code", "reason"),
    [
        ("break", 1011, "handler_error: the handler failed"),
        ("wrong", 1011, "handler_error: the handler failed"),
        ("wait", 1011, "timeout: no answer within 0.05 s"),
        ("teapot:short and stout", 1011, "teapot: short and stout"),
        ("unauthorized:who are you", 4501, "unauthorized: who are you"),
        ("forbidden:not you", 4503, "forbidden: not you"),
        ("overloaded:too much", 1013, "overloaded: too much"),
        ("teapot:" + "☃" * 100, 1011, "teapot: " + "☃" * 38),
    ],
)
async def test_an_error_is_a_close_code(served: Served, frame: str, code: int, reason: str) -> None:
    async with served.connect("/ws/errors") as errors:
        await errors.send(frame)
        assert await ended(errors) == (code, reason)


async def test_past_its_rate_a_client_is_closed_with_4029(served: Served) -> None:
    async with served.connect("/ws/paced") as paced:
        for frame in (b"1", b"2"):
            await paced.send(frame)
            assert await receive(paced, 1) == [frame]
        await paced.send(b"3")
        assert await ended(paced) == (4029, "rate_limited: too many frames")
