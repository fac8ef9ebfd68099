"""Proxy routes: an upstream WebSocket behind the gateway's policies, its frames untouched."""

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as connect_sync
from websockets.sync.server import ServerConnection as SyncConnection
from websockets.sync.server import serve as serve_sync

from tests.gateway.conftest import Serve
from tests.gateway.upstream import Upstream, ended, free_port
from tests.served import PATIENCE, Served

KEY = "k" * 43


def spec(port: int) -> dict[str, Any]:
    """Every kind of proxy route, to one upstream."""
    at = f"ws://127.0.0.1:{port}"
    generous = {"rateLimit": False, "limits": {"messageBytes": "128KiB"}}
    keys = [{"id": "ada", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}]
    guard = {"name": "api_key", "settings": {"keys": keys}}
    return {
        "gateway": {"limits": {"handshake": "3s"}},
        "routes": [
            {"path": "/ws/old", "name": "old", "proxy": f"{at}/ws", "aliases": ["/ws/older"], **generous},
            {"path": "/ws/rooms/{room}/{rest...}", "name": "rooms", "proxy": f"{at}/r/{{room}}?in={{rest}}"},
            {"path": "/ws/told", "name": "told", "proxy": {"url": at, "headers": ["Cookie", "X-Trace"]}},
            {"path": "/ws/small", "name": "small", "proxy": {"url": at, "messageBytes": "1KiB"}},
            {"path": "/ws/stays", "name": "stays", "proxy": {"url": at, "reconnect": "20s"}, **generous},
            {
                "path": "/ws/patient",
                "name": "patient",
                "proxy": {"url": at, "messageBytes": "1MiB"},
                "slowConsumer": {"after": "1h"},
                **generous,
            },
            {"path": "/ws/hasty", "name": "hasty", "proxy": at, "slowConsumer": {"after": "100ms"}, **generous},
            {"path": "/ws/paced", "name": "paced", "proxy": at, "rateLimit": {"rate": "1/h", "burst": 2}},
            {"path": "/ws/guarded", "name": "guarded", "proxy": at, "middleware": [guard]},
            {
                "path": "/ws/resting",
                "name": "resting",
                "proxy": at,
                "circuitBreaker": {"consecutiveFailures": 1, "openFor": "1h"},
            },
            {"path": "/ws/few", "name": "few", "proxy": at, "limits": {"connections": 1}},
        ],
    }


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def served(serve: Serve, port: int) -> Iterator[Served]:
    with serve(spec(port), {}) as served:
        yield served


@pytest.fixture
async def upstream(port: int) -> AsyncIterator[Upstream]:
    async with Upstream(port).serving(close_timeout=1) as upstream:
        yield upstream


def figures(stats: Any, name: str) -> Any:
    return next(route["upstream"] for route in stats["routes"] if route["name"] == name)


async def refused(served: Served, path: str, **options: Any) -> tuple[int, dict[str, Any], Any]:
    """Status, parsed body and headers of a refusal."""
    with pytest.raises(InvalidStatus) as refusal:
        async with served.connect(path, **options):
            pass
    response = refusal.value.response
    return response.status_code, json.loads(response.body), response.headers


# Frames


@pytest.fixture
def echo(served: Served, port: int) -> Iterator[Any]:
    """A connection through the gateway to an upstream that echoes, both without an event loop."""

    def handle(connection: SyncConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve_sync(handle, "127.0.0.1", port, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with connect_sync(f"{served.url}/ws/old", compression=None) as connection:
            yield connection
        server.shutdown()
        thread.join(PATIENCE)


SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 128 * 1024]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=200) | st.binary(max_size=200), max_size=20), st.sampled_from(SIZES))
def test_whatever_is_sent_arrives_as_it_is_and_in_order(echo: Any, frames: list[str | bytes], size: int) -> None:
    frames = [*frames, "x" * size, (bytes(range(256)) * (size // 256 + 1))[:size]]
    for frame in frames:
        echo.send(frame)
    assert [echo.recv(PATIENCE) for _ in frames] == frames


async def test_a_fragmented_message_goes_on_whole(served: Served, upstream: Upstream) -> None:
    async with served.connect("/ws/old") as client:
        there = await upstream.connection()
        await client.send(["one ", "two ", "☃"])
        assert await there.recv() == "one two ☃"
        await there.send([b"1", b"", b"2"])
        assert await client.recv() == b"12"


async def test_pings_are_answered_hop_by_hop(served: Served, upstream: Upstream) -> None:
    async with served.connect("/ws/old") as client:
        there = await upstream.connection()
        async with asyncio.timeout(PATIENCE):
            await (await client.ping(b"of the client"))
            await (await there.ping(b"of the upstream"))


async def test_an_aiohttp_application_is_an_upstream_too(served: Served, port: int) -> None:
    async def handle(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for message in response:
            if message.data == "bye":
                await response.close(code=4000, message=b"so long")
            elif isinstance(message.data, str):
                await response.send_str(f"{request.path}: {message.data}")
            else:
                await response.send_bytes(message.data[::-1])
        return response

    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with served.connect("/ws/older") as client:
            await client.send("hello")
            assert await client.recv() == "/ws: hello"
            await client.send(b"\x00\x01")
            assert await client.recv() == b"\x01\x00"
            await client.send("bye")
            assert await ended(client) == (4000, "so long")
    finally:
        await runner.cleanup()


# Ends


@pytest.mark.parametrize(("code", "reason"), [(1000, "done"), (1001, ""), (1011, "broken"), (4321, "☃")])
async def test_the_upstream_s_close_code_reaches_the_client(
    served: Served, upstream: Upstream, code: int, reason: str
) -> None:
    async with served.connect("/ws/old") as client:
        there = await upstream.connection()
        await there.send("last words")
        await there.close(code, reason)
        assert await client.recv() == "last words"
        assert await ended(client) == (code, reason)


@pytest.mark.parametrize(("code", "reason"), [(1000, "done"), (3000, ""), (4999, "☃")])
async def test_the_client_s_close_code_reaches_the_upstream(
    served: Served, upstream: Upstream, code: int, reason: str
) -> None:
    async with served.connect("/ws/old") as client:
        await upstream.connection()
        await client.close(code, reason)
    assert await upstream.end() == (code, reason)


async def test_a_close_frame_without_a_code_stays_one(served: Served, upstream: Upstream) -> None:
    async with served.connect("/ws/old") as client:
        there = await upstream.connection()
        client.protocol.send_close()
        client.transport.writelines(client.protocol.data_to_send())
        assert await upstream.end() == (1005, "")
        assert there.close_code == 1005
    async with served.connect("/ws/old") as client:
        there = await upstream.connection()
        there.protocol.send_close()
        there.transport.writelines(there.protocol.data_to_send())
        assert await ended(client) == (1005, "")


async def test_who_breaks_off_is_told_to_the_other(served: Served, upstream: Upstream) -> None:
    async with served.connect("/ws/old") as client:
        there = await upstream.connection()
        there.transport.abort()
        assert await ended(client) == (1013, "the upstream went away")
    async with served.connect("/ws/old") as client:
        there = await upstream.connection()
        client.transport.abort()
        assert (await ended(there))[0] == 1001


async def test_messages_past_their_bounds_end_the_connection(served: Served, upstream: Upstream) -> None:
    async with served.connect("/ws/small") as client:
        there = await upstream.connection()
        await there.send("x" * 1024)
        assert len(await client.recv()) == 1024
        await there.send("x" * 1025)
        assert await ended(client) == (1011, "the upstream's message was too large")
        assert (await ended(there))[0] == 1009
    async with served.connect("/ws/small") as client:
        there = await upstream.connection()
        await client.send("x" * 65_537)
        assert (await ended(client))[0] == 1009
        assert (await ended(there))[0] == 1009


# What the upstream is told


async def test_the_subprotocol_is_the_one_that_the_upstream_chooses(served: Served, port: int) -> None:
    async with Upstream(port).serving(subprotocols=["b", "c"]) as upstream:
        async with served.connect("/ws/old", subprotocols=["a", "b", "c"]) as client:
            there = await upstream.connection()
            assert there.request is not None
            assert there.request.headers["Sec-WebSocket-Protocol"].replace(" ", "") == "a,b,c"
            assert client.subprotocol == there.subprotocol == "b"
        status, body, _ = await refused(served, "/ws/old")
        assert (status, body["error"]["code"]) == (400, "bad_handshake")


SECRETS = {
    "Authorization": "Bearer swordfish",
    "X-API-Key": "swordfish",
    "X-Forwarded-For": "1.2.3.4",
    "X-Forwarded-User": "root",
    "Forwarded": "for=1.2.3.4",
    "Cookie": "session=1",
    "X-Trace": "abc",
}


async def test_only_named_headers_go_on(served: Served, upstream: Upstream) -> None:
    own = {"host", "upgrade", "connection", "accept", "accept-encoding"}
    told = {
        "user-agent": "ua",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": served.url.removeprefix("ws://"),
    }
    for path, more in (("/ws/old", {}), ("/ws/told", {"cookie": "session=1", "x-trace": "abc"})):
        async with served.connect(path, additional_headers=SECRETS, user_agent_header="ua"):
            request = (await upstream.connection()).request
            assert request is not None
            seen = {name.lower(): value for name, value in request.headers.raw_items()}
            rest = {name: value for name, value in seen.items() if not name.startswith("sec-websocket-")}
            assert {name: value for name, value in rest.items() if name not in own} == {**told, **more}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("/ws/old", "/ws"),
        ("/ws/old?a=1&b=%20%26", "/ws?a=1&b=%20%26"),
        ("/ws/rooms/7/x", "/r/7?in=x"),
        ("/ws/rooms/a%2Fb%3Fc/x/y%26z?t=1", "/r/a%2Fb%3Fc?in=x/y%26z&t=1"),
    ],
)
async def test_path_and_query_lead_where_the_spec_says(
    served: Served, upstream: Upstream, asked: str, wanted: str
) -> None:
    async with served.connect(asked):
        request = (await upstream.connection()).request
        assert request is not None
        assert request.path == wanted


# An upstream that is not there


async def test_without_an_upstream_a_client_is_refused_before_the_upgrade(served: Served) -> None:
    status, body, headers = await refused(served, "/ws/old")
    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "overloaded", "1")
    ready = served.admin("/readyz")
    assert ready["ready"]
    assert ready["routes"]["old"]["reason"].startswith("its upstream cannot be reached: ")


async def test_an_open_circuit_refuses_at_once(served: Served) -> None:
    assert (await refused(served, "/ws/resting"))[1]["error"]["code"] == "overloaded"
    before = figures(await served.stats(), "resting")
    status, body, headers = await refused(served, "/ws/resting")
    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "circuit_open", "3600")
    assert figures(await served.stats(), "resting") == before


async def test_an_upstream_that_comes_back_is_found_in_the_same_handshake(served: Served, port: int) -> None:
    before = figures(await served.stats(), "old")
    connecting = asyncio.ensure_future(served.connect("/ws/old").__aenter__())
    await served.until(lambda stats: figures(stats, "old")["failures"] > before["failures"])
    async with Upstream(port).serving() as upstream:
        client = await connecting
        there = await upstream.connection()
        await client.send("patience")
        assert await there.recv() == "patience"
        await client.close()
    assert served.admin("/readyz")["routes"]["old"] == {"ready": True}


@pytest.mark.parametrize(
    ("theirs", "ours", "code"),
    [
        (400, 400, "bad_handshake"),
        (403, 403, "forbidden"),
        (404, 404, "not_found"),
        (200, 502, "bad_upstream"),
        (302, 502, "bad_upstream"),
    ],
)
async def test_what_an_upstream_answers_instead(served: Served, port: int, theirs: int, ours: int, code: str) -> None:
    async with Upstream(port).serving(
        process_request=lambda connection, request: _respond(connection, theirs, served.url)
    ):
        status, body, _ = await refused(served, "/ws/old")
        assert (status, body["error"]["code"]) == (ours, code)


def _respond(connection: ServerConnection, status: int, location: str) -> Any:
    response = connection.respond(status, "no\n")
    response.headers["Location"] = location
    return response


async def test_by_request_a_client_stays_while_its_upstream_restarts(served: Served, port: int) -> None:
    async with Upstream(port).serving() as first:
        client = await served.connect("/ws/stays").__aenter__()
        there = await first.connection()
        await there.send("first")
        assert await client.recv() == "first"
    for number in range(10):
        await client.send(str(number))
    async with Upstream(port).serving() as second:
        there = await second.connection()
        assert [await there.recv() for _ in range(10)] == [str(number) for number in range(10)]
        await there.send("second")
        assert await client.recv() == "second"
        assert figures(await served.stats(), "stays")["reconnects"] == 1
        await there.close(4000)
        assert (await ended(client))[0] == 4000


# Who does not keep up


CHUNK = 32 * 1024
FLOOD = 1024


async def _flood(send: Callable[[bytes], Any], sent: list[int]) -> None:
    for number in range(FLOOD):
        await send(number.to_bytes(4, "big") * (CHUNK // 4))
        sent.append(number)


async def _drain(connection: ClientConnection | ServerConnection) -> None:
    async with asyncio.timeout(PATIENCE):
        for number in range(FLOOD):
            data = await connection.recv()
            assert isinstance(data, bytes)
            assert (len(data), data[:4]) == (CHUNK, number.to_bytes(4, "big"))


async def test_an_upstream_waits_for_its_client(served: Served, upstream: Upstream) -> None:
    async with served.connect("/ws/patient", max_queue=1) as client:
        there = await upstream.connection()
        memory = (await served.stats())["gateways"][0]["memory"]
        sent: list[int] = []
        flooding = asyncio.create_task(_flood(there.send, sent))
        stats = await served.until(lambda stats: figures(stats, "patient")["held_upstreams"] > 0)
        assert len(sent) < FLOOD
        await _drain(client)
        await flooding
        stats = await served.stats()
        assert figures(stats, "patient")["frames_in"] == FLOOD
        assert stats["gateways"][0]["memory"] - memory < FLOOD * CHUNK / 2


async def test_a_client_waits_for_its_upstream(served: Served, port: int) -> None:
    async with (
        Upstream(port).serving(max_queue=1) as upstream,
        served.connect("/ws/patient", ping_interval=None) as client,
    ):
        there = await upstream.connection()
        sent: list[int] = []
        flooding = asyncio.create_task(_flood(client.send, sent))
        await served.until(lambda stats: figures(stats, "patient")["held_clients"] > 0)
        assert len(sent) < FLOOD
        await _drain(there)
        await flooding


async def test_a_client_that_never_reads_is_given_up(served: Served, upstream: Upstream) -> None:
    async with served.connect("/ws/hasty", max_queue=1, close_timeout=1):
        there = await upstream.connection()
        flooding = asyncio.create_task(_flood(there.send, []))
        assert (await upstream.end())[0] == 4002
        with pytest.raises(ConnectionClosed):
            await flooding


# Policies


async def test_the_rate_limit_holds(served: Served, upstream: Upstream) -> None:
    async with served.connect("/ws/paced") as client:
        there = await upstream.connection()
        for frame in ("one", "two", "three"):
            await client.send(frame)
        assert [await there.recv(), await there.recv()] == ["one", "two"]
        assert (await ended(client))[0] == 4029
        assert (await ended(there))[0] == 4029


async def test_who_may_not_connect_never_reaches_the_upstream(served: Served, upstream: Upstream) -> None:
    for path in ("/ws/old", "/ws/older", "/ws/%6Fld"):
        assert (await refused(served, path, origin="https://evil.example"))[0] == 403
    assert (await refused(served, "/ws/guarded"))[0] == 401
    assert upstream.arrived.empty()
    async with served.connect("/ws/guarded", additional_headers={"X-API-Key": KEY}):
        request = (await upstream.connection()).request
        assert request is not None
        assert "X-API-Key" not in request.headers


async def test_connections_are_counted_while_they_wait_for_the_upstream(served: Served, port: int) -> None:
    waiting = asyncio.ensure_future(served.connect("/ws/few").__aenter__())
    await served.until(lambda stats: figures(stats, "few")["opening"] == 1)
    status, body, _ = await refused(served, "/ws/few")
    assert (status, body["error"]["message"]) == (503, "the route has no room for further connections")
    async with Upstream(port).serving():
        await (await waiting).close()


async def test_discovery_names_the_route_and_not_the_upstream(served: Served, port: int) -> None:
    _, _, body = await asyncio.to_thread(served.get, f"{served.http}/.well-known/websocket-routes")
    assert str(port).encode() not in body
    (old,) = [route for route in json.loads(body)["routes"] if route["name"] == "old"]
    assert (old["path"], old["framing"], old["messages"]) == ("/ws/old", "raw", [])


async def test_metrics_count_what_passes(served: Served, upstream: Upstream) -> None:
    before = figures(await served.stats(), "told")
    async with served.connect("/ws/told") as client:
        there = await upstream.connection()
        await client.send("four")
        await there.send(await there.recv() + "teen")
        assert await client.recv() == "fourteen"
    after = figures(await served.stats(), "told")
    grown = {
        name: after[name] - before[name] for name in ("connects", "frames_in", "frames_out", "bytes_in", "bytes_out")
    }
    assert grown == {"connects": 1, "frames_in": 1, "frames_out": 1, "bytes_in": 8, "bytes_out": 4}
    _, _, text = await asyncio.to_thread(served.get, f"{served.ready['admin']}/metrics")
    assert f'routewright_upstream_sent_bytes_total{{route="told"}} {after["bytes_out"]}.0'.encode() in text
