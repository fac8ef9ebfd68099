"""The claims of workers on routes, held by one gateway process: how many, how long, and who gives way to whom."""

import asyncio
import json
from itertools import combinations
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routewright.bridge.codec import VERSION, Hello
from routewright.bridge.pool import Worker, WorkerPool
from routewright.codegen import publish, render
from routewright.gateway import dynamic
from routewright.gateway.dynamic import GRACE, MOST
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.gateway import Gateway
from routewright.spec import check
from routewright.table.paths import overlap


class Client:
    """A connection that only hears when it is to leave."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.told: tuple[int, str] | None = None
        self._endpoint = endpoint
        endpoint.connections.add(self)  # type: ignore[arg-type]

    def leave(self, code: int, reason: str) -> None:
        self.told = (code, reason)
        self._endpoint.connections.discard(self)  # type: ignore[arg-type]


class Process:
    """A gateway process without its sockets, its clock in the test's hand."""

    def __init__(self, folder: Path) -> None:
        spec = {"gateway": {"dynamicRouting": True}, "routes": [{"path": "/ws/echo", "pythonModule": "echo"}]}
        (folder / "websocket-routes.json").write_text(json.dumps(spec))
        checked = check(folder / "websocket-routes.json")
        assert checked.spec is not None, checked.problems
        publish(render(checked.spec), folder / "generated")
        self.now = 100.0
        self.gateway = Gateway(folder, f"ipc://{folder}/bridge", {})
        self.gateway.clock = lambda: self.now
        self.gateway.epochs.prepare(self.gateway.epochs.load())
        self.gateway.epochs.commit()

    def joins(self, path: str, **said: Any) -> Worker | str:
        """A worker's hello: the worker, or why it is refused."""
        hello = Hello(VERSION, "lab", "", "python", route={"path": path, **said})
        pool = self.gateway.claimed(hello)
        if isinstance(pool, str):
            return pool
        worker = Worker(b"", hello, pool, self.now, lambda worker: None)
        pool.workers.append(worker)
        return worker

    def leaves(self, worker: Worker | str, *, goodbye: bool) -> None:
        assert isinstance(worker, Worker)
        worker.leaving = goodbye
        worker.pool.workers.remove(worker)
        self.gateway.worker_lost(worker, set())

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.gateway.tick()

    def client(self, name: str) -> Client:
        return Client(self.gateway.endpoints[name])

    def paths(self) -> set[str]:
        """Where discovery says that workers' routes are; the matcher leads there too."""
        found = {route["path"] for route in self.gateway.discovery["routes"] if route.get("dynamic")}
        assert {endpoint.route.path for endpoint in self.gateway.dynamic.endpoints.values()} == found
        assert all(self.gateway.matcher.match(path) is not None for path in found)
        return found


@pytest.fixture
async def process(tmp_path: Path) -> Process:
    return Process(tmp_path)


def pool(worker: Worker | str) -> WorkerPool:
    assert isinstance(worker, Worker), worker
    return worker.pool


async def test_there_is_an_end_to_them(process: Process) -> None:
    workers = [process.joins(f"/ws/n{number}") for number in range(MOST)]
    assert process.joins("/ws/more") == f"there are {MOST} dynamic routes already"
    assert pool(process.joins("/ws/n0")) is pool(workers[0])
    assert len(process.paths()) == MOST
    process.leaves(workers[1], goodbye=True)
    assert isinstance(process.joins("/ws/more"), Worker)
    assert process.joins("/ws/n1") == f"there are {MOST} dynamic routes already"


async def test_a_goodbye_ends_a_route_at_once(process: Process) -> None:
    worker = process.joins("/ws/lab")
    client = process.client("lab")
    process.leaves(worker, goodbye=True)
    assert client.told == (4504, "the route is gone")
    assert process.paths() == set()


async def test_a_lost_worker_has_time_to_come_back(process: Process) -> None:
    worker = process.joins("/ws/lab")
    client = process.client("lab")
    process.leaves(worker, goodbye=False)
    process.passes(GRACE - 1)
    assert pool(process.joins("/ws/lab")) is pool(worker)
    process.passes(GRACE)
    assert client.told is None
    # each loss has a time of its own
    process.leaves(pool(worker).workers[0], goodbye=False)
    process.passes(GRACE - 1)
    assert process.paths() == {"/ws/lab"}
    process.passes(1)
    assert client.told == (1013, "the route's worker went away")
    assert process.paths() == set()
    assert isinstance(process.joins("/ws/lab"), Worker)


async def test_the_route_stays_while_another_worker_answers_it(process: Process) -> None:
    first, _ = process.joins("/ws/lab"), process.joins("/ws/lab")
    process.leaves(first, goodbye=False)
    process.passes(GRACE)
    assert process.paths() == {"/ws/lab"}


@pytest.mark.parametrize(
    "claim",
    [
        {"path": "/ws/lab", "summary": "Another."},
        {"path": "/ws/lab", "name": "den"},
        {"path": "/ws/elsewhere", "name": "lab"},
    ],
)
async def test_a_route_without_its_worker_gives_way_to_another_claim(process: Process, claim: dict[str, str]) -> None:
    worker = process.joins("/ws/lab")
    assert isinstance(process.joins(**claim), str)
    client = process.client("lab")
    process.leaves(worker, goodbye=False)
    assert isinstance(process.joins(**claim), Worker)
    assert client.told == (4001, "the route has changed")
    assert process.paths() == {claim["path"]}
    process.passes(GRACE)
    assert process.paths() == {claim["path"]}


async def test_a_claim_that_is_refused_anyhow_drives_nobody_away(process: Process) -> None:
    process.leaves(process.joins("/ws/lab"), goodbye=False)
    assert "meets '/ws/echo'" in str(process.joins("/ws/{any}", name="den"))
    assert process.paths() == {"/ws/lab"}


async def test_a_reload_keeps_the_time(process: Process) -> None:
    process.leaves(process.joins("/ws/lab"), goodbye=False)
    process.passes(GRACE - 1)
    process.gateway.epochs.prepare(process.gateway.epochs.load())
    process.gateway.epochs.commit()
    assert process.paths() == {"/ws/lab"}
    process.passes(1)
    assert process.paths() == set()


PATHS = ("/ws/echo", "/ws/lab", "/ws/den", "/ws/hut", "/ws/lab/{bench}", "/ws/{any}/x", "/ws/lab/x", "/ws/{rest...}")
STEPS = st.lists(
    st.tuples(st.just("joins"), st.sampled_from(PATHS), st.sampled_from(("echo", "lab", "den", "hut", "inn")))
    | st.tuples(st.just("leaves"), st.integers(0, 9), st.booleans())
    | st.tuples(st.just("passes"), st.sampled_from((1.0, GRACE / 2, GRACE)), st.none()),
    max_size=40,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_workers_do(tmp_path: Path, steps: list[tuple[str, Any, Any]]) -> None:
    with mock.patch.object(dynamic, "MOST", 3):
        asyncio.run(_hold(tmp_path, steps))


async def _hold(folder: Path, steps: list[tuple[str, Any, Any]]) -> None:
    """Carry out what workers do, and hold what is served against a plain list of them."""
    process = Process(folder)
    workers: list[tuple[Worker, str, str]] = []
    waiting: dict[tuple[str, str], float] = {}
    for step, one, other in steps:
        live = {(name, path) for _, name, path in workers}
        if step == "joins":
            worker = process.joins(one, name=other)
            kept = {each: until for each, until in waiting.items() if other != each[0] and not overlap(one, each[1])}
            taken = {("echo", "/ws/echo"), *live}
            in_the_way = any(name == other or overlap(one, path) for name, path in taken)
            if (other, one) not in live and (in_the_way or len(live) + len(kept) >= 3):
                assert isinstance(worker, str)
            else:
                assert isinstance(worker, Worker), worker
                workers.append((worker, other, one))
                waiting = kept
        elif step == "leaves" and workers:
            worker, name, path = workers.pop(one % len(workers))
            process.leaves(worker, goodbye=other)
            if not other and (name, path) not in {each[1:] for each in workers}:
                waiting[name, path] = process.now + GRACE
        elif step == "passes":
            process.passes(one)
            waiting = {each: until for each, until in waiting.items() if until > process.now}
        there = {(name, path) for _, name, path in workers} | set(waiting)
        assert process.paths() == {path for _, path in there}
        assert {(name, each.route.path) for name, each in process.gateway.dynamic.endpoints.items()} == there
        assert not any(overlap(one, other) for one, other in combinations(["/ws/echo", *process.paths()], 2))
