"""What is agreed on for compression, and what it does to bytes, with either backend."""

import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zlib_ng import zlib_ng

from routewright.gateway import deflate
from routewright.gateway.deflate import BACKEND, Deflater, InflateError, agree, inflate
from routewright.gateway.framing import head, header

TAIL = b"\x00\x00\xff\xff"


@pytest.fixture(params=[zlib, zlib_ng], ids=["zlib", "zlib-ng"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(deflate, "_backend", request.param)
    return request.param


def test_zlib_ng_is_taken_where_it_is_installed() -> None:
    assert BACKEND == "zlib-ng"


# What is agreed on


@pytest.mark.parametrize(
    ("offers", "bits"),
    [
        (["permessage-deflate"], 15),
        (["permessage-deflate; client_max_window_bits"], 15),
        (["permessage-deflate; client_max_window_bits=8"], 15),
        (['permessage-deflate; client_max_window_bits="10"'], 15),
        (["permessage-deflate;server_no_context_takeover;client_no_context_takeover"], 15),
        (["permessage-deflate; server_max_window_bits=9"], 9),
        (["permessage-deflate; server_max_window_bits=8, permessage-deflate"], 15),
        (["x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=12"], 12),
        (["x-other", "permessage-deflate"], 15),
        (['x-other; quoted="a, permessage-deflate; b", permessage-deflate; server_max_window_bits=11'], 11),
        ([" permessage-deflate\t;\tserver_max_window_bits=15 "], 15),
        ([], None),
        ([""], None),
        (["permessage-deflate; server_max_window_bits"], None),
        (["permessage-deflate; server_max_window_bits=8"], None),
        (["permessage-deflate; server_max_window_bits=16"], None),
        (["permessage-deflate; server_max_window_bits=010"], None),
        (["permessage-deflate; server_max_window_bits="], None),
        (["permessage-deflate; server_max_window_bits=\u0661\u0660"], None),
        (["permessage-deflate; client_max_window_bits=7"], None),
        (["permessage-deflate; client_no_context_takeover=1"], None),
        (["permessage-deflate; server_no_context_takeover; server_no_context_takeover"], None),
        (["permessage-deflate; unknown"], None),
        (["permessage-deflate;"], None),
        (["permessage deflate"], None),
        (["Permessage-Deflate"], None),
        (['permessage-deflate; server_max_window_bits="10'], None),
        (["bzip2"], None),
    ],
)
def test_the_first_offer_that_can_be_accepted_is_taken(offers: list[str], bits: int | None) -> None:
    agreed = agree(offers)
    assert (agreed and agreed.bits) == bits


@given(st.lists(st.text(alphabet=st.sampled_from('permessage-deflate;,="0189 _xwindow\t\u0661')), max_size=4))
def test_whatever_is_offered_is_read(offers: list[str]) -> None:
    agreed = agree(offers)
    assert agreed is None or 9 <= agreed.bits <= 15


def test_a_long_header_is_read_once() -> None:
    for piece in ("permessage-deflate;", 'a="', ";", ",", "permessage-deflate; server_max_window_bits=99, "):
        assert agree([piece * 10_000]) is None


def test_the_answer_forbids_messages_to_refer_to_another_one() -> None:
    found = [agree([f"permessage-deflate{more}"]) for more in ("", "; server_max_window_bits=15")]
    answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    assert found == [(15, answer), (15, f"{answer}; server_max_window_bits=15")]


# Messages

TEXTS = st.one_of(
    st.binary(min_size=1, max_size=3000),
    st.builds(lambda part, times: part * times, st.binary(min_size=1, max_size=700), st.integers(1, 80)),
)


def strict(small: bytes, bits: int) -> bytes:
    """What a client makes of a message, with the window that it asked for and no memory of others."""
    return zlib.decompressobj(-bits).decompress(small + TAIL)


@given(messages=st.lists(TEXTS, min_size=1, max_size=4), level=st.integers(1, 9), bits=st.integers(9, 15))
@pytest.mark.parametrize("module", [zlib, zlib_ng])
def test_each_message_is_read_by_itself(module: Any, messages: list[bytes], level: int, bits: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deflate, "_backend", module)
        deflater = Deflater(level, bits)
        for message in messages:
            small = deflater.message(message)
            assert len(small) <= len(message) + 16
            assert strict(small, bits) == message
            assert inflate(small, len(message)) == message


@given(message=TEXTS, bits=st.integers(9, 15), level=st.integers(0, 9), cut=st.integers(0, 50_000))
def test_whatever_a_client_compresses_is_inflated(message: bytes, bits: int, level: int, cut: int) -> None:
    client = zlib.compressobj(level, zlib.DEFLATED, -bits)
    small = client.compress(message[:cut]) + client.flush(zlib.Z_SYNC_FLUSH)
    small += client.compress(message[cut:]) + client.flush(zlib.Z_SYNC_FLUSH)
    assert inflate(small.removesuffix(TAIL), len(message)) == message
    if message:
        with pytest.raises(InflateError, match="more than") as caught:
            inflate(small.removesuffix(TAIL), len(message) - 1)
        assert caught.value.code == 1009


@pytest.mark.parametrize(
    ("data", "message"),
    [
        # the examples of RFC 7692, 7.2.3
        (bytes.fromhex("f248cdc9c90700"), b"Hello"),
        (bytes.fromhex("000500faff48656c6c6f00"), b"Hello"),
        (bytes.fromhex("f348cdc9c9070000"), b"Hello"),
        (bytes.fromhex("f24805000000ffffcac9c90700"), b"Hello"),
        (b"\x00", b""),
        # as some senders have it
        (b"", b""),
        (bytes.fromhex("f348cdc9c90700"), b"Hello"),
    ],
)
def test_the_examples_of_the_standard(backend: Any, data: bytes, message: bytes) -> None:
    assert inflate(data, 5) == message


@pytest.mark.parametrize("data", [b"\xff", b"\x07", b"Hello, this is not compressed", b"\x03\x00" * 5000])
def test_what_is_not_compressed_is_refused(backend: Any, data: bytes) -> None:
    with pytest.raises(InflateError) as caught:
        inflate(data, 1000)
    assert caught.value.code == 1007


def test_a_message_that_is_cut_short_is_refused(backend: Any) -> None:
    client = zlib.compressobj(9, zlib.DEFLATED, -15)
    message = bytes(range(256)) + b"again " * 50
    small = (client.compress(message) + client.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
    assert inflate(small, 1000) == message
    for size in range(1, len(small)):
        with pytest.raises(InflateError) as caught:
            inflate(small[:size], 1000)
        assert caught.value.code == 1007


def test_a_bomb_takes_no_more_memory_than_a_message(backend: Any) -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = bomb.compress(bytes(100_000_000)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    assert len(data) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(InflateError, match="more than 65536 bytes"):
            inflate(data, 65_536)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_frame_for_many_is_compressed_once(backend: Any) -> None:
    deflater = Deflater(1, 15)
    for payload in (b"a" * 100, b"b" * 1000, b"c" * 70_000):
        frame = header(1, len(payload)) + payload
        found = {deflater.frame(frame) for _ in range(1000)}
        assert len(found) == 1
        assert strict((small := found.pop())[head(small) :], 15) == payload
    assert deflater.compressions == 3


def test_the_memory_of_a_process_is_bounded() -> None:
    made: list[Callable[[], Any]] = [deflate.deflater(level, bits) for level in (1, 1, 2) for bits in (15, 15, 9)]
    assert len(set(map(id, made))) == 4
