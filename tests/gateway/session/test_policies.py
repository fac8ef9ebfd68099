"""Reliable clients on routes with policies: what waits for a session survives its socket, and nothing is left over."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.conftest import Serve
from tests.gateway.session.talking import NONCE, Reliable
from tests.served import Served

HANDLER = """
import asyncio
import os
from pathlib import Path

from routewright.handlers import HandlerError, on

HERE = Path(__file__).parent


def seen(nonce):
    with (HERE / "handled").open("a") as file:
        file.write(nonce + "\\n")
    return (HERE / "handled").read_text().splitlines().count(nonce)


@on("ask")
async def ask(message, context):
    times = seen(message.nonce)
    if message.nonce.startswith("later") and times < 3:
        raise HandlerError("not_now", "come again", retryable=True)
    if message.nonce.startswith("break"):
        raise RuntimeError("broken")
    while message.nonce.startswith("wait") and not (HERE / message.nonce).exists():
        await asyncio.sleep(0.005)
    return {"type": "answer", "payload": {"nonce": message.nonce, "process": os.getpid()}}
"""


def route(name: str, **policies: Any) -> dict[str, Any]:
    cache = policies.pop("cache", None)
    ask = {"from": "client", "payload": NONCE, "reply": "answer", "idempotent": True}
    return {
        "path": f"/ws/{name}",
        "name": name,
        "pythonModule": "policies",
        "messages": {
            "ask": {**ask, "cache": cache} if cache else ask,
            "answer": {"from": "handler", "payload": {"type": "object"}},
        },
        **policies,
    }


SPEC = {
    "routes": [
        route("cache", cache={"ttl": "1m"}),
        route("retry", retry={"attempts": 3, "base": "50ms"}),
        route("bulkhead", limits={"bulkhead": 1}),
        route("breaker", circuitBreaker={"consecutiveFailures": 1, "openFor": "10m"}, retry={"attempts": 2}),
        route("hash", balance={"policy": "hash", "key": "session"}, workers=3),
    ]
}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, {"policies.py": HANDLER}) as served:
        yield served


async def connected(served: Served, name: str) -> Reliable:
    client = Reliable(served, f"/ws/{name}")
    await client.connect()
    return client


def effects(served: Served, nonce: str) -> int:
    """How often a handler has seen this."""
    file = served.project.folder / "handled"
    return file.read_text().splitlines().count(nonce) if file.exists() else 0


async def begun(served: Served, nonce: str) -> None:
    """A handler has seen this."""
    await served.until(lambda stats: effects(served, nonce) > 0)


async def idle(served: Served) -> None:
    """No worker has a request."""
    await served.until(
        lambda stats: all(worker["in_flight"] == 0 for worker in stats["gateways"][0]["bridge"]["workers"])
    )


async def again(client: Reliable) -> None:
    """Lose the connection, and come back."""
    await client.cut()
    assert (await client.connect())["resumed"]


async def test_an_answer_from_the_cache(served: Served) -> None:
    first, second = await connected(served, "cache"), await connected(served, "cache")
    await first.ask("ask", 1, nonce="wait-cached")
    await begun(served, "wait-cached")
    # it waits for the call of the first one, and loses its connection meanwhile
    await second.ask("ask", "b", nonce="wait-cached")
    await second.cut()
    await first.cut()
    served.project.write("wait-cached", "")
    for client, id in ((first, 1), (second, "b")):
        assert (await client.connect())["resumed"]
        await client.ask("ask", id, nonce="wait-cached")
        assert (await client.take())["id"] == id
        await client.ask("ask", "hit", nonce="wait-cached")
        frames = [await client.take()]
        while frames[-1]["id"] != "hit":
            frames.append(await client.take())
        assert {frame["payload"]["nonce"] for frame in frames} == {"wait-cached"}
        await client.socket.close()
    assert effects(served, "wait-cached") == 1
    await idle(served)


async def test_a_retry(served: Served) -> None:
    client = await connected(served, "retry")
    await client.ask("ask", 1, nonce="later")
    await begun(served, "later")
    await again(client)
    assert (await client.take())["payload"]["nonce"] == "later"
    await client.ask("ask", 1, nonce="later")
    assert (await client.take())["id"] == 1
    assert effects(served, "later") == 3
    await client.socket.close()
    await idle(served)


async def test_a_full_bulkhead(served: Served) -> None:
    first, second = await connected(served, "bulkhead"), await connected(served, "bulkhead")
    await first.ask("ask", 1, nonce="wait-full")
    await begun(served, "wait-full")
    await first.cut()
    await second.ask("ask", 1, nonce="free")
    assert (await second.take())["error"]["code"] == "overloaded"
    served.project.write("wait-full", "")
    assert (await first.connect())["resumed"]
    assert (await first.take())["payload"]["nonce"] == "wait-full"
    # it was not carried out, so its id is free
    await second.ask("ask", 1, nonce="free")
    assert (await second.take())["payload"]["nonce"] == "free"
    # one that leaves for good takes its request with it
    await first.ask("ask", 2, nonce="wait-ever")
    await begun(served, "wait-ever")
    await first.socket.close(1000)
    await idle(served)
    await second.ask("ask", 2, nonce="free")
    assert (await second.take())["payload"]["nonce"] == "free"
    await second.socket.close()


async def test_an_open_breaker(served: Served) -> None:
    client = await connected(served, "breaker")
    await client.ask("ask", 1, nonce="break")
    error = await client.take()
    assert error["error"]["code"] == "handler_error"
    await again(client)
    await client.ask("ask", 2, nonce="fine")
    assert (await client.take())["error"]["code"] == "circuit_open"
    await client.ask("ask", 1, nonce="break")
    assert await client.take() == error
    await client.ask("ask", 2, nonce="fine")
    assert (await client.take())["error"]["code"] == "circuit_open"
    await client.socket.close()
    await idle(served)


async def test_a_session_keeps_its_worker(served: Served) -> None:
    client = await connected(served, "hash")
    processes = set()
    for number in range(6):
        await client.ask("ask", number, nonce="hash")
        processes.add((await client.take())["payload"]["process"])
        if number % 2:
            await again(client)
    assert len(processes) == 1
    assert os.getpid() not in processes
    await client.socket.close()
    await idle(served)
