from quart import Blueprint, Quart, websocket

app = Quart(__name__)
chat = Blueprint("chat", __name__, url_prefix="/chat")
admin = Blueprint("admin", __name__, url_prefix="/admin")


@app.websocket("/ws")
async def ws():
    data = await websocket.receive_json()
    if data["type"] == "ping":
        await websocket.send_json({"type": "pong"})


@chat.websocket("/<int:room>")
async def room(room): ...


@admin.websocket("/log")
async def log(): ...


async def status(): ...


app.register_blueprint(chat)
app.register_blueprint(admin, url_prefix="/internal")
app.add_websocket("/status", view_func=status)
