"""Whatever a client sends yields a reply, an error frame or a named close, and the gateway lives."""

import json
import re
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.asking import ask
from tests.gateway.hurtful import CLOSES, HURTFUL, PATHS, VALID, as_wanted, hostile, is_utf8, outcome
from tests.gateway.line import Line
from tests.gateway.wire import BINARY, CLOSE, TEXT, Frame, frame, handshake
from tests.served import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A typed, an open and a raw route. Whatever the tests did, its log is one JSON object a line."""
    project = hostile(tmp_path_factory.mktemp("hostile"))
    with serving(project, "--no-watch") as served:
        gateways = processes(served)
        workers = served.workers()
        yield served
        assert processes(served) == gateways, "a gateway process has died"
        assert served.workers() == workers, "a worker has died"
        assert served.admin("/stats")["gateway_restarts"] == 0
    assert [line for line in served.lines if "text" in line] == []


def processes(served: Served) -> list[int]:
    return [gateway["process"] for gateway in served.admin("/stats")["gateways"]]


def named(frames: list[Frame]) -> None:
    """Every close has a code that the contract names, and nothing follows it."""
    for at, each in enumerate(frames):
        if each.opcode == CLOSE:
            assert each.code in CLOSES or not each.payload, each
            assert at == len(frames) - 1


def lives(served: Served, path: str = "/ws/typed") -> None:
    """Somebody else is served as ever."""
    with Line(served, path) as line:
        line.send(frame(TEXT, ask("well?", "lives")))
        answer = line.frame()
        assert answer is not None
        if path != "/ws/raw":
            assert json.loads(answer.payload)["id"] == "well?"


# Hypothesis finds messages

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=40)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=15,
)
keys = st.sampled_from(["type", "id", "payload", "final", "error", "seq", "nonce", "depth"]) | st.text(max_size=8)
types = st.sampled_from(["ask", "answer", "error", "$hello", "$ping", "Ask", ""]) | values
envelopes = st.fixed_dictionaries(
    {"type": types},
    optional={"id": values, "payload": values | st.dictionaries(keys, values, max_size=4), "extra": values},
)


@st.composite
def spliced(draw: st.DrawFn) -> bytes:
    """A valid message with something cut out and something else put in."""
    start = draw(st.integers(0, len(VALID)))
    end = draw(st.integers(start, len(VALID)))
    return VALID[:start] + draw(st.binary(max_size=12)) + VALID[end:]


messages = (
    st.binary(max_size=200)
    | st.builds(
        lambda value: json.dumps(value).encode(), values | envelopes | st.dictionaries(keys, values, max_size=6)
    )
    | st.builds(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"), envelopes)
    | spliced()
)

bounded = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@bounded
@given(data=messages, path=st.sampled_from(PATHS), opcode=st.sampled_from([TEXT, TEXT, TEXT, BINARY]))
def test_any_message_has_an_outcome(served: Served, data: bytes, path: str, opcode: int) -> None:
    result = outcome(served, path, opcode, data)
    if isinstance(result, int):
        wrong_text = opcode == TEXT and not is_utf8(data)
        assert result == (1007 if wrong_text else 1003)
        assert wrong_text or (opcode == BINARY and path != "/ws/raw")


# Messages that have hurt others


@pytest.mark.parametrize("path", PATHS)
def test_messages_that_have_hurt_others(served: Served, path: str) -> None:
    for name, data in HURTFUL.items():
        assert as_wanted(data, outcome(served, path, TEXT, data)), name
    lives(served, path)


def test_memory_is_flat(served: Served) -> None:
    (gateway,) = [psutil.Process(number) for number in processes(served)]

    large = [data for data in HURTFUL.values() if len(data) > 50_000]

    def round_trip() -> int:
        for path in PATHS:
            for data in large:
                outcome(served, path, TEXT, data)
        return int(gateway.memory_info().rss)

    for _ in range(2):
        settled = round_trip()
    for _ in range(3):
        grown = round_trip()
    # a leaked copy of each message would be some ninety mebibytes
    assert grown - settled < 24 * 1024 * 1024


# Bytes that are no frames, and no requests


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Something with the look of a frame: any bits, any opcode, a length that may be a lie."""
    payload = draw(st.binary(max_size=130))
    length = draw(st.just(len(payload)) | st.integers(0, 127))
    extended = draw(st.binary(min_size=8, max_size=8)) if length == 127 else b""
    if length == 126:
        extended = draw(st.just(len(payload).to_bytes(2, "big")) | st.binary(min_size=2, max_size=2))
    mask = draw(st.sampled_from([0x80, 0x80, 0x80, 0]))
    first = draw(st.integers(0, 255) | st.sampled_from([0x81, 0x82, 0x88, 0x89, 0x01, 0x80, 0x00]))
    key = b"\0\0\0\0" if mask else b""
    return bytes([first, mask | length]) + extended + key + payload


@bounded
@given(path=st.sampled_from(PATHS), parts=st.lists(st.binary(max_size=40) | frames(), max_size=6), apart=st.booleans())
def test_any_bytes_after_the_handshake_end_well(served: Served, path: str, parts: list[bytes], apart: bool) -> None:
    with Line(served, path) as line:
        for part in parts if apart else [b"".join(parts)]:
            line.send(part)
        named(line.until_end())
    lives(served, path)


@bounded
@given(cut=st.integers(0, 400), data=st.binary(max_size=60), more=st.integers(0, 400))
def test_any_bytes_before_the_handshake_end_well(served: Served, cut: int, data: bytes, more: int) -> None:
    request = handshake("/ws/typed")
    requested(served, request[: cut % len(request)] + data + request[more % len(request) :])
    lives(served)


header_values = st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=60)


@bounded
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "get", "G E T", "*"]),
    path=st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=60).map(lambda text: f"/{text}"),
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                ["Host", "Origin", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Cookie",
                 "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Content-Length", "Transfer-Encoding"]
            ),
            header_values | st.sampled_from(["websocket", "Upgrade", "13", "chunked", "0", "-1", "localhost"]),
        ),
        max_size=5,
    ),
    known=st.booleans(),
)  # fmt: skip
def test_any_request_is_answered(
    served: Served, method: str, path: str, headers: list[tuple[str, str]], known: bool
) -> None:
    lines = [f"{name}: {value}" for name, value in headers]
    requested(served, handshake("/ws/open" if known else path, *lines, method=method))
    lives(served)


def requested(served: Served, request: bytes) -> None:
    """What comes back is HTTP, or nothing; after an upgrade it is frames."""
    with Line(served) as line:
        line.send(request)
        line.hang_up()
        while line.more():
            pass
        if line.received:
            head, _, rest = line.received.partition(b"\r\n\r\n")
            # the version is the one that was asked for
            assert re.match(rb"HTTP/\d\.\d \d{3} ", head), line.received[:200]
            status = int(head.split()[1])
            assert status in (101, 200, 400, 403, 404, 405, 413, 414, 417, 426, 431, 503), head
            assert b"Traceback" not in rest
