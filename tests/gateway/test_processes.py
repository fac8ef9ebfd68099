"""Several gateway processes behind one socket: they behave as one, and leave nothing behind."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection

from tests.gateway.asking import ask, asking, handler, route
from tests.gateway.session.talking import Reliable
from tests.gateway.session.test_handover import elsewhere, process_of
from tests.served import PATIENCE, Project, exchange, serving

CHAT = """
from routewright.handlers import Context, on


@on("ask")
async def ask(message, context: Context):
    context.publish("alpha", {"type": "said", "payload": {"nonce": message.nonce}})
    return {"type": "answer", "payload": {"nonce": message.nonce}}
"""


def chat() -> dict[str, Any]:
    """A route where what one asks is told to everybody."""
    changed = route("alpha")
    changed["messages"]["said"] = {"from": "handler", "payload": {"type": "object"}}
    return changed


def by_process(stats: Any) -> dict[int, int]:
    """Connections of each gateway process."""
    return {gateway["process"]: gateway["connections"] for gateway in stats["gateways"]}


async def received(connection: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await connection.recv())


async def test_every_process_takes_connections(tmp_path: Path) -> None:
    with serving(asking(tmp_path), "--processes", "2") as served:
        async with contextlib.AsyncExitStack() as stack:
            clients = await served.everywhere(stack, "/ws/alpha")
            stats = await served.stats()
            assert len(stats["gateways"]) == len(by_process(stats)) == 2
            assert stats["connections"] == sum(by_process(stats).values()) == len(clients)
            for number, client in enumerate(clients):
                answer = await exchange(client, ask(number, f"to {number}"))
                assert (answer["id"], answer["payload"]["nonce"]) == (number, f"to {number}")
            assert len(await asyncio.to_thread(served.workers)) == 1, "one worker serves both"


async def test_what_is_published_reaches_the_clients_of_every_process(tmp_path: Path) -> None:
    project = asking(tmp_path, chat())
    project.save("alpha_handler.py", CHAT)
    with serving(project, "--processes", "2") as served:
        async with contextlib.AsyncExitStack() as stack:
            clients = await served.everywhere(stack, "/ws/alpha")
            await clients[0].send(ask(1, "hear, hear"))
            both = [await received(clients[0]), await received(clients[0])]
            assert sorted(each["type"] for each in both) == ["answer", "said"]
            for client in clients[1:]:
                assert await received(client) == {"type": "said", "payload": {"nonce": "hear, hear"}}


async def test_a_reload_reaches_every_process(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project, "--processes", "2") as served:
        async with contextlib.AsyncExitStack() as stack:
            clients = await served.everywhere(stack, "/ws/alpha")
            project.save("alpha_handler.py", handler("second"))
            await served.logged("handler code reloaded")
            for client in clients:
                assert (await exchange(client, ask()))["payload"]["version"] == "second"
            project.spec({"routes": [route("alpha", rateLimit={"rate": "1/m", "burst": 1})]})
            await served.logged("reloaded")
            for client in clients:
                assert (await exchange(client, ask(1)))["type"] == "answer"
                assert (await exchange(client, ask(2)))["error"]["code"] == "rate_limited"
            stats = await served.stats()
            assert {gateway["epoch"] for gateway in stats["gateways"]} == {2}
            assert len({gateway["digest"] for gateway in stats["gateways"]}) == 1


async def test_figures_add_up(tmp_path: Path) -> None:
    with serving(asking(tmp_path), "--processes", "2") as served:
        async with contextlib.AsyncExitStack() as stack:
            clients = await served.everywhere(stack, "/ws/alpha")
            for client in clients:
                for _ in range(3):
                    await exchange(client, ask())
                await exchange(client, "no JSON")
            (alpha,) = (await served.stats())["routes"]
            count = len(clients)
            assert (alpha["connections"], alpha["opened"]) == (count, count)
            assert (alpha["received"], alpha["replied"]) == (4 * count, 3 * count)
            assert alpha["errors"] == {"invalid_json": count}
            assert sum(alpha["latency"]) == 3 * count
            _, _, text = await asyncio.to_thread(served.get, f"{served.ready['admin']}/metrics")
            samples = dict(line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#"))
            assert float(samples['routewright_messages_received_total{route="alpha"}']) == 4 * count


async def test_a_stop_leaves_no_process_and_no_file_behind(tmp_path: Path) -> None:
    with serving(asking(tmp_path), "--processes", "2") as served:
        parent = psutil.Process(served.process.pid)
        family = parent.children(recursive=True)
        (folder,) = {Path(endpoint.removeprefix("ipc://")).parent for endpoint in served.ready["bridge"]}
        assert folder.stat().st_mode & 0o777 == 0o700
        async with contextlib.AsyncExitStack() as stack:
            clients = await served.everywhere(stack, "/ws/alpha")
            served.process.send_signal(signal.SIGTERM)
            for client in clients:
                async with asyncio.timeout(PATIENCE):
                    await client.wait_closed()
                assert client.close_code == 1012
        assert await asyncio.to_thread(served.process.wait, PATIENCE) == 0
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, PATIENCE)
        assert alive == []
        assert not folder.exists()


async def test_a_relative_bridge_is_in_the_spec_s_folder(tmp_path: Path) -> None:
    environment = {"ROUTEWRIGHT_BRIDGE_ENDPOINT": "ipc://bridge.sock"}
    with serving(asking(tmp_path), "--processes", "2", environment=environment) as served:
        bridges = [f"ipc://{tmp_path}/bridge.sock", f"ipc://{tmp_path}/bridge.sock-1"]
        assert served.ready["bridge"] == bridges
        await served.until(lambda stats: all(gateway["bridge"]["workers"] for gateway in stats["gateways"]))


def no_more(process: psutil.Process, most: int) -> Callable[[Any], bool]:
    """Whether a process has as many descriptors open as that, or fewer."""
    return lambda _: process.num_fds() <= most


async def test_descriptors_return_to_where_they_were(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project, "--processes", "2") as served:
        supervisor = psutil.Process(served.process.pid)

        async def round_trip(number: int) -> None:
            before = len(served.lines)
            project.save("alpha_handler.py", handler(f"version {number}"))
            await served.logged("handler code reloaded", before)
            async with contextlib.AsyncExitStack() as stack:
                for client in await served.everywhere(stack, "/ws/alpha"):
                    assert (await exchange(client, ask()))["payload"]["version"] == f"version {number}"
            await served.until(quiet)

        def quiet(stats: Any) -> bool:
            workers = [len(gateway["bridge"]["workers"]) for gateway in stats["gateways"]]
            return stats["connections"] == 0 and workers == [1, 1]

        gateways = [psutil.Process(each["process"]) for each in (await served.stats())["gateways"]]
        for number in range(3):
            await round_trip(number)
        settled = [process.num_fds() for process in (supervisor, *gateways)]
        for number in range(3, 9):
            await round_trip(number)
        for process, most in zip((supervisor, *gateways), settled, strict=True):
            await served.until(no_more(process, most))


BOARD = {
    "path": "/ws/board",
    "name": "board",
    "pythonModule": "board",
    "rateLimit": False,
    "messages": {"note": {"from": "handler", "payload": {"type": "string"}}},
    "topics": {"notes.{id}": {"messages": ["note"], "publish": "clients"}},
}


async def test_a_process_that_falls_behind_is_killed_and_its_clients_are_told(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.spec({"routes": [BOARD]})
    project.write("board.py", "")
    with serving(project, "--no-watch", "--processes", "2") as served:
        away = Reliable(served, "/ws/board")
        await away.connect()
        await away.subscribe("notes.1", 1)
        stuck = psutil.Process(process_of(served, away))
        teller = Reliable(served, "/ws/board")
        await elsewhere(teller, served, stuck.pid)
        await teller.greet()
        await teller.subscribe("notes.1", 1)
        stuck.suspend()
        note = {"topic": "notes.1", "type": "note", "payload": "x" * 60_000}
        # base64 on the way: 64 MiB are fewer than 900 of them
        for number in range(900):
            await teller.ask("$publish", number + 2, **note)
            await teller.until("$ok")
            await teller.ack()
        behind = await served.logged("a gateway process does not keep up with the others")
        assert behind["process"] == stuck.pid
        assert behind["unsent"] > 64 * 1024 * 1024
        assert await away.closed() == 1006
        await served.until(lambda stats: stats["gateway_restarts"] == 1 and len(by_process(stats)) == 2)
        assert sum(line["event"] == behind["event"] for line in served.lines) == 1
        # nothing of it is lost in silence
        welcome = await away.connect()
        assert (welcome["resumed"], welcome["reason"]) == (False, "unknown_session")
        await away.socket.close()
        await teller.socket.close()
