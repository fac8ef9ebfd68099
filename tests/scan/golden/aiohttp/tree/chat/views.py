from aiohttp import WSMsgType, web


async def index(request):
    return web.Response(text="hello")


async def live(request):
    return await upgrade(request)


async def upgrade(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for frame in socket:
        if frame.type == WSMsgType.TEXT:
            data = frame.json()
            if data["op"] != "subscribe":
                await socket.send_json({"op": "error"})
    return socket


class Room(web.View):
    async def get(self):
        socket = web.WebSocketResponse()
        await socket.prepare(self.request)
        return socket
