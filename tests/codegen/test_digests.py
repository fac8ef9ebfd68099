"""What changes a digest, and what does not."""

import dataclasses
import json
from typing import Any

import pytest
from specimens import message, one, properties, route, spec

from routewright.codegen import RenderError, render
from routewright.codegen.digests import digest, digests
from routewright.codegen.dispatch import pools
from routewright.spec.model import (
    ArrayShape,
    IntegerShape,
    MapShape,
    ObjectShape,
    Parameter,
    Property,
    ReferenceShape,
    Route,
    Shape,
    Spec,
    StringShape,
    UnionShape,
)
from routewright.spec.policies import Limits

PAYLOAD = ObjectShape(properties=properties(a=IntegerShape(minimum=1), b=StringShape()))
ASK = message(PAYLOAD, reply="answer")
ROUTE = route(ASK, message(None, name="stop", model="Stop"), document={"path": "/ws/vision"})


def of(message_: Any, components: dict[str, Shape] | None = None) -> str:
    return digests(spec(route(message_), components=components)).messages["vision"][0]


def contract(route_: Route) -> str:
    return digests(spec(route_)).contracts[route_.name]


def test_what_people_read_does_not_count() -> None:
    told = dataclasses.replace(
        ASK,
        summary="s",
        description="d",
        examples=(1,),
        payload=dataclasses.replace(PAYLOAD, title="t", properties=tuple(reversed(PAYLOAD.properties))),
        timeout=1.0,
    )
    assert of(told) == of(ASK)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"origin": "both"},
        {"reply": None},
        {"stream": True},
        {"optional": True},
        {"payload": None},
        {"payload": dataclasses.replace(PAYLOAD, closed=True)},
        {"payload": dataclasses.replace(PAYLOAD, tag=("k", "v"))},
        {"payload": ObjectShape(properties=properties(a=IntegerShape(minimum=2), b=StringShape()))},
        {"payload": ObjectShape(properties=properties(a=IntegerShape(minimum=1)))},
        {"payload": ObjectShape(properties=(*PAYLOAD.properties[:1], Property(name="b", shape=StringShape())))},
        {"payload": ArrayShape(items=PAYLOAD)},
        {"payload": MapShape(values=PAYLOAD)},
    ],
)
def test_what_is_on_the_wire_counts(change: dict[str, Any]) -> None:
    assert of(dataclasses.replace(ASK, **change)) != of(ASK)


def test_a_component_counts_by_its_structure() -> None:
    assert of(message(ReferenceShape(component="A")), {"A": PAYLOAD}) == of(
        message(ReferenceShape(component="B")), {"B": PAYLOAD}
    )
    assert of(message(ReferenceShape(component="A")), {"A": PAYLOAD}) != of(
        message(ReferenceShape(component="A")), {"A": dataclasses.replace(PAYLOAD, closed=True)}
    )


def test_a_change_deep_in_a_recursive_component_counts() -> None:
    def components(leaf: Shape) -> dict[str, Shape]:
        tree = ArrayShape(items=ReferenceShape(component="Node"))
        node = ObjectShape(
            properties=properties(tree=ReferenceShape(component="Tree"), leaf=ReferenceShape(component="L"))
        )
        return {"Tree": tree, "Node": node, "L": leaf}

    ask = message(ReferenceShape(component="Tree"))
    assert of(ask, components(IntegerShape())) == of(ask, components(IntegerShape(title="t")))
    assert of(ask, components(IntegerShape())) != of(ask, components(StringShape()))


def test_options_in_another_order_are_the_same_union() -> None:
    options = (IntegerShape(), StringShape())
    assert of(message(UnionShape(options=options))) == of(message(UnionShape(options=options[::-1])))


def test_policies_are_not_part_of_the_contract_but_of_the_route() -> None:
    strict = dataclasses.replace(ROUTE, limits=Limits(in_flight=1), document={"limits": {"inFlight": 1}})
    assert contract(strict) == contract(ROUTE)
    assert digests(spec(strict)).routes != digests(spec(ROUTE)).routes
    bare = dataclasses.replace(ROUTE, document=None)
    assert digests(spec(bare)).routes != digests(spec(dataclasses.replace(bare, workers=2))).routes


def test_the_order_of_messages_is_not_part_of_the_contract() -> None:
    assert contract(dataclasses.replace(ROUTE, messages=ROUTE.messages[::-1])) == contract(ROUTE)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"framing": "raw"},
        {"open": True},
        {"handler": "other"},
        {"source": "worker"},
        {"messages": ROUTE.messages[:1]},
        {"parameters": (Parameter(name="room", shape=IntegerShape()),)},
    ],
)
def test_what_a_handler_sees_is_the_contract(change: dict[str, Any]) -> None:
    assert contract(dataclasses.replace(ROUTE, **change)) != contract(ROUTE)


def pool(spec: Spec) -> list[tuple[str, str, int, tuple[str, ...]]]:
    return [(each.name, each.source, each.workers, each.routes) for each in pools(spec, digests(spec))]


def test_routes_of_one_handler_share_a_pool() -> None:
    first = route(name="a", handler="m", workers=1)
    second = route(name="b", handler="w", source="worker", workers=3)
    third = route(name="c", handler="m", workers=4)
    assert pool(spec(first, second, third)) == [("m", "module", 4, ("a", "c")), ("w", "worker", 0, ("b",))]
    both, alone = (pools(each, digests(each))[0].digest for each in (spec(first, third), spec(first)))
    assert both != alone
    swapped = spec(third, first)
    assert pools(swapped, digests(swapped))[0].digest == both


def test_a_handler_of_two_kinds_is_refused() -> None:
    whole = spec(route(name="a", handler="m"), route(name="b", handler="m", source="worker"))
    with pytest.raises(RenderError, match="handler 'm'"):
        render(whole)


def test_digests_are_short_hexadecimal_and_do_not_mind_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert len(digest(None)) == 16
    assert int(digest(None), 16) >= 0
    manifest = json.loads(render(one(PAYLOAD))["manifest.json"])
    assert manifest["routes"]["vision"]["contract"] == contract(route(message(PAYLOAD)))
