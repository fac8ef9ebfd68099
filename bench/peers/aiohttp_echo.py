"""A bare aiohttp echo, as its documentation writes it; with ``compress`` after its port it agrees on compression."""

import sys

import uvloop
from aiohttp import WSMsgType, web

COMPRESS = "compress" in sys.argv[2:]


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=COMPRESS)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


app = web.Application()
app.router.add_get("/", echo)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), loop=uvloop.new_event_loop(), print=None, access_log=None)
