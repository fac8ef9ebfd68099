import json

from fastapi import APIRouter, WebSocket

from ..names import TENANT, Paths

router = APIRouter(prefix="/live")


async def place(websocket, payload): ...


async def cancel(websocket, payload):
    await websocket.send_text(json.dumps({"type": "cancelled"}))


HANDLERS = {"place_order": place, "cancel_order": cancel}


@router.websocket(Paths.ORDERS)
async def orders(websocket: WebSocket):
    data = json.loads(await websocket.receive_text())
    await HANDLERS[data["type"]](websocket, data)
    await answer(websocket)


async def answer(websocket):
    reply = {"type": "order_placed"}
    await websocket.send_json(reply)


@router.websocket("%s/{item}" % Paths.STOCK)
async def stock(websocket: WebSocket, item: str): ...


@router.websocket(Paths.STOCK + "/all")
async def everything(websocket: WebSocket): ...


@router.websocket("/{tenant}/feed".format(tenant=TENANT))
async def feed(websocket: WebSocket): ...
