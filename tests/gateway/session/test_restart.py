"""A restart of several gateway processes: what one of them still publishes reaches the sessions of all."""

import asyncio
import contextlib
import json
import signal
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.gateway.session.talking import Reliable
from tests.gateway.session.test_handover import elsewhere, process_of
from tests.served import PATIENCE, Project, Served, serving

CHAIN = """
import asyncio
from pathlib import Path

from routewright.handlers import Context, on

HERE = Path(__file__).parent


def event(text):
    return {"type": "event", "payload": {"text": text}}


@on("begin")
async def begin(message, context: Context):
    context.publish("jobs.1", event("to be done"))
    while not (HERE / "answer").exists():
        await asyncio.sleep(0.005)
    context.publish("told.1", event("answered"))
    return {"type": "answer", "payload": {}}


@on.event("jobs.*")
async def job(message, context: Context):
    while not (HERE / "stop").exists():
        await asyncio.sleep(0.005)
    context.publish("parts.1", event("in part"))


@on.event("parts.*")
async def part(message, context: Context):
    await asyncio.sleep(0.005)
    context.publish("told.1", event("done"))


@on.disconnect
async def disconnected(context: Context):
    await asyncio.sleep(0.005)
    context.publish("told.1", event("left"))
"""


def chain(folder: Path) -> Project:
    project = Project(folder)
    payload = {"type": "object"}
    messages = {
        "begin": {"from": "client", "reply": "answer"},
        "answer": {"from": "handler", "payload": payload},
        "event": {"from": "handler", "payload": payload},
    }
    topics = {f"{name}.{{id}}": {"messages": ["event"]} for name in ("jobs", "parts", "told")}
    route = {"path": "/ws/chain", "name": "chain", "pythonModule": "chain", "messages": messages, "topics": topics}
    project.spec({"gateway": {"drainSeconds": 20}, "routes": [route]})
    project.write("chain.py", CHAIN)
    return project


async def subscribed(served: Served, besides: int | None = None) -> Reliable:
    """A reliable client, of another gateway process than that."""
    client = Reliable(served, "/ws/chain")
    if besides is None:
        await client.open()
    else:
        await elsewhere(client, served, besides)
    await client.greet()
    await client.subscribe("told.1", 1)
    return client


async def texts(client: Reliable) -> list[str]:
    """What a client is told, as long as it is connected."""
    told: list[str] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            frame: dict[str, Any] = await client.take()
            told += [frame["payload"]["text"]] if frame["type"] == "event" else []
    return told


async def test_no_process_puts_its_sessions_down_while_another_one_publishes(tmp_path: Path) -> None:
    project = chain(tmp_path)
    with serving(project, "--no-watch", "--processes", "2") as served:
        here = await subscribed(served)
        there = await subscribed(served, process_of(served, here))
        async with served.connect("/ws/chain") as busy, served.connect("/ws/chain") as idle:
            # in one process or the other: both sessions have to hear what comes of it
            await busy.send(json.dumps({"type": "begin", "id": 1}))
            await served.until(lambda stats: any(topic["delivered"] or topic["published"] for topic in stats["topics"]))
            served.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                await idle.wait_closed()
            project.write("answer", "")
            async with asyncio.timeout(PATIENCE):
                assert json.loads(await busy.recv())["type"] == "answer"
                await busy.wait_closed()
            assert (idle.close_code, busy.close_code) == (1012, 1012)
            # nobody waits for an answer any more
            project.write("stop", "")
        told = {client: await texts(client) for client in (here, there)}
        assert [client.socket.close_code for client in told] == [1012, 1012]
        assert served.stop() == 0
        assert not [line for line in served.lines if line.get("level") in ("error", "warning")]
    with serving(project, "--no-watch", "--processes", "2") as served:
        for client, before in told.items():
            client.served = served
            assert (await client.connect())["resumed"], client.welcome
            while len(before) < 4:
                before.append((await client.take())["payload"]["text"])
            # both plain clients have left, and their handlers said so
            assert sorted(before) == ["answered", "done", "left", "left"]
            await client.socket.close()
