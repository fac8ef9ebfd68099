from fastapi import APIRouter, WebSocket

router = APIRouter()


@router.websocket("/ws/vision")
async def unified(websocket: WebSocket):
    await websocket.accept()
    async for message in websocket.iter_json():
        match message:
            case {"type": "start_monitoring"}:
                await websocket.send_json({"type": "monitoring_started"})
            case {"type": "stop_monitoring" | "pause_monitoring"}:
                await websocket.send_json({"type": "monitoring_stopped"})
