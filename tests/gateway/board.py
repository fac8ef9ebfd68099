"""A project with topics: a board whose handler publishes whatever it is asked to, two modules that listen, and a plugin
that knows clients by a header."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.served import PATIENCE, exchange

NUMBER = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "maxLength": 20}}}
SPEC: dict[str, Any] = {
    "defaults": {"rateLimit": False},
    "routes": [
        {
            "path": "/ws/board",
            "pythonModule": "board",
            "middleware": ["people"],
            "messages": {
                "tell": {"payload": {"type": "object", "properties": {"topic": {"type": "string"}}}, "reply": "told"},
                "told": {"from": "handler", "payload": {"type": "string"}},
                "done": {"from": "handler", "payload": NUMBER},
                "price": {"from": "handler", "payload": NUMBER},
                "said": {"from": "handler", "payload": TEXT},
            },
            "topics": {
                "jobs.{id}": {"messages": ["done"]},
                "jobs.all": {"messages": ["done"]},
                "prices.{market}.{symbol}": {"messages": ["price"], "retain": True},
                "secret": {"messages": ["done"], "authorize": {"scopes": ["jobs:read"]}},
                "inbox.{user}": {"messages": ["done"], "authorize": {"parameters": {"user": "principal.id"}}},
                "rooms.{room}": {"messages": ["said"], "presence": True, "publish": "clients"},
            },
        },
        {"path": "/ws/audit", "pythonModule": "audit", "workers": 2},
        {"path": "/ws/late/{room}", "pythonModule": "late", "middleware": ["people"], "topics": {
            "late.{id}": {"authorize": {"parameters": {"id": "parameters.room"}}}, "later.{id}": {},
        }},
    ],
}  # fmt: skip
BOARD = """
import json
from routewright.handlers import on


@on("tell")
async def tell(message, context):
    topic, _, event = message.topic.partition(" ")
    try:
        for each in json.loads(f"[{event}]"):
            context.publish(topic, each)
    except ValueError as error:
        return {"type": "told", "payload": str(error)}
    return {"type": "told", "payload": "published"}
"""
AUDIT = """
import os
from routewright.handlers import on


@on.event("jobs.*")
async def job(message, context):
    context.publish("audit", {"type": "saw", "payload": [
        context.event.topic, context.event.type, context.parameters["id"], message.n, os.getpid()]})


@on.event("rooms.{room}")
async def room(message, context):
    if message.text == "fail":
        raise ValueError("as it was asked")
    context.publish("audit", {"type": "heard", "payload": [context.parameters["room"], message.text]})


@on.event("jobs.all")
def all(message):
    pass


@on.any
async def other(message): return message
"""
LATE = """
from routewright.handlers import on


@on.event("jobs.7")
async def seven(message, context):
    context.publish("late", {"type": "seven", "payload": message.n})


@on.any
async def other(message, context):
    context.publish(message["type"], {"type": "news", "payload": message["payload"]})
    return message
"""
PEOPLE = """
import asyncio
from routewright.hooks import Principal, Refusal, hookimpl


@hookimpl
def routewright_authenticate(request):
    name = request.headers.get("X-Name", "anybody")
    return Principal(id=name, scopes=tuple(request.headers.get("X-Scopes", "").split()))


@hookimpl
async def routewright_subscribe(session, topic):
    if topic.startswith("later."):
        await asyncio.sleep(0)
        if topic == "later.never":
            raise Refusal("forbidden", "not even later")
    elif topic == "jobs.13":
        raise ValueError("the plugin fails")
"""
FILES = {"board.py": BOARD, "audit.py": AUDIT, "late.py": LATE, "people.py": PEOPLE}


def command(type: str, topic: str, id: int = 1, /, **payload: Any) -> str:
    """A command about a topic."""
    return json.dumps({"type": type, "id": id, "payload": {"topic": topic, **payload}})


async def subscribe(client: ClientConnection, topic: str) -> Any:
    """Subscribe, and see that it is so; the answer's payload."""
    answer = await exchange(client, command("$subscribe", topic))
    assert (answer["type"], answer["payload"]["topic"]) == ("$ok", topic), answer
    return answer["payload"]


async def refused(client: ClientConnection, frame: str) -> tuple[str, str, str]:
    """Code, path and hint of the error that a frame is answered with."""
    answer = await exchange(client, frame)
    assert answer["type"] == "error", answer
    assert answer["id"] == 1
    return answer["error"]["code"], answer["error"].get("path", ""), answer["error"].get("hint", "")


async def tell(client: ClientConnection, topic: str, *events: tuple[str, Any]) -> Any:
    """Have the board publish events; the answer, where the client has subscribed to none of it."""
    text = ",".join(json.dumps({"type": type, "payload": payload}) for type, payload in events)
    return await exchange(client, json.dumps({"type": "tell", "id": 9, "payload": {"topic": f"{topic} {text}"}}))


async def heard(client: ClientConnection) -> Any:
    """The next frame."""
    async with asyncio.timeout(PATIENCE):
        return json.loads(await client.recv())


async def nothing(client: ClientConnection) -> None:
    """See that nothing has come: what is answered now is answered first."""
    assert (await exchange(client, json.dumps({"type": "$ping"})))["type"] == "$pong"
