"""What a change of a route means for those who are connected to it."""

from typing import Any

import msgspec
import pytest

from routewright.table import Limits, MessageType, Middleware, Parameter, RateLimit, Route
from routewright.table.change import classify

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
