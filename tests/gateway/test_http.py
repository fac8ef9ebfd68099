"""What the public listener says before there is a WebSocket: discovery, paths, handshakes and refusals."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.conftest import Serve
from tests.gateway.wire import ACCEPT, KEY, Answer, asked, dialled, handshake, opened
from tests.served import PATIENCE, Served, exchange

DISCOVERY = "/.well-known/websocket-routes"
SPEC: dict[str, Any] = {
    "info": {"title": "Paths", "version": "2", "description": "Every kind of them"},
    "gateway": {"limits": {"handshake": "300ms"}},
    "routes": [
        {
            "path": "/ws/vision",
            "aliases": ["/vision", "/old/vision"],
            "summary": "Sees",
            "capabilities": ["vision", "claude"],
            "pythonModule": "where",
            "messages": {
                "look": {"from": "client", "summary": "Look", "reply": {"message": "seen", "stream": True}},
                "seen": {"from": "handler"},
            },
        },
        {"path": "/ws/rooms/{room}", "name": "room", "pythonModule": "where"},
        {"path": "/ws/rooms/lobby", "name": "lobby", "pythonModule": "where"},
        {
            "path": "/ws/rooms/{number}/seats/{seat}",
            "name": "seat",
            "pythonModule": "where",
            "parameters": {
                "number": {"type": "integer", "minimum": 1},
                "seat": {"enum": ["left", "right"]},
            },
        },
        {"path": "/ws/files/{path...}", "name": "files", "pythonModule": "where"},
        {"path": "/ws/files/{name}/meta", "name": "meta", "pythonModule": "where"},
        {"path": "/ws/raw", "name": "raw", "framing": "raw", "pythonModule": "where"},
        {"path": "/ws/later", "name": "later", "worker": "later"},
    ],
}
WHERE = """
from routewright.handlers import on

def where(context):
    parameters = dict(context.parameters)
    return {"route": context.route, "parameters": parameters, "path": context.session.path}

@on("look")
async def look(_):
    yield {"type": "seen"}

@on.any
async def other(message, context):
    if isinstance(message, dict):
        return {"type": "where", "payload": where(context)}
    return message
"""


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, {"where.py": WHERE}) as served:
        yield served


async def got(served: Served, path: str, *lines: str, method: str = "GET") -> Answer:
    """The answer to a request that asks for no WebSocket."""
    text = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""])
    return await asked(served, text.encode("latin-1"))


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


# Discovery


async def test_the_discovery_document_says_what_there_is(served: Served) -> None:
    answer = await got(served, DISCOVERY)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    document = answer.json
    assert (document["title"], document["version"]) == ("Paths", "2")
    assert document["spec"] == served.admin("/stats")["digest"]
    assert [route["name"] for route in document["routes"]] == [
        "vision", "room", "lobby", "seat", "files", "meta", "raw", "later"
    ]  # fmt: skip
    assert document["routes"][0] == {
        "name": "vision",
        "path": "/ws/vision",
        "aliases": ["/vision", "/old/vision"],
        "capabilities": ["vision", "claude"],
        "framing": "message",
        "subprotocols": ["routewright.v1"],
        "messages": [
            {"name": "look", "from": "client", "reply": "seen", "stream": True, "summary": "Look"},
            {"name": "seen", "from": "handler", "reply": None, "stream": False, "summary": ""},
        ],
    }
    assert document["routes"][6]["framing"] == "raw"


@pytest.mark.parametrize("path", ["/ws/vision", "/vision", "/old/vision", "/ws/vision?x=1&y=/ws/raw"])
async def test_a_plain_get_on_a_route_describes_it(served: Served, path: str) -> None:
    answer = await got(served, path)
    assert answer.status == 200
    assert answer.json == (await got(served, DISCOVERY)).json["routes"][0]


@pytest.mark.parametrize("path", [DISCOVERY, "/ws/vision"])
async def test_head_has_no_body(served: Served, path: str) -> None:
    async with dialled(served) as wire:
        wire.send(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await wire.gone()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert head.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", [DISCOVERY, "/ws/vision"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_refused(served: Served, path: str, method: str) -> None:
    answer = await got(served, path, method=method)
    assert code(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


# What is no HTTP

_MALFORMED = {
    "a long header": f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET{'x' * 9000}\r\n\r\n",
    "a long query": f"GET /?token=SECRET{'x' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n",
    "another version": "GET /?token=SECRET HTTP/9.9\r\nHost: x\r\n\r\n",
    "a stray character": "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\0\r\n\r\n",
    "a wrong length": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: SECRET\r\n\r\n",
    "a wrong chunk": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nSECRET\r\n",
    "a wrong address": "GET http://[SECRET/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a second request": "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /?token=SECRET HTTP/9.9\r\n\r\n",
}


@pytest.mark.parametrize("request_", _MALFORMED.values(), ids=_MALFORMED)
@pytest.mark.parametrize("listener", ["url", "admin"])
async def test_a_malformed_request_is_told_on_nowhere(served: Served, listener: str, request_: str) -> None:
    logged = len(served.lines)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.ready[listener].rpartition(":")[2]))
    writer.write(request_.encode())
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    assert answer.partition(b"\r\n")[0].endswith(b"400 Bad Request")
    assert b'"code": "bad_request"' in answer
    assert b"SECRET" not in answer
    assert served.lines[logged:] == []


async def test_malformed_requests_are_counted(served: Served) -> None:
    before = (await served.stats())["refused"].get("bad_request", 0)
    await asked(served, _MALFORMED["another version"].encode())
    await served.until(lambda stats: stats["refused"].get("bad_request", 0) == before + 1)


# Paths


async def test_an_unknown_path_is_answered_with_near_ones(served: Served) -> None:
    for answer in (await got(served, "/ws/vison"), await asked(served, handshake("/ws/vison"))):
        assert code(answer) == (404, "not_found")
        assert answer.json == {
            "error": {
                "code": "not_found",
                "message": "no route '/ws/vison'",
                "hint": "did you mean /ws/vision?",
            },
            "near": answer.json["near"],
        }
        assert answer.json["near"][0] == "/ws/vision"


async def test_where_nothing_is_near_the_hint_leads_to_discovery(served: Served) -> None:
    answer = await got(served, "/q")
    assert answer.json == {
        "error": {"code": "not_found", "message": "no route '/q'", "hint": f"see {DISCOVERY}"},
        "near": [],
    }


@pytest.mark.parametrize(
    ("path", "route", "parameters"),
    [
        ("/ws/rooms/lobby", "lobby", {}),
        ("/ws/rooms/kitchen", "room", {"room": "kitchen"}),
        ("/ws/rooms/Lobby", "room", {"room": "Lobby"}),
        ("/ws/rooms/a%20b%C3%A9", "room", {"room": "a bé"}),
        ("/ws/rooms/a%2Fb", "room", {"room": "a/b"}),
        ("/ws/rooms/%2565", "room", {"room": "%65"}),
        ("/ws/rooms/lobb%79", "lobby", {}),
        ("/ws/rooms/7/seats/left", "seat", {"number": 7, "seat": "left"}),
        ("/ws/files/a", "files", {"path": "a"}),
        ("/ws/files/a/b/c.txt", "files", {"path": "a/b/c.txt"}),
        ("/ws/files/a//b", "files", {"path": "a//b"}),
        ("/ws/files/a/meta", "meta", {"name": "a"}),
        ("/ws/files/a/meta/b", "files", {"path": "a/meta/b"}),
        ("/ws/rooms/kitchen?room=lobby", "room", {"room": "kitchen"}),
        ("/ws/rooms/a+b;c=d", "room", {"room": "a+b;c=d"}),
    ],
)
async def test_which_route_a_path_leads_to(
    served: Served, path: str, route: str, parameters: dict[str, object]
) -> None:
    async with served.connect(path) as connection:
        answer = await exchange(connection, {"type": "where"})
    assert answer["payload"]["route"] == route
    assert answer["payload"]["parameters"] == parameters


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ws",
        "/ws/",
        "/ws/vision/",
        "//ws/vision",
        "/ws//vision",
        "/ws/./vision",
        "/ws/x/../vision",
        "/ws/%2e/vision",
        "/ws/%2e%2e/vision",
        "/ws%2Fvision",
        "/ws/vision%00",
        "/ws/vision%20",
        "/ws/vision%2F",
        "/WS/vision",
        "/ws/Vision",
        "/ws/rooms/",
        "/ws/rooms/..",
        "/ws/rooms/%2E%2e",
        "/ws/rooms/a%0Ab",
        "/ws/rooms/%ff",
        "/ws/rooms/%ED%A0%80",
        "/ws/files",
        "/ws/files/",
        "/ws/files/a/../b",
        "/ws/files/a/%2e%2e/b",
        "/ws/files/..%2Fb",
        "/ws/files/a%2F..%2Fb",
        "/ws/files/" + "x" * 2100,
        "http://elsewhere/ws/vision/x",
    ],
)
async def test_no_other_spelling_of_a_path_leads_anywhere(served: Served, path: str) -> None:
    assert code(await got(served, path)) == (404, "not_found")
    assert code(await asked(served, handshake(path))) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/ws/rooms/x/seats/left", "number"),
        ("/ws/rooms/0/seats/left", "number"),
        ("/ws/rooms/7.5/seats/left", "number"),
        ("/ws/rooms/7/seats/middle", "seat"),
    ],
)
async def test_a_wrong_path_parameter_is_named(served: Served, path: str, name: str) -> None:
    answer = await asked(served, handshake(path))
    assert code(answer) == (400, "invalid_parameter")
    assert answer.json["error"]["message"].startswith(f"path parameter {name!r}: ")


# The handshake


@pytest.mark.parametrize(
    ("lines", "leave", "method", "version", "wanted"),
    [
        (["Upgrade: h2c"], (), "GET", "1.1", (426, "upgrade_required")),
        (["Sec-WebSocket-Version: 8"], (), "GET", "1.1", (426, "upgrade_required")),
        ([], ["Sec-WebSocket-Version"], "GET", "1.1", (426, "upgrade_required")),
        ([], ["Connection"], "GET", "1.1", (400, "bad_handshake")),
        (["Connection: keep-alive"], (), "GET", "1.1", (400, "bad_handshake")),
        ([], ["Sec-WebSocket-Key"], "GET", "1.1", (400, "bad_handshake")),
        (["Sec-WebSocket-Key: short"], (), "GET", "1.1", (400, "bad_handshake")),
        (["Sec-WebSocket-Key: " + "!" * 24], (), "GET", "1.1", (400, "bad_handshake")),
        (["Sec-WebSocket-Key: " + "\xe9" * 24], (), "GET", "1.1", (400, "bad_handshake")),
        ([f"Sec-WebSocket-Key: {KEY}"] * 2, (), "GET", "1.1", (400, "bad_handshake")),
        (["Content-Length: 4"], (), "GET", "1.1", (400, "bad_handshake")),
        (["Transfer-Encoding: chunked"], (), "GET", "1.1", (400, "bad_handshake")),
        ([], (), "POST", "1.1", (400, "bad_handshake")),
        ([], (), "GET", "1.0", (400, "bad_handshake")),
    ],
)
async def test_a_handshake_that_is_none(
    served: Served, lines: list[str], leave: list[str], method: str, version: str, wanted: tuple[int, str]
) -> None:
    answer = await asked(served, handshake("/ws/vision", *lines, leave=leave, method=method, version=version))
    assert code(answer) == wanted
    if wanted[0] == 426:
        assert answer.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "lines",
    [
        ["Connection: keep-alive, Upgrade"],
        ["Connection: keep-alive", "Connection: upgrade"],
        ["UPGRADE: WebSocket"],
        ["Content-Length: 0"],
        ["Sec-WebSocket-Protocol: chat, superchat"],
        ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
    ],
)
async def test_a_handshake_in_other_words(served: Served, lines: list[str]) -> None:
    answer = await asked(served, handshake("/ws/vision", *lines))
    assert answer.status == 101
    assert {name for name in answer.headers if name.startswith("sec-")} == {"sec-websocket-accept"}
    assert answer.headers["sec-websocket-accept"] == ACCEPT


async def test_a_route_whose_worker_is_not_there_yet_is_refused_for_now(served: Served) -> None:
    answer = await asked(served, handshake("/ws/later"))
    assert code(answer) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"


async def test_refusals_are_counted(served: Served) -> None:
    before = (await served.stats())["refused"].get("bad_handshake", 0)
    await asked(served, handshake("/ws/vision", leave=["Connection"]))
    assert (await served.stats())["refused"]["bad_handshake"] == before + 1


# Slow clients


@pytest.mark.parametrize("begun", [b"", b"GET /ws/vision HT", handshake("/ws/vision")[:-2]])
async def test_who_does_not_finish_a_handshake_is_cut(served: Served, begun: bytes) -> None:
    async with dialled(served) as wire:
        wire.send(begun)
        assert await wire.gone() == b""


async def test_who_has_finished_one_in_time_stays(served: Served) -> None:
    async with opened(served, "/ws/raw"), dialled(served) as slow:
        assert await slow.gone() == b""
        stats = await served.stats()
        assert stats["refused"]["handshake"] >= 1
        assert next(route for route in stats["routes"] if route["name"] == "raw")["connections"] == 1


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /ws/vision HTTP/9.9\r\n\r\n",
        b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n",
        handshake("/ws/vision", "X: " + "y" * 9000),
        handshake("/ws/vision", "Content-Length: -1"),
        handshake("/ws/vision", "Bad Header: x"),
    ],
)
async def test_what_is_not_http_is_answered_with_400(served: Served, junk: bytes) -> None:
    async with dialled(served) as wire:
        wire.send(junk)
        assert (await wire.gone()).startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
