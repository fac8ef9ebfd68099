"""Connections that break, are refused, or say nothing any more; and what becomes of what was under way."""

import asyncio
import json
import os
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from routewright.client import (
    Bounds,
    ClientClosed,
    ConnectionLost,
    OutcomeUnknown,
    QueueFull,
    Reconnected,
    Terminal,
    Timing,
    connect,
)

from .scripted import Close, Mute, Refuse, Say, Scripted, Swallow, scripted


def client(server: Scripted, **options: Any) -> Any:
    return connect(server.url, timing=server.timing, **options)


async def test_a_request_survives_the_connection_that_carried_it() -> None:
    async with scripted(Swallow(1)) as server, client(server) as link:
        assert await link.request("echo", 7) == 7
        assert len(server.gateway.handled) == 1
        assert len(server.attempts) == 2
        stats = link.stats()
        assert (stats.reconnects, stats.resumed, stats.unanswered) == (1, 1, 0)


async def test_many_requests_over_connections_that_break_again_and_again() -> None:
    plan = [Swallow(3), Refuse(500), Swallow(1), Close(1012), Swallow(10), Close(4001), Say("{"), Say(b"\x00")]
    async with scripted(*plan) as server, client(server) as link:
        numbers = await asyncio.gather(*(link.request("echo", number) for number in range(50)))
        assert numbers == list(range(50))
        ids = [message["id"] for _, message in server.gateway.handled]
        assert sorted(ids) == sorted(set(ids))
        assert not server.plan


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Close(4504, "the route is gone"), 4504),
        (Close(4503), 4503),
        (Close(4501), 4501),
        (Close(1009), 1009),
        (Refuse(401), 401),
        (Refuse(403, body={"error": {"code": "forbidden", "message": "not you", "hint": "ask"}}), 403),
        (Refuse(404), 404),
    ],
)
async def test_what_is_final_ends_the_client(step: Any, code: int) -> None:
    async with scripted(Swallow(1), step) as server, client(server) as link:
        with pytest.raises(Terminal) as ended:
            await link.request("echo", 1)
        assert ended.value.code == code
        if code == 403:
            assert (str(ended.value), ended.value.hint) == ("refused with 403: not you", "ask")
        for _ in range(3):
            with pytest.raises(Terminal) as once_more:
                await link.send("note")
        assert len(once_more.traceback) < 5
        for again in (link.request("echo", 1), link.send("note"), anext(link.events()), link.flush()):
            with pytest.raises(Terminal):
                await again
        assert len(server.attempts) == 2


async def test_a_redirect_is_not_followed_for_the_credential_would_go_along() -> None:
    async with scripted() as elsewhere, scripted(Refuse(307, {"Location": elsewhere.url})) as server:
        with pytest.raises(Terminal, match="redirected to") as ended:
            await client(server).__aenter__()
        assert (ended.value.code, ended.value.hint) == (307, "connect to that URL")
        assert elsewhere.attempts == []


async def test_a_session_that_is_refused() -> None:
    refusal = {"type": "error", "error": {"code": "unauthorized", "message": "who are you", "hint": "send $auth"}}
    async with scripted(Say(json.dumps(refusal))) as server:
        with pytest.raises(Terminal, match="refused the session: unauthorized: who are you") as ended:
            await client(server).__aenter__()
        assert (ended.value.code, ended.value.hint) == (4501, 'give connect() a token, and token_in="message"')
    refusal["error"] = {"code": "rate_limited", "retryable": True, "retryAfter": 5}
    async with scripted(Say(json.dumps(refusal))) as server, client(server):
        assert server.slept == [5.5]


async def test_that_there_is_nobody_is_said_aloud_once(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted(*[Refuse(503)] * 3) as server, client(server) as link:
        await link.request("echo")
        server.plan.extend([Refuse(503)] * 3)
        server.cut()
        await link.request("echo")
    warned = [record.message for record in caplog.records if record.name == "routewright.client"]
    assert len(warned) == 2
    assert all(message.startswith("refused with 503") for message in warned)


async def test_a_close_tells_what_has_not_arrived(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    timing = Timing(sleep=lambda _: asyncio.Event().wait())
    async with scripted(Refuse(503), Refuse(503)) as server:
        for file, told in ((tmp_path / "session", False), (None, True)):
            async with connect(server.url, wait=False, timing=timing, session_file=file) as link:
                await link.send("note", 1)
                await link.send("note", 2)
            assert ("closed with 2 messages that have not arrived" in caplog.text) == told


async def test_what_is_final_at_once_does_not_let_the_client_in() -> None:
    async with scripted(Refuse(404, body={"error": {"code": "not_found", "message": "no route"}})) as server:
        with pytest.raises(Terminal, match="refused with 404: no route"):
            await client(server).__aenter__()


async def test_pauses_grow_with_chance_in_them_and_honour_retry_after() -> None:
    plan = [*([Refuse(503)] * 7), Refuse(503, {"Retry-After": "3"}), Refuse(429, {"Retry-After": "soon"})]
    async with scripted(*plan) as server, client(server) as link:
        assert link.connected
        assert server.slept == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 23.0, 20.0]
        assert link.stats().failures == 9
        await link.request("echo")
        server.cut()
        await link.request("echo")
        # what has worked begins again at the base
        assert server.slept[9:] == [0.5]


async def test_a_limit_of_attempts() -> None:
    async with scripted(Refuse(503), Refuse(503), Refuse(503)) as server:
        with pytest.raises(ConnectionLost) as lost:
            await client(server, attempts=2).__aenter__()
        assert (lost.value.status, len(server.attempts)) == (503, 3)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSo"])
async def test_a_server_that_hangs_up_during_the_handshake(said: bytes) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionLost) as lost:
            async with connect(f"ws://127.0.0.1:{port}/ws", backoff=(0.001, 0.001), attempts=2):
                pass
    assert "the server hung up during the handshake" in str(lost.value)
    assert "RawResponse" not in str(lost.value)


async def test_a_session_that_is_lost_is_told() -> None:
    told: list[Reconnected] = []
    async with scripted(Swallow(2)) as server, client(server, on_reconnect=told.append, wait=False) as link:
        unsafe = asyncio.create_task(link.request("echo", 1))
        safe = asyncio.create_task(link.request("echo", 2, idempotent=True))
        server.gateway.instant = False
        await server.until(lambda: len(server.gateway.handled) == 2)
        server.gateway.forget()
        server.gateway.instant = True
        with pytest.raises(OutcomeUnknown, match="whether the request was handled is not known"):
            await unsafe
        assert await safe == 2
        assert told == [Reconnected(False, "unknown_session")]
        assert link.stats().fresh == 1


async def test_a_callback_that_fails_does_not_end_the_client() -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["message"]))

    def fail(_: Reconnected) -> None:
        raise ValueError

    async with scripted(Swallow(1)) as server, client(server, on_reconnect=fail) as link:
        assert await link.request("echo", 1) == 1
    assert reported == ["on_reconnect has failed"]


async def test_a_gateway_without_sessions() -> None:
    async with scripted(reliable=False) as server, client(server) as link:
        assert await link.request("echo", 1) == 1
        assert [part async for part in link.stream("count", 2)] == [0, 1]
        await link.send("note", 3)
        assert not link.reliable
        lost = asyncio.create_task(link.request("note"))
        await server.until(lambda: len(server.gateway.handled) == 4)
        server.cut()
        with pytest.raises(OutcomeUnknown, match="the connection broke"):
            await lost
        assert await link.request("echo", 5) == 5


async def test_a_client_that_does_not_want_a_session() -> None:
    async with scripted() as server, client(server, reliable=False) as link:
        assert await link.request("echo", 1) == 1
        assert "Sec-WebSocket-Protocol" not in server.attempts[0].headers


async def test_a_gateway_that_says_nothing_any_more() -> None:
    async with scripted(Mute(), heartbeat=0.05) as server, client(server) as link:
        assert await link.request("echo", 1) == 1
        assert len(server.attempts) == 2
        assert len(server.gateway.handled) == 1
        assert link.stats().connects == 2


async def test_heartbeats_are_measured() -> None:
    async with scripted(heartbeat=0.3) as server, client(server) as link:
        await server.until(lambda: link.stats().round_trip is not None)


async def test_what_is_asked_without_a_connection_waits_for_one() -> None:
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await awake.wait()

    bounds = Bounds(messages=2)
    async with scripted(Refuse(503)) as server:
        timing = Timing(sleep=sleep)
        async with connect(server.url, wait=False, bounds=bounds, timing=timing) as link:
            await asleep.wait()
            asked = [asyncio.create_task(link.request("echo", number)) for number in range(2)]
            await asyncio.sleep(0)
            assert link.stats().queued == 2
            assert not link.connected
            with pytest.raises(QueueFull, match="2 messages"):
                await link.send("note")
            awake.set()
            assert await asyncio.gather(*asked) == [0, 1]


async def test_further_headers() -> None:
    async with scripted() as server, client(server, headers={"X-Tenant": "one"}):
        assert server.attempts[0].headers["X-Tenant"] == "one"


async def test_tls() -> None:
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    async with scripted(ssl=serving) as server:
        url = server.url.replace("ws://", "wss://")
        with pytest.raises(Terminal, match="is not trusted"):
            await connect(url).__aenter__()
        async with scripted() as plain:
            with pytest.raises(ConnectionLost, match="TLS failed"):
                await connect(plain.url.replace("ws://", "wss://"), attempts=0).__aenter__()
        authority.configure_trust(trusting)
        async with connect(url, ssl=trusting) as link:
            assert await link.request("echo", 1) == 1


async def test_a_message_larger_than_the_client_takes() -> None:
    async with scripted() as server, client(server, largest=1000) as link:
        with pytest.raises(Terminal) as ended:
            await link.request("echo", "x" * 1000)
        assert ended.value.code == 1009


async def test_what_was_sent_arrives_before_a_close() -> None:
    async with scripted() as server:
        async with client(server) as link:
            for number in range(100):
                await link.send("note", number)
        assert [message["payload"] for _, message in server.gateway.handled] == list(range(100))
        with pytest.raises(ClientClosed):
            await link.request("echo")


async def test_a_close_ends_whoever_waits() -> None:
    async with scripted(Mute()) as server:
        async with client(server) as link:
            waiting = asyncio.create_task(link.request("echo"))
            events = asyncio.create_task(anext(link.events()))
            await server.until(lambda: bool(server.gateway.handled))
        for each in (waiting, events):
            with pytest.raises(ClientClosed):
                await each


# The session file


async def test_a_session_outlives_the_program(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    async with scripted(instant=False) as server:
        async with client(server, session_file=file) as first:
            asked = asyncio.create_task(first.request("echo", {"n": 1}))
            await server.until(lambda: bool(server.gateway.handled))
            server.gateway.publish("news", 1)
            await server.push()
            assert (await anext(first.events())).payload == 1
        with pytest.raises(ClientClosed):
            await asked
        assert file.stat().st_mode & 0o777 == 0o600
        assert os.listdir(tmp_path) == ["session.json"]
        (session,) = server.gateway.sessions
        server.gateway.complete(session, 1)
        server.gateway.publish("news", 2)
        server.gateway.instant = True
        async with client(server, session_file=file) as second:
            (left,) = second.unanswered
            assert (left.type, left.payload) == ("echo", {"n": 1})
            assert await left.reply() == {"n": 1}
            assert (await anext(second.events())).payload == 2
            assert await second.request("echo", 2) == 2
        assert [message["payload"] for _, message in server.gateway.handled] == [{"n": 1}, 2]


async def test_a_stream_goes_on_in_the_next_run_of_the_program(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    async with scripted(Swallow(1)) as server:
        options = {"session_file": file, "timing": Timing(sleep=lambda _: asyncio.Event().wait())}
        async with connect(server.url, **options) as first:
            stream = first.stream("count", 3)
            reading = asyncio.create_task(anext(stream))
            await server.until(lambda: bool(server.gateway.handled))
        with pytest.raises(ClientClosed):
            await reading
        async with connect(server.url, **options) as second:
            (left,) = second.unanswered
            assert [part async for part in left.parts()] == [0, 1, 2]
        assert len(server.gateway.handled) == 1


async def test_what_is_asked_offline_is_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    async with scripted(*[Refuse(503)] * 3) as server:
        timing = Timing(sleep=lambda _: asyncio.Event().wait())
        async with connect(server.url, session_file=file, wait=False, timing=timing) as link:
            await link.send("note", 1)
        assert [each["frame"]["payload"] for each in json.loads(file.read_bytes())["unanswered"].values()] == [1]
        server.plan.clear()
        async with client(server, session_file=file) as link:
            await link.flush()
        assert [message["payload"] for _, message in server.gateway.handled] == [1]


async def test_commands_of_an_earlier_run_are_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    async with scripted() as server:
        types = ["$subscribe", "$auth", "$unsubscribe", "$publish", "echo"]
        frames = {id: {"id": id, "frame": {"type": type, "id": id, "payload": {}}} for id, type in enumerate(types, 1)}
        file.write_text(json.dumps({"url": server.url, "last": 5, "unanswered": frames}))
        async with client(server, session_file=file) as link:
            assert [left.type for left in link.unanswered] == ["$publish", "echo"]
            assert await link.unanswered[1].reply() == {}
        assert [message["type"] for _, message in server.gateway.handled] == ["$publish", "echo"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"seq": "x"}', b'{"url": "ws://elsewhere/ws"}'])
async def test_a_file_that_says_nothing_useful_is_left_out(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "session.json"
    file.write_bytes(content)
    async with scripted() as server, client(server, session_file=file) as link:
        assert await link.request("echo", 1) == 1
    assert "is left out" in caplog.text
    assert json.loads(file.read_bytes())["session"] == "s1"


async def test_a_file_that_cannot_be_written_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with scripted() as server, client(server, session_file=tmp_path / "nowhere" / "session.json") as link:
        assert await link.request("echo", 1) == 1
        assert await link.request("echo", 2) == 2
    assert caplog.text.count("cannot be written") == 1


async def test_a_session_that_another_connection_has_taken_is_not_fought_for() -> None:
    told: list[Reconnected] = []
    async with scripted() as server, client(server, on_reconnect=told.append) as link:
        await link.request("echo")
        await server.close(4004, "taken over")
        assert await link.request("echo", 1, idempotent=True) == 1
        assert [each.resumed for each in told] == [False]
        assert len(server.gateway.sessions) == 2
