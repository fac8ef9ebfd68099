from fastapi import APIRouter, FastAPI, WebSocket

from .live import orders
from .names import PREFIX

api = APIRouter(prefix=PREFIX)
api.include_router(orders.router, prefix="/shop")


async def chat(websocket: WebSocket): ...


async def chat_again(websocket: WebSocket): ...


def create_app() -> FastAPI:
    app = FastAPI()
    app.include_router(api)
    for path in ("/chat", "/support"):
        app.add_api_websocket_route(path, chat)
    app.add_api_websocket_route("/chat/", chat_again)
    app.mount("/admin", admin)
    return app


admin = FastAPI()


@admin.websocket("/log")
async def log(websocket: WebSocket): ...


app = create_app()
