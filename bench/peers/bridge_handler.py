"""The back of the usual bridge: asyncio, pyzmq's asyncio sockets, JSON. Argument: the ZeroMQ endpoint."""

import asyncio
import json
import sys
from typing import Any

import uvloop
import zmq
import zmq.asyncio


async def handle(message: dict[str, Any]) -> dict[str, Any]:
    return {"type": "workspace_analysis", "id": message["id"], "payload": message["payload"]}


async def main() -> None:
    socket = zmq.asyncio.Context().socket(zmq.ROUTER)
    socket.set_hwm(100_000)
    socket.bind(sys.argv[1])
    while True:
        router, frame = await socket.recv_multipart()
        request = json.loads(frame)
        reply = {"correlation": request["correlation"], "body": await handle(request["body"])}
        await socket.send_multipart([router, json.dumps(reply).encode()])


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
