from litestar import Controller, Litestar, Router, websocket, websocket_listener
from litestar.handlers import WebsocketListener

SHOP = "/shop"


@websocket_listener("/echo")
async def echo(data: str) -> str:
    return data


class Orders(Controller):
    path = "/orders"

    @websocket("/{order:int}")
    async def order(self, socket, order: int) -> None: ...

    @websocket(["/", "/all"])
    async def every(self, socket) -> None: ...


class Chat(WebsocketListener):
    path = "/chat"

    async def on_receive(self, data):
        if data["type"] == "say":
            return {"type": "said"}


shop = Router(path=SHOP, route_handlers=[Orders, Chat])
app = Litestar([echo, shop], path="/v1")
