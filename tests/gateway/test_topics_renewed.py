"""Clients whose credential allows other things than before: which subscriptions they keep, and what they are told."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from websockets.asyncio.client import ClientConnection

from routewright.client import RequestFailed, connect
from tests.gateway.auth.issuer import claims
from tests.gateway.board import command, nothing, refused, subscribe
from tests.gateway.conftest import Serve
from tests.gateway.session.talking import Reliable, sessions
from tests.served import PATIENCE, Served, exchange

SECRET = "a-secret-of-more-than-thirty-two-bytes"
BOARD = """
from routewright.handlers import on


@on("tell")
async def tell(message, context):
    context.publish(message.topic, {"type": "news", "payload": {}})
    return {"type": "told", "payload": {"address": context.session.address, "path": context.session.path}}
"""
PLUGIN = """
import asyncio
from routewright.hooks import Refusal, hookimpl


@hookimpl
async def routewright_subscribe(session, topic):
    if topic == "slow.jobs":
        session.state["asked"] = True
        while session.principal.claims.get("team") != "red":
            await asyncio.sleep(0.001)
    elif session.principal.claims.get("team") != topic.partition(".")[2]:
        raise Refusal("forbidden", "that is another team's")
"""
MESSAGES: dict[str, Any] = {
    "tell": {"payload": {"type": "object", "properties": {"topic": {"type": "string"}}}, "reply": "told"},
    "told": {"from": "handler", "payload": {"type": "object"}},
    "news": {"from": "handler", "payload": {"type": "object"}},
}


def route(name: str, **topics: Any) -> dict[str, Any]:
    return {"path": f"/ws/{name}", "name": name, "pythonModule": "board", "messages": MESSAGES, "topics": topics}


SCOPED = {"messages": ["news"], "authorize": {"scopes": ["jobs:read"]}}
TEAM = {"messages": ["news"], "authorize": {"parameters": {"team": "principal.claims.team"}}}
SPEC: dict[str, Any] = {
    "gateway": {"trustedProxies": ["127.0.0.1"]},
    "defaults": {
        "auth": {"kind": "jwt", "algorithms": ["HS256"], "secretEnv": "TOKEN_SECRET", "leeway": "0s"},
        "rateLimit": False,
    },
    "routes": [
        {
            **route(
                "board",
                jobs=SCOPED,
                free={"messages": ["news"]},
                **{"team.{team}": TEAM},
                here={**SCOPED, "presence": True},
            ),
            "aliases": ["/ws/notice"],
        },
        {**route("asked", **{"asked.{team}": {"messages": ["news"]}, "slow.jobs": SCOPED}), "middleware": ["plugin"]},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, {"board.py": BOARD, "plugin.py": PLUGIN}, "--processes", "2", TOKEN_SECRET=SECRET) as served:
        yield served


def token(scope: str = "jobs:read", **more: Any) -> str:
    return jwt.encode(claims(aud=None, scope=scope, **more), SECRET, "HS256")


def bearer(made: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {made}"}


async def renew(client: ClientConnection, made: str) -> str:
    """Give another credential; the answer's type."""
    answer = await exchange(client, {"type": "$auth", "id": 2, "payload": {"token": made}})
    return str(answer["type"])


async def next_frame(client: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await client.recv())


async def told(client: ClientConnection, topic: str) -> list[str]:
    """Types of the frames that publishing on a topic brings to the one who asks for it: what is published comes before
    the answer."""
    await client.send(json.dumps({"type": "tell", "id": 3, "payload": {"topic": topic}}))
    found = []
    while (frame := await next_frame(client)).get("id") != 3:
        found.append(frame["type"])
    assert frame["type"] == "told", frame
    return found


async def test_a_credential_that_allows_less_ends_what_it_does_not_allow(served: Served) -> None:
    async with served.connect("/ws/board", additional_headers=bearer(token(team="red"))) as client:
        for name in ("jobs", "free", "team.red"):
            await subscribe(client, name)
        assert await told(client, "jobs") == ["news"]
        # a longer life alone changes nothing
        assert await renew(client, token(team="red", exp=claims()["exp"] + 60)) == "$ok"
        await nothing(client)
        assert await renew(client, token("other", team="blue")) == "$ok"
        ended = [await next_frame(client) for _ in range(2)]
        assert [frame["type"] for frame in ended] == ["$unsubscribed"] * 2
        assert {frame["topic"]: frame["payload"]["code"] for frame in ended} == {
            "jobs": "forbidden",
            "team.red": "forbidden",
        }
        assert ended[0]["payload"]["message"] == "'jobs' asks for the scope 'jobs:read'"
        assert await told(client, "jobs") == await told(client, "team.red") == []
        assert (await refused(client, command("$unsubscribe", "jobs")))[0] == "not_subscribed"
        # and with the scope it may ask again
        assert await renew(client, token(team="blue")) == "$ok"
        await subscribe(client, "jobs")
        assert await told(client, "jobs") == ["news"]


async def test_members_see_who_had_to_leave(served: Served) -> None:
    async with served.connect("/ws/board", additional_headers=bearer(token())) as witness:
        await subscribe(witness, "here")
        async with served.connect("/ws/board", additional_headers=bearer(token(sub="eve"))) as client:
            member = (await subscribe(client, "here"))["member"]
            assert (await next_frame(witness))["type"] == "$join"
            assert await renew(client, token("", sub="eve")) == "$ok"
            left = await next_frame(witness)
            assert (left["type"], left["payload"]["member"]) == ("$leave", member)


async def test_somebody_else_s_credential_changes_nothing(served: Served) -> None:
    async with served.connect("/ws/board", additional_headers=bearer(token())) as client:
        await subscribe(client, "jobs")
        for wrong in (token("", sub="eve"), token("", exp=1), "none"):
            assert await renew(client, wrong) == "error"
        assert await told(client, "jobs") == ["news"]


async def test_plugins_are_asked_again(served: Served) -> None:
    async with served.connect("/ws/asked", additional_headers=bearer(token(team="red"))) as client:
        await subscribe(client, "asked.red")
        assert await renew(client, token(team="blue")) == "$ok"
        ended = await next_frame(client)
        assert (ended["type"], ended["topic"]) == ("$unsubscribed", "asked.red")
        assert ended["payload"] == {"code": "forbidden", "message": "that is another team's"}


async def test_a_scope_that_is_lost_while_a_plugin_makes_up_its_mind_is_lost(served: Served) -> None:
    async with served.connect("/ws/asked", additional_headers=bearer(token(team="blue"))) as client:
        await client.send(command("$subscribe", "slow.jobs"))
        # the plugin waits for this one
        assert await renew(client, token("other", team="red")) == "$ok"
        answer = await next_frame(client)
        assert (answer["id"], answer["error"]["code"]) == (1, "forbidden")


async def test_the_client_of_the_package_is_told_where_it_waits(served: Served) -> None:
    async with connect(f"{served.url}/ws/board", token=token()) as client, client.subscribe("jobs") as jobs:
        await client.authenticate(token("other"))
        with pytest.raises(RequestFailed) as ended:
            async with asyncio.timeout(PATIENCE):
                await anext(jobs)
        assert (ended.value.code, "jobs:read" in ended.value.message) == ("forbidden", True)
        await client.authenticate(token())
        async with client.subscribe("jobs") as again:
            await client.request("tell", {"topic": "jobs"})
            assert (await anext(again)).type == "news"


async def resumed(served: Served, headers: dict[str, str], path: str = "/ws/board") -> Reliable:
    """A reliable client that has subscribed, lost its connection, and come back with these headers."""
    client = Reliable(served, "/ws/board", **bearer(token()))
    await client.connect()
    await client.subscribe("jobs", 1)
    await client.ask("tell", 2, topic="free")
    assert (await client.take())["payload"] == {"address": "127.0.0.1", "path": "/ws/board"}
    await client.cut()
    client.headers, client.path = headers, path
    assert (await client.connect())["resumed"]
    return client


@pytest.mark.parametrize("attempt", range(4))
async def test_a_session_that_is_resumed_with_less_keeps_less(served: Served, attempt: int) -> None:
    # in the process that it was in, or in the other one
    client = await resumed(served, bearer(token("other")))
    ended = await client.take()
    assert (ended["type"], ended["topic"]) == ("$unsubscribed", "jobs")
    await client.ask("tell", 3, topic="jobs")
    assert (await client.take())["type"] == "told"
    await client.socket.close()


@pytest.mark.parametrize("attempt", range(4))
async def test_handlers_see_where_a_resumed_session_s_client_is_now(served: Served, attempt: int) -> None:
    moved = {**bearer(token()), "X-Forwarded-For": "192.0.2.7"}
    client = await resumed(served, moved, "/ws/notice")
    await client.ask("tell", 3, topic="free")
    assert (await client.take())["payload"] == {"address": "192.0.2.7", "path": "/ws/notice"}
    await client.socket.close()
    await served.until(lambda stats: sessions(stats)["open"] == 0)
