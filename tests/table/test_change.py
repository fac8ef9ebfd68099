"""What a change of a route means for those who are connected to it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.table import Authorize, Limits, MessageType, Middleware, Parameter, RateLimit, Route, Topic
from routewright.table.change import CLIENTS, COMPATIBLE, HANDLERS, POLICY, changes, classify
from routewright.table.contracts import Contract, Contracts
from routewright.table.schemas import Schema

from .test_schemas import plain_schemas

OLD = Route(
    name="r",
    path="/r/{x}",
    parameters=(Parameter(name="x", type=int),),
    handler="app",
    digest="1",
    contract="1",
    messages=(MessageType(name="a", digest="a1"), MessageType(name="b", origin="handler", digest="b1")),
)
A, B = OLD.messages


def changed(**changes: Any) -> Route:
    return msgspec.structs.replace(OLD, digest="2", **changes)


def test_the_same_digest_is_no_change() -> None:
    assert classify(OLD, msgspec.structs.replace(OLD, handler="other")) == "unchanged"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"handler": "other"},
        {"summary": "new"},
        {"rate_limit": RateLimit(rate=1.0)},
        {"rate_limit": None},
        {"limits": Limits(in_flight=1)},
        {"middleware": (Middleware(name="api_key"),)},
        {"aliases": ("/old/{x}",)},
        {"timeout": 1.0},
        {"open": True},
        {"messages": (*OLD.messages, MessageType(name="c", digest="c1"))},
        {"messages": (B, A)},
        {"messages": (msgspec.structs.replace(A, summary="new", timeout=1.0), B)},
        {"messages": (msgspec.structs.replace(A, check=lambda value: None), B)},
    ],
)
def test_what_clients_do_not_notice_is_compatible(changes: dict[str, Any]) -> None:
    assert classify(OLD, changed(**changes)) == "compatible"


@pytest.mark.parametrize(
    "changes",
    [
        {"framing": "raw"},
        {"parameters": (Parameter(name="x", type=str),)},
        {"parameters": ()},
        {"messages": (A,)},
        {"messages": (B,)},
        {"messages": (msgspec.structs.replace(A, digest="a2"), B)},
        {"messages": (msgspec.structs.replace(A, name="aa"), B)},
    ],
)
def test_what_clients_would_misunderstand_is_incompatible(changes: dict[str, Any]) -> None:
    assert classify(OLD, changed(**changes)) == "incompatible"


def test_a_route_that_was_open_must_stay_so() -> None:
    assert classify(changed(open=True), changed(open=False, summary="x")) == "unchanged"
    opened = msgspec.structs.replace(OLD, open=True)
    assert classify(opened, changed(open=False)) == "incompatible"


# With the schemas at hand


def an_object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
FEW, MORE = {"enum": ["a", "b"]}, {"enum": ["a", "b", "c"]}


def kinds(origin: Any, old: Any, new: Any, **messages: Any) -> tuple[set[str], str]:
    """Of what kinds the changes of one message's payload are, and what becomes of open connections."""
    sides = []
    for digest, schema in (("1", old), ("2", new)):
        optional = isinstance(schema, dict) and schema.get("type") == "object" and not schema.get("required")
        message = MessageType(name="m", origin=origin, digest=digest, optional=optional)
        route = Route(name="r", path="/r", handler="app", digest=digest, contract=digest, messages=(message,))
        payloads = {} if schema is None else {"m": Schema(schema, {})}
        sides.append((route, Contract({}, payloads)))
    (before, one), (after, other) = sides
    found = {change.kind for change in changes(before, after, one, other)}
    return found, classify(before, after, one, other)


@pytest.mark.parametrize(
    ("origin", "old", "new", "expected", "verdict"),
    [
        # what clients send
        ("client", an_object(a=TEXT), an_object(a=TEXT, b=TEXT), {COMPATIBLE}, "compatible"),
        ("client", an_object(a=TEXT), an_object("b", a=TEXT, b=TEXT), {CLIENTS}, "incompatible"),
        ("client", an_object("a", a=TEXT), an_object(a=TEXT), {HANDLERS}, "compatible"),
        ("client", an_object(a=TEXT, b=TEXT), an_object(a=TEXT), {CLIENTS, HANDLERS}, "incompatible"),
        ("client", MORE, FEW, {CLIENTS}, "incompatible"),
        ("client", FEW, MORE, {HANDLERS}, "compatible"),
        ("client", TEXT, WHOLE, {CLIENTS, HANDLERS}, "incompatible"),
        ("client", None, an_object(a=TEXT), {COMPATIBLE}, "compatible"),
        ("client", None, an_object("a", a=TEXT), {CLIENTS}, "incompatible"),
        ("client", an_object(a=TEXT), None, {CLIENTS, HANDLERS}, "incompatible"),
        ("client", {**TEXT, "pattern": "a"}, {**TEXT, "pattern": "b"}, {CLIENTS, HANDLERS}, "incompatible"),
        ("client", {**TEXT, "default": "a"}, {**TEXT, "default": "b"}, {COMPATIBLE}, "compatible"),
        # what handlers send
        ("handler", an_object(a=TEXT), an_object(a=TEXT, b=TEXT), {COMPATIBLE}, "compatible"),
        (
            "handler",
            {**an_object(a=TEXT), "additionalProperties": False},
            {**an_object(a=TEXT, b=TEXT), "additionalProperties": False},
            {CLIENTS},
            "incompatible",
        ),
        ("handler", an_object("a", a=TEXT), an_object(a=TEXT), {CLIENTS}, "incompatible"),
        ("handler", an_object(a=TEXT), an_object("a", a=TEXT), {HANDLERS}, "compatible"),
        ("handler", an_object(a=TEXT, b=TEXT), an_object(a=TEXT), {HANDLERS}, "compatible"),
        ("handler", FEW, MORE, {CLIENTS}, "incompatible"),
        ("handler", MORE, FEW, {HANDLERS}, "compatible"),
        ("handler", None, an_object("a", a=TEXT), {HANDLERS}, "compatible"),
        ("handler", an_object(a=TEXT), None, {CLIENTS, HANDLERS}, "incompatible"),
        # both
        ("both", FEW, MORE, {CLIENTS, HANDLERS}, "incompatible"),
        ("both", an_object(a=TEXT), an_object(a=TEXT, b=TEXT), {COMPATIBLE}, "compatible"),
    ],
)
def test_who_sends_a_message_decides_whom_its_change_breaks(
    origin: str, old: Any, new: Any, expected: set[str], verdict: str
) -> None:
    assert kinds(origin, old, new) == (expected, verdict)


@given(origin=st.sampled_from(["client", "handler", "both"]), old=plain_schemas(), new=plain_schemas())
@settings(max_examples=100, deadline=None)
def test_open_connections_end_exactly_where_clients_break(origin: str, old: Any, new: Any) -> None:
    found, verdict = kinds(origin, old, new)
    assert (verdict == "incompatible") == (CLIENTS in found)
    if origin != "both":
        other = "handler" if origin == "client" else "client"
        assert kinds(other, new, old)[0] or found == set()


def test_every_message_counts_as_incompatible_where_the_schemas_are_not_known() -> None:
    after = changed(messages=(msgspec.structs.replace(A, digest="a2"), B))
    assert classify(OLD, after, None, Contract()) == "incompatible"


@pytest.mark.parametrize(
    ("changes_", "expected"),
    [
        ({"framing": "raw"}, {CLIENTS, HANDLERS}),
        ({"open": True}, {COMPATIBLE}),
        ({"capabilities": ("c",)}, {COMPATIBLE}),
        ({"source": "worker", "handler": "w"}, {HANDLERS}),
        ({"handler": "other"}, {COMPATIBLE}),
        ({"rate_limit": None, "limits": Limits(in_flight=1), "timeout": 1.0, "workers": 2}, {POLICY}),
        ({"messages": (A,)}, {CLIENTS, HANDLERS}),
        ({"messages": (*OLD.messages, MessageType(name="c", digest="c1"))}, {COMPATIBLE, HANDLERS}),
        ({"messages": (*OLD.messages, MessageType(name="c", origin="handler", digest="c1"))}, {COMPATIBLE}),
        ({"messages": (msgspec.structs.replace(A, reply="b", digest="a2"), B)}, {COMPATIBLE, HANDLERS}),
        ({"messages": (msgspec.structs.replace(A, deprecated=True), B)}, {COMPATIBLE}),
        ({"messages": (msgspec.structs.replace(A, origin="both", digest="a2"), B)}, {COMPATIBLE}),
        ({"messages": (A, msgspec.structs.replace(B, origin="both", digest="b2"))}, {COMPATIBLE, HANDLERS}),
        ({"messages": (msgspec.structs.replace(A, origin="handler", digest="a2"), B)}, {CLIENTS, HANDLERS, COMPATIBLE}),
    ],
)
def test_what_a_change_of_a_route_breaks(changes_: dict[str, Any], expected: set[str]) -> None:
    known = Contract({"x": Schema(WHOLE, {})}, {})
    found = list(changes(OLD, changed(**changes_), known, known))
    assert {change.kind for change in found} == expected
    assert all(change.reason.endswith(".") and change.what for change in found)


def test_a_parameter_that_takes_more_keeps_connections() -> None:
    narrow, wide = (Contract({"x": Schema({"type": "integer", "maximum": most}, {})}) for most in (9, 99))
    assert classify(OLD, changed(), narrow, wide) == "compatible"
    assert classify(OLD, changed(), wide, narrow) == "incompatible"


def test_contracts_of_another_table_are_none(tmp_path: Path) -> None:
    document = {"spec": "1", "$defs": {"T": {}}, "routes": {"r": {"messages": {"m": {"$ref": "#/$defs/T"}}}}}
    (tmp_path / "contracts.json").write_bytes(msgspec.json.encode(document))
    found = Contracts.read(tmp_path, "1").routes().get("r")
    assert found is not None
    assert found.payloads["m"] == Schema({"$ref": "#/$defs/T"}, {"T": {}})
    assert Contracts.read(tmp_path, "1").routes().get("other") is None
    assert Contracts.read(tmp_path, "2").routes().get("r") is None
    assert Contracts.read(tmp_path / "nowhere", "1").routes().get("r") is None
    for broken in (b"", b"[]", b"{", b'{"spec": "1", "routes": []}', b'{"spec": "1", "routes": {"r": []}}', b"\xff"):
        assert Contracts(broken, "1").routes().get("r") is None


def with_topics(*topics: Topic) -> Route:
    return Route(name="a", path="/a", handler="h", open=True, topics=topics, digest=str(topics), contract="")


@pytest.mark.parametrize(
    ("old", "new", "kinds", "verdict"),
    [
        (Topic(name="j.{id}"), None, [CLIENTS, HANDLERS], "incompatible"),
        (None, Topic(name="j.{id}"), [COMPATIBLE], "compatible"),
        (Topic(name="j.{id}"), Topic(name="j.{job}"), [], "compatible"),
        (Topic(name="j"), Topic(name="j", authorize=Authorize(scopes=("x",))), [CLIENTS], "incompatible"),
        (Topic(name="j", authorize=Authorize(scopes=("x",))), Topic(name="j"), [POLICY], "compatible"),
        (Topic(name="j", publish="clients"), Topic(name="j"), [CLIENTS], "compatible"),
        (Topic(name="j"), Topic(name="j", retain=True, presence=True), [COMPATIBLE, POLICY], "compatible"),
    ],
)
def test_changed_topics_concern_subscribers(old: Any, new: Any, kinds: list[str], verdict: str) -> None:
    before, after = (with_topics(*([topic] if topic else [])) for topic in (old, new))
    assert [change.kind for change in changes(before, after)] == kinds
    assert classify(before, after) == verdict
