"""Breakers over reloads, and over the end of a gateway process: what they know, and what an operator holds."""

import asyncio
import contextlib
import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.served import PATIENCE, Project, Served, exchange, serving

HANDLER = """
from routewright.handlers import on

@on("work")
async def work(message):
    if message.fail:
        raise RuntimeError("broken")
    return {"type": "done"}
"""
MESSAGES: dict[str, Any] = {
    "work": {
        "from": "client",
        "payload": {"type": "object", "properties": {"fail": {"type": "boolean", "default": False}}},
        "reply": "done",
    },
    "done": {"from": "handler"},
}
BREAKER = {"consecutiveFailures": 3, "openFor": "10m"}


def route(**keys: Any) -> dict[str, Any]:
    return {"path": "/ws/work", "pythonModule": "worker", "messages": MESSAGES, "circuitBreaker": BREAKER, **keys}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    project = Project(tmp_path_factory.mktemp("project"))
    project.write("worker.py", HANDLER)
    project.spec({"routes": [route()]})
    with serving(project, "--processes", "2", "--drain", "300ms") as served:
        yield served


async def reload(served: Served, *routes: dict[str, Any]) -> None:
    """Serve these routes, everywhere."""
    before = len(served.lines)
    served.project.spec({"routes": [*routes]})
    await served.logged("reloaded", before)


async def outcome(client: ClientConnection, *, fail: bool = False) -> str:
    answer = await exchange(client, {"type": "work", "id": 1, "payload": {"fail": fail}})
    return str(answer["error"]["code"] if answer["type"] == "error" else answer["type"])


async def breakers(served: Served, count: int = 2) -> list[dict[str, Any]]:
    """Those of the processes, once there are so many."""
    async with asyncio.timeout(PATIENCE):
        while True:
            page = await asyncio.to_thread(served.admin, "/breakers")
            found = [each for each in page["breakers"] if not each["retired"]]
            if len(found) == count:
                return found


async def hold(served: Served, verb: str) -> list[tuple[str, str]]:
    """Mode and state of the breaker in each process, as the operator is told."""

    def post() -> Any:
        request = urllib.request.Request(f"{served.ready['admin']}/breakers/work/{verb}", method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.load(response)["breakers"]

    return [(each["mode"], each["state"]) for each in await asyncio.to_thread(post) if not each["retired"]]


async def test_a_compatible_reload_keeps_what_a_breaker_knows(served: Served) -> None:
    async with served.connect("/ws/work") as client:
        assert [await outcome(client, fail=True) for _ in range(2)] == ["handler_error"] * 2
        await reload(served, route(rateLimit={"rate": "90/s"}))
        # the third in a row, whatever came between
        assert [await outcome(client, fail=fail) for fail in (True, False)] == ["handler_error", "circuit_open"]
        before = await breakers(served)
        assert sorted(each["state"] for each in before) == ["closed", "open"]
        await reload(served, route(rateLimit={"rate": "80/s"}))
        assert await outcome(client) == "circuit_open"
        assert [each["transitions"] for each in await breakers(served)] == [each["transitions"] for each in before]
        # other settings are another breaker
        await reload(served, route(circuitBreaker={**BREAKER, "consecutiveFailures": 4}))
        assert await outcome(client) == "done"
        assert {each["state"] for each in await breakers(served)} == {"closed"}


LATER: dict[str, dict[str, Any]] = {
    "a policy": route(rateLimit={"rate": "70/s"}),
    "the breaker's settings": route(circuitBreaker={"consecutiveFailures": 2}),
    "the handlers' contract": route(messages={**MESSAGES, "more": {"from": "client"}}, open=True),
    "what clients may send": route(messages={"done": MESSAGES["done"], "work": {**MESSAGES["work"], "payload": {
        "type": "object", "properties": {"fail": {"type": "boolean", "default": False}}, "maxProperties": 3}}}),
}  # fmt: skip


@pytest.mark.parametrize("change", LATER)
async def test_what_an_operator_holds_stays_held_over_a_reload(served: Served, change: str) -> None:
    if change == "the handlers' contract":
        served.project.save("worker.py", HANDLER + '\n@on("more")\nasync def more(message): ...\n')
    else:
        served.project.save("worker.py", HANDLER)
    await reload(served, route(rateLimit={"rate": f"{40 + list(LATER).index(change)}/s"}))
    assert await hold(served, "open") == [("open", "open")] * 2
    await reload(served, LATER[change])
    async with contextlib.AsyncExitStack() as stack:
        for client in await served.everywhere(stack, "/ws/work"):
            assert await outcome(client) == "circuit_open"
        assert [(each["mode"], each["state"]) for each in await breakers(served)] == [("open", "open")] * 2
        assert await hold(served, "auto") == [("auto", "closed")] * 2
        assert await outcome(client) == "done"


async def test_what_an_operator_holds_stays_held_while_the_route_is_away(served: Served) -> None:
    other = {"path": "/ws/other", "pythonModule": "worker", "messages": MESSAGES, "circuitBreaker": False}
    served.project.save("worker.py", HANDLER)
    await reload(served, route(), other)
    assert await hold(served, "close") == [("closed", "closed")] * 2
    await reload(served, other)
    assert await breakers(served, 0) == []
    await reload(served, route(circuitBreaker={"consecutiveFailures": 1}))
    async with contextlib.AsyncExitStack() as stack:
        for client in await served.everywhere(stack, "/ws/work"):
            assert [await outcome(client, fail=fail) for fail in (True, True, False)] == ["handler_error"] * 2 + [
                "done"
            ]
    assert await hold(served, "auto") == [("auto", "closed")] * 2


async def test_a_gateway_process_that_takes_another_one_s_place_holds_it_too(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("worker.py", HANDLER)
    project.spec({"routes": [route()]})
    with serving(project, "--no-watch", "--processes", "2") as served:
        assert await hold(served, "open") == [("open", "open")] * 2
        killed, left = (gateway["process"] for gateway in (await served.stats())["gateways"])
        os.kill(killed, signal.SIGKILL)
        stats = await served.until(
            lambda stats: len(stats["gateways"]) == 2 and killed not in [each["process"] for each in stats["gateways"]]
        )
        assert left in [each["process"] for each in stats["gateways"]]
        assert [(each["mode"], each["state"]) for each in await breakers(served)] == [("open", "open")] * 2
        assert await hold(served, "auto") == [("auto", "closed")] * 2
