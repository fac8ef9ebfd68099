"""aiohttp, sending each text frame it receives to every connection."""

import sys

import uvloop
from aiohttp import WSMsgType, web

everyone: set[web.WebSocketResponse] = set()


async def broadcast(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    everyone.add(socket)
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                for receiver in list(everyone):
                    await receiver.send_str(message.data)
    finally:
        everyone.discard(socket)
    return socket


app = web.Application()
app.router.add_get("/", broadcast)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), loop=uvloop.new_event_loop(), print=None, access_log=None)
