"""Who gets a request, by each balance policy: four real workers, of which a client makes one fail."""

import contextlib
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.gateway.conftest import Serve
from tests.served import Served, exchange

WORKERS = 4
ASKED = 100
LITTLE = 5
"""Of the requests, what a failing worker may get: where all are treated alike it gets five times as many."""

HANDLERS = """
import asyncio
import os

from routewright.handlers import Context, HandlerError, on

ME = os.getpid()


@on("who")
async def who(message):
    if message.bad == ME:
        raise RuntimeError("told to")
    return {"type": "me", "payload": ME}


@on("hold")
async def hold(message, context: Context):
    context.send({"type": "held", "payload": ME})
    await asyncio.Event().wait()
"""

FRAMES = """
import os

from routewright.handlers import on


@on.any
async def who(frame):
    if frame == str(os.getpid()):
        raise RuntimeError("told to")
    return str(os.getpid())
"""

ASKING = {
    "type": "object",
    "properties": {
        "bad": {"type": "integer", "default": 0},
        "user": {"type": "string", "maxLength": 20},
        "place": {"type": "object", "properties": {"desk": {"type": "integer"}}},
    },
}
MESSAGES: dict[str, Any] = {
    "who": {"payload": ASKING, "reply": "me"},
    "me": {"from": "handler", "payload": {"type": "integer"}},
    "hold": {"reply": "me"},
    "held": {"from": "handler", "payload": {"type": "integer"}},
}
POLICIES: dict[str, Any] = {
    "least": {"policy": "least-in-flight"},
    "peak": {"policy": "peak-ewma"},
    "learned": {"policy": "learned"},
    "by-user": {"policy": "hash", "key": "payload.user"},
    "by-desk": {"policy": "hash", "key": "payload.place.desk"},
    "by-session": {"policy": "hash"},
    "by-address": {"policy": "hash", "key": "address"},
}
RAW: dict[str, Any] = {
    "raw-peak": {"policy": "peak-ewma"},
    "raw-learned": {"policy": "learned"},
    "raw-session": {"policy": "hash"},
}


def spec() -> dict[str, Any]:
    """A route for each policy; those with messages have the same four workers, and so have those without."""
    routes = [
        {
            "path": f"/ws/{name}",
            "name": name,
            "workers": WORKERS,
            "balance": balance,
            **(
                {"pythonModule": "frames", "framing": "raw"}
                if name in RAW
                else {"pythonModule": "crew", "messages": MESSAGES}
            ),
        }
        for name, balance in (POLICIES | RAW).items()
    ]
    return {"defaults": {"rateLimit": False, "circuitBreaker": False}, "routes": routes}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(spec(), {"crew.py": HANDLERS, "frames.py": FRAMES}, "--processes", "2") as served:
        yield served


def asking(id: int = 0, **payload: Any) -> str:
    return json.dumps({"type": "who", "id": id, "payload": payload})


async def who(client: ClientConnection, **payload: Any) -> int:
    """The process that answers."""
    found: int = (await exchange(client, asking(**payload)))["payload"]
    return found


def decisions(stats: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(route["balance"] for route in stats["routes"] if route["name"] == name)
    return found


async def everyone(served: Served, module: str) -> list[int]:
    groups = (await served.stats())["workers"]
    found: list[int] = next(group["processes"] for group in groups if group["pool"] == module)
    return sorted(found)


def picks(decided: list[dict[str, Any]]) -> Counter[int]:
    """How often each worker was chosen, by all gateway processes together."""
    found: Counter[int] = Counter()
    for each in decided:
        found[each["worker"]] += each["picks"]
    return +found


@pytest.mark.parametrize("name", ["least", "peak", "learned"])
async def test_requests_that_are_in_flight_at_once_are_spread(served: Served, name: str) -> None:
    async with served.connect(f"/ws/{name}") as client:
        held = [(await exchange(client, {"type": "hold", "id": number}))["payload"] for number in range(WORKERS)]
        assert sorted(held) == await everyone(served, "crew")


@pytest.mark.parametrize("name", ["peak", "learned"])
async def test_a_failing_worker_gets_next_to_nothing_once_it_is_known(served: Served, name: str) -> None:
    bad = (await everyone(served, "crew"))[2]
    before = picks(decisions(await served.stats(), name))
    answered: Counter[int] = Counter()
    async with served.connect(f"/ws/{name}") as client:
        for number in range(ASKED):
            answer = await exchange(client, asking(number, bad=bad))
            assert answer["id"] == number
            answered[bad if answer["type"] == "error" else answer["payload"]] += 1
    assert 1 <= answered[bad] <= LITTLE
    decided = decisions(await served.stats(), name)
    assert picks(decided) - before == answered
    assert {each["policy"] for each in decided} == {POLICIES[name]["policy"]}
    # the process that had this client's connection knows it now
    known = {each["worker"]: each for each in decided if each["gateway"] == asked_most(decided)}
    seen = {worker: each["messages"]["who"] if name == "learned" else each for worker, each in known.items()}
    assert len(seen) == WORKERS
    assert max(seen, key=lambda worker: seen[worker]["seconds"]) == bad
    if name == "learned":
        assert seen[bad]["failed"] > 0.9
        assert all(seen[worker]["failed"] == 0 for worker in seen if worker != bad)
        assert sum(each["explorations"] for each in seen.values()) >= WORKERS - 1


def asked_most(decided: list[dict[str, Any]]) -> int:
    """The gateway process that has chosen most often."""
    found: Counter[int] = Counter()
    for each in decided:
        found[each["gateway"]] += each["picks"]
    return found.most_common(1)[0][0]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("by-user", lambda number: {"user": f"user {number}"}),
        ("by-desk", lambda number: {"place": {"desk": number}}),
    ],
)
async def test_what_has_the_same_field_goes_to_one_worker(served: Served, name: str, payload: Any) -> None:
    found: dict[int, set[int]] = {number: set() for number in range(24)}
    answered: Counter[int] = Counter()
    async with contextlib.AsyncExitStack() as stack:
        for client in await served.everywhere(stack, f"/ws/{name}"):
            for number, workers in found.items():
                worker = await who(client, **payload(number))
                workers.add(worker)
                answered[worker] += 1
    assert all(len(workers) == 1 for workers in found.values())
    assert len(set.union(*found.values())) > 1
    assert picks(decisions(await served.stats(), name)) == answered


async def test_a_worker_that_is_killed_moves_its_own_keys_alone(served: Served) -> None:
    async with contextlib.AsyncExitStack() as stack:
        clients = await served.everywhere(stack, "/ws/by-user")
        users = [f"user {number}" for number in range(40)]
        owners = {user: await who(clients[0], user=user) for user in users}
        killed = owners[users[0]]
        os.kill(killed, signal.SIGKILL)

        def replaced(stats: Any) -> bool:
            seen = [{each["process"] for each in gateway["bridge"]["workers"]} for gateway in stats["gateways"]]
            ready = next(group["ready"] for group in stats["workers"] if group["pool"] == "crew")
            return ready == WORKERS and all(killed not in processes for processes in seen) and seen[0] == seen[1]

        found: dict[str, set[int]] = {user: set() for user in users}
        for client in clients:
            for user in users:
                answer = await exchange(client, asking(user=user))
                while answer["type"] == "error":
                    # it was on its way to the one that was killed, and may be sent again
                    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("worker_lost", True)
                    assert owners[user] == killed
                    answer = await exchange(client, asking(user=user))
                found[user].add(answer["payload"])
        await served.until(replaced)
        crew = await everyone(served, "crew")
        (fresh,) = {*crew} - {*owners.values()} or {0}
        for user in users:
            now = {await who(client, user=user) for client in clients}
            assert len(now) == 1
            if owners[user] != killed:
                assert now | found[user] <= {owners[user], fresh}
            else:
                assert now <= {*crew}


async def test_a_session_keeps_to_one_worker(served: Served) -> None:
    found = []
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(served.connect("/ws/by-session")) for _ in range(24)]
        for client in clients:
            workers = {await who(client, user=str(number)) for number in range(4)}
            assert len(workers) == 1
            found += workers
    assert len(set(found)) > 1


async def test_an_address_keeps_to_one_worker_of_all_gateways(served: Served) -> None:
    async with contextlib.AsyncExitStack() as stack:
        clients = await served.everywhere(stack, "/ws/by-address")
        assert len({await who(client) for client in clients for _ in range(4)}) == 1


async def test_raw_sessions_are_spread_and_each_keeps_to_one_worker(served: Served) -> None:
    found: Counter[int] = Counter()
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(24):
            client = await stack.enter_async_context(served.connect("/ws/raw-session"))
            answers = {await exchange(client, "who") for _ in range(3)}
            assert len(answers) == 1
            found += Counter(answers)
    assert len(found) > 1
    assert picks(decisions(await served.stats(), "raw-session")) == found


@pytest.mark.parametrize("name", ["raw-peak", "raw-learned"])
async def test_raw_sessions_avoid_a_failing_worker(served: Served, name: str) -> None:
    bad = (await everyone(served, "frames"))[1]
    found: Counter[int] = Counter()
    for _ in range(40):
        async with served.connect(f"/ws/{name}") as client:
            with contextlib.suppress(ConnectionClosed):
                found[await exchange(client, str(bad))] += 1
            if client.close_code == 1011:
                found[bad] += 1
    assert found.total() == 40
    assert 1 <= found[bad] <= LITTLE
    assert picks(decisions(await served.stats(), name)) == found
