"""Requests that are tried again, or refused for the route's sake: through the front door, with workers that die."""

import asyncio
import gc
import json
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from routewright.bridge.codec import Error, Reply
from routewright.bridge.pool import Entry
from routewright.gateway.guard import Attempt
from routewright.table import MessageType
from tests.gateway.conftest import Serve
from tests.served import PATIENCE, Project, Served, exchange, serving

HANDLER = '''
import asyncio
import os
import signal
from pathlib import Path

from routewright.handlers import Context, HandlerError, on

FOLDER = Path(__file__).parent


async def handle(message, context):
    """Note the effect, and do as told; what is told of one request happens at its first effect alone."""
    effects = FOLDER / f"effects-{message.name}"
    with effects.open("a") as file:
        file.write(f"{os.getpid()}\\n")
    times = len(effects.read_text().split())
    if message.how == "die" and times == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if message.how == "later" and times < 3:
        raise HandlerError("not_now", "come again", retryable=True)
    if message.how == "later-never":
        if times == 1:
            raise HandlerError("not_now", "come again", retryable=True)
        await asyncio.Event().wait()
    if message.how == "much-later":
        raise HandlerError("not_now", "come again", retryable=True, retry_after=20.0)
    if message.how == "never":
        raise HandlerError("not_now", "come again", retryable=True)
    if message.how == "refuse":
        raise HandlerError("no_such_thing", "there is none")
    if message.how == "break":
        raise RuntimeError("broken")
    while message.how == "wait" and not FOLDER.joinpath("gate").exists():
        await asyncio.sleep(0.01)
    return {"type": "done", "payload": {"process": os.getpid(), "times": times}}


@on("ask")
async def ask(message, context: Context):
    return await handle(message, context)


@on("act")
async def act(message, context: Context):
    return await handle(message, context)


@on("count")
async def count(message, context: Context):
    yield await handle(message, context)
    if message.how == "die-later":
        while not FOLDER.joinpath("begun").exists():
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    yield {"type": "done", "payload": {"process": os.getpid(), "times": 0}}
'''
CALLER = """
from routewright.handlers import Context, on

@on("pass")
async def pass_on(message, context: Context):
    answer = await context.call("retried", {"type": "ask", "payload": {"name": message.name, "how": message.how}})
    return {"type": "passed", "payload": {"times": answer.times}}
"""
TOLD: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "how": {"type": "string"}},
    "required": ["name", "how"],
}
TIMES: dict[str, Any] = {
    "type": "object",
    "properties": {"process": {"type": "integer"}, "times": {"type": "integer"}},
    "required": ["times"],
}
MESSAGES: dict[str, Any] = {
    "ask": {"from": "client", "payload": TOLD, "reply": "done", "idempotent": True},
    "act": {"from": "client", "payload": TOLD, "reply": "done"},
    "count": {"from": "client", "payload": TOLD, "reply": {"message": "done", "stream": True}, "idempotent": True},
    "done": {"from": "handler", "payload": TIMES},
}


def route(name: str, **keys: Any) -> dict[str, Any]:
    return {
        "path": f"/ws/{name}",
        "name": name,
        "pythonModule": "work",
        "workers": 2,
        "messages": MESSAGES,
        "rateLimit": False,
        "circuitBreaker": False,
        "retry": {"attempts": 3, "base": "10ms"},
        **keys,
    }


SPEC: dict[str, Any] = {
    "routes": [
        route("retried"),
        route("hasty", timeout="250ms"),
        route("small", limits={"bulkhead": 3}),
        route("guarded", circuitBreaker={"consecutiveFailures": 2}),
        {
            "path": "/ws/passer",
            "pythonModule": "passer",
            "messages": {
                "pass": {"from": "client", "payload": TOLD, "reply": "passed"},
                "passed": {"from": "handler", "payload": TIMES},
            },
        },
    ]
}
FILES = {"work.py": HANDLER, "passer.py": CALLER}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


def told(type: str, name: str, how: str, id: int = 1) -> str:
    return json.dumps({"type": type, "id": id, "payload": {"name": name, "how": how}})


def effects(served: Served, name: str) -> list[str]:
    """The worker process of every effect that a request has had."""
    file = Path(served.project.folder, f"effects-{name}")
    return file.read_text().split() if file.exists() else []


async def both_ready(served: Served) -> None:
    """Return when there are two workers, the one that died among them."""
    await served.until(lambda stats: {group["ready"] for group in stats["workers"] if group["wanted"] == 2} == {2})


async def received(client: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await client.recv())


async def figures(served: Served, name: str) -> Any:
    return next(route for route in (await served.stats())["routes"] if route["name"] == name)


async def pay(client: ClientConnection) -> None:
    """Send what pays for some retries."""
    for number in range(20):
        await client.send(told("ask", "paying", "well", number))
    for _ in range(20):
        assert (await received(client))["type"] == "done"


async def test_what_is_idempotent_is_answered_by_another_worker(served: Served) -> None:
    await both_ready(served)
    before = (await figures(served, "retried"))["retries"]
    async with served.connect("/ws/retried") as client:
        await pay(client)
        answer = await exchange(client, told("ask", "lost", "die", 7))
    assert (answer["type"], answer["id"], answer["payload"]["times"]) == ("done", 7, 2)
    first, second = effects(served, "lost")
    assert first != second == str(answer["payload"]["process"])
    assert (await figures(served, "retried"))["retries"] == before + 1


async def test_all_tries_have_the_time_of_one_request_together(served: Served) -> None:
    async with served.connect("/ws/hasty") as client:
        answer = await exchange(client, told("ask", "hurried", "later-never"))
    assert (answer["error"]["code"], answer["error"]["message"]) == ("timeout", "no answer within 0.25 s")
    assert len(effects(served, "hurried")) == 2


async def test_what_is_not_has_at_most_one_effect(served: Served) -> None:
    await both_ready(served)
    async with served.connect("/ws/retried") as client:
        answer = await exchange(client, told("act", "acted", "die"))
        assert (answer["error"]["code"], answer["error"]["retryable"]) == ("worker_lost", True)
        assert (await exchange(client, told("act", "never-acted", "never")))["error"]["code"] == "not_now"
    assert len(effects(served, "acted")) == len(effects(served, "never-acted")) == 1


async def test_a_stream_that_has_begun_is_not_begun_again(served: Served) -> None:
    await both_ready(served)
    async with served.connect("/ws/retried") as client:
        assert (await exchange(client, told("count", "begun", "die-later")))["type"] == "done"
        served.project.folder.joinpath("begun").touch()
        assert (await received(client))["error"]["code"] == "worker_lost"
        await both_ready(served)
        await pay(client)
        answer = await exchange(client, told("count", "not-begun", "die"))
        assert answer["payload"]["times"] == 2
        while not answer.get("final"):
            answer = await received(client)
            assert answer["type"] == "done"
    assert len(effects(served, "begun")) == 1


@pytest.mark.parametrize(
    ("how", "outcome", "times"),
    [("later", "done", 3), ("never", "not_now", 3), ("refuse", "no_such_thing", 1), ("break", "handler_error", 1)],
)
async def test_only_what_a_handler_calls_transient_is_tried_again(
    served: Served, how: str, outcome: str, times: int
) -> None:
    await both_ready(served)
    async with served.connect("/ws/guarded" if how == "refuse" else "/ws/retried") as client:
        await pay(client)
        answer = await exchange(client, told("ask", how, how, 9))
    assert answer["id"] == 9
    assert (answer["error"]["code"] if answer["type"] == "error" else answer["type"]) == outcome
    assert len(effects(served, how)) == times


async def test_a_breaker_that_opens_ends_the_retries(served: Served) -> None:
    async with served.connect("/ws/guarded") as client:
        answer = await exchange(client, told("ask", "opening", "never"))
        assert answer["error"]["code"] == "not_now"
        assert (await exchange(client, told("ask", "opening", "well")))["error"]["code"] == "circuit_open"
    assert len(effects(served, "opening")) == 2


async def test_calls_between_handlers_are_tried_again_too(served: Served) -> None:
    await both_ready(served)
    async with served.connect("/ws/retried") as client:
        await pay(client)
    async with served.connect("/ws/passer") as client:
        answer = await exchange(client, told("pass", "passed", "die"))
    assert answer == {"type": "passed", "id": 1, "payload": {"times": 2}}


async def test_one_request_too_many_is_refused_at_once(served: Served) -> None:
    gate = served.project.folder / "gate"
    gate.unlink(missing_ok=True)
    async with served.connect("/ws/small") as client, served.connect("/ws/small") as other:
        for number in range(3):
            await client.send(told("act", "waiting", "wait", number))
        await served.until(lambda stats: len(effects(served, "waiting")) == 3)
        for type in ("act", "ask"):
            error = (await exchange(other, told(type, "refused", "well")))["error"]
            assert (error["code"], error["retryable"]) == ("overloaded", True)
            assert 0.1 <= error["retryAfter"] <= 5.0
        gate.touch()
        assert [(await received(client))["type"] for _ in range(3)] == ["done"] * 3
        assert (await exchange(other, told("act", "taken", "well")))["type"] == "done"
    assert effects(served, "refused") == []
    assert (await figures(served, "small"))["shed"] == {"bulkhead": 2}


async def test_who_leaves_takes_what_would_be_tried_again_along(served: Served) -> None:
    async with served.connect("/ws/small") as client:
        async with served.connect("/ws/small") as leaving:
            for number in range(3):
                await leaving.send(told("ask", "left", "much-later", number))
            await served.until(lambda stats: len(effects(served, "left")) == 3)
            assert (await exchange(client, told("act", "no-room", "well")))["error"]["code"] == "overloaded"
        await served.until(lambda stats: stats["connections"] == 1)
        assert (await exchange(client, told("act", "room", "well")))["type"] == "done"
    assert len(effects(served, "left")) == 3


async def test_a_stop_waits_for_what_is_tried_again(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("work.py", HANDLER)
    project.spec({"routes": [route("retried", retry={"attempts": 3, "base": "300ms"})]})
    with serving(project, "--no-watch") as served:
        async with served.connect("/ws/retried") as client:
            await client.send(told("ask", "draining", "later"))
            await served.until(lambda stats: len(effects(served, "draining")) == 1)
            stopping = asyncio.create_task(asyncio.to_thread(served.stop))
            answer = await received(client)
            assert (answer["type"], answer["payload"]["times"]) == ("done", 3)
            with pytest.raises(ConnectionClosed) as closed:
                await received(client)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            assert await stopping == 0


class Asking:
    """Who has asked for something, and is told how that ends."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def replied(self, entry: Entry, reply: Reply, now: float) -> None:
        self.told.append("replied")

    def failed(self, entry: Entry, error: Error) -> None:
        self.told.append("failed")


@pytest.mark.parametrize("end", ["replied", "failed"])
def test_nothing_of_a_request_that_has_ended_waits_for_the_garbage_collector(end: str) -> None:
    guard: Any = SimpleNamespace(attempts=set(), clock=lambda: 1.0)
    client: Any = Asking()
    attempt = Attempt(guard, client, 1, MessageType(name="ask"), None, b"{}", False, 0.0, 1.0, None)
    guard.attempts.add(attempt)
    gone = weakref.ref(client)
    gc.disable()
    try:
        if end == "replied":
            attempt.reply(Reply(1), 1.0)
        else:
            attempt.fail(Error(1, "timeout", "no answer"))
        assert client.told == [end]
        del client, attempt
        assert gone() is None
    finally:
        gc.enable()
