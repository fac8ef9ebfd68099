"""Messages that have hurt others, a project that takes any of them, and what it makes of one."""

import json
from pathlib import Path
from typing import Any

from tests.gateway.asking import ask, asking, handler, nonce, route
from tests.gateway.line import Line, masked
from tests.gateway.wire import CLOSE, TEXT, frame
from tests.served import Project, Served

LIMIT = 1024 * 1024
PATHS = ("/ws/typed", "/ws/open", "/ws/raw")
CODES = {
    "invalid_json", "invalid_message", "unknown_type", "too_large", "overloaded", "handler_error", "timeout",
}  # fmt: skip
CLOSES = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014} | set(range(3000, 5000))
"""The contract's, and those of a client, which are sent back to it."""

OPEN = """
from routewright.handlers import on


@on.any
async def answer(message):
    return {"type": "answer", "payload": {"of": message["type"]}}
"""

RAW = """
from routewright.handlers import on


@on.any
async def answer(frame):
    return frame if len(frame) < 1000 else str(len(frame))
"""


def hostile(folder: Path) -> Project:
    """The project: a typed, an open and a raw route."""
    typed = route("typed", limits={"messageBytes": "1MiB"})
    typed["messages"]["ask"]["payload"] = nonce(
        depth={"type": "integer", "minimum": 0},
        share={"type": ["number", "null"]},
        tags={"type": "array", "items": {"type": "string", "maxLength": 10}, "maxItems": 5},
        within={"type": "object", "additionalProperties": {"type": "boolean"}},
    )
    common = {"rateLimit": False, "limits": {"messageBytes": "1MiB"}}
    opened = {"path": "/ws/open", "name": "open", "pythonModule": "open_handler", **common}
    raw = {"path": "/ws/raw", "name": "raw", "pythonModule": "raw_handler", "framing": "raw", **common}
    project = asking(folder, typed, opened, raw)
    project.save("typed_handler.py", handler())
    project.save("open_handler.py", OPEN)
    project.save("raw_handler.py", RAW)
    return project


def outcome(served: Served, path: str, opcode: int, data: bytes) -> Any:
    """What a message yields: the answer or error, parsed, or the close code."""
    with Line(served, path) as line:
        line.send(masked(opcode, data))
        line.send(frame(TEXT, ask("after")))
        first = line.frame()
        assert first is not None, "neither an answer nor a close"
        if first.opcode == CLOSE:
            assert first.code in CLOSES
            return first.code
        if path == "/ws/raw":
            return first.payload
        answer = json.loads(first.payload)
        if answer["type"] == "error":
            assert answer["error"]["code"] in CODES, answer
        # the connection goes on
        second = line.frame()
        assert second is not None
        assert {answer.get("id"), json.loads(second.payload)["id"]} >= {"after"}
        return answer


def as_wanted(data: bytes, result: Any) -> bool:
    """Whether that is what a message on any of the routes should yield."""
    if len(data) > LIMIT:
        return bool(result == 1009)
    return bool(result == 1007) if not is_utf8(data) else not isinstance(result, int)


def is_utf8(data: bytes) -> bool:
    """Whether it may be the payload of a text frame."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


VALID = ask(1, "nonce", depth=1, tags=["a"], within={"b": True}).encode()
FILL = LIMIT - 200
HURTFUL = {
    "nothing": b"",
    "blanks": b" " * 1000,
    "a byte order mark": b"\xef\xbb\xbf" + VALID,
    "an array that never ends": b"[" * FILL,
    "an object that never ends": b'{"a":' * (FILL // 5),
    "deep and balanced": b"[" * (FILL // 2) + b"]" * (FILL // 2),
    "a deep type": b'{"type":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a deep payload": b'{"type":"ask","payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a deep property": b'{"type":"ask","payload":{"nonce":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}}",
    "a deep unknown property": b'{"type":"ask","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a megabyte of empty arrays": b'{"type":"ask","payload":{"tags":[' + b"[]," * (FILL // 3) + b"[]]}}",
    "a megabyte of empty objects": b'{"type":"ask","id":1,"payload":[' + b"{}," * (FILL // 3) + b"{}]}",
    "a megabyte of zeros": b'{"type":"ask","payload":{"within":[' + b"0," * (FILL // 2) + b"0]}}",
    "a huge integer": b'{"type":"ask","payload":{"depth":' + b"9" * FILL + b"}}",
    "a huge integer that never ends": b'{"type":"ask","payload":{"depth":' + b"9" * FILL,
    "a huge id": b'{"type":"ask","id":' + b"9" * 100_000 + b"}",
    "an integer beyond 64 bits": b'{"type":"ask","payload":{"depth":18446744073709551616}}',
    "a huge exponent": b'{"type":"ask","payload":{"share":1e999999999}}',
    "a tiny exponent": b'{"type":"ask","payload":{"share":1e-999999999}}',
    "not a number": b'{"type":"ask","payload":{"share":NaN}}',
    "infinity": b'{"type":"ask","payload":{"share":-Infinity}}',
    "two types": b'{"type":"ask","type":"answer"}',
    "two ids": b'{"type":"ask","id":1,"id":2}',
    "two nonces": b'{"type":"ask","payload":{"nonce":"a","nonce":1}}',
    "a thousand nonces": b'{"type":"ask","payload":{' + b'"nonce":"a",' * 50_000 + b'"nonce":"b"}}',
    "half a surrogate": b'{"type":"ask","payload":{"nonce":"\\ud800"}}',
    "half a surrogate as a type": b'{"type":"\\udc00"}',
    "half a surrogate as an id": b'{"type":"nope","id":"\\ud800"}',
    "a key of half a surrogate": b'{"type":"ask","payload":{"within":{"\\ud800":true}}}',
    "a null byte": b'{"type":"ask","payload":{"nonce":"\\u0000"}}',
    "line separators": '{"type":"a\u2028\u2029\x85\\n\\r\\u001b[31m"}'.encode(),
    "an escape that ends": b'{"type":"ask\\',
    "an unfinished escape": b'{"type":"\\u12',
    "overlong UTF-8": b'{"type":"\xc0\x80"}',
    "UTF-8 cut short": b'{"type":"\xf0\x9f',
    "UTF-16": '{"type":"ask"}'.encode("utf-16"),
    "comments": b'{"type":"ask" /* hello */}',
    "trailing data": b'{"type":"ask"}{"type":"ask"}',
    "a prototype": b'{"__proto__":{"type":"ask"},"constructor":1}',
    "a format": b'{"type":"{0.__class__} %s %n ${jndi:ldap://x}"}',
    "as large as may be": b'"' + b"x" * (LIMIT - 2) + b'"',
    "too large by one": b"x" * (LIMIT + 1),
}
