"""Where a credential travels, when another one is fetched, and what becomes of one that is refused."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from routewright.client import ConnectionLost, Granted, RequestFailed, Terminal, Timing, connect

from .scripted import PATIENCE, Close, Refuse, Scripted, Swallow, scripted


def client(server: Scripted, **options: Any) -> Any:
    return connect(server.url, timing=server.timing, **options)


def provider(*tokens: str) -> Callable[[], Awaitable[str]]:
    left = iter(tokens)

    async def fetch() -> str:
        return next(left)

    return fetch


async def test_a_token_is_fetched_at_every_attempt() -> None:
    tokens = iter("abc")

    async def fetch() -> str:
        return next(tokens)

    async with scripted(Refuse(503), Swallow(1)) as server, client(server, token=fetch) as link:
        await link.request("echo")
        assert [attempt.headers["Authorization"] for attempt in server.attempts] == ["Bearer a", "Bearer b", "Bearer c"]


async def test_a_token_that_has_expired_is_fetched_anew_once() -> None:
    async def fetch() -> str:
        return "x"

    async with scripted(Close(4501), Refuse(401)) as server:
        with pytest.raises(Terminal) as ended:
            async with client(server, token=fetch) as link:
                await link.request("echo")
        assert (ended.value.code, len(server.attempts)) == (401, 2)


async def test_a_token_that_cannot_be_fetched_is_tried_again() -> None:
    failures = [OSError("no route to host")]

    async def fetch() -> str:
        if failures:
            raise failures.pop()
        return "x"

    async with scripted() as server, client(server, token=fetch) as link:
        assert link.connected
        assert (len(server.attempts), link.stats().failures) == (1, 1)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({}, ("Authorization", "Bearer a/b=")),
        ({"token_name": "X-API-Key"}, ("X-API-Key", "a/b=")),
        ({"token_in": "subprotocol"}, ("Sec-WebSocket-Protocol", "routewright.v1,routewright.auth.a/b=")),
    ],
)
async def test_where_a_token_travels(options: dict[str, str], where: tuple[str, str]) -> None:
    async with scripted() as server, client(server, token="a/b=", **options):
        assert server.attempts[0].headers[where[0]] == where[1]


@pytest.mark.parametrize(("options", "query"), [({}, "token"), ({"token_name": "key"}, "key")])
async def test_a_token_in_the_query(options: dict[str, str], query: str) -> None:
    async with (
        scripted() as server,
        connect(f"{server.url}?a=1", token="a/b=", token_in="query", timing=server.timing, **options),
    ):
        assert dict(server.attempts[0].query) == {"a": "1", query: "a/b="}


async def test_a_provider_that_gives_no_text_or_nothing_at_all() -> None:
    async def nothing() -> Any:
        return None

    async def never() -> Any:
        await asyncio.Event().wait()

    async with scripted() as server:
        for token, said in ((nothing, "TypeError: it gave NoneType, not str"), (never, "failed: TimeoutError$")):
            with pytest.raises(ConnectionLost, match=said):
                await client(server, token=token, attempts=0, connect_timeout=0.01).__aenter__()
        assert server.attempts == []


async def test_a_provider_may_give_up() -> None:
    async def refuse() -> str:
        raise Terminal(401, "nobody is logged in")

    async with scripted() as server:
        with pytest.raises(Terminal, match="nobody is logged in"):
            await client(server, token=refuse).__aenter__()


# In the first frame


@pytest.mark.parametrize("reliable", [True, False])
async def test_a_token_in_the_first_frame_of_every_connection(reliable: bool) -> None:
    async with scripted(Swallow(2), reliable=reliable) as server:
        server.gateway.guard = {"a": None, "b": None}
        async with client(server, token=provider("a", "b"), token_in="message") as link:
            assert await link.request("echo", 1, idempotent=True) == 1
            assert (len(server.attempts), link.stats().connects) == (2, 2)
            assert link.stats().resumed == reliable
        assert all("Authorization" not in attempt.headers for attempt in server.attempts)


@pytest.mark.parametrize("reliable", [True, False])
async def test_a_first_frame_that_is_refused(reliable: bool) -> None:
    async with scripted(reliable=reliable) as server:
        server.gateway.guard = {"b": None}
        with pytest.raises(Terminal, match="refused the credential: unauthorized: not you") as ended:
            await client(server, token="a", token_in="message").__aenter__()
        assert (ended.value.code, ended.value.hint, len(server.attempts)) == (4501, "ask", 1)
        async with client(server, token=provider("a", "b"), token_in="message") as link:
            assert await link.request("echo", 1) == 1
        assert len(server.attempts) == 3


# Before it expires


class Day:
    """The time of day, which passes when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []
        self.sleeping = asyncio.Semaphore(0)
        self.awake = asyncio.Event()
        self.awake.set()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.sleeping.release()
        await self.awake.wait()
        await asyncio.sleep(0)
        self.time += seconds

    @property
    def timing(self) -> Timing:
        return Timing(sleep=self.sleep, now=lambda: self.time)


@pytest.mark.parametrize("token_in", ["header", "message"])
async def test_another_credential_is_presented_before_the_first_runs_out(token_in: Any) -> None:
    day, presented = Day(), []
    async with scripted() as server:
        server.gateway.expires = 1100.0
        server.gateway.guard = {"a": None} if token_in == "message" else None
        asked = iter((1100.0, None))

        async def fetch() -> str:
            presented.append(day.time)
            return "a"

        def answer(message: dict[str, Any], plain: Any = server.gateway.answer) -> Any:
            if message["type"] == "$auth":
                server.gateway.expires = next(asked)
            return plain(message)

        server.gateway.answer = answer  # type: ignore[method-assign]
        async with connect(server.url, token=fetch, token_in=token_in, timing=day.timing) as link:
            await server.until(lambda: len(server.gateway.handled) == 2)
            await link.request("echo")
            assert link.stats().connects == 1
        assert day.slept == [80.0, 16.0]
        assert presented == [1000.0, 1080.0, 1096.0]


async def test_a_clock_that_is_wrong_does_not_renew_without_end() -> None:
    day = Day()
    async with scripted() as server:
        server.gateway.expires = 999.0
        async with connect(server.url, token=provider("a"), timing=day.timing) as link:
            await link.request("echo")
        assert day.slept == []


async def test_a_credential_that_cannot_be_renewed_is_told_of_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    day, failures = Day(), [OSError("no issuer")]

    async def fetch() -> str:
        if len(day.slept) == 1 and failures:
            raise failures.pop()
        return "a"

    async with scripted() as server:
        server.gateway.expires = 1100.0
        with caplog.at_level(logging.WARNING):
            async with connect(server.url, token=fetch, timing=day.timing):
                await server.until(lambda: bool(server.gateway.handled))
        assert day.slept[:2] == [80.0, 16.0]
    assert "could not be renewed: the token provider failed: OSError: no issuer" in caplog.text


async def test_nothing_is_renewed_where_there_is_one_credential_or_no_connection() -> None:
    day = Day()
    day.awake.clear()
    async with scripted() as server:
        server.gateway.expires = 1100.0
        async with connect(server.url, token="a", timing=day.timing) as link:
            await link.request("echo")
        assert day.slept == []
        async with connect(server.url, token=provider("a"), timing=day.timing, wait=False) as link:
            await link.request("echo")
            assert day.slept == [80.0]
            await server.stop()
            async with asyncio.timeout(PATIENCE):
                await day.sleeping.acquire()
                await day.sleeping.acquire()
            assert not link.connected
            day.awake.set()
        assert all(seconds <= 20 for seconds in day.slept[1:])


async def test_a_credential_on_demand() -> None:
    async with scripted() as server:
        async with client(server, token=provider("a", "b")) as link:
            assert await link.authenticate() == Granted("ada", ("read",), None)
            assert await link.authenticate("c") == Granted("ada", ("read",), None)
            with pytest.raises(ConnectionLost, match="the token provider failed"):
                await link.authenticate()
        assert [message["payload"]["token"] for _, message in server.gateway.handled] == ["b", "c"]
        async with client(server) as link:
            with pytest.raises(ValueError, match="there is no credential"):
                await link.authenticate()
            with pytest.raises(RequestFailed):
                await link.request("refuse", {"code": "forbidden", "message": ""})
