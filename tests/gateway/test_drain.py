"""The end of a gateway: what is in flight is answered, clients are told, and nobody is left behind."""

import asyncio
import json
import os
import signal
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest
from websockets.asyncio.client import ClientConnection

from routewright.gateway.drain import Drain
from tests.gateway.asking import ask, asking, handler
from tests.gateway.wire import handshake
from tests.served import PATIENCE, Served, exchange, serving

WAITING = """
import asyncio
from pathlib import Path

from routewright.handlers import Context, on

GATE = Path(__file__).with_name("gate")


@on("ask")
async def ask(message, context: Context):
    context.send({"type": "answer", "payload": {"begun": True}})
    while not GATE.exists():
        await asyncio.sleep(0.005)
    return {"type": "answer", "payload": {"nonce": message.nonce}}
"""


async def closed_with(connection: ClientConnection) -> int | None:
    async with asyncio.timeout(PATIENCE):
        await connection.wait_closed()
    return connection.close_code


async def ended(served: Served) -> int:
    """The exit code."""
    return await asyncio.to_thread(served.process.wait, PATIENCE)


def family(served: Served) -> list[psutil.Process]:
    """Every process of a gateway."""
    parent = psutil.Process(served.process.pid)
    return [parent, *parent.children(recursive=True)]


async def gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still alive when they should not be."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, PATIENCE)
    return alive


def folders(served: Served) -> list[Path]:
    """The folders of its bridge."""
    return [Path(endpoint.removeprefix("ipc://")).parent for endpoint in served.ready["bridge"]]


async def begun(connection: ClientConnection, id: int, nonce: str) -> None:
    """Send a request; return when the handler has it."""
    await connection.send(ask(id, nonce))
    async with asyncio.timeout(PATIENCE):
        assert json.loads(await connection.recv())["payload"] == {"begun": True}


async def readiness(served: Served) -> tuple[int, Any]:
    status, _, body = await asyncio.to_thread(served.get, f"{served.ready['admin']}/readyz")
    return status, json.loads(body)


class Crowd:
    """A gateway with so many clients who wait for nothing, and a clock that knows whole milliseconds alone, as that of
    an event loop does."""

    def __init__(self, count: int) -> None:
        self.now = 0.0
        self.left: list[float] = []
        self.sessions = dict.fromkeys(range(count), self)
        self.drain = Drain(cast(Any, self))
        self.door = SimpleNamespace(close=lambda code, reason: None)
        self.reliable = SimpleNamespace(restart=SimpleNamespace(leaving={}))

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1000) / 1000

    def leave(self, code: int, reason: str) -> None:
        assert code == 1012
        self.left.append(self.now)
        if len(self.left) == len(self.sessions):
            self.sessions.clear()
            self.drain.wind_down()


@pytest.mark.parametrize(("count", "seconds", "last"), [(99, 30.0, 0.0), (1000, 30.0, 0.5), (10_000, 2.0, 1.0)])
async def test_not_all_are_sent_away_at_once(
    count: int, seconds: float, last: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(count)
    monkeypatch.setattr(asyncio, "sleep", crowd.sleep)
    await crowd.drain.empty(seconds)
    assert len(crowd.left) == count
    for number, at in enumerate(crowd.left):
        assert at == pytest.approx(last * number / count, abs=0.003)


async def test_requests_in_flight_are_answered_before_the_end(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("alpha_handler.py", WAITING)
    with serving(project) as served:
        processes = family(served)
        async with served.connect("/ws/alpha") as busy, served.connect("/ws/alpha") as idle:
            assert (await readiness(served))[0] == 200
            await begun(busy, 1, "kept")
            served.process.send_signal(signal.SIGTERM)
            assert await closed_with(idle) == 1012
            status, report = await readiness(served)
            assert (status, report["ready"], report["draining"]) == (503, False, True)
            with pytest.raises(ConnectionError):
                await served.connect("/ws/alpha")
            (tmp_path / "gate").touch()
            async with asyncio.timeout(PATIENCE):
                answer = json.loads(await busy.recv())
            assert (answer["id"], answer["payload"]["nonce"]) == (1, "kept")
            assert await closed_with(busy) == 1012
        assert await ended(served) == 0
        assert await gone(processes) == []
        assert not any(folder.exists() for folder in folders(served))


async def test_a_handler_that_takes_too_long_does_not_hold_up_the_end(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("alpha_handler.py", WAITING)
    with serving(project, "--drain", "300ms") as served:
        processes = family(served)
        async with served.connect("/ws/alpha") as busy:
            await begun(busy, 1, "lost")
            served.process.send_signal(signal.SIGTERM)
            assert await closed_with(busy) == 1012
        assert await ended(served) == 0
        assert await gone(processes) == []


async def test_a_client_that_reads_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("alpha_handler.py", handler().replace('"nonce": message.nonce', '"nonce": "x" * 60_000'))
    with serving(project, "--drain", "300ms") as served:
        processes = family(served)
        stalled = socket.socket()
        with stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect(("127.0.0.1", served.port))
            stalled.sendall(handshake("/ws/alpha") + 10 * masked(ask()))
            await served.until(lambda stats: stats["routes"][0]["bytes_out"] > 500_000)
            async with served.connect("/ws/alpha") as other:
                served.process.send_signal(signal.SIGTERM)
                assert await closed_with(other) == 1012
            assert await ended(served) == 0
        assert await gone(processes) == []


def masked(text: str) -> bytes:
    """A short text frame."""
    data = text.encode()
    assert len(data) < 126
    return bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("alpha_handler.py", WAITING)
    with serving(project) as served:
        processes = family(served)
        async with served.connect("/ws/alpha") as busy:
            await begun(busy, 1, "lost")
            served.process.send_signal(signal.SIGINT)
            await served.logged("draining")
            served.process.send_signal(signal.SIGINT)
            assert await ended(served) == 0
            assert await closed_with(busy) in (1012, 1006)
        assert await gone(processes) == []
        assert not any(folder.exists() for folder in folders(served))


async def test_a_terminals_interrupt_drains_as_well(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("alpha_handler.py", WAITING)
    with serving(project) as served:
        processes = family(served)
        async with served.connect("/ws/alpha") as busy:
            await begun(busy, 1, "kept")
            os.killpg(served.process.pid, signal.SIGINT)
            await served.logged("draining")
            (tmp_path / "gate").touch()
            async with asyncio.timeout(PATIENCE):
                assert json.loads(await busy.recv())["payload"]["nonce"] == "kept"
            assert await closed_with(busy) == 1012
        assert await ended(served) == 0
        assert await gone(processes) == []
    assert [line for line in served.lines if "text" in line] == []


async def test_nobody_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    served = Served(asking(tmp_path), "--processes", "2")
    try:
        assert served.ready
        processes = family(served)
        assert len(processes) >= 4
        async with served.connect("/ws/alpha") as connection:
            assert (await exchange(connection, ask()))["type"] == "answer"
            served.process.kill()
            assert await closed_with(connection) == 1012
        assert await gone(processes) == []
    finally:
        served.kill()


async def test_a_signal_during_the_start_leaves_nobody_behind(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("alpha_handler.py", "import sys\nimport time\nprint('hello', file=sys.stderr)\ntime.sleep(600)\n")
    served = Served(project)
    try:
        await served.logged(lambda line: line.get("text") == "hello")
        processes = family(served)
        served.process.send_signal(signal.SIGTERM)
        assert await ended(served) == 0
        assert await gone(processes) == []
    finally:
        served.kill()
    assert [line for line in served.lines if "text" in line] == [{"text": "hello"}]


async def test_no_connection_is_taken_while_draining(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("alpha_handler.py", WAITING)
    with serving(project) as served:
        waiting = await asyncio.open_connection("127.0.0.1", served.port)
        async with served.connect("/ws/alpha") as busy, served.connect("/ws/alpha") as idle:
            await begun(busy, 1, "kept")
            served.process.send_signal(signal.SIGTERM)
            assert await closed_with(idle) == 1012
            waiting[1].write(handshake("/ws/alpha"))
            async with asyncio.timeout(PATIENCE):
                answer = await waiting[0].read()
            assert b"503" in answer.partition(b"\r\n")[0] or answer == b""
            (tmp_path / "gate").touch()
            assert await closed_with(busy) == 1012
        waiting[1].close()
