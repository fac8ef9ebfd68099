"""permessage-deflate (RFC 7692) through the front door, and on a connection without a network."""

import asyncio
import json
import time
import zlib
from collections.abc import Iterator
from itertools import pairwise, product
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from routewright.gateway.compressed import Compressed, compressed
from routewright.gateway.conflation import conflation
from routewright.gateway.connection import Connection
from routewright.gateway.deflate import Tally, deflater, inflate
from routewright.gateway.framing import header, payload
from routewright.gateway.session.reliable import ASIDES
from routewright.gateway.socket import State
from routewright.gateway.sockets import Sockets
from routewright.hooks import SessionInfo
from routewright.table import Compression, Limits, Route, SlowConsumer
from tests.gateway.conftest import Serve
from tests.gateway.test_socket import Transport
from tests.gateway.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Wire, frame, opened
from tests.served import PATIENCE, Served, exchange

LIMIT = 70_000
OFFER = "Sec-WebSocket-Extensions: permessage-deflate"
BURST = 3
HALL: dict[str, Any] = {
    "pythonModule": "hall",
    "messages": {
        "say": {"payload": {"type": "string"}},
        "measure": {"payload": {"type": "string"}, "reply": "measured"},
        "said": {"from": "handler", "payload": {"type": "string"}},
        "measured": {"from": "handler", "payload": {"type": "integer"}},
    },
}
SPEC: dict[str, Any] = {
    "defaults": {
        "rateLimit": False,
        "limits": {"messageBytes": f"{LIMIT}B", "inFlight": 8},
        "compression": {"threshold": "100B"},
    },
    "routes": [
        {"path": "/ws/echo", "pythonModule": "echo", "framing": "raw"},
        {"path": "/ws/plain", "pythonModule": "echo", "framing": "raw", "compression": False},
        {"path": "/ws/hall", **HALL},
        {"path": "/ws/hurried", **HALL, "rateLimit": {"rate": "1/m", "burst": BURST}},
    ],
}
FILES = {
    "echo.py": """
from routewright.handlers import on

@on.any
async def echo(frame): return frame
""",
    "hall.py": """
from routewright.handlers import on

@on("say")
async def say(text, context): context.publish(context.route, {"type": "said", "payload": text})

@on("measure")
async def measure(text): return {"type": "measured", "payload": len(text)}
""",
}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


def small(message: bytes | str) -> bytes:
    """A message as a client compresses it."""
    client = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = message.encode() if isinstance(message, str) else message
    return (client.compress(data) + client.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def marked(opcode: int, message: bytes | str, *, fin: bool = True) -> bytes:
    """A frame that says that its message is compressed."""
    return frame(opcode | 0x40, message, fin=fin)


async def received(wire: Wire) -> tuple[bool, Frame]:
    """The next frame, and whether it is compressed."""
    async with asyncio.timeout(PATIENCE):
        first, second = await wire.reader.readexactly(2)
        length = second
        if length > 125:
            length = int.from_bytes(await wire.reader.readexactly(2 if length == 126 else 8), "big")
        payload = await wire.reader.readexactly(length)
    return bool(first & 0x40), Frame(first & 0x0F, payload, bool(first & 0x80))


def text_of(is_small: bool, frame: Frame) -> bytes:
    """What a frame says, compressed or not."""
    return inflate(frame.payload, LIMIT) if is_small else frame.payload


def parted(message: bytes, size: int, between: bytes = b"") -> list[bytes]:
    """A compressed message in many small frames."""
    data = small(message)
    rest = [frame(CONTINUATION, data[at : at + size], fin=False) for at in range(size, len(data), size)]
    return [marked(BINARY, data[:size], fin=False), *(between + each for each in rest), frame(CONTINUATION, "")]


def route_of(stats: Any, name: str) -> Any:
    return next(route for route in stats["routes"] if route["name"] == name)


# A foreign client

PARAMETERS = [
    {
        "server_no_context_takeover": forgetful,
        "client_no_context_takeover": reset,
        "server_max_window_bits": theirs,
        "client_max_window_bits": ours,
    }
    for forgetful, reset, theirs, ours in product((False, True), (False, True), (None, 9, 15), (None, True, 9, 15))
]


@pytest.mark.parametrize("path", ["/ws/echo", "/ws/plain"])
async def test_messages_come_back_whatever_is_agreed(served: Served, path: str) -> None:
    pieces = [b"", b"x", b"y" * 99, b"z" * 100, bytes(range(256)) * 4, b"word " * 10_000, "\u00e4\u20ac" * 9000]
    for parameters in PARAMETERS:
        factory = ClientPerMessageDeflateFactory(**parameters)
        async with connect(f"{served.url}{path}", extensions=[factory]) as client:
            agreed = bool(client.protocol.extensions)
            assert agreed is (path == "/ws/echo")
            for piece in pieces:
                await client.send(piece)
                assert await client.recv() == piece


@settings(max_examples=25, deadline=None)
@given(
    messages=st.lists(
        st.one_of(
            st.text(max_size=400),
            st.binary(max_size=400),
            st.builds(lambda part, times: part * times, st.text(min_size=1, max_size=9), st.integers(1, 2000)),
        ),
        max_size=12,
    ),
    parameters=st.sampled_from(PARAMETERS),
)
def test_any_messages_come_back_in_order(
    served: Served, messages: list[str | bytes], parameters: dict[str, Any]
) -> None:
    async def echoed() -> list[str | bytes]:
        factory = ClientPerMessageDeflateFactory(**parameters)
        async with connect(f"{served.url}/ws/echo", extensions=[factory]) as client:
            for message in messages:
                await client.send(message)
            return [await client.recv() for _ in messages]

    assert asyncio.run(echoed()) == messages


async def test_browsers_are_answered(served: Served) -> None:
    # as Chromium and Firefox offer it
    async with opened(served, "/ws/echo", f"{OFFER}; client_max_window_bits") as wire:
        wire.send(marked(TEXT, small("hello " * 100)))
        is_small, reply = await received(wire)
        assert is_small
        assert inflate(reply.payload, LIMIT) == b"hello " * 100


async def test_what_is_short_is_sent_as_it_is(served: Served) -> None:
    async with opened(served, "/ws/echo", OFFER) as wire:
        for size, compressed_ in ((99, False), (100, True)):
            wire.send(marked(TEXT, small("a" * size)))
            assert (await received(wire))[0] is compressed_


# What everyone receives


async def test_a_broadcast_is_compressed_for_those_who_agreed(served: Served) -> None:
    before = route_of(await served.stats(), "hall")
    text = "hear, hear " * 50
    async with (
        served.connect("/ws/hall") as plain,
        opened(served, "/ws/hall", OFFER) as one,
        opened(served, "/ws/hall", OFFER) as two,
    ):
        await plain.send(json.dumps({"type": "say", "payload": text}))
        said = json.loads(await plain.recv())
        assert said["payload"] == text
        frames = [await received(wire) for wire in (one, two)]
    assert frames[0] == frames[1]
    assert frames[0][0]
    assert json.loads(inflate(frames[0][1].payload, LIMIT)) == said
    after = route_of(await served.stats(), "hall")
    messages, plain_bytes, small_bytes = (
        after[key] - before[key] for key in ("compressed", "compressed_from", "compressed_to")
    )
    assert messages == 2
    assert plain_bytes > 4 * small_bytes
    metrics = served.get(f"{served.ready['admin']}/metrics")[2].decode()
    assert 'routewright_compressed_messages_total{route="hall"}' in metrics


# What is refused


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([marked(TEXT, small(b"x" * (LIMIT + 1)))], 1009),
        ([marked(BINARY, small(bytes(100_000_000))[:60_000])], 1009),
        ([marked(BINARY, b"\xff\xff\xff")], 1007),
        ([marked(BINARY, small(b"cut short" * 9)[:-3])], 1007),
        ([*parted(bytes(300_000_000), 64)], 1009),
        ([*parted(bytes(300_000_000), 64, frame(PONG, "p"))], 1009),
        ([marked(TEXT, small(b"\xff\xfe"))], 1007),
        ([marked(PING, "p")], 1002),
        ([marked(CLOSE, "")], 1002),
        ([marked(TEXT, small("x"), fin=False), marked(CONTINUATION, "")], 1002),
        ([frame(TEXT | 0x20, "x")], 1002),
        ([frame(BINARY, b"x" * (LIMIT + 1))], 1009),
        ([frame(BINARY, b"x" * (2 * LIMIT))], 1009),
        ([frame(BINARY, b"x" * 40_000, fin=False), frame(CONTINUATION, b"x" * 40_000)], 1009),
    ],
)
async def test_what_is_wrong_closes(served: Served, frames: list[bytes], code: int) -> None:
    async with opened(served, "/ws/echo", OFFER) as wire:
        wire.send(*frames)
        assert await wire.closed() == code


@pytest.mark.parametrize("path", ["/ws/plain", "/ws/echo"])
async def test_compressed_unasked_is_refused(served: Served, path: str) -> None:
    async with opened(served, path, *([OFFER] if path == "/ws/plain" else [])) as wire:
        wire.send(marked(TEXT, small("hello")))
        assert await wire.closed() == 1002


@pytest.mark.parametrize("message", [b"x" * LIMIT, bytes(range(256)) * (LIMIT // 256)])
async def test_the_largest_message_passes(served: Served, message: bytes) -> None:
    noise = zlib.compressobj(0, zlib.DEFLATED, -15)
    stored = noise.compress(message) + noise.flush(zlib.Z_SYNC_FLUSH)
    async with opened(served, "/ws/echo", OFFER) as wire:
        for data in (small(message), stored[:-4]):
            wire.send(marked(BINARY, data))
            is_small, reply = await received(wire)
            assert (inflate(reply.payload, LIMIT) if is_small else reply.payload) == message


async def test_controls_pass_between_the_parts_of_a_message(served: Served) -> None:
    data = small("in two parts " * 20)
    async with opened(served, "/ws/echo", OFFER) as wire:
        wire.send(marked(TEXT, data[:5], fin=False), frame(PING, "p"), frame(CONTINUATION, data[5:]))
        assert (await received(wire))[1] == Frame(PONG, b"p")
        assert inflate((await received(wire))[1].payload, LIMIT) == b"in two parts " * 20


async def test_a_flood_of_bombs_is_answered_one_by_one(served: Served) -> None:
    text = json.dumps({"type": "measure", "id": 1, "payload": "x" * (LIMIT - 100)})
    bomb = marked(TEXT, small(text))
    assert len(bomb) < 200
    async with opened(served, "/ws/hall", OFFER) as wire:
        wire.send(bomb * 1000)
        for _ in range(1000):
            assert json.loads((await received(wire))[1].payload)["payload"] == LIMIT - 100
    async with served.connect("/ws/hall") as client:
        assert (await exchange(client, {"type": "measure", "payload": "after"}))["payload"] == 5


async def test_what_comes_too_soon_is_hardly_inflated_and_every_byte_is_counted(served: Served) -> None:
    text = json.dumps({"type": "measure", "id": 1, "payload": "x" * (LIMIT - 100)})
    bomb = marked(TEXT, small(text))
    before = route_of(await served.stats(), "hurried")
    async with opened(served, "/ws/hurried", OFFER) as wire:
        wire.send(bomb * 500)
        answers = [json.loads(text_of(*(await received(wire)))) for _ in range(500)]
        assert [answer["id"] for answer in answers if answer["type"] == "measured"] == [1] * BURST
        # what is compressed as people's messages are is told by its id
        wire.send(marked(TEXT, small(json.dumps({"type": "measure", "id": 7, "payload": "a few words " * 20}))))
        refusal = json.loads(text_of(*(await received(wire))))
        assert (refusal["id"], refusal["error"]["code"]) == (7, "rate_limited")
    refused = [answer for answer in answers if answer["type"] == "error"]
    assert len(refused) == 500 - BURST
    assert {answer["error"]["code"] for answer in refused} == {"rate_limited"}
    assert all(answer["error"]["retryAfter"] > 1 for answer in refused)
    stats = await served.until(lambda stats: route_of(stats, "hurried")["connections"] == 0)
    after = route_of(stats, "hurried")
    assert after["received"] - before["received"] == 501
    assert 0 < after["bytes_in"] - before["bytes_in"] - 500 * len(bomb) < 500
    inflated = after["inflated"] - before["inflated"]
    assert BURST * len(text) < inflated < BURST * len(text) + 32 * (500 * len(bomb) + 500)


async def test_a_session_s_acknowledgements_are_hardly_inflated_past_their_rate(served: Served) -> None:
    ack = json.dumps({"type": "$ack", "seq": 0, "more": "x" * (LIMIT - 100)})
    bomb = marked(TEXT, small(ack))
    before, began = route_of(await served.stats(), "hall")["inflated"], time.monotonic()
    async with opened(served, "/ws/hall", OFFER, "Sec-WebSocket-Protocol: routewright.v1") as wire:
        wire.send(marked(TEXT, small('{"type": "$hello"}')))
        assert json.loads(text_of(*(await received(wire))))["type"] == "$welcome"
        wire.send(bomb * 6000, marked(TEXT, small('{"type": "measure", "id": 1, "payload": "after"}')))
        answer = {"type": ""}
        while answer["type"] != "measured":
            answer = json.loads(text_of(*(await received(wire))))
    inflated = route_of(await served.stats(), "hall")["inflated"] - before
    taken = ASIDES * (2 + time.monotonic() - began)
    assert ASIDES * len(ack) < inflated < taken * len(ack) + 32 * 6000 * len(bomb)


# A connection without a network


class Recorder(Connection):
    """Keeps what it is told, and has had enough after ``enough`` messages."""

    __slots__ = ("enough", "heard")

    def on_text(self, data: bytes) -> None:
        self.heard.append(("text", data))
        self._hear()

    def on_binary(self, data: bytes) -> None:
        self.heard.append(("binary", data))
        self._hear()

    def _hear(self) -> None:
        if len(self.heard) == self.enough:
            self.pause_reading()


def connection(enough: int = -1, slow: SlowConsumer | None = None) -> Any:
    """One that has agreed, and its transport."""
    limits = Limits(message_bytes=100_000)
    route = Route(name="r", path="/r", handler="h", digest="", contract="", limits=limits, slow_consumer=slow)
    endpoint: Any = SimpleNamespace(
        route=route, limiter=lambda _: None, compressed=Tally(), conflation=conflation(slow), dropped=0, conflated=0
    )
    gateway: Any = SimpleNamespace(sockets=Sockets(), clock=lambda: 0.0)
    info: Any = SessionInfo(id=1, route=route, path="/r", parameters={}, principal=None, address="")
    found: Any = compressed(Recorder)(gateway, endpoint, info, 15)
    found.transport = Transport()
    found.heard, found.enough = [], enough
    return found


def fed(chunks: list[bytes]) -> tuple[list[Any], bytes, State]:
    async def feed() -> tuple[list[Any], bytes, State]:
        found = connection()
        for chunk in chunks:
            found.data_received(chunk)
        found.sockets.flush()
        return found.heard, found.transport.written, found.state

    return asyncio.run(feed())


def parts(opcode: int, data: bytes, mark: bool, cut: int) -> bytes:
    """A message in two frames, with a ping between."""
    first = marked(opcode, data[:cut], fin=False) if mark else frame(opcode, data[:cut], fin=False)
    return first + frame(PING, "p") + frame(CONTINUATION, data[cut:])


MESSAGES = st.one_of(
    st.builds(lambda data: marked(TEXT, small(data)), st.text(max_size=300)),
    st.builds(lambda data: marked(BINARY, small(data * 50)), st.binary(max_size=300)),
    st.builds(lambda data: frame(TEXT, data), st.text(max_size=300)),
    st.builds(lambda data, cut: parts(BINARY, small(data), True, cut), st.binary(max_size=300), st.integers(1, 99)),
    st.builds(lambda data, cut: parts(BINARY, data, False, cut), st.binary(min_size=2), st.integers(1, 9)),
    st.just(frame(BINARY, b"z" * 70_000)),
)
UNSOUND = st.sampled_from([b"", marked(PING, ""), marked(BINARY, b"\xff\xff"), frame(TEXT | 0x40, "u", masked=False)])


@settings(max_examples=80, deadline=None)
@given(st.lists(MESSAGES, max_size=6), UNSOUND, st.data())
def test_where_the_bytes_are_cut_makes_no_difference(frames: list[bytes], last: bytes, data: st.DataObject) -> None:
    stream = b"".join(frames) + last
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    whole = fed([stream])
    assert len(whole[0]) == len(frames)
    assert whole[2] is (State.CLOSING if last else State.OPEN)
    assert fed([stream[start:end] for start, end in pairwise([0, *places, len(stream)])]) == whole


def test_every_single_cut_makes_no_difference() -> None:
    stream = marked(TEXT, small("first " * 9)) + parts(BINARY, small("second " * 40), True, 3) + frame(TEXT, "third")
    whole = fed([stream])
    assert [data for _, data in whole[0]] == [b"first " * 9, b"second " * 40, b"third"]
    for cut in range(len(stream) + 1):
        assert fed([stream[:cut], stream[cut:]]) == whole


async def test_what_waits_is_not_inflated() -> None:
    found = connection(enough=2)
    messages = [b"x" * 50_000, b"y" * 50_000, b"z" * 50_000, b"plain"]
    found.data_received(b"".join(marked(BINARY, small(message)) for message in messages[:3]) + frame(BINARY, "plain"))
    assert [data for _, data in found.heard] == messages[:2]
    assert sum(len(data) for _, data, _ in found.late) < 1000
    found.resume_reading()
    assert [data for _, data in found.heard] == messages
    assert found.transport.calls[-1] == "resume_reading"


async def test_a_frame_for_many_is_compressed_once() -> None:
    crowd: list[Compressed] = [connection() for _ in range(1000)]
    before = deflater(1, 15).compressions
    for message in (b"one " * 1000, b"two " * 1000):
        whole = header(1, len(message)) + message
        for each in crowd:
            each.send_whole(whole)
    short = header(1, 5) + b"short"
    for each in crowd:
        each.send_whole(short)
    assert deflater(1, 15).compressions == before + 2
    assert all(each.out == crowd[0].out and each.out[-1] is short for each in crowd)
    assert crowd[0].tally.messages == 2


@pytest.mark.parametrize("policy", ["disconnect", "drop-oldest", "conflate"])
async def test_what_was_held_back_is_compressed_when_it_leaves(policy: Any) -> None:
    slow = SlowConsumer(policy=policy)
    found = connection(slow=slow)
    events = [json.dumps({"type": "price", "payload": str(number) * 2000}).encode() for number in range(3)]
    found.pause_writing()
    for event in events:
        found.send_whole(header(1, len(event)) + event)
    found.write(b"reply" * 1000, False)
    found.resume_writing()
    expected = events if policy != "conflate" else events[-1:]
    assert found.endpoint.conflated == len(events) - len(expected)
    assert all(each[0] == 0xC1 for each in found.out)
    assert [inflate(payload(each), 100_000) for each in found.out] == [*expected, b"reply" * 1000]


async def test_a_connection_of_its_own_keeps_nothing_of_a_message() -> None:
    found = connection()
    found.data_received(marked(BINARY, small(b"x" * 50_000)))
    assert not found.late
    assert not found.marks
    assert found.heard == [("binary", b"x" * 50_000)]


async def test_what_comes_after_a_close_leaves_nothing_behind() -> None:
    found = connection()
    found.close(1012)
    found.data_received(marked(BINARY, small(b"late")) * 1000)
    assert not found.marks
    assert not found.heard


async def test_a_message_that_begins_twice_is_refused() -> None:
    found = connection()
    found.data_received(marked(BINARY, small(b"one"), fin=False) + marked(BINARY, small(b"two")))
    assert found.state is State.CLOSING
    assert not found.heard


def test_a_route_without_compression_has_connections_that_know_nothing_of_it() -> None:
    assert "send_text" not in vars(Connection)
    assert compressed(Recorder) is compressed(Recorder)
    assert issubclass(compressed(Recorder), Recorder)
    assert Compression() == Compression(threshold=1024, level=1)
