"""The breaker of a served route: what opens it, who gets through while it is half-open, and who may hold it."""

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.gateway.conftest import Serve
from tests.served import PATIENCE, Served, exchange

HANDLER = """
import asyncio
from pathlib import Path

from routewright.handlers import Context, HandlerError, on

FOLDER = Path(__file__).parent

@on("work")
async def work(message, context: Context):
    with FOLDER.joinpath(f"calls-{context.session.route}").open("a") as calls:
        calls.write(f"{message.how}\\n")
    match message.how:
        case "break":
            raise RuntimeError("broken")
        case "refuse":
            raise HandlerError("no_such_thing", "there is none")
        case "later":
            raise HandlerError("not_now", "come again", retryable=True)
        case "wait":
            while not FOLDER.joinpath("gate").exists():
                await asyncio.sleep(0.01)
        case "hang":
            await asyncio.sleep(60)
    return {"type": "done", "payload": {}}
"""
CALLER = """
from routewright.handlers import Context, on

@on("ask")
async def ask(message, context: Context):
    await context.call("small", {"type": "work", "payload": {"how": "well"}})
    return {"type": "told"}
"""
RAW = """
from routewright.handlers import on

@on.any
async def frame(data):
    if data == "break":
        raise RuntimeError("broken")
    return data
"""
WORK: dict[str, Any] = {
    "work": {
        "from": "client",
        "payload": {"type": "object", "properties": {"how": {"type": "string"}}, "required": ["how"]},
        "reply": "done",
        "timeout": "30s",
    },
    "done": {"from": "handler", "payload": {"type": "object"}},
}


def route(name: str, **keys: Any) -> dict[str, Any]:
    return {"path": f"/ws/{name}", "name": name, "pythonModule": "worker", "messages": WORK, "rateLimit": False, **keys}


SPEC: dict[str, Any] = {
    "routes": [
        route("usual"),
        route("short", circuitBreaker={"consecutiveFailures": 3, "openFor": "200ms", "halfOpenCalls": 4}),
        route("share", circuitBreaker={"consecutiveFailures": False, "failureRate": 0.5, "minimumCalls": 6}),
        route("small"),
        route("never", circuitBreaker=False),
        route("hasty", messages={**WORK, "work": {**WORK["work"], "timeout": "50ms"}}),
        {"path": "/ws/asker", "pythonModule": "asker", "messages": {"ask": {"from": "client"}}, "open": True},
        {"path": "/ws/raw", "pythonModule": "rawly", "framing": "raw"},
    ],
}
FILES = {"worker.py": HANDLER, "asker.py": CALLER, "rawly.py": RAW}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


def work(how: str, id: Any = 1) -> str:
    return json.dumps({"type": "work", "id": id, "payload": {"how": how}})


def calls(served: Served, route: str) -> Counter[str]:
    """What has reached a route's handler."""
    file = Path(served.project.folder, f"calls-{route}")
    return Counter(file.read_text().split() if file.exists() else ())


async def codes(client: ClientConnection, *hows: str) -> list[str]:
    """What each of these is answered with, one after the other."""
    answers = [await exchange(client, work(how)) for how in hows]
    return [answer["error"]["code"] if answer["type"] == "error" else answer["type"] for answer in answers]


async def breaker(served: Served, route: str, state: str) -> dict[str, Any]:
    """The one breaker of a route, once it is in that state."""
    async with asyncio.timeout(PATIENCE):
        while True:
            page = await asyncio.to_thread(served.admin, "/breakers")
            found = next(each for each in page["breakers"] if each["route"] == route)
            if found["state"] == state:
                return dict(found)


async def test_five_failures_in_a_row_open_it_and_the_handler_is_left_alone(served: Served) -> None:
    async with served.connect("/ws/usual") as client:
        hows = ["break"] * 4 + ["well"] + ["break", "refuse"] * 4 + ["break"]
        assert "circuit_open" not in await codes(client, *hows)
        before = calls(served, "usual")
        answer = await exchange(client, work("well", "x"))
        assert answer["id"] == "x"
        assert (answer["error"]["code"], answer["error"]["retryable"]) == ("circuit_open", True)
        assert 20 < answer["error"]["retryAfter"] <= 30
        assert await codes(client, "well", "break") == ["circuit_open"] * 2
        assert calls(served, "usual") == before
        # the connection is as it was: commands and the next routes are served
        assert (await exchange(client, {"type": "$ping"}))["type"] == "$pong"


async def test_half_open_lets_exactly_so_many_through_of_many_at_once(served: Served) -> None:
    served.project.folder.joinpath("gate").unlink(missing_ok=True)
    async with served.connect("/ws/short") as client, served.connect("/ws/short") as other:
        assert await codes(client, *["break"] * 3) == ["handler_error"] * 3
        await breaker(served, "short", "half-open")
        for number in range(60):
            await client.send(work("wait", number))
        refused = [json.loads(await client.recv()) for _ in range(56)]
        # the trials are out, so nobody else has one
        for number in range(60):
            await other.send(work("wait", number))
        refused += [json.loads(await other.recv()) for _ in range(60)]
        assert {answer["error"]["code"] for answer in refused} == {"circuit_open"}
        assert (await breaker(served, "short", "half-open"))["transitions"]["half-open"] == 1
        served.project.folder.joinpath("gate").touch()
        passed = [json.loads(await client.recv()) for _ in range(4)]
        assert [answer["type"] for answer in passed] == ["done"] * 4
        assert calls(served, "short") == {"break": 3, "wait": 4}
        report = await breaker(served, "short", "closed")
        assert report["transitions"] == {"closed": 1, "open": 1, "half-open": 1}
        assert await codes(client, "well") == ["done"]


async def test_one_failed_trial_opens_it_again(served: Served) -> None:
    await breaker(served, "short", "closed")
    async with served.connect("/ws/short") as client:
        assert await codes(client, *["break"] * 3) == ["handler_error"] * 3
        before = (await breaker(served, "short", "half-open"))["transitions"]["open"]
        assert await codes(client, "break") == ["handler_error"]
        report = await breaker(served, "short", "half-open")
        assert report["transitions"]["open"] == before + 1
        # what a trial is answered with on purpose says nothing: its place is free again
        assert await codes(client, *["refuse"] * 5, *["well"] * 4, "well") == ["no_such_thing"] * 5 + ["done"] * 5
        await breaker(served, "short", "closed")


async def test_a_trial_whose_client_leaves_makes_room_for_another(served: Served) -> None:
    served.project.folder.joinpath("gate").unlink(missing_ok=True)
    async with served.connect("/ws/short") as client:
        assert await codes(client, *["break"] * 3) == ["handler_error"] * 3
        await breaker(served, "short", "half-open")
        async with served.connect("/ws/short") as leaving:
            for number in range(5):
                await leaving.send(work("wait", number))
            assert json.loads(await leaving.recv())["error"]["code"] == "circuit_open"
            assert await codes(client, "well") == ["circuit_open"]
        await served.until(lambda stats: stats["connections"] == 1)
        assert await codes(client, *["well"] * 4) == ["done"] * 4
        await breaker(served, "short", "closed")


async def test_a_share_of_failures_opens_it_and_that_is_logged_and_counted(served: Served) -> None:
    async with served.connect("/ws/share") as client:
        assert await codes(client, "break", "break", "well", "well", "well") == ["handler_error"] * 2 + ["done"] * 3
        assert await codes(client, "later", "well") == ["not_now", "circuit_open"]
        assert calls(served, "share") == {"break": 2, "well": 3, "later": 1}
    line = await served.logged(lambda line: line.get("route") == "share" and line.get("state") == "open")
    assert (line["event"], line["before"]) == ("a circuit breaker has changed", "closed")
    stats = await served.stats()
    share = next(route for route in stats["routes"] if route["name"] == "share")
    assert share["breaker"]["states"] == {"closed": 0, "open": 1, "half-open": 0}
    assert share["shed"] == {"circuit_open": 1}
    text = served.get(f"{served.ready['admin']}/metrics")[2].decode()
    assert 'routewright_breakers{route="share",state="open"} 1.0' in text
    assert 'routewright_breaker_transitions_total{route="share",state="open"} 1.0' in text
    assert 'routewright_shed_total{reason="circuit_open",route="share"} 1.0' in text


async def test_timeouts_are_failures(served: Served) -> None:
    async with served.connect("/ws/hasty") as client:
        assert await codes(client, *["hang"] * 5, "well") == ["timeout"] * 5 + ["circuit_open"]


async def test_a_route_may_do_without(served: Served) -> None:
    async with served.connect("/ws/never") as client:
        assert await codes(client, *["break"] * 8, "well") == ["handler_error"] * 8 + ["done"]
    assert "never" not in {each["route"] for each in served.admin("/breakers")["breakers"]}


def hold(served: Served, route: str, verb: str, **headers: str) -> tuple[int, Any]:
    """Status and body of an operator's request."""
    url = f"{served.ready['admin']}/breakers/{route}/{verb}"
    request = urllib.request.Request(url, method="POST", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


async def test_an_operator_holds_it_and_calls_between_handlers_meet_it(served: Served) -> None:
    async with served.connect("/ws/small") as client, served.connect("/ws/asker") as asker:
        status, body = await asyncio.to_thread(hold, served, "small", "open")
        assert (status, [each["state"] for each in body["breakers"]]) == (200, ["open"])
        assert (await breaker(served, "small", "open"))["mode"] == "open"
        assert await codes(client, "well") == ["circuit_open"]
        answer = await exchange(asker, {"type": "ask", "id": 1})
        assert (answer["error"]["code"], answer["error"]["retryable"]) == ("circuit_open", True)
        assert calls(served, "small") == {}
        assert (await asyncio.to_thread(hold, served, "small", "close"))[0] == 200
        assert await codes(client, *["break"] * 7, "well") == ["handler_error"] * 7 + ["done"]
        assert (await exchange(asker, {"type": "ask", "id": 2}))["type"] == "told"
        assert (await asyncio.to_thread(hold, served, "small", "auto"))[0] == 200
        assert await codes(client, *["break"] * 5, "well") == ["handler_error"] * 5 + ["circuit_open"]
        assert (await asyncio.to_thread(hold, served, "small", "close"))[1]["breakers"][0]["mode"] == "closed"


def test_only_an_operator_holds_it(served: Served) -> None:
    before = served.admin("/breakers")
    assert hold(served, "nowhere", "open")[0] == 404
    assert hold(served, "never", "open")[0] == 404
    assert hold(served, "usual", "ajar")[0] == 404
    assert hold(served, "usual", "open", Origin="http://evil.com")[0] == 403
    assert hold(served, "usual", "open", Origin="null")[0] == 403
    assert hold(served, "usual", "open", Host="evil.com")[0] == 403
    assert served.get(f"{served.ready['admin']}/breakers/usual/open")[0] == 405
    after = served.admin("/breakers")
    assert [each["transitions"] for each in before["breakers"]] == [each["transitions"] for each in after["breakers"]]


async def test_a_raw_client_is_told_by_the_close_code(served: Served) -> None:
    for _ in range(5):
        async with served.connect("/ws/raw") as client:
            await client.send("break")
            with pytest.raises(ConnectionClosedError) as closed:
                await client.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011
    with pytest.raises(InvalidStatus) as refused:
        await served.connect("/ws/raw")
    response = refused.value.response
    assert (response.status_code, json.loads(response.body)["error"]["code"]) == (503, "circuit_open")
    assert 20 < int(response.headers["Retry-After"]) <= 30
