"""Who is on a topic, when sessions move: a member that is cut off and comes back has neither left nor joined."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.gateway.session.talking import HANDLER, Reliable, elsewhere, process_of, route
from tests.served import Project, Served, serving

ROOM = "alpha.room"
SHOWN = ("$join", "$leave")


@contextmanager
def rooms(folder: Path, *flags: str) -> Iterator[Served]:
    project = Project(folder)
    topics = {"alpha.{id}": {"messages": ["event"], "presence": True, "publish": "clients"}}
    project.spec({"gateway": {"drainSeconds": 1}, "routes": [route(topics=topics)]})
    project.write("talk.py", HANDLER)
    with serving(project, "--no-watch", *flags) as served:
        yield served


async def enter(client: Reliable) -> str:
    """Go into the room; what others call who did."""
    await client.ask("$subscribe", "enter", topic=ROOM)
    member: str = (await client.take())["payload"]["member"]
    return member


async def said(client: Reliable, text: int) -> None:
    """Say something that everyone hears."""
    await client.ask("$publish", f"say {text}", topic=ROOM, type="event", payload={"number": text})
    await client.until("$ok")


async def heard(client: Reliable) -> list[Any]:
    """What the client is told of, up to something that was said."""
    frames = [await client.take()]
    while frames[-1]["type"] != "event":
        frames.append(await client.take())
    return [(frame["type"], frame["payload"].get("member")) for frame in frames[:-1]]


async def names(client: Reliable) -> list[str]:
    """Who is there, as the client is told."""
    await client.ask("$who", None, topic=ROOM)
    return [member["member"] for member in (await client.take())["payload"]["members"]]


async def test_a_session_that_moves_to_another_process_has_not_left(tmp_path: Path) -> None:
    with rooms(tmp_path, "--processes", "2") as served:
        stays, moves = Reliable(served), Reliable(served)
        await stays.connect()
        await elsewhere(moves, served, process_of(served, stays))
        await moves.greet()
        one = await enter(stays)
        other = await enter(moves)
        joined = await stays.take()
        assert (joined["type"], joined["payload"]["member"]) == ("$join", other)
        since = joined["payload"]["since"]
        for _ in range(3):
            before = process_of(served, moves)
            await elsewhere(moves, served, before)
            assert (await moves.greet())["resumed"]
        await said(moves, 1)
        assert await heard(stays) == []
        # that the first is there may have reached the other process after the second's `$ok`
        told = [(frame["type"], frame["payload"]["member"]) for frame in moves.taken if frame["type"] in SHOWN]
        assert told in ([], [("$join", one)])
        assert sorted(await names(stays)) == sorted(await names(moves)) == sorted([one, other])
        assert await enter(moves) == other
        await moves.socket.close(1000)
        left = await stays.take()
        assert (left["type"], left["payload"]) == ("$leave", {"member": other, "since": since})
        assert await names(stays) == [one]
        await stays.socket.close()


async def test_those_who_are_kept_over_a_restart_have_not_left(tmp_path: Path) -> None:
    with rooms(tmp_path) as served:
        clients = [Reliable(served) for _ in range(3)]
        for client in clients:
            await client.connect()
        members = [await enter(client) for client in clients]
        for client in clients:
            await client.ask("$ping")
            await client.until("$pong")
        assert await asyncio.to_thread(served.stop) == 0
    with rooms(tmp_path) as served:
        for client in clients:
            client.served = served
            client.taken.clear()
            assert (await client.connect())["resumed"]
        await said(clients[0], 1)
        for client in clients[1:]:
            assert await heard(client) == []
        assert sorted(await names(clients[1])) == sorted(members)
        await clients[2].socket.close(1000)
        assert (await clients[1].take())["payload"]["member"] == members[2]
        for client in clients[:2]:
            await client.socket.close()
