from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import Host, Mount, WebSocketRoute


class Echo(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket, data):
        if data.get("action") == "echo":
            await websocket.send_json({"action": "echoed"})


async def room(websocket): ...


async def lobby(websocket): ...


rooms = [WebSocketRoute("/{room}", room), WebSocketRoute("/lobby", lobby)]
routes = [
    WebSocketRoute("/echo", Echo),
    Mount("/rooms", routes=rooms),
    Host("files.example.org", app=Mount("/files", routes=[WebSocketRoute("/{path:path}", endpoint=lobby)])),
]
app = Starlette(routes=routes)
