"""Plain clients: one JSON object a text frame in, and replies, events and error frames out."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.gateway.conftest import Serve
from tests.served import PATIENCE, Served, exchange

NUMBER = {"type": "integer"}
SPEC: dict[str, Any] = {
    "defaults": {"rateLimit": False},
    "routes": [
        {
            "path": "/ws/desk",
            "pythonModule": "desk",
            "messages": {
                "greet": {
                    "from": "client",
                    "reply": "greeting",
                    "payload": {"type": "object", "properties": {"name": {"type": "string", "default": "you"}}},
                },
                "greeting": {
                    "from": "handler",
                    "payload": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
                },
                "add": {
                    "from": "client",
                    "reply": "sum",
                    "payload": {
                        "type": "object",
                        "required": ["a", "b"],
                        "properties": {"a": NUMBER, "b": {"type": "integer", "minimum": 0}},
                    },
                },
                "sum": {"from": "handler", "payload": NUMBER},
                "count": {"from": "client", "reply": {"message": "number", "stream": True}, "payload": NUMBER},
                "number": {"from": "handler", "payload": NUMBER},
                "note": {"from": "client"},
                "wait": {"from": "client", "timeout": "50ms"},
                "break": {"from": "client"},
                "refuse": {"from": "client"},
                "send": {"from": "client"},
                "publish": {"from": "client", "reply": "greeting"},
                "wave": {"from": "both"},
            },
        },
        {"path": "/ws/open", "pythonModule": "others"},
        {
            "path": "/ws/mixed",
            "pythonModule": "others",
            "open": True,
            "messages": {
                "known": {"from": "client", "payload": NUMBER, "reply": "answer"},
                "answer": {"from": "handler", "payload": NUMBER},
            },
        },
        {
            "path": "/ws/paced",
            "pythonModule": "paced",
            "rateLimit": {"rate": "1/m", "burst": 2},
            "messages": {"tick": {"from": "client", "reply": "tock"}, "tock": {"from": "handler"}},
        },
        {
            "path": "/ws/stuck",
            "pythonModule": "stuck",
            "limits": {"inFlight": 4000},
            "messages": {"wait": {"from": "client"}},
        },
    ],
}
DESK = """
import asyncio
from routewright.handlers import HandlerError, on

@on("greet")
async def greet(message): return {"type": "greeting", "payload": {"text": f"hello {message.name}"}}
@on("add")
async def add(message): return {"type": "sum", "payload": message.a + message.b}
@on("count")
async def count(last):
    for number in range(last):
        yield {"type": "number", "payload": number}
        await asyncio.sleep(0)
@on("note")
async def note(_): return None
@on("wait")
async def wait(_): await asyncio.Event().wait()
@on("break")
async def break_(_): raise RuntimeError("the password is swordfish")
@on("refuse")
async def refuse(_): raise HandlerError("teapot", "short and stout", retryable=True, retry_after=1.5)
@on("send")
async def send(_, context):
    context.send({"type": "greeting", "payload": {"text": "by the way"}})
    context.send({"type": "wave"})
@on("publish")
async def publish(_, context):
    context.publish("desk", {"type": "greeting", "payload": {"text": "hear, hear"}})
    return {"type": "greeting", "payload": {"text": "published"}}
@on("wave")
async def wave(_): return {"type": "wave"}
"""
OTHERS = """
from routewright.handlers import on

@on("known", route="mixed")
async def known(number): return {"type": "answer", "payload": number + 1}
@on.any
async def other(message): return {"type": "echo", "payload": message}
"""
PACED = """
from routewright.handlers import on

@on("tick")
async def tick(_): return {"type": "tock"}
"""
STUCK = """
import asyncio
from routewright.handlers import on

@on("wait")
async def wait(_): await asyncio.Event().wait()
"""
FILES = {"desk.py": DESK, "others.py": OTHERS, "paced.py": PACED, "stuck.py": STUCK}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


async def receive(connection: ClientConnection, count: int = 1) -> list[Any]:
    async with asyncio.timeout(PATIENCE):
        return [json.loads(await connection.recv()) for _ in range(count)]


def error(code: str, message: str, *, id: Any = None, retryable: bool = False, **more: Any) -> dict[str, Any]:
    frame = {"type": "error", "error": {"code": code, "message": message, "retryable": retryable, **more}}
    return frame if id is None else {**frame, "id": id}


async def test_a_reply_carries_the_id_of_its_request(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        for id in (7, 0, -1, 2**63, 10**30, "seven", "", "☃"):
            reply = await exchange(desk, {"type": "add", "id": id, "payload": {"a": 1, "b": 2}})
            assert reply == {"type": "sum", "id": id, "payload": 3}


async def test_without_an_id_the_reply_has_none(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        assert await exchange(desk, {"type": "add", "payload": {"a": 1, "b": 2}}) == {"type": "sum", "payload": 3}
        assert await exchange(desk, {"type": "add", "id": None, "payload": {"a": 1, "b": 2}}) == {
            "type": "sum",
            "payload": 3,
        }


async def test_a_payload_without_required_properties_may_be_left_out(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        assert await exchange(desk, {"type": "greet", "id": 1}) == {
            "type": "greeting",
            "id": 1,
            "payload": {"text": "hello you"},
        }
        assert (await exchange(desk, {"type": "greet", "payload": {"name": "me"}}))["payload"]["text"] == "hello me"
        missing = await exchange(desk, {"type": "add", "id": 2})
        assert missing["error"]["code"] == "invalid_message"
        assert "payload" in missing["error"]["message"]


@pytest.mark.parametrize(
    ("text", "code", "path", "id"),
    [
        ("", "invalid_json", None, None),
        ("{", "invalid_json", None, None),
        ('{"type": "greet",}', "invalid_json", None, None),
        ('{"type": "greet"} {}', "invalid_json", None, None),
        ("[" * 60_000, "invalid_json", None, None),
        ("null", "invalid_message", "$", None),
        ("[1]", "invalid_message", "$", None),
        ('"greet"', "invalid_message", "$", None),
        ("{}", "invalid_message", "$.type", None),
        ('{"id": 3}', "invalid_message", "$.type", 3),
        ('{"type": 5, "id": "x"}', "invalid_message", "$.type", "x"),
        ('{"type": "greet", "id": 1.5}', "invalid_message", "$.id", None),
        ('{"type": "greet", "id": true}', "invalid_message", "$.id", None),
        ('{"type": "greet", "id": [1]}', "invalid_message", "$.id", None),
        ('{"type": "greet", "id": 4, "payload": 5}', "invalid_message", "$.payload", 4),
        ('{"type": "greet", "id": 4, "payload": null}', "invalid_message", "$.payload", 4),
        ('{"type": "greet", "payload": {"name": 5}}', "invalid_message", "$.payload.name", None),
        ('{"type": "add", "id": 5, "payload": {"a": 1}}', "invalid_message", "$.payload", 5),
        ('{"type": "add", "id": 5, "payload": {"a": 1, "b": -1}}', "invalid_message", "$.payload.b", 5),
        ('{"type": "add", "id": 5, "payload": {"a": "1", "b": 1}}', "invalid_message", "$.payload.a", 5),
        ('{"type": "nobody", "id": 6}', "unknown_type", "$.type", 6),
    ],
)
async def test_a_wrong_frame_gets_an_error_frame_and_the_connection_goes_on(
    served: Served, text: str, code: str, path: str | None, id: Any
) -> None:
    async with served.connect("/ws/desk") as desk:
        answer = await exchange(desk, text)
        assert answer["type"] == "error"
        assert answer["error"]["code"] == code
        assert answer["error"]["message"]
        assert answer["error"]["retryable"] is False
        assert answer["error"].get("path") == path
        assert answer.get("id") == id
        assert (await exchange(desk, {"type": "greet", "id": 8}))["id"] == 8


async def test_a_wrong_payload_is_described_with_its_path(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        answer = await exchange(desk, {"type": "add", "id": 5, "payload": {"a": 1, "b": "2"}})
        assert answer == error("invalid_message", "Expected `int`, got `str`", id=5, path="$.payload.b")


@pytest.mark.parametrize("path", ["/ws/desk", "/ws/open"])
async def test_a_ping_of_the_client_is_answered_by_the_gateway(served: Served, path: str) -> None:
    async with served.connect(path) as client:
        assert await exchange(client, {"type": "$ping", "id": 3}) == {"type": "$pong", "id": 3}
        assert await exchange(client, {"type": "$ping"}) == {"type": "$pong"}


async def test_an_unknown_type_is_answered_with_the_nearest_one(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        assert await exchange(desk, {"type": "gret", "id": 1}) == error(
            "unknown_type", "this route has no message 'gret'", id=1, path="$.type", hint="did you mean 'greet'?"
        )
        far = await exchange(desk, {"type": "xyzzy"})
        assert far["error"]["hint"] == "one of: add, break, count, greet, note, publish, refuse, send, wait, wave"


@pytest.mark.parametrize("type", ["greeting", "sum", "error", "$hello", "$ack", ""])
async def test_what_only_handlers_say_and_reserved_types_are_refused(served: Served, type: str) -> None:
    async with served.connect("/ws/desk") as desk:
        answer = await exchange(desk, {"type": type, "id": 1, "payload": {"text": "x"}})
        assert (answer["id"], answer["error"]["code"]) == (1, "unknown_type")


async def test_a_message_of_both_sides_may_be_sent_by_both(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        assert await exchange(desk, {"type": "wave", "id": 1}) == {"type": "wave", "id": 1}


async def test_a_stream_ends_with_its_final_part(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        await desk.send('{"type": "count", "id": "c", "payload": 3}')
        assert await receive(desk, 4) == [
            {"type": "number", "id": "c", "payload": 0},
            {"type": "number", "id": "c", "payload": 1},
            {"type": "number", "id": "c", "payload": 2},
            {"type": "number", "id": "c", "final": True},
        ]
        assert await exchange(desk, {"type": "count", "id": "d", "payload": 0}) == {
            "type": "number",
            "id": "d",
            "final": True,
        }


async def test_events_have_no_id(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        await desk.send('{"type": "send", "id": 1}')
        assert await receive(desk, 2) == [{"type": "greeting", "payload": {"text": "by the way"}}, {"type": "wave"}]


async def test_what_is_published_reaches_everyone_on_the_route(served: Served) -> None:
    event = {"type": "greeting", "payload": {"text": "hear, hear"}}
    async with (
        served.connect("/ws/desk") as one,
        served.connect("/ws/desk") as two,
        served.connect("/ws/open") as elsewhere,
    ):
        assert (await exchange(two, {"type": "greet", "id": 0}))["id"] == 0
        await one.send('{"type": "publish", "id": 1}')
        received = await receive(one, 2)
        assert event in received
        assert {"type": "greeting", "id": 1, "payload": {"text": "published"}} in received
        assert await receive(two) == [event]
        assert (await exchange(elsewhere, {"type": "ping"}))["type"] == "echo"


async def test_a_message_without_a_reply_is_not_answered(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        await desk.send('{"type": "note", "id": 1}')
        assert (await exchange(desk, {"type": "greet", "id": 2}))["id"] == 2


async def test_an_open_route_takes_any_type_but_reserved_ones(served: Served) -> None:
    async with served.connect("/ws/open") as other:
        answer = await exchange(other, {"type": "whatever", "id": 1, "payload": [1, {"x": None}]})
        assert answer["type"] == "echo"
        assert answer["id"] == 1
        assert answer["payload"]["type"] == "whatever"
        assert answer["payload"]["payload"] == [1, {"x": None}]
        for type in ("$pung", "error"):
            refused = await exchange(other, {"type": type, "id": 2})
            assert refused == error("unknown_type", f"clients may not send {type!r} here", id=2, path="$.type")


async def test_an_open_route_still_checks_what_it_declares(served: Served) -> None:
    async with served.connect("/ws/mixed") as mixed:
        assert await exchange(mixed, {"type": "known", "id": 1, "payload": 4}) == {
            "type": "answer",
            "id": 1,
            "payload": 5,
        }
        wrong = await exchange(mixed, {"type": "known", "id": 2, "payload": "4"})
        assert (wrong["id"], wrong["error"]["code"], wrong["error"]["path"]) == (2, "invalid_message", "$.payload")
        assert (await exchange(mixed, {"type": "answer", "id": 3, "payload": 1}))["error"]["code"] == "unknown_type"
        assert (await exchange(mixed, {"type": "unknown", "id": 4}))["payload"]["type"] == "unknown"
        broken = await exchange(mixed, '{"type": "unknown", "payload": [1,}')
        assert broken["error"]["code"] == "invalid_json"


async def test_what_a_handler_raised_stays_inside(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        assert await exchange(desk, {"type": "break", "id": 9}) == error("handler_error", "the handler failed", id=9)


async def test_a_handler_error_is_told_as_it_is(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        assert await exchange(desk, {"type": "refuse", "id": 9}) == error(
            "teapot", "short and stout", id=9, retryable=True, retryAfter=1.5
        )


async def test_a_request_ends_at_its_deadline(served: Served) -> None:
    async with served.connect("/ws/desk") as desk:
        assert await exchange(desk, {"type": "wait", "id": 9}) == error(
            "timeout", "no answer within 0.05 s", id=9, retryable=True
        )
        assert (await exchange(desk, {"type": "greet", "id": 10}))["id"] == 10


async def test_past_its_rate_a_client_is_told_when_to_come_back(served: Served) -> None:
    async with served.connect("/ws/paced") as paced:
        for id in (1, 2):
            assert await exchange(paced, {"type": "tick", "id": id}) == {"type": "tock", "id": id}
        limited = await exchange(paced, {"type": "tick", "id": 3})
        wait = limited["error"].pop("retryAfter")
        assert 0 < wait <= 60
        assert limited == error("rate_limited", "too many messages", id=3, retryable=True)
        assert (await exchange(paced, "not JSON"))["error"]["code"] == "rate_limited"
    async with served.connect("/ws/paced") as another:
        assert (await exchange(another, {"type": "tick", "id": 4}))["type"] == "tock"


async def test_more_than_the_workers_take_is_refused_at_once(served: Served) -> None:
    capacity = 2048
    async with served.connect("/ws/stuck") as stuck:
        for id in range(capacity + 5):
            await stuck.send(json.dumps({"type": "wait", "id": id}))
        refused = await receive(stuck, 5)
        assert refused == [
            error(
                "overloaded", "every worker of route 'stuck' is busy", id=capacity + at, retryable=True, retryAfter=1.0
            )
            for at in range(5)
        ]
