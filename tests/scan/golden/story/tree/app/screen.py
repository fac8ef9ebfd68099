from fastapi import APIRouter, WebSocket

router = APIRouter()
PATH = "/vision"


@router.websocket(PATH)
async def screen(websocket: WebSocket):
    await websocket.accept()
    kind = (await websocket.receive_json()).get("type")
    if kind in ("capture", "watch"):
        await websocket.send_json({"type": "screen", "payload": kind})
