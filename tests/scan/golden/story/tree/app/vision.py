from fastapi import APIRouter, WebSocket

router = APIRouter()


@router.websocket("/ws/vision")
async def vision(websocket: WebSocket):
    await websocket.accept()
    while True:
        data = await websocket.receive_json()
        if data["type"] == "request_workspace_analysis":
            await websocket.send_json({"type": "workspace_analysis", "payload": {}})
