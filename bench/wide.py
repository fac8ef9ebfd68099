"""Projects with many routes, for the compiler and for reloading: each route has five messages."""

import json
from pathlib import Path
from typing import Any

HANDLER = '''"""Answers every request of the routes that name this module."""

import json
from pathlib import Path

import msgspec

from routewright.handlers import on

REVISION = 0


def answering(reply):
    async def answer(message):
        if reply == "change":
            return {"type": reply, "payload": {"revision": REVISION}}
        return {"type": reply, "payload": msgspec.to_builtins(message)}

    return answer


spec = json.loads(Path(__file__).with_name("websocket-routes.json").read_text())
for route in spec["routes"]:
    if route["pythonModule"] == __name__:
        for name, message in route["messages"].items():
            if "reply" in message:
                on(name, route=route["name"])(answering(message["reply"]))
'''

STATUS = {
    "type": "object",
    "required": ["depth"],
    "properties": {
        "depth": {"type": "integer", "minimum": 0, "maximum": 10, "description": "How many levels to look at."},
        "tags": {"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 40}},
        "note": {"type": ["string", "null"], "maxLength": 2000, "default": None},
    },
}
CHANGE = {
    "type": "object",
    "required": ["area", "size"],
    "properties": {
        "area": {"type": "string", "minLength": 1, "maxLength": 200},
        "size": {
            "type": "object",
            "required": ["width", "height"],
            "properties": {"width": {"type": "integer"}, "height": {"type": "integer"}},
        },
        "mode": {"enum": ["fast", "exact"], "default": "fast"},
    },
}
REVISION = {"type": "object", "required": ["revision"], "properties": {"revision": {"type": "integer"}}}


def spec(routes: int, modules: int) -> dict[str, Any]:
    """A spec whose routes share ``modules`` handler modules."""
    return {
        "gateway": {"limits": {"connectionsPerAddress": 20000}},
        "routes": [_route(number, number % modules) for number in range(routes)],
    }


def _route(number: int, module: int) -> dict[str, Any]:
    return {
        "name": f"area_{number}",
        "path": f"/ws/area/{number}",
        "summary": f"Area {number}",
        "capabilities": ["status", f"area-{number}"],
        "pythonModule": f"area_handlers_{module}",
        "rateLimit": {"rate": "100000/s", "burst": 100000},
        "messages": {
            "request_status": {"from": "client", "reply": "status", "payload": STATUS},
            "status": {"from": "handler", "payload": STATUS},
            "request_change": {"from": "client", "reply": "change", "payload": CHANGE},
            "change": {"from": "handler", "payload": REVISION},
            "changed": {"from": "handler", "payload": CHANGE},
        },
    }


def write(folder: Path, routes: int, modules: int) -> dict[str, Any]:
    """Write spec and handler modules into a folder; returns the spec."""
    folder.mkdir(parents=True, exist_ok=True)
    document = spec(routes, modules)
    (folder / "websocket-routes.json").write_text(json.dumps(document, indent=2) + "\n")
    for module in range(modules):
        (folder / f"area_handlers_{module}.py").write_text(HANDLER)
    return document
