"""The quick look at a spec's form: what it lets pass, jsonschema lets pass too."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.spec.document import Document
from routewright.spec.form import check_form
from routewright.spec.language import form
from routewright.spec.node import Node
from routewright.spec.soundness import sound

WHOLE: dict[str, Any] = {
    "version": "1",
    "x-note": {"any": "thing"},
    "info": {"title": "Shop", "version": "1.4.0", "x-team": 7},
    "gateway": {
        "host": "0.0.0.0",
        "port": 0,
        "admin": {"port": 8002, "tokenEnv": "ADMIN_TOKEN"},
        "allowedOrigins": ["https://app.example.com"],
        "limits": {"connections": 10, "handshake": "10s", "messageBytes": "64KiB"},
        "tls": {"certificate": "server.pem", "key": "server.key"},
        "drainSeconds": 2.5,
        "bridge": {"endpoint": "tcp://10.0.0.5:8003", "clientKeys": ["a" * 40]},
    },
    "defaults": {"timeout": "30s", "rateLimit": False, "limits": {"inFlight": 4}},
    "components": {"schemas": {"Item": {"whatever": "payload schemas are looked at elsewhere"}}},
    "routes": [
        {
            "path": "/ws/shop/{room}",
            "name": "shop",
            "aliases": ["/shop/{room}"],
            "parameters": {"room": True},
            "capabilities": ["buy"],
            "pythonModule": "shop",
            "workers": 2,
            "framing": "message",
            "messages": {
                "buy": {
                    "from": "client",
                    "reply": {"message": "bought", "stream": True},
                    "payload": {},
                    "examples": [1],
                },
                "bought": {"from": "handler", "deprecated": False, "x-owner": None},
                "look": {"reply": "bought", "timeout": "250ms", "idempotent": True},
            },
            "open": True,
            "rateLimit": {"rate": "100/s", "burst": 3, "per": "address"},
            "slowConsumer": {"policy": "disconnect", "backlog": "1MiB"},
            "middleware": ["access_log", {"name": "api_key", "settings": {"header": "X"}}],
        },
        {"path": "/raw", "worker": "raw", "framing": "raw", "limits": False},
    ],
}
VALUES = st.sampled_from(
    [None, True, False, 0, 1, -1, 1.0, 0.5, 10**9, "", "x", "10s", "/ws", [], ["x"], [1], {}, {"x-a": 1}, {"name": 1}]
).map(copy.deepcopy)


def test_a_spec_that_says_everything_is_sound() -> None:
    assert list(_errors(WHOLE)) == []
    assert sound(form())(WHOLE)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_what_is_sound_has_no_error_of_form(data: st.DataObject) -> None:
    spec = copy.deepcopy(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        _disturb(spec, data)
    if sound(form())(spec):
        assert list(_errors(spec)) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "maxLength": 3},
        {"type": "array", "uniqueItems": True},
        {"type": "object", "minProperties": 1},
        {"minimum": 3},
        False,
    ],
)
def test_by_what_is_not_understood_nothing_is_sound(schema: Any) -> None:
    assert not any(sound(schema)(value) for value in (None, True, 1, "text", [], {}, {"x-a": 1}))


def test_a_property_that_fits_a_pattern_too_has_to_be_as_both_want_it() -> None:
    schema = {
        "type": "object",
        "properties": {"x-a": {"type": "integer"}},
        "patternProperties": {"^x-": {"type": "integer", "minimum": 3}, "a$": {"type": "integer", "maximum": 4}},
    }
    assert [value for value in range(6) if sound(schema)({"x-a": value})] == [3, 4]


def _errors(spec: Any) -> list[Any]:
    return list(check_form(Node(Document(Path("spec.json"), "spec.json", ""), "", spec)))


def _disturb(spec: Any, data: st.DataObject) -> None:
    """Put another value, a further key or nothing somewhere into a spec."""
    holders = list(_holders(spec))
    holder = data.draw(st.sampled_from(holders))
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    match data.draw(st.sampled_from(["change", "add", "remove"])):
        case "remove" if keys:
            del holder[data.draw(st.sampled_from(keys))]
        case "change" if keys:
            holder[data.draw(st.sampled_from(keys))] = data.draw(VALUES)
        case _ if isinstance(holder, dict):
            holder[data.draw(st.sampled_from(["x-b", "path", "reply", "port", "unheard"]))] = data.draw(VALUES)
        case _:
            holder.append(data.draw(VALUES))


def _holders(value: Any) -> list[Any]:
    if not isinstance(value, dict | list):
        return []
    members = value.values() if isinstance(value, dict) else value
    return [value, *(holder for each in members for holder in _holders(each))]
