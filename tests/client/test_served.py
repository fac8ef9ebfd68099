"""The client against the real gateway: topics, credentials, and sessions over connections that break."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from routewright.client import Client, ClientClosed, Event, Reconnected, RequestFailed, Terminal, Timing, connect
from tests.drills.relay import Relay
from tests.gateway.board import FILES, SPEC
from tests.gateway.session.talking import HANDLER, route
from tests.served import PATIENCE, Project, Served, serving

SECRET = "a-secret-of-more-than-thirty-two-bytes"
AUTH = {"kind": "jwt", "algorithms": ["HS256"], "secretEnv": "TOKEN_SECRET", "from": ["header", "message"]}


def spec() -> dict[str, Any]:
    board, *others = SPEC["routes"]
    guarded = {**route("guarded", delivery={}), "auth": AUTH}
    guarded["messages"]["push"]["scopes"] = ["push"]
    routes = [{**board, "delivery": {}}, *others, guarded, route("talk", delivery={})]
    return {"defaults": {"rateLimit": False}, "routes": routes}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    project = Project(tmp_path_factory.mktemp("project"))
    for name, text in {**FILES, "talk.py": HANDLER}.items():
        project.write(name, text)
    project.spec(spec())
    with serving(project, "--no-watch", environment={"TOKEN_SECRET": SECRET}) as served:
        yield served


@pytest.fixture
async def relay(served: Served) -> AsyncIterator[Relay]:
    async with Relay(served.port).open() as relay:
        yield relay


def token(**claims: Any) -> str:
    return jwt.encode({"sub": "ada", "exp": time.time() + 300, **claims}, SECRET, "HS256")


async def tell(client: Client, text: str) -> None:
    assert await client.request("tell", {"topic": text}) == "published"


@pytest.mark.parametrize("reliable", [False, True])
async def test_names_and_patterns_are_subscribed_to(served: Served, reliable: bool) -> None:
    async with connect(f"{served.url}/ws/board", reliable=reliable) as client:
        assert client.reliable is reliable
        async with client.subscribe("jobs.*") as every, client.subscribe("jobs.7") as seven:
            await tell(client, 'jobs.8 {"type": "done", "payload": {"n": 1}}')
            await tell(client, 'jobs.all {"type": "done", "payload": {"n": 2}}')
            await tell(client, 'jobs.7 {"type": "done", "payload": {"n": 3}}')
            assert await anext(every) == Event("done", {"n": 1}, "jobs.8")
            assert await anext(every) == await anext(seven) == Event("done", {"n": 3}, "jobs.7")
        with pytest.raises(RequestFailed, match="invalid_message") as refused:
            async with client.subscribe("job.*"):
                pass
        assert "jobs.{id}" in refused.value.hint


async def test_clients_publish_and_see_each_other(served: Served) -> None:
    async with connect(f"{served.url}/ws/board") as ada, connect(f"{served.url}/ws/board", reliable=False) as bob:
        with pytest.raises(RequestFailed, match="not_subscribed"):
            await ada.publish("rooms.1", "said", {"text": "hello"})
        async with ada.subscribe("rooms.1") as first:
            async with bob.subscribe("rooms.1") as second:
                joined = await anext(first)
                assert (joined.type, joined.payload["member"]) == ("$join", second.member)
                present = await ada.who("rooms.1")
                assert [each.member for each in present.members] == [first.member, second.member]
                await ada.publish("rooms.1", "said", {"text": "hello"})
                assert await anext(first) == await anext(second) == Event("said", {"text": "hello"}, "rooms.1")
            assert (await anext(first)).type == "$leave"
            assert (await ada.who("rooms.1")).count == 1


async def test_a_new_credential_is_presented_on_the_open_connection(served: Served) -> None:
    async with connect(f"{served.url}/ws/guarded", token=token()) as client:
        with pytest.raises(RequestFailed, match="forbidden"):
            await client.request("push", {"count": 0})
        await client.authenticate(token(scope="push"))
        assert await client.request("push", {"count": 0}) == {"nonce": "pushed"}
        with pytest.raises(RequestFailed, match="forbidden"):
            await client.authenticate(token(sub="eve"))
        assert client.stats().connects == 1


@pytest.mark.parametrize("reliable", [False, True])
async def test_a_credential_in_the_first_frame(served: Served, relay: Relay, reliable: bool) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0 if seconds < 1 else PATIENCE)

    async def fetch() -> str:
        return token(scope="push")

    url, timing = f"{relay.url}/ws/guarded", Timing(sleep=sleep)
    options: dict[str, Any] = {"token_in": "message", "reliable": reliable, "timing": timing}
    async with connect(url, token=fetch, backoff=(0.001, 0.01), **options) as client:
        assert await client.request("push", {"count": 0}) == {"nonce": "pushed"}
        relay.cut_all()
        assert await client.request("push", {"count": 0}, idempotent=True) == {"nonce": "pushed"}
        assert (client.stats().connects, client.stats().resumed) == (2, reliable)
        # the gateway has said when the credential runs out
        assert 200 < pauses[0] < 300
    with pytest.raises(Terminal, match="refused the credential: unauthorized") as refused:
        await connect(url, token=token(exp=time.time() - 300), **options).__aenter__()
    assert refused.value.code == 4501


async def test_a_subscription_goes_on_over_connections(served: Served, relay: Relay) -> None:
    back: asyncio.Queue[Reconnected] = asyncio.Queue()
    async with (
        connect(f"{relay.url}/ws/board", backoff=(0.001, 0.01), on_reconnect=back.put_nowait) as client,
        connect(f"{served.url}/ws/board") as other,
        client.subscribe("jobs.*") as events,
    ):
        for number in range(10):
            relay.cut_all()
            await tell(other, f'jobs.{number} {{"type": "done", "payload": {{"n": {number}}}}}')
            assert await anext(events) == Event("done", {"n": number}, f"jobs.{number}")
            assert await asyncio.wait_for(back.get(), PATIENCE) == Reconnected(True, "")
        stats = client.stats()
        assert (stats.resumed, stats.fresh, stats.missed) == (10, 0, 0)


async def test_another_run_of_the_program_goes_on(served: Served, tmp_path: Path) -> None:
    kept = tmp_path / "session"
    url = f"{served.url}/ws/talk"
    async with connect(url, session_file=kept) as first:
        asked = asyncio.create_task(first.request("wait", {"nonce": "later"}))
        await first.request("ask", {"nonce": "x"})
    with pytest.raises(ClientClosed):
        await asked
    (served.project.folder / "later").write_text("")
    async with connect(url, session_file=kept) as second:
        (unanswered,) = second.unanswered
        assert (unanswered.type, unanswered.payload) == ("wait", {"nonce": "later"})
        assert await unanswered.reply() == {"nonce": "later"}
        assert second.stats().resumed == 1
    assert (served.project.folder / "handled").read_text().split().count("later") == 1
