"""A reliable client as docs/frontend.md describes it, over the ``websockets`` package, and a project to talk to."""

import asyncio
import contextlib
import json
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from tests.served import PATIENCE, Served

PROTOCOL = Subprotocol("routewright.v1")

HANDLER = """
import asyncio
from pathlib import Path

from routewright.handlers import Context, on

HERE = Path(__file__).parent


def handled(nonce):
    with (HERE / "handled").open("a") as file:
        file.write(nonce + "\\n")


@on("ask")
async def ask(message, context: Context):
    handled(message.nonce)
    return {"type": "answer", "payload": {"nonce": message.nonce}}


@on("wait")
async def wait(message, context: Context):
    handled(message.nonce)
    while not (HERE / message.nonce).exists():
        await asyncio.sleep(0.005)
    return {"type": "answer", "payload": {"nonce": message.nonce}}


@on("count")
async def count(message, context: Context):
    handled(message.nonce)
    for left in range(3):
        yield {"type": "part", "payload": {"left": left}}


@on("note")
async def note(message, context: Context):
    handled(message.nonce)


@on("push")
async def push(message, context: Context):
    for number in range(message.count):
        context.send({"type": "event", "payload": {"number": number, "filler": "x" * message.size}})
    return {"type": "answer", "payload": {"nonce": "pushed"}}


@on("publish")
async def publish(message, context: Context):
    for number in range(message.count):
        context.publish(message.topic or context.route, {"type": "event", "payload": {"number": number}})
    return {"type": "answer", "payload": {"nonce": "published"}}


@on("stream")
async def stream(message, context: Context):
    number = 0
    while not (HERE / "stop").exists():
        context.publish(message.topic, {"type": "event", "payload": {"number": number}})
        number += 1
        await asyncio.sleep(0.002)
    context.publish(message.topic, {"type": "event", "payload": {"number": -1}})


@on("leave")
async def leave(message, context: Context):
    context.close(4200, "enough")


@on.connect
async def connected(context: Context):
    handled("+")


@on.disconnect
async def disconnected(context: Context):
    handled("-")
"""

NONCE = {"type": "object", "properties": {"nonce": {"type": "string", "default": ""}}}
COUNT = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "default": 1},
        "size": {"type": "integer", "default": 0},
        "topic": {"type": "string", "default": ""},
    },
}


def route(name: str = "alpha", **changes: Any) -> dict[str, Any]:
    """A route at ``/ws/<name>`` of messages that test a session."""
    messages: dict[str, Any] = {
        "ask": {"from": "client", "payload": NONCE, "reply": "answer"},
        "wait": {"from": "client", "payload": NONCE, "reply": "answer"},
        "count": {"from": "client", "payload": NONCE, "reply": {"message": "part", "stream": True}},
        "note": {"from": "client", "payload": NONCE},
        "push": {"from": "client", "payload": COUNT, "reply": "answer"},
        "publish": {"from": "client", "payload": COUNT, "reply": "answer"},
        "stream": {"from": "client", "payload": COUNT, "timeout": "30s"},
        "leave": {"from": "client"},
        "answer": {"from": "handler", "payload": {"type": "object"}},
        "part": {"from": "handler", "payload": {"type": "object"}},
        "event": {"from": "handler", "payload": {"type": "object"}},
    }
    topics = {f"{name}.{{id}}": {"messages": ["event"], "publish": "clients"}}
    return {
        "path": f"/ws/{name}",
        "name": name,
        "pythonModule": "talk",
        "messages": messages,
        "topics": topics,
        **changes,
    }


class Reliable:
    """One client: what it has taken in, and what it needs to come back."""

    def __init__(self, served: Served, path: str = "/ws/alpha", **headers: str) -> None:
        self.served = served
        self.path = path
        self.headers = headers
        self.compression: str | None = None
        self.seq = 0
        self.resume: str | None = None
        self.taken: list[dict[str, Any]] = []
        self.welcome: dict[str, Any] = {}
        self.socket: ClientConnection
        self._batch: list[dict[str, Any]] = []

    async def connect(self, **hello: Any) -> dict[str, Any]:
        """Connect and say hello; the welcome's payload."""
        await self.open()
        return await self.greet(**hello)

    async def open(self) -> None:
        """Connect alone."""
        self.socket = await self.served.connect(
            self.path,
            subprotocols=[PROTOCOL],
            additional_headers=self.headers,
            compression=self.compression,
            max_size=None,
        )
        assert self.socket.subprotocol == PROTOCOL

    async def greet(self, **hello: Any) -> dict[str, Any]:
        """Say hello; the welcome's payload."""
        if self.resume is not None:
            hello = {"resume": self.resume, "seq": self.seq, **hello}
        await self.send({"type": "$hello", **hello})
        async with asyncio.timeout(PATIENCE):
            frame = json.loads(await self.socket.recv())
        assert frame["type"] == "$welcome", frame
        assert "seq" not in frame
        self.welcome = frame["payload"]
        self.resume = self.welcome["resume"]
        if not self.welcome["resumed"]:
            self.seq = 0
        return self.welcome

    async def send(self, frame: dict[str, Any]) -> None:
        await self.socket.send(json.dumps(frame))

    async def ask(self, type: str, id: int | str | None = None, /, **payload: Any) -> None:
        frame = {"type": type, "payload": payload}
        await self.send(frame if id is None else {**frame, "id": id})

    async def subscribe(self, topic: str, id: int | str) -> None:
        """Subscribe, and see that it was done."""
        await self.ask("$subscribe", id, topic=topic)
        assert await self.take() == {"type": "$ok", "id": id, "payload": {"topic": topic}}

    async def take(self) -> dict[str, Any]:
        """The next frame, which must have the next number."""
        if not self._batch:
            async with asyncio.timeout(PATIENCE):
                received = json.loads(await self.socket.recv())
            self._batch = received if isinstance(received, list) else [received]
        frame: dict[str, Any] = self._batch.pop(0)
        assert frame.pop("seq") == self.seq + 1, frame
        self.seq += 1
        self.taken.append(frame)
        return frame

    async def until(self, type: str) -> list[dict[str, Any]]:
        """Every frame up to one of this type."""
        taken = [await self.take()]
        while taken[-1]["type"] != type:
            taken.append(await self.take())
        return taken

    async def ack(self, seq: int | None = None) -> None:
        await self.send({"type": "$ack", "seq": self.seq if seq is None else seq})

    async def cut(self) -> None:
        """Break the connection."""
        self.socket.transport.abort()
        await self.closed()
        self._batch.clear()

    async def closed(self) -> int | None:
        """The code with which the gateway has closed the connection."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.wait_closed()
        return self.socket.close_code


def sessions(stats: Any) -> Any:
    """The figures of sessions."""
    return stats["sessions"]


async def elsewhere(client: Reliable, served: Served, before: int) -> None:
    """Connect until the client lands in another process than that."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await client.open()
            if process_of(served, client) != before:
                return
            await client.cut()


def process_of(served: Served, client: Reliable) -> int:
    """The gateway process that holds the other end of a connection."""
    port = client.socket.local_address[1]
    for child in psutil.Process(served.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            for connection in child.net_connections("tcp"):
                if connection.raddr and connection.raddr.port == port and connection.status == "ESTABLISHED":
                    return child.pid
    raise AssertionError("nobody holds it")
