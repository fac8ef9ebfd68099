"""The JSON Schema of the route spec, as editors use it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from routewright.spec import schema
from routewright.spec.keywords import ANNOTATIONS, ENFORCED, REFUSED

CONTRACT = {
    "root": {"$schema", "version", "info", "gateway", "defaults", "components", "routes"},
    "gateway": {
        "host",
        "port",
        "admin",
        "allowedOrigins",
        "trustedProxies",
        "limits",
        "tls",
        "drainSeconds",
        "bridge",
        "heartbeat",
        "dynamicRouting",
        "fuzzy",
    },
    "admin": {"host", "port", "tokenEnv"},
    "gatewayLimits": {"connections", "connectionsPerAddress", "handshake", "messageBytes"},
    "message": {
        *("from", "summary", "description", "payload", "reply", "timeout", "idempotent", "cache", "examples"),
        *("deprecated", "scopes"),
    },
}
POLICIES = {
    *("auth", "rateLimit", "limits", "circuitBreaker", "retry", "cache", "balance", "batch", "compression"),
    *("delivery", "slowConsumer", "middleware", "timeout"),
}


def test_it_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(schema())


ALLOWANCE = {"x-allow", "x-allow-reason"}


def test_it_has_the_keys_of_the_contract() -> None:
    whole = schema()
    assert set(whole["properties"]) == CONTRACT["root"] | ALLOWANCE
    for name in ("gateway", "admin", "gatewayLimits", "message"):
        assert set(whole["$defs"][name]["properties"]) == CONTRACT[name] | ALLOWANCE
    assert set(whole["$defs"]["defaults"]["properties"]) == POLICIES | ALLOWANCE
    route = set(whole["$defs"]["route"]["properties"])
    assert route >= POLICIES | {"path", "name", "aliases", "parameters", "capabilities", "workers", "framing"}
    assert route >= {"pythonModule", "worker", "proxy", "messages", "open", "topics"}
    assert route >= {"batch", "delivery"}


def _properties(part: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "properties" and name != "properties":
                yield from value.items()
            yield from _properties(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from _properties(value)


def test_every_key_is_described_for_completion() -> None:
    whole = schema()
    obvious = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    obvious |= {"deprecated", "readOnly", "writeOnly"}

    def described(part: dict[str, Any]) -> bool:
        target = whole["$defs"].get(part.get("$ref", "").removeprefix("#/$defs/"), {})
        return bool(part.get("description") or target.get("description"))

    assert [name for name, part in _properties(whole) if name not in obvious and not described(part)] == []


def test_the_payload_keywords_are_those_that_are_enforced() -> None:
    assert set(schema()["$defs"]["payload"]["properties"]) == ENFORCED | ANNOTATIONS | ALLOWANCE
    assert not (ENFORCED | ANNOTATIONS) & REFUSED.keys()


@pytest.mark.parametrize("case", ["smallest"])
def test_an_editor_accepts_what_the_checker_accepts(case: str) -> None:
    spec = json.loads((Path(__file__).parent / "golden" / case / "websocket-routes.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema()).validate(spec)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"routes": {}},
        {"routes": [{"path": "/ws"}]},
        {"routes": [{"path": "/ws", "pythonModule": "a", "worker": "b"}]},
        {"routes": [{"path": "/ws", "pythonModule": "a", "pth": 1}]},
        {"routes": [{"path": "/ws", "pythonModule": "a", "timeout": "10"}]},
    ],
)
def test_an_editor_refuses_what_the_checker_refuses(spec: Any) -> None:
    assert not Draft202012Validator(schema()).is_valid(spec)


def test_the_caller_may_change_its_copy() -> None:
    schema()["properties"].clear()
    assert schema()["properties"]
