"""The AsyncAPI document: what it says, and that AsyncAPI's own parser takes it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench import wide
from routewright.codegen.asyncapi import asyncapi
from routewright.spec import check, report_text
from routewright.spec.model import Spec
from routewright.spec.policies import Middleware
from routewright.table.codes import ERRORS
from tests.codegen.specimens import message, route, spec
from tests.emit.node import PARSERS, parsed
from tests.emit.schemas import RANDOM, many

ROOT = Path(__file__).parent.parent.parent
SPECS = [
    ROOT / "websocket-routes.json",
    Path(__file__).parent / "programs" / "websocket-routes.json",
    *sorted((ROOT / "tests/codegen/golden").glob("*/websocket-routes.json")),
]


def valid(path: Path) -> Spec:
    checked = check(path)
    assert checked.spec is not None, report_text(checked, carets=True)
    return checked.spec


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(asyncapi(valid(SPECS[1])))


def test_the_gateway_receives_what_clients_send_and_replies(document: Any) -> None:
    assert document["operations"]["shop.receive.watch_prices"] == {
        "action": "receive",
        "channel": {"$ref": "#/channels/shop"},
        "messages": [{"$ref": "#/channels/shop/messages/watch_prices"}],
        "reply": {
            "channel": {"$ref": "#/channels/shop"},
            "messages": [{"$ref": "#/channels/shop/messages/price"}, {"$ref": "#/channels/shop/messages/error"}],
            "x-routewright-stream": True,
        },
    }
    assert [name for name in document["operations"] if name.startswith("shop.send.")] == [
        "shop.send.categories",
        "shop.send.closed",
        "shop.send.error",
    ]


def test_a_messages_payload_is_its_frame(document: Any) -> None:
    frame = document["channels"]["shop"]["messages"]["place_order"]["payload"]
    assert frame["properties"]["type"]["const"] == "place_order"
    assert frame["properties"]["payload"] == {"$ref": "#/components/schemas/shop.PlaceOrder"}
    assert frame["required"] == ["type", "payload"]
    assert document["channels"]["shop"]["messages"]["leave"]["payload"]["required"] == ["type"]
    assert document["components"]["schemas"]["shop.Price"] == {"allOf": [{"$ref": "#/components/schemas/Money"}]}


def test_the_codes_are_those_of_the_gateway(document: Any) -> None:
    code = document["components"]["schemas"]["routewright-error"]["properties"]["code"]
    assert set(code["examples"]) == {each.code for each in ERRORS}


def test_addresses_servers_and_bindings(document: Any) -> None:
    assert document["servers"] == {"gateway": {"host": "127.0.0.1:8001", "protocol": "ws"}}
    shop = document["channels"]["shop"]
    assert shop["address"] == "/ws/shops/{shop}"
    assert shop["parameters"] == {"shop": {"x-routewright-schema": {"type": "integer", "minimum": 1}}}
    assert shop["bindings"]["ws"]["method"] == "GET"
    assert shop["tags"] == [{"name": "orders"}, {"name": "prices"}]


def test_a_route_that_wants_a_key_says_so() -> None:
    guarded = spec(route(message(None), middleware=(Middleware(name="api_key", settings={"header": "X-Key"}),)))
    document = json.loads(asyncapi(guarded))
    assert document["components"]["securitySchemes"] == {
        "api_key.X-Key": {"type": "httpApiKey", "in": "header", "name": "X-Key"},
        "api_key.bearer": {"type": "http", "scheme": "bearer"},
    }
    assert {"$ref": "#/components/securitySchemes/api_key.bearer"} in document["operations"]["vision.receive.ask"][
        "security"
    ]


def golden(case: str) -> Any:
    return json.loads(asyncapi(valid(ROOT / "tests/codegen/golden" / case / "websocket-routes.json")))


def test_each_way_to_prove_who_one_is_has_its_scheme() -> None:
    document = golden("auth")
    schemes = document["components"]["securitySchemes"]
    assert schemes["jwt.bearer"] == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert schemes["ticket.query.ticket"] == {"type": "httpApiKey", "in": "query", "name": "ticket"}
    assert {key: scheme["name"] for key, scheme in schemes.items() if scheme["type"] == "httpApiKey"} == {
        "jwt.subprotocol": "Sec-WebSocket-Protocol",
        "apiKey.header.X-API-Key": "X-API-Key",
        "ticket.subprotocol": "Sec-WebSocket-Protocol",
        "ticket.query.ticket": "ticket",
        "api_key.X-Room-Key": "X-Room-Key",
    }
    security = document["operations"]["jobs.receive.start_job"]["security"]
    assert [each["$ref"].rpartition("/")[2] for each in security] == [
        *("jwt.bearer", "jwt.subprotocol", "jwt.message"),
        *("apiKey.ApiKey", "apiKey.header.X-API-Key", "ticket.subprotocol", "ticket.query.ticket"),
    ]
    assert "$auth" in document["channels"]["jobs"]["messages"]
    assert "$auth" not in document["channels"]["rooms"]["messages"]
    assert document["channels"]["jobs"]["messages"]["start_job"]["x-routewright-scopes"] == ["jobs:write"]
    assert "JOB_KEYS" not in json.dumps(document)
    assert "id.example.com" not in json.dumps(document)


def test_topics_are_operations_on_their_routes_channel() -> None:
    document = golden("topics")
    operation = document["operations"]["jobs.send.$topic.jobs.{id}"]
    assert operation["messages"] == [{"$ref": "#/channels/jobs/messages/job_done"}]
    channel = document["channels"]["jobs"]
    assert channel["x-routewright-topics"]["jobs.{id}"] == {"messages": ["job_done"], "retain": True}
    event = channel["messages"]["job_done"]["payload"]
    assert event["properties"]["topic"] == {"$ref": "#/components/schemas/jobs.topic"}
    commands = {name.rpartition(".")[2] for name in document["operations"] if ".receive.$" in name}
    assert commands == {"$subscribe", "$unsubscribe", "$publish", "$who", "$undeclared"}
    assert document["operations"]["rooms.receive.$who"]["reply"]["messages"] == [
        {"$ref": "#/channels/rooms/messages/$who.ok"},
        {"$ref": "#/channels/rooms/messages/error"},
    ]


def test_names_of_topics_are_told_from_others() -> None:
    schemas = golden("topics")["components"]["schemas"]
    one, several = (re.compile(schemas[name]["pattern"]) for name in ("jobs.topic", "jobs.topics"))
    for name in ("jobs.7", "jobs.all"):
        assert one.search(name)
        assert several.search(name)
    assert several.search("jobs.*")
    assert not one.search("jobs.*")
    for name in ("jobs", "jobs.", "jobs.7.8", "jobsx7", "rooms.7", "jobs.7*", " jobs.7"):
        assert not one.search(name)
        assert not several.search(name)


@pytest.mark.parametrize("parser", PARSERS)
def test_the_parser_takes_every_document(parser: str, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(json.dumps(wide.spec(3, 1)))
    specs = [*map(valid, [*SPECS, tmp_path / "websocket-routes.json"]), *many(RANDOM)[:10]]
    paths = [tmp_path / f"{number}.json" for number in range(len(specs))]
    for path, each in zip(paths, specs, strict=True):
        path.write_text(asyncapi(each), encoding="utf-8")
    found = parsed(paths)
    for path, judged in zip(paths, found, strict=True):
        problems = [each for each in judged["problems"] if not each.startswith(TOLERATED)]
        if '"__proto__":' in path.read_text(encoding="utf-8") and any(FROZEN in each for each in problems):
            continue
        assert problems == [], path.read_text(encoding="utf-8")
        assert judged["valid"]
        assert judged["anonymous"] == []


FROZEN = "'ownKeys' on proxy"
"""What the parser breaks off with, whatever the document says, at a value with a key ``__proto__``: immer, which it
uses, cannot freeze that."""

TOLERATED = ("information asyncapi-latest-version",)
"""What the parser may say of any document."""
