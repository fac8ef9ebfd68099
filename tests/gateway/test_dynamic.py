"""Dynamic routes: workers register what the spec does not name, and never what it does."""

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.gateway.conftest import Serve
from tests.served import COMMAND, PATIENCE, Project, Served, exchange, serving

KEY = "k" * 43
KEYS = [{"id": "ada", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}]
SPEC: dict[str, Any] = {
    "defaults": {"middleware": [{"name": "api_key", "settings": {"keys": KEYS}}], "limits": {"messageBytes": "1KiB"}},
    "routes": [
        {"path": "/ws/echo", "pythonModule": "echo", "aliases": ["/ws/old"], "middleware": []},
        {"path": "/ws/rooms/{room}", "pythonModule": "echo", "middleware": []},
    ],
}
ECHO = """
import os
from routewright.handlers import on

@on.any
async def echo(message, context):
    return {"type": "echo", "payload": {"got": message["payload"], "route": context.route, "process": os.getpid()}}
"""
LAB = """
import os
from routewright.handlers import on

@on("measure")
async def measure(payload, context):
    return {"type": "measured", "payload": {"twice": payload * 2, "parameters": context.parameters, "by": os.getpid()}}

@on.any
async def other(message):
    return {"type": "other", "payload": message["type"]}
"""
FILES = {"echo.py": ECHO, "lab.py": LAB}
WITH_KEY = {"additional_headers": {"X-API-Key": KEY}}


class Worker:
    """``routewright worker`` with a route of its own."""

    def __init__(self, served: Served, path: str, *more: str, **environment: str) -> None:
        bridges = [each for endpoint in served.ready["bridge"] for each in ("--connect", endpoint)]
        self.process = subprocess.Popen(
            [str(COMMAND), "worker", "lab", "--project", str(served.project.folder), *bridges, "--route", path, *more],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )

    async def refused(self) -> str:
        """What it says before it leaves because it was refused."""
        _, said = await asyncio.to_thread(self.process.communicate, timeout=PATIENCE)
        assert self.process.returncode == 1, said
        return said

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=PATIENCE)


@contextlib.contextmanager
def working(served: Served, path: str, *more: str, **environment: str) -> Iterator[Worker]:
    worker = Worker(served, path, *more, **environment)
    try:
        yield worker
    finally:
        worker.stop()


def route(stats: Any, name: str) -> Any:
    return next((each for each in stats["routes"] if each["name"] == name and not each["retired"]), None)


def workers(stats: Any) -> list[int]:
    return [each["process"] for each in stats["gateways"][0]["bridge"]["workers"] if each["name"] == "lab"]


async def joined(served: Served, worker: Worker) -> None:
    """Wait for this very worker: that of an earlier test may not be missed yet."""
    await served.until(lambda stats: worker.process.pid in workers(stats))


def discovered(served: Served) -> dict[str, Any]:
    _, _, body = served.get(f"{served.http}/.well-known/websocket-routes")
    return {each["path"]: each for each in json.loads(body)["routes"]}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES, ENABLE_DYNAMIC_ROUTING="true") as served:
        yield served


async def test_a_worker_s_route_is_served_like_any_other_while_it_has_a_worker(served: Served) -> None:
    with working(served, "/ws/lab/{bench}", "--capability", "measuring", "--summary", "Measures.") as worker:
        stats = await served.until(lambda stats: route(stats, "lab") is not None)
        assert (route(stats, "lab")["path"], route(stats, "lab")["dynamic"]) == ("/ws/lab/{bench}", True)
        found = (await asyncio.to_thread(discovered, served))["/ws/lab/{bench}"]
        assert (found["name"], found["capabilities"], found["dynamic"]) == ("lab", ["measuring"], True)
        async with served.connect("/ws/lab/7", **WITH_KEY) as client:
            measured = await exchange(client, {"type": "measure", "id": 1, "payload": 21})
            assert (measured["id"], measured["payload"]["twice"]) == (1, 42)
            assert measured["payload"]["parameters"] == {"bench": "7"}
            assert (await exchange(client, {"type": "what"}))["payload"] == "what"
            with working(served, "/ws/lab/{bench}", "--capability", "measuring", "--summary", "Measures.") as second:
                await served.until(lambda stats: len(workers(stats)) == 2)
                worker.stop()
                await served.until(lambda stats: len(workers(stats)) == 1)
                assert (await exchange(client, {"type": "measure", "payload": 1}))["payload"]["twice"] == 2
                second.stop()
                with pytest.raises(ConnectionClosed):
                    async with asyncio.timeout(PATIENCE):
                        await client.recv()
                assert (client.close_code, client.close_reason) == (4504, "the route is gone")
        stats = await served.until(lambda stats: route(stats, "lab") is None)
        assert "/ws/lab/{bench}" not in await asyncio.to_thread(discovered, served)
        with pytest.raises(InvalidStatus) as refusal:
            await served.connect("/ws/lab/7", **WITH_KEY).__aenter__()
        assert refusal.value.response.status_code == 404


async def test_a_worker_that_crashes_may_come_back(served: Served) -> None:
    with working(served, "/ws/lab") as worker:
        await joined(served, worker)
        async with served.connect("/ws/lab", **WITH_KEY) as client:
            assert (await exchange(client, {"type": "what"}))["payload"] == "what"
            worker.process.kill()
            await served.until(lambda stats: not workers(stats))
            lost = await exchange(client, {"type": "what", "id": 2})
            assert (lost["id"], lost["error"]["code"], lost["error"]["retryable"]) == (2, "overloaded", True)
            with pytest.raises(InvalidStatus) as refusal:
                await served.connect("/ws/lab", **WITH_KEY).__aenter__()
            assert (refusal.value.response.status_code, refusal.value.response.headers["Retry-After"]) == (503, "1")
            assert "/ws/lab" in await asyncio.to_thread(discovered, served)
            with working(served, "/ws/lab"):
                await served.until(lambda stats: len(workers(stats)) == 1)
                assert (await exchange(client, {"type": "what"}))["payload"] == "what"


async def test_a_worker_that_has_said_goodbye_before_does_not_end_the_route_of_one_that_crashes(served: Served) -> None:
    with working(served, "/ws/lab") as first, working(served, "/ws/lab") as second:
        await joined(served, first)
        await joined(served, second)
        async with served.connect("/ws/lab", **WITH_KEY) as client:
            logged = len(served.lines)
            first.stop()
            second.process.kill()
            second.process.wait(PATIENCE)
            # to ask the second finds it out at once; the first one is only missed at its next heartbeat
            assert (await exchange(client, {"type": "what"}))["error"]["code"] == "worker_lost"
            await served.logged("a dynamic route has lost its worker", since=logged)
            with working(served, "/ws/lab") as third:
                await joined(served, third)
                assert (await exchange(client, {"type": "what"}))["payload"] == "what"


async def test_the_defaults_guard_what_a_worker_registers(served: Served) -> None:
    with working(served, "/ws/lab") as worker:
        await joined(served, worker)
        with pytest.raises(InvalidStatus) as refusal:
            await served.connect("/ws/lab").__aenter__()
        assert refusal.value.response.status_code == 401
        async with served.connect("/ws/lab", **WITH_KEY) as client:
            await client.send("x" * 1025)
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1009


@pytest.mark.parametrize(
    ("path", "more", "reason"),
    [
        ("/ws/echo", ("--route-name", "mine"), "meets '/ws/echo' of route 'echo'"),
        ("/ws/old", ("--route-name", "mine"), "meets '/ws/old' of route 'echo'"),
        ("/WS/Echo", ("--route-name", "mine"), "meets '/ws/echo' of route 'echo'"),
        ("/ws/{x}", ("--route-name", "mine"), "meets '/ws/echo' of route 'echo'"),
        ("/ws/rooms/lobby", (), "meets '/ws/rooms/{room}' of route 'rooms'"),
        ("/ws/elsewhere", ("--route-name", "rooms"), "there is a route 'rooms' at /ws/rooms/{room} already"),
    ],
)
async def test_what_the_spec_claims_is_refused(served: Served, path: str, more: tuple[str, ...], reason: str) -> None:
    with working(served, path, *more) as worker:
        assert reason in await worker.refused()
    async with served.connect("/ws/old") as client:
        assert (await exchange(client, {"type": "x", "payload": 1}))["payload"]["route"] == "echo"


async def test_the_auth_of_the_defaults_guards_it_too(serve: Serve) -> None:
    auth = {"kind": "apiKey", "keysEnv": "LAB_KEYS"}
    spec = {"defaults": {"auth": auth}, "routes": [{**SPEC["routes"][1], "auth": False}]}
    with serve(spec, FILES, "--dynamic-routing", LAB_KEYS=json.dumps(KEYS)) as served, working(served, "/ws/lab"):
        await served.until(lambda stats: route(stats, "lab") is not None)
        with pytest.raises(InvalidStatus) as refusal:
            await served.connect("/ws/lab").__aenter__()
        assert refusal.value.response.status_code == 401
        async with served.connect("/ws/lab", **WITH_KEY) as client:
            assert (await exchange(client, {"type": "what"}))["payload"] == "what"


async def test_a_ticket_is_for_the_route_that_it_was_minted_for(serve: Serve) -> None:
    auth = [{"kind": "apiKey", "keysEnv": "LAB_KEYS"}, {"kind": "ticket"}]
    spec = {"defaults": {"auth": auth}, "routes": [{**SPEC["routes"][1], "auth": False}]}

    def ticket(served: Served, path: str) -> str:
        request = urllib.request.Request(
            f"{served.http}/.well-known/websocket-tickets",
            json.dumps({"path": path}).encode(),
            {"Content-Type": "application/json", "X-API-Key": KEY},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return str(json.load(response)["ticket"])

    with (
        serve(spec, FILES, "--dynamic-routing", LAB_KEYS=json.dumps(KEYS)) as served,
        working(served, "/ws/lab"),
        working(served, "/ws/den"),
    ):
        await served.until(lambda stats: route(stats, "lab") is not None and route(stats, "den") is not None)
        mine, other = [await asyncio.to_thread(ticket, served, "/ws/lab") for _ in range(2)]
        async with served.connect(f"/ws/lab?ticket={mine}") as client:
            assert (await exchange(client, {"type": "what"}))["payload"] == "what"
        for path in (f"/ws/lab?ticket={mine}", f"/ws/den?ticket={other}", f"/ws/lab?ticket={other}"):
            with pytest.raises(InvalidStatus) as refusal:
                await served.connect(path).__aenter__()
            assert refusal.value.response.status_code == 401


async def test_two_workers_must_say_the_same_of_one_route(served: Served) -> None:
    with working(served, "/ws/lab") as worker:
        await joined(served, worker)
        with working(served, "/ws/lab", "--summary", "Another.") as other:
            assert "another worker has registered route 'lab' otherwise" in await other.refused()
        with working(served, "/ws/{x...}", "--route-name", "all") as other:
            assert "meets '/ws/echo'" in await other.refused()


async def test_without_leave_no_route_is_taken(serve: Serve) -> None:
    with serve({"routes": SPEC["routes"][:1]}, FILES) as served, working(served, "/ws/lab") as worker:
        assert "start it with ENABLE_DYNAMIC_ROUTING=true" in await worker.refused()
        assert route(await served.stats(), "lab") is None


async def test_a_worker_needs_the_gateway_s_token(serve: Serve) -> None:
    token = {"ROUTEWRIGHT_WORKER_TOKEN": "swordfish"}
    with serve({"routes": SPEC["routes"][:1]}, FILES, "--dynamic-routing", **token) as served:
        for wrong in ("", "sword"):
            with working(served, "/ws/lab", ROUTEWRIGHT_WORKER_TOKEN=wrong) as worker:
                assert "the worker's token is not the gateway's" in await worker.refused()
        with working(served, "/ws/lab", **token):
            await served.until(lambda stats: route(stats, "lab") is not None)
        assert "swordfish" not in json.dumps(served.lines)


async def test_a_bridge_that_others_reach_takes_no_route_without_a_token(serve: Serve, tmp_path: Path) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir(mode=0o755)
    spec = {"gateway": {"bridge": {"endpoint": f"ipc://{open_folder}/bridge"}}, "routes": SPEC["routes"][:1]}
    with serve(spec, FILES, "--dynamic-routing") as served, working(served, "/ws/lab") as worker:
        assert "others may reach the bridge's folder" in await worker.refused()


async def test_a_reload_that_claims_the_path_evicts_the_route(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for name, text in FILES.items():
        project.write(name, text)
    routes = [{"path": "/ws/echo", "pythonModule": "echo"}]
    project.spec({"routes": routes})
    with serving(project, environment={"ENABLE_DYNAMIC_ROUTING": "true"}) as served, working(served, "/ws/lab"):
        await served.until(lambda stats: route(stats, "lab") is not None)
        async with served.connect("/ws/lab") as client:
            assert (await exchange(client, {"type": "what"}))["type"] == "other"
            project.spec({"info": {"title": "new"}, "routes": routes})
            await served.logged("reloaded")
            assert (await exchange(client, {"type": "what"}))["type"] == "other"
            project.spec({"routes": [*routes, {"path": "/ws/{any}", "name": "any", "pythonModule": "echo"}]})
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(PATIENCE):
                    await client.recv()
            assert client.close_code == 4001
        async with served.connect("/ws/lab") as client:
            assert (await exchange(client, {"type": "x", "payload": 1}))["payload"]["route"] == "any"
        assert (await served.stats())["problem"] == ""


async def test_every_gateway_process_serves_it(serve: Serve) -> None:
    spec = {"routes": SPEC["routes"][:1]}
    with serve(spec, FILES, "--dynamic-routing", "--processes", "2") as served, working(served, "/ws/lab"):
        await served.until(
            lambda stats: all(
                any(worker["name"] == "lab" for worker in gateway["bridge"]["workers"]) for gateway in stats["gateways"]
            )
        )
        for _ in range(8):
            async with served.connect("/ws/lab") as client:
                assert (await exchange(client, {"type": "what"}))["payload"] == "what"
