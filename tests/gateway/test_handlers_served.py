"""Handlers behind the gateway: sessions, cancellation, deadlines, and calls from one route to another."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.gateway.conftest import Serve
from tests.served import PATIENCE, Served, exchange

NUMBER = {"type": "integer"}
SPEC: dict[str, Any] = {
    "defaults": {"rateLimit": False},
    "routes": [
        {"path": "/ws/desk/{room}", "name": "desk", "pythonModule": "desk", "timeout": "10s"},
        {"path": "/ws/refusing/{code}", "name": "refusing", "pythonModule": "refusing"},
        {"path": "/ws/gated", "pythonModule": "gated", "middleware": ["gate"]},
        {
            "path": "/ws/sums",
            "pythonModule": "sums",
            "limits": {"messageBytes": "1KiB"},
            "messages": {
                "add": {
                    "from": "client",
                    "reply": "sum",
                    "payload": {
                        "type": "object",
                        "required": ["a", "b"],
                        "properties": {"a": NUMBER, "b": NUMBER, "note": {"type": "string"}},
                    },
                },
                "sum": {"from": "handler", "payload": NUMBER},
                "count": {"from": "client", "reply": {"message": "sum", "stream": True}, "payload": NUMBER},
                "fail": {"from": "client", "reply": "sum"},
                "wait": {"from": "client", "reply": "sum"},
            },
        },
        {"path": "/ws/raw", "pythonModule": "raw", "framing": "raw"},
    ],
}
DESK = """
import asyncio
import threading
from routewright.handlers import HandlerError, on

seen = []

@on.connect
async def connected(context):
    context.session.state["notes"] = ["connected"]
    seen.append(["connected", context.parameters["room"]])

@on.disconnect
async def disconnected(context):
    seen.append(["disconnected", context.parameters["room"]])

@on("wait")
async def wait(message, context):
    try:
        context.send({"type": "waiting"})
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        seen.append(["cancelled", context.parameters["room"]])
        raise

@on("brief")
async def brief(message, context):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        seen.append(["late", context.parameters["room"]])
        raise

@on("thread")
def thread(message):
    return {"type": "thread", "payload": threading.current_thread() is not threading.main_thread()}

@on("close")
async def close(message, context):
    context.close(*message)

@on("call")
async def call(message, context):
    route, inner, *patience = message
    try:
        async with asyncio.timeout(patience[0] if patience else None):
            return {"type": "called", "payload": await context.call(route, inner)}
    except TimeoutError:
        return {"type": "gave up"}
    except HandlerError as error:
        return {"type": "failed", "payload": [error.code, error.message, error.retryable]}

@on.any
async def other(message, context):
    if message["type"] == "seen":
        return {"type": "seen", "payload": seen}
    context.session.state["notes"].append(message["type"])
    return {"type": "notes", "payload": context.session.state["notes"]}
"""
SUMS = """
import asyncio
from routewright.handlers import HandlerError, on

@on("add")
async def add(message): return {"type": "sum", "payload": message.a + message.b}
@on("count")
async def count(last):
    for number in range(last):
        yield {"type": "sum", "payload": number}
@on("fail")
async def fail(_): raise HandlerError("teapot", "short and stout", retryable=True)
@on("wait")
async def wait(_): await asyncio.Event().wait()
"""
RAW = """
from routewright.handlers import on

@on.any
async def echo(frame): return frame
"""
REFUSING = """
from routewright.handlers import HandlerError, on

@on.connect
async def connected(context):
    if context.parameters["code"] == "crash":
        raise RuntimeError("the password is swordfish")
    raise HandlerError(context.parameters["code"], "not here")

@on.any
async def other(message): return {"type": "never"}
"""
GATED = """
from routewright.handlers import on

seen = []

@on.connect
async def connected(context): seen.append(context.principal.id)

@on.any
async def other(message): return {"type": "seen", "payload": seen}
"""
GATE = """
import asyncio
from routewright.hooks import Refusal, hookimpl
from routewright.table import Principal

@hookimpl
def routewright_authenticate(request):
    return Principal(id=request.query["user"])

@hookimpl
async def routewright_connect(session):
    await asyncio.sleep(0)
    if session.principal.id == "eve":
        raise Refusal("forbidden", "not you")
"""
FILES = {
    "desk.py": DESK,
    "sums.py": SUMS,
    "raw.py": RAW,
    "refusing.py": REFUSING,
    "gated.py": GATED,
    "gate.py": GATE,
}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


async def seen(served: Served, entry: list[str]) -> None:
    """Wait until the handlers of the desk have seen something."""
    async with served.connect("/ws/desk/watcher") as watcher, asyncio.timeout(PATIENCE):
        while entry not in (await exchange(watcher, {"type": "seen"}))["payload"]:
            pass


async def ended(connection: ClientConnection) -> tuple[int | None, str | None]:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    return connection.close_code, connection.close_reason


async def call(connection: ClientConnection, *what: Any, id: int = 1) -> Any:
    return await exchange(connection, {"type": "call", "id": id, "payload": what})


# Sessions


async def test_a_session_lives_as_long_as_its_connection(served: Served) -> None:
    async with served.connect("/ws/desk/a") as desk:
        assert (await exchange(desk, {"type": "one"}))["payload"] == ["connected", "one"]
        assert (await exchange(desk, {"type": "two"}))["payload"] == ["connected", "one", "two"]
    await seen(served, ["disconnected", "a"])
    async with served.connect("/ws/desk/a") as desk:
        assert (await exchange(desk, {"type": "three"}))["payload"] == ["connected", "three"]


@pytest.mark.parametrize(
    ("code", "closed", "reason"),
    [
        ("unauthorized", 4501, "not here"),
        ("forbidden", 4503, "not here"),
        ("overloaded", 1013, "not here"),
        ("teapot", 1011, "not here"),
        ("crash", 1011, "the handler failed"),
    ],
)
async def test_a_connect_handler_may_refuse(served: Served, code: str, closed: int, reason: str) -> None:
    async with served.connect(f"/ws/refusing/{code}") as refused:
        assert await ended(refused) == (closed, reason)


async def test_a_client_that_a_plugin_refuses_is_never_seen_by_a_handler(served: Served) -> None:
    async with served.connect("/ws/gated?user=eve") as eve:
        assert await ended(eve) == (4503, "not you")
    async with served.connect("/ws/gated?user=ada") as ada:
        assert (await exchange(ada, {"type": "x"}))["payload"] == ["ada"]


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4999, "bye"), (3000, "☃" * 60)])
async def test_a_handler_may_close(served: Served, code: int, reason: str) -> None:
    async with served.connect("/ws/desk/b") as desk:
        await desk.send(json.dumps({"type": "close", "payload": [code, reason]}))
        assert await ended(desk) == (code, reason[:41])


async def test_a_plain_function_runs_in_a_thread(served: Served) -> None:
    async with served.connect("/ws/desk/c") as desk:
        assert (await exchange(desk, {"type": "thread", "id": 1})) == {"type": "thread", "id": 1, "payload": True}


# Cancellation and deadlines


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_what_runs_for_a_client_is_cancelled_when_it_leaves(served: Served, how: str) -> None:
    async with served.connect(f"/ws/desk/{how}") as desk:
        assert await exchange(desk, {"type": "wait", "id": 1}) == {"type": "waiting"}
        if how == "abort":
            desk.transport.abort()
    await seen(served, ["cancelled", how])
    await seen(served, ["disconnected", how])


async def test_what_runs_is_cancelled_at_its_deadline(served: Served, late: Served) -> None:
    async with late.connect("/ws/desk/d") as desk:
        answer = await exchange(desk, {"type": "brief", "id": 1})
        assert (answer["id"], answer["error"]["code"]) == (1, "timeout")
    await seen(late, ["late", "d"])


@pytest.fixture(scope="module")
def late(serve: Serve) -> Iterator[Served]:
    route = {**SPEC["routes"][0], "timeout": "100ms"}
    with serve({"routes": [route, *SPEC["routes"][3:]]}, FILES) as served:
        yield served


# Calls


async def test_a_handler_calls_another_route(served: Served) -> None:
    async with served.connect("/ws/desk/e") as desk:
        answer = await call(desk, "sums", {"type": "add", "payload": {"a": 2, "b": 3}})
        assert answer == {"type": "called", "id": 1, "payload": 5}
        assert (await call(desk, "sums", {"type": "count", "payload": 3}))["payload"] == [0, 1, 2]
        assert (await call(desk, "desk", {"type": "thread"}))["payload"] == {"type": "thread", "payload": True}


async def test_why_a_call_fails(served: Served) -> None:
    async with served.connect("/ws/desk/f") as desk:
        note = "x" * 2000
        large = await call(desk, "sums", {"type": "add", "payload": {"a": 2, "b": 3, "note": note}})
        code, message, retryable = large["payload"]
        assert (code, retryable) == ("too_large", False)
        assert message.endswith(" bytes; route 'sums' takes 1024")
        failed = await call(desk, "sums", {"type": "fail"})
        assert failed["payload"] == ["teapot", "short and stout", True]
        raw = await call(desk, "raw", "text")
        assert raw["payload"] == ["invalid_message", "route 'raw' has raw frames and cannot be called", False]


async def test_a_call_ends_with_the_deadline_of_its_caller(late: Served) -> None:
    async with late.connect("/ws/desk/g") as desk:
        answer = await call(desk, "sums", {"type": "wait"})
        assert answer["id"] == 1
        assert "timeout" in (answer.get("error", {}).get("code"), *answer.get("payload", ()))
    await late.until(lambda stats: known(stats) == 0)


def known(stats: Any) -> int:
    """How many sessions the workers of the sums know of."""
    workers = stats["gateways"][0]["bridge"]["workers"]
    return sum(worker["sessions"] for worker in workers if worker["name"] == "sums")


async def test_a_call_that_is_given_up_leaves_nothing_behind(served: Served) -> None:
    async with served.connect("/ws/desk/h") as desk:
        for id in range(20):
            assert await call(desk, "sums", {"type": "wait"}, 0.01, id=id) == {"type": "gave up", "id": id}
        stats = await served.until(lambda stats: known(stats) == 0)
        assert all(worker["in_flight"] == 0 for worker in stats["gateways"][0]["bridge"]["workers"])


async def test_a_call_that_is_given_up_takes_no_request_of_a_client_with_it(served: Served) -> None:
    """Numbers of calls and ids of clients may be the same; each has its own answer."""
    async with served.connect("/ws/desk/i") as desk:
        ids = range(1, 200)
        for id in ids:
            await desk.send(json.dumps({"type": "call", "id": id, "payload": ["sums", {"type": "wait"}, 0.01]}))
        async with asyncio.timeout(PATIENCE):
            answers = [json.loads(await desk.recv()) for _ in ids]
    assert sorted(answer["id"] for answer in answers) == list(ids)
    assert {answer["type"] for answer in answers} == {"gave up"}


async def test_a_client_that_leaves_takes_its_calls_with_it(served: Served) -> None:
    async with served.connect("/ws/desk/j") as desk:
        await desk.send(json.dumps({"type": "call", "payload": ["sums", {"type": "wait"}]}))
        await served.until(lambda stats: known(stats) == 1)
    with contextlib.suppress(ConnectionClosed):
        await desk.recv()
    await served.until(lambda stats: known(stats) == 0)
