"""Sessions whose gateway process is not there any more, or is another one: they go on, or the client is told."""

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import stat
from pathlib import Path
from typing import Any

import psutil
from websockets.exceptions import InvalidStatus

from tests.gateway.session.talking import HANDLER, Reliable, elsewhere, process_of, route
from tests.served import PATIENCE, Project, exchange, serving

SECRETS = {"ada": "of-ada-and-nobody-else", "bob": "of-bob-and-nobody-else"}
KEYED = {
    "name": "api_key",
    "settings": {
        "keys": [
            {"id": name, "sha256": hashlib.sha256(secret.encode()).hexdigest()} for name, secret in SECRETS.items()
        ]
    },
}


def talking(folder: Path, *routes: dict[str, Any]) -> Project:
    project = Project(folder)
    project.spec({"gateway": {"drainSeconds": 1}, "routes": [*(routes or (route(),))]})
    project.write("talk.py", HANDLER)
    return project


def handled(project: Project, nonce: str) -> int:
    """How often a handler has seen this."""
    return (project.folder / "handled").read_text().splitlines().count(nonce)


async def test_a_session_outlives_a_restart(tmp_path: Path) -> None:
    project = talking(tmp_path, route(), route("keyed", middleware=[KEYED]))
    with serving(project, "--no-watch") as served:
        here, keyed = Reliable(served), Reliable(served, "/ws/keyed", **{"X-API-Key": SECRETS["ada"]})
        gone = Reliable(served)
        for client in (here, keyed, gone):
            await client.connect()
            await client.ask("push", 1, count=5)
            await client.take()
            await client.take()
        await here.ask("wait", "never", nonce="never")
        await gone.cut()
        await here.ask("ask", "last")
        assert await asyncio.to_thread(served.stop) == 0
        assert await here.closed() == 1012
    folder = tmp_path / ".routewright"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = list(folder.iterdir())
    assert files
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not any(str(here.resume).encode() in file.read_bytes() for file in files), "tokens are kept as hashes"
    with serving(project, "--no-watch") as served:
        for client in (here, keyed, gone):
            client.served = served
        thief = Reliable(served, "/ws/keyed", **{"X-API-Key": SECRETS["bob"]})
        thief.resume = keyed.resume
        assert (await thief.connect())["reason"] == "wrong_principal"
        await thief.socket.close()
        thief.resume = here.resume
        assert (await thief.connect())["reason"] == "wrong_principal"
        await thief.socket.close()
        for client in (here, keyed, gone):
            session = client.welcome["session"]
            assert (await client.connect())["resumed"]
            assert client.welcome["session"] == session
        for client in (keyed, gone):
            await client.until("answer")
            assert [frame["payload"].get("number") for frame in client.taken] == [*range(5), None]
        rest = [*here.taken, *[await here.take() for _ in range(6)]]
        assert [each["payload"]["number"] for each in rest if each["type"] == "event"] == [*range(5)]
        errors = [each for each in rest if each["type"] == "error"]
        assert [(each["id"], each["error"]["code"]) for each in errors] == [("never", "worker_lost")]
        # seen before the restart: not carried out again
        await here.ask("wait", "never", nonce="never")
        assert await here.take() == errors[0]
        await here.ask("ask", "last")
        assert (await here.take())["id"] == "last"
        assert handled(project, "never") == handled(project, "") == 1
        for client in (here, keyed, gone):
            await client.socket.close()


async def test_what_is_published_after_a_restart_waits_for_who_is_not_back(tmp_path: Path) -> None:
    project = talking(tmp_path)
    with serving(project, "--no-watch") as served:
        first, second = Reliable(served), Reliable(served)
        await first.connect()
        await second.connect()
        assert await asyncio.to_thread(served.stop) == 0
    for _ in range(2):
        with serving(project, "--no-watch") as served:
            first.served = second.served = served
            assert (await first.connect())["resumed"]
            await first.ask("publish", len(first.taken), count=3)
            await first.until("answer")
            before = await served.stats()
            assert (before["sessions"]["open"], before["sessions"]["detached"]) == (2, 1)
            # once more without the second one having been there
            assert await asyncio.to_thread(served.stop) == 0
    with serving(project, "--no-watch") as served:
        second.served = served
        assert (await second.connect())["resumed"]
        assert [(await second.take())["payload"]["number"] for _ in range(6)] == [0, 1, 2] * 2
        # its handlers know it again
        await second.ask("ask", "new", nonce="new")
        assert (await second.take())["payload"] == {"nonce": "new"}
        await second.socket.close()


async def test_a_crash_or_another_contract_is_told(tmp_path: Path) -> None:
    project = talking(tmp_path, route(), route("beta"))
    with serving(project, "--no-watch") as served:
        alpha, beta = Reliable(served), Reliable(served, "/ws/beta")
        await alpha.connect()
        await beta.connect()
        gateway = (await served.stats())["gateways"][0]["process"]
        os.kill(gateway, signal.SIGKILL)
        assert await alpha.closed() == 1006
        await served.until(lambda stats: any(each["process"] != gateway for each in stats["gateways"]))
        for client in (alpha, beta):
            with contextlib.suppress(Exception):
                await client.socket.close()
            async with asyncio.timeout(PATIENCE):
                while True:
                    with contextlib.suppress(InvalidStatus):
                        welcome = await client.connect()
                        break
            assert (welcome["resumed"], welcome["reason"]) == (False, "unknown_session")
        assert await asyncio.to_thread(served.stop) == 0
    changed = route("beta")
    changed["messages"]["ask"]["payload"] = {
        "type": "object",
        "required": ["new"],
        "properties": {"new": {"type": "string"}},
    }
    project.spec({"routes": [route(), changed]})
    project.write(
        "talk.py",
        HANDLER.replace("handled(message.nonce)\n    return", "return").replace(
            'message.nonce}}\n\n\n@on("wait")', '1}}\n\n\n@on("wait")', 1
        ),
    )
    with serving(project, "--no-watch") as served:
        alpha.served = beta.served = served
        assert (await alpha.connect())["resumed"]
        assert (await beta.connect())["reason"] == "route_changed"
        for client in (alpha, beta):
            await client.socket.close()


async def test_a_damaged_file_of_sessions_is_put_aside(tmp_path: Path) -> None:
    project = talking(tmp_path)
    file = tmp_path / ".routewright" / "sessions.sqlite3"
    damaged = file.with_suffix(".damaged")
    with serving(project, "--no-watch") as served:
        client = Reliable(served)
        await client.connect()
        assert await asyncio.to_thread(served.stop) == 0
    file.write_bytes(b"no database")
    with serving(project, "--no-watch") as served:
        client.served = served
        assert (await client.connect())["reason"] == "unknown_session"
        assert (damaged.read_bytes(), stat.S_IMODE(damaged.stat().st_mode)) == (b"no database", 0o600)
        assert await asyncio.to_thread(served.stop) == 0
        assert len([line for line in served.lines if line.get("level") == "error"]) == 2
    with serving(project, "--no-watch") as served:
        client.served = served
        assert (await client.connect())["resumed"]
        await client.socket.close()


async def test_an_expired_session_is_not_brought_back(tmp_path: Path) -> None:
    project = talking(tmp_path, route(delivery={"window": "1ms"}))
    with serving(project, "--no-watch") as served:
        client = Reliable(served)
        await client.connect()
        assert await asyncio.to_thread(served.stop) == 0
    with serving(project, "--no-watch") as served:
        client.served = served
        assert (await client.connect())["resumed"] is False
        await client.socket.close()


async def test_a_session_follows_its_client_to_another_process(tmp_path: Path) -> None:
    project = talking(tmp_path, route(), route("keyed", middleware=[KEYED]))
    with serving(project, "--no-watch", "--processes", "2") as served:
        client = Reliable(served)
        await client.connect()
        first = process_of(served, client)
        session = client.welcome["session"]
        await client.ask("push", 1, count=5)
        await client.take()
        await client.ask("wait", "w", nonce="running")
        await client.until("answer")
        client.seq = 1
        client.taken = client.taken[:1]
        left = client.socket
        # the old socket is still open: it is fenced from the other process
        await elsewhere(client, served, first)
        assert (await client.greet())["resumed"]
        assert client.welcome["session"] == session
        async with asyncio.timeout(PATIENCE):
            await left.wait_closed()
        assert left.close_code == 4004
        await client.until("answer")
        assert [frame["payload"].get("number") for frame in client.taken] == [*range(5), None]
        await client.ask("wait", "w", nonce="running")
        # and back again, while the request still runs in the first process
        second = process_of(served, client)
        await client.cut()
        await elsewhere(client, served, second)
        assert (await client.greet())["resumed"]
        project.write("running", "")
        assert await client.take() == {"type": "answer", "id": "w", "payload": {"nonce": "running"}}
        await client.ask("wait", "w", nonce="running")
        assert (await client.take())["id"] == "w"
        assert handled(project, "running") == 1
        async with served.connect("/ws/alpha") as other:
            await exchange(other, {"type": "publish", "id": 1, "payload": {"count": 1}})
        assert (await client.take())["type"] == "event"
        await client.cut()
        await elsewhere(client, served, first)
        assert (await client.greet(resume="nobody's"))["reason"] == "unknown_session"
        await client.socket.close()

        ada = Reliable(served, "/ws/keyed", **{"X-API-Key": SECRETS["ada"]})
        await ada.connect()
        bob = Reliable(served, "/ws/keyed", **{"X-API-Key": SECRETS["bob"]})
        bob.resume = ada.resume
        await elsewhere(bob, served, process_of(served, ada))
        assert (await bob.greet())["reason"] == "wrong_principal"
        await ada.ask("ask", 1)
        await ada.take()
        await bob.socket.close()
        await ada.socket.close()


async def test_a_process_that_is_stuck_is_not_waited_for(tmp_path: Path) -> None:
    with serving(talking(tmp_path), "--no-watch", "--processes", "2") as served:
        client = Reliable(served)
        await client.connect()
        first = psutil.Process(process_of(served, client))
        other = Reliable(served)
        await elsewhere(other, served, first.pid)
        first.suspend()
        try:
            other.resume = client.resume
            assert (await other.greet())["reason"] == "unreachable"
        finally:
            first.resume()
        # nobody waits any more, so the session stays where it is
        await client.ask("ask", 1)
        assert (await client.take())["id"] == 1
        await client.socket.close()
        await other.socket.close()


async def test_a_failed_try_at_another_process_does_not_stand_in_the_way_of_the_next(tmp_path: Path) -> None:
    with serving(talking(tmp_path), "--no-watch", "--processes", "2") as served:
        client = Reliable(served)
        await client.connect()
        first = psutil.Process(process_of(served, client))
        tries = [Reliable(served) for _ in range(3)]
        for each in tries:
            each.resume = client.resume
            await elsewhere(each, served, first.pid)
        first.suspend()
        try:
            for each in tries[:2]:
                await each.send({"type": "$hello", "resume": client.resume})
                await each.cut()
            await tries[2].send({"type": "$hello", "resume": client.resume})
        finally:
            first.resume()
        async with asyncio.timeout(PATIENCE):
            welcome = json.loads(await tries[2].socket.recv())["payload"]
        assert (welcome["resumed"], welcome["session"]) == (True, client.welcome["session"]), welcome
        assert await client.closed() == 4004
        await tries[2].socket.close()


async def test_a_changed_route_is_told(tmp_path: Path) -> None:
    project = talking(tmp_path)
    with serving(project) as served:
        client, away = Reliable(served), Reliable(served)
        await client.connect()
        await away.connect()
        since = len(served.lines)
        changed = route(rateLimit={"rate": "1000/s", "burst": 1000}, delivery={"messages": 500})
        project.spec({"gateway": {"drainSeconds": 1}, "routes": [changed]})
        await served.logged("reloaded", since)
        epoch = await client.take()
        assert epoch["type"] == "$epoch"
        assert epoch["payload"]["epoch"] == 2
        assert epoch["payload"]["spec"] != client.welcome["spec"]
        await away.cut()
        welcome = await away.connect()
        assert (welcome["resumed"], welcome["limits"]["delivery"]["messages"]) == (True, 500)
        await away.cut()
        since = len(served.lines)
        changed["messages"]["ask"]["reply"] = "part"
        project.spec({"gateway": {"drainSeconds": 1}, "routes": [changed]})
        project.save("talk.py", HANDLER.replace('"answer"', '"part"', 1))
        await served.logged("reloaded", since)
        assert (await away.connect())["reason"] == "route_changed"
        assert (await client.take())["payload"]["epoch"] >= 3
        assert await client.closed() == 4001
        assert (await client.connect())["reason"] == "route_changed"
        for each in (client, away):
            await each.socket.close()


def numbers(frames: list[dict[str, Any]]) -> list[int]:
    """What the events among these say."""
    return [frame["payload"]["number"] for frame in frames if frame["type"] == "event"]


async def test_subscriptions_outlive_a_restart(tmp_path: Path) -> None:
    project = talking(tmp_path)
    with serving(project, "--no-watch") as served:
        client = Reliable(served)
        await client.connect()
        await client.subscribe("alpha.1", 1)
        await client.subscribe("alpha.*", 2)
        await client.ack()
        assert await asyncio.to_thread(served.stop) == 0
    with serving(project, "--no-watch") as served:
        client.served = served
        async with served.connect("/ws/alpha") as other:
            # nobody has come back yet
            await exchange(other, {"type": "publish", "id": 1, "payload": {"count": 3, "topic": "alpha.1"}})
            assert (await client.connect())["resumed"]
            await exchange(other, {"type": "publish", "id": 2, "payload": {"count": 2, "topic": "alpha.7"}})
        assert numbers([await client.take() for _ in range(5)]) == [0, 1, 2, 0, 1]
        await client.ask("$unsubscribe", 3, topic="alpha.*")
        assert (await client.take())["type"] == "$ok"
        await client.socket.close()


async def test_no_event_is_missed_on_the_way_to_another_process(tmp_path: Path) -> None:
    project = talking(tmp_path, route(delivery={"messages": 100_000}))
    with serving(project, "--no-watch", "--processes", "2") as served:
        client = Reliable(served)
        await client.connect()
        await client.subscribe("alpha.1", "s")
        async with served.connect("/ws/alpha") as other:
            await other.send(json.dumps({"type": "stream", "payload": {"topic": "alpha.1"}}))
            for _ in range(5):
                before = process_of(served, client)
                await client.cut()
                await elsewhere(client, served, before)
                assert (await client.greet())["resumed"]
                await client.take()
            served.project.write("stop", "")
            while (await client.take())["payload"]["number"] != -1:
                pass
        await client.socket.close()
    seen = numbers(client.taken)
    assert sorted({*seen}) == [-1, *range(max(seen) + 1)]
