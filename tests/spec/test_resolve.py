"""A valid spec, resolved: defaults, units, digests, documents."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from routewright.spec.model import (
    Admin,
    Bridge,
    Gateway,
    GatewayLimits,
    IntegerShape,
    Parameter,
    Route,
    Spec,
    StringShape,
    Tls,
)
from routewright.spec.policies import Compression, Limits, Middleware, RateLimit, SlowConsumer

Valid = Callable[..., Spec]

SMALLEST = """{"routes": [{"path": "/ws/vision", "capabilities": ["vision", "monitoring", "claude"],
             "pythonModule": "backend.api.unified_vision_handler"}]}
"""


def test_the_smallest_spec(valid: Valid) -> None:
    spec = valid(SMALLEST)
    assert spec.file == "websocket-routes.json"
    assert spec.gateway == Gateway()
    (route,) = spec.routes
    assert route.document == {**json.loads(SMALLEST)["routes"][0], "name": "vision"}
    assert route == Route(
        name="vision",
        module="vision",
        path="/ws/vision",
        capabilities=("vision", "monitoring", "claude"),
        handler="backend.api.unified_vision_handler",
        open=True,
        document=route.document,
    )


def test_every_key_of_a_route(valid: Valid) -> None:
    route = {
        "path": "/ws/live-view/{room}/{path...}",
        "name": "live-view",
        "aliases": ["/old/{room}/{path...}"],
        "parameters": {"room": {"$ref": "#/components/schemas/Room"}},
        "summary": "s",
        "description": "d",
        "worker": "viewer",
        "open": True,
        "timeout": "5s",
        "rateLimit": {"rate": "60/m", "burst": 3, "per": "address"},
        "limits": {"messageBytes": "1MiB", "inFlight": 4, "connections": 9},
        "slowConsumer": {"policy": "disconnect", "backlog": "2KiB", "after": "500ms"},
        "middleware": ["audit", {"name": "api_key", "settings": {"header": "X"}}],
        "messages": {
            "look": {"reply": {"message": "seen", "stream": True}, "idempotent": True, "timeout": "1m", "summary": "m"},
            "seen": {"from": "handler", "deprecated": True, "payload": {"type": "string"}, "examples": ["a"]},
            "any": {"from": "both", "reply": "seen", "description": "e"},
        },
        "x-owner": {"team": "vision"},
    }
    spec = valid({"components": {"schemas": {"Room": {"type": "integer"}}}, "routes": [route], "x-top": 1})
    (found,) = spec.routes
    assert spec.extensions == {"x-top": 1}
    assert (found.name, found.module, found.source, found.handler) == ("live-view", "live_view", "worker", "viewer")
    assert found.aliases == ("/old/{room}/{path...}",)
    assert found.parameters == (
        Parameter(name="room", shape=IntegerShape()),
        Parameter(name="path", shape=StringShape(), tail=True),
    )
    assert found.open
    assert found.timeout == 5.0
    assert found.rate_limit == RateLimit(rate=1.0, burst=3, per="address")
    assert found.limits == Limits(message_bytes=2**20, in_flight=4, connections=9)
    assert found.slow_consumer == SlowConsumer(backlog=2048, after=0.5)
    assert found.middleware == (Middleware(name="audit"), Middleware(name="api_key", settings={"header": "X"}))
    assert found.extensions == {"x-owner": {"team": "vision"}}
    look, seen, anything = found.messages
    assert (look.model, look.origin, look.reply, look.stream) == ("Look", "client", "seen", True)
    assert (look.idempotent, look.timeout, look.payload, look.optional) == (True, 60.0, None, False)
    assert (seen.origin, seen.deprecated, seen.examples, seen.timeout) == ("handler", True, ("a",), 5.0)
    assert (anything.model, anything.reply, anything.stream) == ("AnyMessage", "seen", False)


def test_the_gateway(valid: Valid) -> None:
    key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
    spec = valid(
        {
            "gateway": {
                "host": "0.0.0.0",
                "port": 9001,
                "admin": {"host": "0.0.0.0", "port": 9002, "tokenEnv": "TOKEN"},
                "allowedOrigins": ["https://app.example.com:8443", "http://[::1]:3000"],
                "trustedProxies": ["10.0.0.0/8", "::1"],
                "limits": {"connections": 5, "connectionsPerAddress": 2, "handshake": "3s", "messageBytes": "1MB"},
                "tls": {"certificate": "c.pem", "key": "k.pem"},
                "drainSeconds": 1.5,
                "bridge": {
                    "endpoint": "tcp://10.0.0.5:8003",
                    "publicKey": key,
                    "secretKeyEnv": "SECRET",
                    "clientKeys": [key],
                },
            },
            "routes": [{"path": "/ws", "pythonModule": "a"}],
        }
    )
    assert spec.gateway == Gateway(
        host="0.0.0.0",
        port=9001,
        admin=Admin(host="0.0.0.0", port=9002, token_env="TOKEN"),
        allowed_origins=("https://app.example.com:8443", "http://[::1]:3000"),
        trusted_proxies=("10.0.0.0/8", "::1"),
        limits=GatewayLimits(connections=5, connections_per_address=2, handshake=3.0, message_bytes=1_000_000),
        tls=Tls(certificate="c.pem", key="k.pem"),
        drain=1.5,
        bridge=Bridge(endpoint="tcp://10.0.0.5:8003", public_key=key, secret_key_env="SECRET", client_keys=(key,)),
    )
    assert spec.routes[0].limits.message_bytes == 1_000_000


def _route(valid: Valid, defaults: dict[str, Any], route: dict[str, Any]) -> Route:
    return valid({"defaults": defaults, "routes": [{"path": "/ws", "pythonModule": "a", **route}]}).routes[0]


def test_a_route_beats_the_defaults_key_by_key(valid: Valid) -> None:
    defaults = {"timeout": "1s", "limits": {"inFlight": 2, "connections": 3}, "middleware": ["audit"]}
    route = _route(valid, defaults, {"limits": {"inFlight": 5}, "messages": {"a": {}, "b": {"timeout": "2s"}}})
    assert route.limits == Limits(in_flight=5, connections=3)
    assert [message.timeout for message in route.messages] == [1.0, 2.0]
    assert route.middleware == (Middleware(name="audit"),)
    assert route.document["limits"] == {"inFlight": 5, "connections": 3}
    assert _route(valid, defaults, {"middleware": []}).middleware == ()


def test_compression_is_off_unless_given(valid: Valid) -> None:
    assert _route(valid, {}, {}).compression is None
    assert _route(valid, {}, {"compression": {}}).compression == Compression(threshold=1024, level=1)
    route = _route(valid, {"compression": {"level": 6}}, {"compression": {"threshold": "512B"}})
    assert route.compression == Compression(threshold=512, level=6)


def test_false_turns_a_policy_off_and_an_object_on_again(valid: Valid) -> None:
    names = ["rateLimit", "limits", "slowConsumer", "middleware", "auth", "circuitBreaker", "retry", "cache"]
    names += ["balance", "batch", "compression", "delivery"]
    off: dict[str, Any] = dict.fromkeys(names, False)
    for defaults, policies in ((off, {}), ({}, off), ({"rateLimit": {"burst": 5}}, off)):
        route = _route(valid, defaults, policies)
        assert route.rate_limit is None
        assert route.slow_consumer is None
        assert route.limits == Limits(in_flight=1_000_000)
        assert route.middleware == ()
        assert route.compression is None
    assert _route(valid, off, {"rateLimit": {"burst": 5}}).rate_limit == RateLimit(burst=5)


@pytest.mark.parametrize(
    ("route", "expected"),
    [({}, True), ({"messages": {}}, False), ({"open": False}, False), ({"messages": {}, "open": True}, True)],
)
def test_a_route_without_messages_is_open(valid: Valid, route: dict[str, Any], expected: bool) -> None:
    assert _route(valid, {}, route).open is expected


SPEC: dict[str, Any] = {
    "info": {"title": "T", "version": "1", "description": "D"},
    "defaults": {"timeout": "1s"},
    "components": {"schemas": {"A": {"type": "object", "properties": {"a": {"type": "integer"}}}}},
    "routes": [
        {
            "path": "/ws",
            "pythonModule": "a",
            "messages": {
                "look": {"payload": {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}}}
            },
        }
    ],
}


def test_the_digest_does_not_change_with_layout_and_order(valid: Valid) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(each) for each in value] if isinstance(value, list) else value

    one = valid(json.dumps(SPEC))
    assert (one.title, one.version, one.description) == ("T", "1", "D")
    assert len(one.digest) == 16
    assert valid(json.dumps(turned(SPEC), indent=4)).digest == one.digest
    assert valid({"$schema": "schema.json", **SPEC}).digest == one.digest


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        (("info", "title"), "U"),
        (("defaults", "timeout"), "2s"),
        (("components", "schemas", "A", "properties", "a", "type"), "string"),
        (("routes", 0, "pythonModule"), "b"),
        (("routes", 0, "messages", "look", "payload", "properties", "a"), {"type": "null"}),
    ],
)
def test_the_digest_changes_with_anything_that_is_said(valid: Valid, pointer: tuple[Any, ...], value: Any) -> None:
    changed = copy.deepcopy(SPEC)
    at = changed
    for key in pointer[:-1]:
        at = at[key]
    at[pointer[-1]] = value
    one, other = valid(SPEC), valid(changed)
    assert one.digest != other.digest
    assert (one.routes[0].document != other.routes[0].document) == (pointer[0] != "info")


def test_a_routes_document_stands_on_its_own(valid: Valid) -> None:
    assert valid(SPEC).routes[0].document == {
        "path": "/ws",
        "name": "ws",
        "pythonModule": "a",
        "timeout": "1s",
        "messages": {"look": {"payload": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}}},
        "$defs": {"A": {"type": "object", "properties": {"a": {"type": "integer"}}}},
    }
