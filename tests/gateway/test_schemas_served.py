"""JSON Schema on the wire of a real gateway: what a schema forbids is answered with its place, the rest arrives."""

from pathlib import Path
from typing import Any

from tests.served import Project, exchange, serving

ORDER = {
    "type": "object",
    "required": ["lines", "pay"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "kind": {"enum": ["gift", "own"]},
        "to": {"type": "string", "maxLength": 100},
        "lines": {
            "type": "array",
            "uniqueItems": True,
            "maxItems": 10,
            "items": {"type": "object", "required": ["count"], "properties": {"count": {"type": "integer"}}},
        },
        "pay": {
            "oneOf": [
                {
                    "type": "object",
                    "required": ["card"],
                    "properties": {"card": {"type": "string", "pattern": "^[0-9]+$"}},
                },
                {"type": "object", "required": ["iban"]},
            ]
        },
    },
    "if": {"properties": {"kind": {"const": "gift"}}, "required": ["kind"]},
    "then": {"required": ["to"]},
    "patternProperties": {"^x-": {"type": "integer"}},
    "additionalProperties": False,
}
POINT = {
    "type": "object",
    "allOf": [
        {"properties": {"x": {"type": "integer"}}, "required": ["x"]},
        {"properties": {"y": {"type": "integer"}}},
    ],
    "unevaluatedProperties": False,
}
SPEC = {
    "components": {"schemas": {"Tree": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}},
    "routes": [
        {
            "path": "/ws/orders",
            "pythonModule": "orders",
            "messages": {
                "order": {"payload": ORDER, "reply": "taken"},
                "point": {"payload": POINT, "reply": "taken"},
                "count": {"payload": {"type": "integer", "minimum": 1}, "reply": "taken"},
                "tree": {"payload": {"$ref": "#/components/schemas/Tree"}, "reply": "taken"},
                "taken": {"from": "handler", "payload": {"anyOf": [{"type": "string"}, {"minimum": 0}]}},
            },
        }
    ],
}
HANDLER = """
from generated.orders import Point
from routewright.handlers import on

@on("order")
async def order(message: dict) -> dict:
    return {"type": "taken", "payload": " ".join(sorted(message))}

@on(Point)
async def point(message: Point) -> dict:
    return {"type": "taken", "payload": message.x + 1}

@on("count")
async def count(message: int) -> dict:
    return {"type": "taken", "payload": f"{message!r}"}

@on("tree")
async def tree(message: list) -> dict:
    return {"type": "taken", "payload": -1}
"""
FINE = {"lines": [{"count": 1}, {"count": 2}], "pay": {"card": "12"}}
PAID_TWICE = {"card": "1", "iban": "2"}


async def test_every_keyword_is_enforced_before_a_handler_sees_the_message(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.spec(SPEC)
    project.write("orders.py", HANDLER)
    with serving(project) as served:
        async with served.connect("/ws/orders") as connection:

            async def path(type: str, payload: Any) -> Any:
                answer = await exchange(connection, {"type": type, "id": 1, "payload": payload})
                assert answer["id"] == 1
                if answer["type"] == "error":
                    assert answer["error"]["message"]
                    return answer["error"]["code"], answer["error"].get("path")
                return answer["payload"]

            assert await path("order", FINE) == "lines pay"
            assert await path("order", {**FINE, "kind": "gift", "to": "me", "x-a": 1}) == "kind lines pay to x-a"
            for wrong, place in (
                ([], "$.payload"),
                ({**FINE, "pay": PAID_TWICE}, "$.payload.pay"),
                ({**FINE, "pay": {"card": "a"}}, "$.payload.pay"),
                ({**FINE, "kind": "gift"}, "$.payload"),
                ({**FINE, "x-a": "1"}, "$.payload['x-a']"),
                ({**FINE, "more": 1}, "$.payload.more"),
                ({**FINE, "lines": [{"count": 1}, {"count": 1.0}]}, "$.payload.lines"),
                ({**FINE, "lines": [{"count": 1}, {"count": 1.5}]}, "$.payload.lines[1].count"),
                ({**FINE, "id": "2eb8aa08"}, "$.payload.id"),
            ):
                assert await path("order", wrong) == ("invalid_message", place)
            assert await path("point", {"x": 1, "y": 2}) == 2
            assert await path("point", {"x": 1.0}) == 2
            assert await path("point", {"x": 1, "z": 2}) == ("invalid_message", "$.payload.z")
            assert await path("count", 3.0) == "3"
            assert await path("count", 3.5) == ("invalid_message", "$.payload")
            assert await path("count", -3.0) == ("invalid_message", "$.payload")
            nested: Any = []
            for _ in range(400):
                nested = [nested]
            # what a handler sends has to fit as well
            assert await path("tree", nested) == ("handler_error", None)
            assert await path("tree", [[], [1]]) == ("invalid_message", "$.payload[1][0]")
            for _ in range(500):
                nested = [nested]
            assert await path("tree", nested) == ("invalid_message", "$.payload")
            answer = await exchange(connection, '{"type": "count", "payload": 1e400}')
            assert answer["error"]["code"] == "invalid_message"
