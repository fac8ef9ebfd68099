"""The WebSocket protocol through the front door: framing, fragments, limits and close codes."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.conftest import Serve
from tests.gateway.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    closing,
    dialled,
    frame,
    handshake,
    opened,
)
from tests.served import Served

LIMIT = 70_000
SPEC: dict[str, Any] = {
    "defaults": {"rateLimit": False, "limits": {"messageBytes": f"{LIMIT}B", "inFlight": 1000}},
    "routes": [
        {"path": "/ws/echo", "pythonModule": "echo", "framing": "raw"},
        {
            "path": "/ws/desk",
            "pythonModule": "desk",
            "messages": {
                "greet": {
                    "from": "client",
                    "payload": {"type": "object", "properties": {"name": {"type": "string"}}},
                },
                "greeting": {"from": "handler"},
            },
        },
    ],
}
FILES = {
    "echo.py": """
from routewright.handlers import on

@on.any
async def echo(frame): return frame
""",
    "desk.py": """
from routewright.handlers import on

@on("greet")
async def greet(_): return {"type": "greeting"}
""",
}


@pytest.fixture(scope="module", params=["compiled", "pure"])
def served(serve: Serve, request: pytest.FixtureRequest) -> Iterator[Served]:
    """Once with aiohttp's compiled parts, once with those in Python, which platforms without a wheel have."""
    with serve(SPEC, FILES, AIOHTTP_NO_EXTENSIONS="1" if request.param == "pure" else "") as served:
        yield served


# Framing


@pytest.mark.parametrize("width", [0, 16, 64])
@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, LIMIT])
async def test_every_length_in_every_width_is_understood(served: Served, length: int, width: int) -> None:
    async with opened(served, "/ws/echo") as wire:
        wire.send(frame(BINARY, b"x" * length, width=width if length <= 0xFFFF or width == 64 else 0))
        assert await wire.frame() == Frame(BINARY, b"x" * length)


async def test_frames_in_the_packet_of_the_handshake_count(served: Served) -> None:
    async with dialled(served) as wire:
        late = frame(TEXT, "late" * 100)
        wire.send(handshake("/ws/echo") + frame(TEXT, "early") + late[:3])
        assert (await wire.answer()).status == 101
        assert await wire.frame() == Frame(TEXT, b"early")
        wire.send(late[3:])
        assert await wire.frame() == Frame(TEXT, b"late" * 100)


async def test_pings_between_fragments_are_answered_first(served: Served) -> None:
    async with opened(served, "/ws/echo") as wire:
        wire.send(frame(TEXT, "one ", fin=False), frame(PING, "a"), frame(CONTINUATION, "two ", fin=False))
        assert await wire.frame() == Frame(PONG, b"a")
        wire.send(frame(PONG, "unasked"), frame(PING, "b" * 125), frame(CONTINUATION, "three"))
        assert await wire.frame() == Frame(PONG, b"b" * 125)
        assert await wire.frame() == Frame(TEXT, b"one two three")


async def test_a_character_may_be_split_between_fragments(served: Served) -> None:
    snow = "☃☃".encode()
    async with opened(served, "/ws/echo") as wire:
        wire.send(*(frame(CONTINUATION if at else TEXT, snow[at : at + 1], fin=at == 5) for at in range(6)))
        assert await wire.frame() == Frame(TEXT, snow)


async def test_one_byte_at_a_time_is_the_same(served: Served) -> None:
    async with opened(served, "/ws/echo") as wire:
        for data, answer in (
            (frame(TEXT, "slowly"), Frame(TEXT, b"slowly")),
            (frame(PING, "p"), Frame(PONG, b"p")),
            (frame(BINARY, b"y" * 130), Frame(BINARY, b"y" * 130)),
            (closing(1000), Frame(CLOSE, b"\x03\xe8")),
        ):
            for at in range(len(data)):
                wire.send(data[at : at + 1])
                await asyncio.sleep(0)
            assert await wire.frame() == answer


# What closes


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, "x", masked=False), 1002),
        (frame(PING, "x", masked=False), 1002),
        (frame(TEXT, "x" * 200, masked=False), 1002),
        (frame(3, "x"), 1002),
        (frame(11, "x"), 1002),
        (frame(CONTINUATION, "x"), 1002),
        (frame(TEXT, "x", fin=False) + frame(TEXT, "x"), 1002),
        (frame(PING, "x", fin=False), 1002),
        (frame(PING, "x" * 126), 1002),
        (b"\xc1" + frame(TEXT, "x")[1:], 1002),
        (frame(CLOSE, b"\x03"), 1002),
        *((closing(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)),
        (closing(1000, b"\xff"), 1007),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"\xe2\x98", fin=False) + frame(CONTINUATION, b"x"), 1007),
        (frame(BINARY, b"x" * (LIMIT + 1)), 1009),
        (frame(TEXT, b"x" * LIMIT, fin=False) + frame(CONTINUATION, b"x"), 1009),
        (b"\x82\xff" + (2**62).to_bytes(8, "big") + bytes(4), 1009),
        (b"\x82\xff" + (2**64 - 1).to_bytes(8, "big") + bytes(4), 1009),
        (frame(CLOSE), 0),
        *((closing(code, b"bye"), code) for code in (1000, 1001, 1003, 1007, 1009, 1011, 1012, 3000, 4000, 4999)),
    ],
)
async def test_how_the_gateway_closes(served: Served, data: bytes, code: int) -> None:
    async with opened(served, "/ws/echo") as wire:
        wire.send(data)
        assert await wire.closed() == code


async def test_nothing_after_a_violation_is_heard(served: Served) -> None:
    async with opened(served, "/ws/echo") as wire:
        wire.send(frame(3, "x") + frame(TEXT, "x") * 1000)
        assert await wire.closed() == 1002


async def test_nothing_after_a_close_frame_is_heard(served: Served) -> None:
    async with opened(served, "/ws/echo") as wire:
        wire.send(frame(PING, "p") + closing(1000) + frame(TEXT, "x") + closing(1001))
        assert await wire.frame() == Frame(PONG, b"p")
        assert await wire.closed() == 1000


async def test_a_binary_frame_on_a_message_route_closes_with_1003(served: Served) -> None:
    async with opened(served, "/ws/desk") as wire:
        wire.send(frame(BINARY, '{"type": "greet"}'))
        assert await wire.closed() == 1003


@pytest.mark.parametrize("text", [b'{"type": "greet", "junk": "\xff"}', b'{"type": "greet", "payload": {"x": "\xc3"}}'])
async def test_bad_utf8_closes_also_where_nobody_looks(served: Served, text: bytes) -> None:
    async with opened(served, "/ws/desk") as wire:
        wire.send(frame(TEXT, text))
        assert await wire.closed() == 1007


async def test_a_message_of_exactly_the_limit_passes(served: Served) -> None:
    head, tail = '{"type": "greet", "payload": {"name": "', '"}}'
    async with opened(served, "/ws/desk") as wire:
        full = head + "x" * (LIMIT - len(head) - len(tail)) + tail
        assert len(full) == LIMIT
        wire.send(frame(TEXT, full))
        assert await wire.message() == {"type": "greeting"}
        wire.send(frame(TEXT, full + " "))
        assert await wire.closed() == 1009
