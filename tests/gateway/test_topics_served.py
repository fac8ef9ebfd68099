"""Topics through the front door: who may subscribe, what reaches whom, what is kept, and who is there."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.gateway.board import FILES, SPEC, command, heard, nothing, refused, subscribe, tell
from tests.gateway.conftest import Serve
from tests.served import Served, exchange


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def client(served: Served, stack: AsyncExitStack, path: str = "/ws/board", **headers: str) -> ClientConnection:
    """A client that says who it is: ``Name``, ``Scopes``."""
    given = {f"X-{name}": value for name, value in headers.items()}
    return await stack.enter_async_context(served.connect(path, additional_headers=given))


def figures(stats: Any, topic: str) -> Any:
    return next(each for each in stats["topics"] if each["topic"] == topic)


async def test_an_event_reaches_those_who_have_subscribed(served: Served, stack: AsyncExitStack) -> None:
    asker, seven, eight, every = [await client(served, stack) for _ in range(4)]
    await subscribe(seven, "jobs.7")
    await subscribe(eight, "jobs.8")
    await subscribe(every, "jobs.*")
    await subscribe(every, "jobs.7")
    assert (await tell(asker, "jobs.7", ("done", {"n": 1})))["payload"] == "published"
    event = {"type": "done", "topic": "jobs.7", "payload": {"n": 1}}
    assert await heard(seven) == event
    assert await heard(every) == event
    await tell(asker, "jobs.8", ("done", {"n": 2}))
    for each in (eight, every):
        assert await heard(each) == {"type": "done", "topic": "jobs.8", "payload": {"n": 2}}
    assert (await exchange(seven, command("$unsubscribe", "jobs.7")))["type"] == "$ok"
    assert (await exchange(every, command("$unsubscribe", "jobs.*")))["type"] == "$ok"
    await tell(asker, "jobs.7", ("done", {"n": 3}))
    assert (await heard(every))["payload"] == {"n": 3}
    for each in (asker, seven, eight, every):
        await nothing(each)


async def test_a_pattern_does_not_reach_into_another_topic(served: Served, stack: AsyncExitStack) -> None:
    every, asker = await client(served, stack), await client(served, stack)
    await subscribe(every, "jobs.*")
    await tell(asker, "jobs.all", ("done", {"n": 1}))
    await nothing(every)


async def test_what_is_wrong_with_a_subscription_is_told(served: Served, stack: AsyncExitStack) -> None:
    asker = await client(served, stack)
    wrong = "invalid_message", "$.payload.topic"
    assert await refused(asker, command("$subscribe", "job.7")) == (*wrong, "did you mean 'jobs.{id}'?")
    for name in ("jobs", "jobs.7.8", "jobs.", "jobs.a*", "*", "*.*", "jobs.{id}", "jobs.\u2028", "jobs." + "x" * 300):
        assert (await refused(asker, command("$subscribe", name)))[:2] == wrong
    assert (await refused(asker, command("$subscribe", "later.1")))[:2] == wrong, "another route's topic"
    for payload in ("{}", '{"topic": 7}', "[]", '"jobs.7"'):
        code, path, _ = await refused(asker, f'{{"type": "$subscribe", "id": 1, "payload": {payload}}}')
        assert (code, path.startswith("$.payload")) == ("invalid_message", True)
    assert (await refused(asker, command("$unsubscribe", "jobs.7")))[:2] == ("not_subscribed", "$.payload.topic")


async def test_who_may_not_subscribe_is_refused(served: Served, stack: AsyncExitStack) -> None:
    ada = await client(served, stack, Name="ada", Scopes="jobs:write jobs:read")
    eve = await client(served, stack, Name="eve", Scopes="jobs:write")
    star = await client(served, stack, Name="*")
    await subscribe(ada, "secret")
    await subscribe(ada, "inbox.ada")
    for asker, topic in ((eve, "secret"), (eve, "inbox.ada"), (eve, "inbox.*"), (star, "inbox.*")):
        assert (await refused(asker, command("$subscribe", topic)))[:2] == ("forbidden", "$.payload.topic")
    assert (await refused(eve, command("$subscribe", "jobs.13")))[0] == "handler_error", "its plugin fails"
    await tell(eve, "inbox.ada", ("done", {"n": 5}))
    await tell(eve, "secret", ("done", {"n": 6}))
    assert [(await heard(ada))["topic"] for _ in range(2)] == ["inbox.ada", "secret"]
    await nothing(eve)


async def test_hooks_that_wait_keep_the_order_of_commands(served: Served, stack: AsyncExitStack) -> None:
    late = await client(served, stack, "/ws/late/4")
    frames = [
        command("$subscribe", "later.1", 1),
        command("$subscribe", "later.never", 2),
        command("$unsubscribe", "later.1", 3),
        command("$unsubscribe", "later.1", 4),
        command("$subscribe", "late.4", 5),
        command("$subscribe", "late.5", 6),
    ]
    for frame in frames:
        await late.send(frame)
    answers = [await heard(late) for _ in frames]
    assert [answer["id"] for answer in answers] == [1, 2, 3, 4, 5, 6]
    codes = [answer["error"]["code"] if "error" in answer else answer["type"] for answer in answers]
    assert codes == ["$ok", "forbidden", "$ok", "not_subscribed", "$ok", "forbidden"]


async def test_subscriptions_are_bounded(served: Served, stack: AsyncExitStack) -> None:
    greedy = await client(served, stack)
    for number in range(128):
        await greedy.send(command("$subscribe", f"jobs.{number + 100}", number))
    assert {(await heard(greedy))["type"] for _ in range(128)} == {"$ok"}
    assert (await refused(greedy, command("$subscribe", "jobs.1")))[0] == "forbidden"
    await subscribe(greedy, "jobs.100")
    await exchange(greedy, command("$unsubscribe", "jobs.100"))
    await subscribe(greedy, "jobs.1")
    await greedy.close()
    await served.until(lambda stats: figures(stats, "jobs.{id}")["subscriptions"] == 0)


async def test_only_what_a_topic_declares_is_published(served: Served, stack: AsyncExitStack) -> None:
    asker = await client(served, stack)
    problems = [
        (await tell(asker, "jobs.7", ("price", {"n": 1})))["payload"],
        (await tell(asker, "jobs.7", ("done", {"n": "x"})))["payload"],
        (await tell(asker, "jobs.*", ("done", {"n": 1})))["payload"],
        (await tell(asker, "job.7", ("done", {"n": 1})))["payload"],
    ]
    assert problems == [
        "'price' given, expected a message of the topic 'jobs.{id}': Done ('done')",
        "the payload of 'done' does not fit its declaration: Expected `int`, got `str` - at `$.n`",
        "'jobs.*' stands for several topics: publish on one",
        "there is no topic and no route 'job.7': did you mean 'jobs.{id}'?",
    ]


async def test_one_publish_is_one_pass_and_one_write_each(served: Served, stack: AsyncExitStack) -> None:
    asker = await client(served, stack)
    crowd = [await client(served, stack) for _ in range(20)]
    for each in crowd:
        await subscribe(each, "jobs.20")
    before = await served.stats()
    await tell(asker, "jobs.20", ("done", {"n": 1}), ("done", {"n": 2}))
    for each in crowd:
        assert [(await heard(each))["payload"]["n"] for _ in range(2)] == [1, 2]
    after = await served.stats()
    deltas = {
        key: figures(after, "jobs.{id}")[key] - figures(before, "jobs.{id}")[key] for key in ("published", "delivered")
    }
    assert deltas == {"published": 2, "delivered": 40}
    assert after["gateways"][0]["writes"] - before["gateways"][0]["writes"] == len(crowd) + 1


async def test_the_last_value_is_kept_for_who_comes_later(served: Served, stack: AsyncExitStack) -> None:
    asker = await client(served, stack)
    for market, n in (("lse", 1), ("lse", 2), ("nyse", 3)):
        await tell(asker, f"prices.{market}.abc", ("price", {"n": n}))
    await subscribe(asker, "prices.lse.abc")
    assert await heard(asker) == {"type": "price", "topic": "prices.lse.abc", "payload": {"n": 2}}
    await subscribe(asker, "prices.*.abc")
    assert [(await heard(asker))["payload"]["n"] for _ in range(2)] == [2, 3]
    await subscribe(asker, "prices.lse.xyz")
    await subscribe(asker, "jobs.7")
    await nothing(asker)


async def test_members_see_each_other_come_and_go(served: Served, stack: AsyncExitStack) -> None:
    ada, eve = await client(served, stack, Name="ada"), await client(served, stack, Name="eve")
    watcher = await client(served, stack, Name="watcher")
    await subscribe(watcher, "rooms.*")
    mine = (await subscribe(ada, "rooms.1"))["member"]
    joined = await heard(watcher)
    assert (joined["type"], joined["topic"], joined["payload"]["member"]) == ("$join", "rooms.1", mine)
    hers = (await subscribe(eve, "rooms.1"))["member"]
    await subscribe(eve, "rooms.1")
    for each in (ada, watcher):
        joined = await heard(each)
        assert (joined["type"], joined["payload"]["principal"], joined["payload"]["member"]) == ("$join", "eve", hers)
    answer = (await exchange(ada, command("$who", "rooms.1")))["payload"]
    assert [each["principal"] for each in answer["members"]] == ["ada", "eve"]
    assert (answer["count"], answer["members"][1]["member"]) == (2, hers)
    assert answer["members"][0]["since"] <= answer["members"][1]["since"]
    eve.transport.abort()
    assert (await heard(ada))["type"] == "$leave"
    await exchange(ada, command("$unsubscribe", "rooms.1"))
    left = [await heard(watcher) for _ in range(2)]
    assert [(each["type"], each["payload"]["principal"]) for each in left] == [("$leave", "eve"), ("$leave", "ada")]
    assert (await refused(ada, command("$who", "rooms.1")))[0] == "not_subscribed"
    await subscribe(ada, "jobs.7")
    assert (await refused(ada, command("$who", "jobs.7")))[0] == "forbidden"


async def test_clients_publish_where_they_may(served: Served, stack: AsyncExitStack) -> None:
    ada, eve = await client(served, stack), await client(served, stack)
    said = command("$publish", "rooms.2", type="said", payload={"text": "hello"})
    assert (await refused(ada, said))[0] == "not_subscribed"
    await subscribe(eve, "rooms.2")
    await subscribe(ada, "rooms.*")
    assert await exchange(ada, said) == {"type": "said", "topic": "rooms.2", "payload": {"text": "hello"}}
    assert await heard(ada) == {"type": "$ok", "id": 1, "payload": {"topic": "rooms.2"}}
    assert await heard(eve) == {"type": "said", "topic": "rooms.2", "payload": {"text": "hello"}}
    wrong = [
        command("$publish", "rooms.2", type="said", payload={"text": 7}),
        command("$publish", "rooms.2", type="said", payload={"text": "far too long for such a room"}),
        command("$publish", "rooms.2", type="said"),
        command("$publish", "rooms.2", type="sayd", payload={"text": "x"}),
        command("$publish", "rooms.2", type="done", payload={"n": 1}),
        command("$publish", "rooms.*", type="said", payload={"text": "x"}),
        command("$publish", "rooms.2", payload={"text": "x"}),
    ]
    found = [await refused(ada, frame) for frame in wrong]
    assert [code for code, _, _ in found] == [*["invalid_message"] * 3, *["unknown_type"] * 2, *["invalid_message"] * 2]
    assert [path for _, path, _ in found[:4]] == [*["$.payload.payload.text"] * 2, "$.payload", "$.payload.type"]
    assert found[3][2] == "did you mean 'said'?"
    await subscribe(ada, "jobs.7")
    assert (await refused(ada, command("$publish", "jobs.7", type="done", payload={"n": 1})))[0] == "forbidden"
    await nothing(eve)


def all_handled(topic: Any) -> bool:
    """Whether the one module that listens there has handled everything."""
    return bool(topic["handled"] + topic["failed"] == topic["published"])


async def test_modules_handle_what_others_publish(served: Served, stack: AsyncExitStack) -> None:
    # what the tests before this one have published is told no more
    await served.until(lambda stats: all_handled(figures(stats, "rooms.{room}")))
    asker, audit, late = (
        await client(served, stack),
        await client(served, stack, "/ws/audit"),
        await client(served, stack, "/ws/late/1"),
    )
    for number in range(7, 11):
        await tell(asker, f"jobs.{number}", ("done", {"n": number}))
    saw = sorted([(await heard(audit))["payload"] for _ in range(4)], key=lambda each: each[3])
    assert [each[:4] for each in saw] == [[f"jobs.{number}", "done", str(number), number] for number in range(7, 11)]
    assert await heard(late) == {"type": "seven", "payload": 7}
    await subscribe(asker, "rooms.3")
    await asker.send(command("$publish", "rooms.3", type="said", payload={"text": "fail"}))
    await asker.send(command("$publish", "rooms.3", type="said", payload={"text": "hark"}))
    assert await heard(audit) == {"type": "heard", "payload": ["3", "hark"]}
    before = figures(await served.stats(), "jobs.all")["handled"]
    await tell(asker, "jobs.all", ("done", {"n": 0}))
    stats = await served.until(lambda stats: figures(stats, "jobs.all")["handled"] == before + 1)
    rooms = figures(stats, "rooms.{room}")
    assert (rooms["failed"], rooms["dropped"]) == (1, 0)
    for each in (audit, late):
        await nothing(each)


async def test_an_open_route_publishes_whatever_it_likes(served: Served, stack: AsyncExitStack) -> None:
    late, other = await client(served, stack, "/ws/late/1"), await client(served, stack, "/ws/late/2")
    await subscribe(other, "later.*")
    await late.send(json.dumps({"type": "later.x", "payload": {"any": ["thing"]}}))
    assert await heard(other) == {"type": "news", "topic": "later.x", "payload": {"any": ["thing"]}}


async def test_topics_are_among_the_metrics_and_in_discovery(served: Served) -> None:
    _, _, text = await asyncio.to_thread(served.get, f"{served.ready['admin']}/metrics")
    assert 'routewright_topic_publishes_total{route="board",topic="jobs.{id}"}' in text.decode()
    assert 'routewright_topic_events_total{outcome="handled",route="board",topic="jobs.{id}"}' in text.decode()
    _, _, found = await asyncio.to_thread(served.get, f"{served.http}/.well-known/websocket-routes")
    board = json.loads(found)["routes"][0]
    assert board["topics"][0] == {
        "name": "jobs.{id}", "messages": ["done"], "publish": "handlers", "retain": False, "presence": False
    }  # fmt: skip
