"""Kept replies, through the front door: who runs a handler, who gets its reply, and what makes it run again."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.gateway.conftest import Serve
from tests.served import PATIENCE, Project, Served, exchange, serving

HANDLERS = """
import asyncio
from collections import Counter

from routewright.handlers import Context, HandlerError, on

RUNS = Counter()
OPEN = asyncio.Event()


async def see(message, context):
    key = message.shelf
    RUNS[key] += 1
    runs = RUNS[key]
    if message.wait:
        await OPEN.wait()
    if message.fail:
        raise HandlerError("not_there", f"run {runs}")
    principal = context.principal.id if context.principal else None
    return {"type": "seen", "payload": {"runs": runs, "who": principal, "where": context.parameters.get("room"),
                                        "by": context.session.address}}


@on("look")
async def look(message, context: Context): return await see(message, context)


@on("glance")
async def glance(message, context: Context): return await see(message, context)


@on("peek")
async def peek(message, context: Context): return await see(message, context)


@on("mine")
async def mine(message, context: Context):
    message.shelf = f"mine {message.shelf}"
    return await see(message, context)


@on("ours")
async def ours(message, context: Context): return await see(message, context)


@on("nothing")
async def nothing(message):
    RUNS["nothing"] += 1


@on("bare")
async def bare():
    RUNS["bare"] += 1
    return {"type": "done"}


@on("open")
async def open_():
    OPEN.set()
    return {"type": "done"}


@on("change")
async def change(message, context: Context):
    if message.what == "shelf":
        context.invalidate("look", {"shelf": message.shelf})
    elif message.what == "message":
        context.invalidate("look")
    else:
        context.invalidate()
    return {"type": "done"}


@on("count")
async def count(message):
    return {"type": "counted", "payload": RUNS[message.shelf]}
"""

FRONT = """
from routewright.handlers import Context, on


@on("ask")
async def ask(message, context: Context):
    seen = await context.call("rooms", {"type": "look", "payload": {"shelf": message.shelf}})
    return {"type": "told", "payload": seen.runs}
"""

SHELF = {
    "type": "object",
    "required": ["shelf"],
    "properties": {
        "shelf": {"type": "string", "maxLength": 100},
        "wait": {"type": "boolean", "default": False},
        "fail": {"type": "boolean", "default": False},
        "more": {"type": "object", "additionalProperties": {"type": "number"}},
    },
}
NAMED = {"type": "object", "required": ["shelf"], "properties": {"shelf": {"type": "string", "maxLength": 100}}}
KEYS = [{"id": name, "sha256": hashlib.sha256(f"key of {name}".encode()).hexdigest()} for name in ("ada", "bob")]


def asking(**keys: Any) -> dict[str, Any]:
    return {"payload": SHELF, "reply": "seen", "idempotent": True, **keys}


def spec() -> dict[str, Any]:
    """A route whose messages have caches of every kind, and one that calls it."""
    seen = {
        "type": "object",
        "required": ["runs"],
        "properties": {"runs": {"type": "integer"}, "who": {}, "where": {}, "by": {}},
    }
    change = {"type": "object", "required": ["what"], "properties": {"what": {"type": "string", "maxLength": 10}}}
    change["properties"]["shelf"] = {"type": "string", "maxLength": 100}  # type: ignore[index]
    messages = {
        "look": asking(),
        "glance": asking(cache={"ttl": "1ms"}),
        "peek": asking(cache={"ttl": "1ms", "staleFor": "1h"}),
        "mine": asking(cache={"vary": ["session"]}),
        "ours": asking(cache={"vary": []}),
        "nothing": {"payload": NAMED, "reply": "done", "idempotent": True},
        "bare": {"reply": "done", "idempotent": True},
        "seen": {"from": "handler", "payload": seen},
        "open": {"reply": "done"},
        "change": {"payload": change, "reply": "done"},
        "done": {"from": "handler"},
        "count": {"payload": NAMED, "reply": "counted"},
        "counted": {"from": "handler", "payload": {"type": "integer"}},
    }
    rooms = {
        "path": "/ws/rooms/{room}",
        "name": "rooms",
        "parameters": {"room": {"type": "integer"}},
        "pythonModule": "rooms",
        "middleware": [{"name": "api_key", "settings": {"keys": KEYS}}],
        "cache": {"ttl": "1h"},
        "x-allow": {"RW356": "the tests want to see it"},
        "messages": messages,
    }
    front = {
        "path": "/ws/front",
        "pythonModule": "front",
        "messages": {
            "ask": {"payload": NAMED, "reply": "told"},
            "told": {"from": "handler", "payload": {"type": "integer"}},
        },
    }
    return {"routes": [rooms, front]}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(spec(), {"rooms.py": HANDLERS, "front.py": FRONT}) as served:
        yield served


def key(who: str = "ada") -> dict[str, str]:
    return {"X-API-Key": f"key of {who}"}


def enter(served: Served, who: str = "ada", room: int = 1) -> Any:
    return served.connect(f"/ws/rooms/{room}", additional_headers=key(who))


def ask(type: str, shelf: str, id: Any = 1, **more: Any) -> str:
    return json.dumps({"type": type, "id": id, "payload": {"shelf": shelf, **more}})


async def runs(client: ClientConnection, type: str, shelf: str, **more: Any) -> Any:
    """Which run of the handler the answer is from."""
    return (await exchange(client, ask(type, shelf, **more)))["payload"]["runs"]


async def received(client: ClientConnection, count: int) -> list[Any]:
    async with asyncio.timeout(PATIENCE):
        return [json.loads(await client.recv()) for _ in range(count)]


def cache(stats: Any) -> dict[str, int]:
    found: dict[str, int] = next(route["cache"] for route in stats["routes"] if route["name"] == "rooms")
    return found


async def test_a_hundred_who_ask_at_once_are_one_run_and_each_gets_the_reply_with_its_id(served: Served) -> None:
    before = cache(await served.stats())
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(enter(served)) for _ in range(10)]
        ids = [0, -7, "seven", 2**62, 'quo"te\\ \u2028', "", 1, 2, 3, None]
        for client in clients:
            for id in ids:
                await client.send(ask("look", "crowd", id, wait=True))
        await served.until(lambda stats: cache(stats)["joined"] == before["joined"] + 99)
        await clients[0].send(json.dumps({"type": "open", "id": "opened"}))
        for client in clients:
            answers = await received(client, 11 if client is clients[0] else 10)
            seen = [answer for answer in answers if answer["type"] == "seen"]
            assert [answer.get("id") for answer in seen] == ids
            assert {json.dumps(answer["payload"]) for answer in seen} == {json.dumps(seen[0]["payload"])}
            assert seen[0]["payload"]["runs"] == 1
            assert all("id" not in answer for answer in seen[-1:])
        again = await exchange(clients[3], ask("look", "crowd", "later", wait=True))
        assert (again["id"], again["payload"]["runs"]) == ("later", 1)
        after = cache(await served.stats())
        assert after["misses"] == before["misses"] + 1
        assert after["hits"] == before["hits"] + 1
        assert after["entries"] == before["entries"] + 1
        assert after["bytes"] > before["bytes"]


async def test_a_payload_counts_as_it_was_sent_and_as_the_handler_has_it(served: Served) -> None:
    kept = []
    async with enter(served) as client:
        for shelf in ("weighed", "weighed" + "s" * 50):
            before = cache(await served.stats())
            await exchange(client, ask("look", shelf))
            after = cache(await served.stats())
            assert after["entries"] == before["entries"] + 1
            kept.append(after["bytes"] - before["bytes"])
    assert kept[1] == kept[0] + 2 * 50


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(serve: Serve) -> None:
    with serve(spec(), {"rooms.py": HANDLERS, "front.py": FRONT}) as served:
        async with enter(served) as one, enter(served) as other:
            for id, client in ((1, one), (2, other)):
                await client.send(ask("look", "broken", id, wait=True, fail=True))
            await served.until(lambda stats: cache(stats)["joined"] == 1)
            async with enter(served) as third:
                assert (await exchange(third, {"type": "open"}))["type"] == "done"
            for id, client in ((1, one), (2, other)):
                (answer,) = await received(client, 1)
                assert (answer["id"], answer["error"]["code"], answer["error"]["message"]) == (id, "not_there", "run 1")
            again = await exchange(one, ask("look", "broken", 3, fail=True))
            assert again["error"]["message"] == "run 2"
            assert cache(await served.stats())["entries"] == 0


async def test_who_asked_first_may_leave(serve: Serve) -> None:
    with serve(spec(), {"rooms.py": HANDLERS, "front.py": FRONT}) as served:
        async with enter(served) as follower, enter(served) as third:
            async with enter(served) as leader:
                await leader.send(ask("look", "left", wait=True))
                await served.until(lambda stats: cache(stats)["misses"] == 1)
                await follower.send(ask("look", "left", wait=True))
                await served.until(lambda stats: cache(stats)["joined"] == 1)
            await served.until(lambda stats: stats["connections"] == 2)
            assert (await exchange(third, {"type": "open"}))["type"] == "done"
            (answer,) = await received(follower, 1)
            assert answer["payload"]["runs"] == 1
            assert await runs(third, "look", "left", wait=True) == 1
            # one whose own session is the only one that could use the reply takes its request along
            async with enter(served) as alone:
                await alone.send(ask("mine", "gone"))
                assert (await received(alone, 1))[0]["payload"]["runs"] == 1
            errors = (await served.until(lambda stats: stats["connections"] == 2))["routes"][0]["errors"]
            assert errors == {}


async def test_a_reply_is_kept_for_its_time(served: Served) -> None:
    async with enter(served) as client:
        first = await runs(client, "glance", "short")
        async with asyncio.timeout(PATIENCE):
            while await runs(client, "glance", "short") == first:
                pass


async def test_a_stale_reply_serves_while_another_is_fetched(served: Served) -> None:
    before = cache(await served.stats())
    async with enter(served) as client:
        assert await runs(client, "peek", "stale") == 1
        async with asyncio.timeout(PATIENCE):
            while await runs(client, "peek", "stale") == 1:
                pass
    after = cache(await served.stats())
    assert after["stale"] > before["stale"]
    assert after["misses"] == before["misses"] + 1


@pytest.mark.parametrize("what", ["shelf", "message", "all"])
async def test_a_handler_invalidates(served: Served, what: str) -> None:
    shelf = f"changed {what}"
    async with enter(served) as ada, enter(served, "bob") as bob:
        assert [await runs(ada, "look", shelf), await runs(bob, "look", shelf)] == [1, 2]
        assert await runs(ada, "look", f"other {what}") == 1
        change = {"type": "change", "payload": {"what": what, "shelf": shelf}}
        assert (await exchange(ada, change))["type"] == "done"
        # for everybody, and whether or not a default was written out
        assert [await runs(ada, "look", shelf), await runs(bob, "look", shelf)] == [3, 4]
        assert await runs(ada, "look", shelf, fail=False) == 5
        assert await runs(ada, "look", f"other {what}") == (1 if what == "shelf" else 2)
        assert (await exchange(ada, change))["type"] == "done"
        assert await runs(ada, "look", shelf, fail=False) == 6


async def test_what_was_under_way_at_an_invalidation_is_not_kept(serve: Serve) -> None:
    with serve(spec(), {"rooms.py": HANDLERS, "front.py": FRONT}) as served:
        async with enter(served) as before, enter(served) as after, enter(served) as third:
            await before.send(ask("look", "moved", wait=True))
            await served.until(lambda stats: cache(stats)["misses"] == 1)
            assert (await exchange(third, {"type": "change", "payload": {"what": "all"}}))["type"] == "done"
            await after.send(ask("look", "moved", wait=True))
            await served.until(lambda stats: cache(stats)["misses"] == 2)
            assert (await exchange(third, {"type": "open"}))["type"] == "done"
            assert (await received(before, 1))[0]["payload"]["runs"] == 1
            assert (await received(after, 1))[0]["payload"]["runs"] == 2
            assert await runs(third, "look", "moved", wait=True) == 2


async def test_gateway_processes_keep_replies_of_their_own_and_invalidations_reach_all(serve: Serve) -> None:
    with serve(spec(), {"rooms.py": HANDLERS, "front.py": FRONT}, "--processes", "2") as served:
        async with contextlib.AsyncExitStack() as stack:
            clients = await served.everywhere(stack, "/ws/rooms/1", additional_headers=key())
            first = [await runs(client, "look", "here and there") for client in clients]
            assert set(first) == {1, 2}
            assert [await runs(client, "look", "here and there") for client in clients] == first
            change = {"type": "change", "payload": {"what": "shelf", "shelf": "here and there"}}
            assert (await exchange(clients[0], change))["type"] == "done"
            # the gateway that tells of the change has already forgotten, the other one does so by itself
            assert await runs(clients[0], "look", "here and there") == 3
            stats = await served.until(lambda stats: cache(stats)["invalidations"] == 2)
            assert cache(stats)["entries"] == 1
            assert await runs(clients[-1], "look", "here and there") == 4
            assert {await runs(client, "look", "here and there") for client in clients} == {3, 4}


async def test_nothing_outlives_the_code_that_said_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.spec(spec())
    project.save("rooms.py", HANDLERS)
    project.save("front.py", FRONT)
    with serving(project) as served:
        async with enter(served) as client:
            assert [await runs(client, "look", "reloaded") for _ in range(2)] == [1, 1]
            project.save("front.py", FRONT + "# another module\n")
            await served.logged("handler code reloaded")
            assert await runs(client, "look", "reloaded") == 1
            assert cache(await served.stats())["hits"] == 2
            seen = len(served.lines)
            project.save("rooms.py", HANDLERS.replace("RUNS = Counter()", "RUNS = Counter(reloaded=100)"))
            await served.logged("handler code reloaded", seen)
            assert [await runs(client, "look", "reloaded") for _ in range(2)] == [101, 101]
            # a policy of the route changes, and what is kept stays; those of the cache change, and it goes
            for settings, kept in (({"timeout": "20s"}, 101), ({"cache": {"ttl": "2h"}}, 102)):
                seen = len(served.lines)
                changed = spec()
                changed["routes"][0] |= settings
                project.spec(changed)
                await served.logged("reloaded", seen)
                assert await runs(client, "look", "reloaded") == kept


async def test_clients_get_their_own_replies(served: Served) -> None:
    async with enter(served) as ada, enter(served, "bob") as bob, enter(served, room=2) as elsewhere:
        seen = [await exchange(each, ask("look", "own")) for each in (ada, bob, elsewhere, ada, bob, elsewhere)]
        told = [(each["payload"]["who"], each["payload"]["where"], each["payload"]["runs"]) for each in seen]
        assert told == [("ada", 1, 1), ("bob", 1, 2), ("ada", 2, 3)] * 2


async def test_a_handler_sees_of_the_client_only_what_tells_requests_apart(served: Served) -> None:
    async with enter(served) as ada, enter(served, "bob", room=2) as bob:
        for client in (ada, bob):
            seen = (await exchange(client, ask("ours", "shared")))["payload"]
            assert seen == {"runs": 1, "who": None, "where": None, "by": ""}


async def test_a_session_s_own_replies_are_its_own(served: Served) -> None:
    async with enter(served) as one, enter(served) as other:
        assert [await runs(each, "mine", "own") for each in (one, other, one, other)] == [1, 2, 1, 2]


async def test_what_is_written_otherwise_and_means_the_same_is_one_request(served: Served) -> None:
    written = [
        '{"type": "look", "id": 1, "payload": {"shelf": "same", "more": {"a": 1, "b": 2.5}}}',
        '{"payload":{"more":{"b":25e-1,"a":1},"shelf":"sa\\u006de"},"id":1,"type":"look"}',
    ]
    others = [
        '{"type": "look", "id": 1, "payload": {"shelf": "same", "more": {"a": 1, "b": 2.6}}}',
        '{"type": "look", "id": 1, "payload": {"shelf": "same"}}',
    ]
    async with enter(served) as client:
        found = [(await exchange(client, text))["payload"]["runs"] for text in (*written, *others)]
        assert found == [1, 1, 2, 3]


async def test_replies_without_a_payload_are_kept_and_no_reply_is_not(served: Served) -> None:
    async def count(shelf: str) -> int:
        return int((await exchange(client, {"type": "count", "payload": {"shelf": shelf}}))["payload"])

    async with enter(served) as client:
        for id in (1, 2):
            assert await exchange(client, {"type": "bare", "id": id}) == {"type": "done", "id": id}
            await client.send(ask("nothing", "any"))
            assert (await count("bare"), await count("nothing")) == (1, id)


async def test_calls_of_other_handlers_are_answered_by_it(served: Served) -> None:
    async with served.connect("/ws/front") as client:
        told = [
            (await exchange(client, {"type": "ask", "id": 1, "payload": {"shelf": "called"}}))["payload"]
            for _ in range(3)
        ]
        assert told == [1, 1, 1]


async def test_metrics_tell(served: Served) -> None:
    async with enter(served) as client:
        await runs(client, "look", "metrics")
        await runs(client, "look", "metrics")
    _, _, body = await asyncio.to_thread(served.get, f"{served.ready['admin']}/metrics")
    found = dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if "routewright_cache_" in line)
    stats = cache(await served.stats())
    assert float(found['routewright_cache_requests_total{outcome="hits",route="rooms"}']) == stats["hits"] > 0
    assert float(found['routewright_cache_bytes{route="rooms"}']) == stats["bytes"] > 0
    assert float(found['routewright_cache_invalidations_total{route="rooms"}']) == stats["invalidations"]
    assert float(found['routewright_cache_entries{route="front"}']) == 0
