"""What a spec can take at worst: the sum, and that it never falls when a limit rises."""

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.gateway import caching, retained, topics
from routewright.spec.budget import (
    CACHE,
    COPIES_KEPT,
    CREDITS,
    HIGH_WATER,
    KEPT,
    RETAINED,
    RETAINED_EVENT,
    RETAINED_NAME,
    RETAINED_TOPICS,
    SUBSCRIPTION,
    SUBSCRIPTIONS,
    budget,
    fitting,
)
from routewright.spec.model import Gateway, GatewayLimits, Message, Route, Spec, Tls, Topic
from routewright.spec.overrun import OVERRUN, overrun
from routewright.spec.policies import Cache, Delivery, Limits, SlowConsumer
from tests.spec.conftest import Check

COUNTS = st.integers(1, 5_000)
LIMITS = st.builds(
    Limits,
    message_bytes=st.integers(1, 2**22),
    in_flight=st.integers(1, 200),
    connections=st.none() | COUNTS,
)
TOPICS = st.lists(st.builds(Topic, name=st.sampled_from(("news", "jobs.{id}")), retain=st.booleans()), max_size=20).map(
    tuple
)
ASK = Message(name="ask", model="Ask", origin="client", idempotent=True)
CACHED = replace(ASK, cache=Cache())


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Specs of a few routes, some of which share their workers."""
    routes = tuple(
        Route(
            name=f"r{number}",
            module=f"r{number}",
            path=f"/r{number}",
            handler=draw(st.sampled_from(("a", "b"))),
            workers=draw(st.integers(1, 4)),
            limits=draw(LIMITS),
            slow_consumer=draw(st.builds(SlowConsumer, backlog=st.integers(1, 2**22))),
            delivery=draw(st.none() | st.builds(Delivery, messages=COUNTS, bytes=st.integers(1, 2**22))),
            topics=draw(TOPICS),
            messages=draw(st.sampled_from(((), (ASK,), (CACHED,)))),
        )
        for number in range(draw(st.integers(1, 4)))
    )
    gateway = Gateway(
        limits=GatewayLimits(connections=draw(COUNTS)), tls=draw(st.none() | st.just(Tls(certificate="a", key="b")))
    )
    return Spec(file="websocket-routes.json", digest="", gateway=gateway, routes=routes)


def raised(route: Route, what: str, by: int) -> Route:
    """The route with one of its limits higher by so much."""
    limits, slow, delivery = route.limits, route.slow_consumer, route.delivery
    match what:
        case "message_bytes":
            return replace(route, limits=replace(limits, message_bytes=limits.message_bytes + by))
        case "in_flight":
            return replace(route, limits=replace(limits, in_flight=limits.in_flight + by))
        case "connections" if limits.connections is not None:
            return replace(route, limits=replace(limits, connections=limits.connections + by))
        case "no connections":
            return replace(route, limits=replace(limits, connections=None))
        case "workers":
            return replace(route, workers=route.workers + by)
        case "backlog" if slow is not None:
            return replace(route, slow_consumer=replace(slow, backlog=slow.backlog + by))
        case "delivery.bytes" if delivery is not None:
            return replace(route, delivery=replace(delivery, bytes=delivery.bytes + by))
        case "delivery.messages" if delivery is not None:
            return replace(route, delivery=replace(delivery, messages=delivery.messages + by))
        case "delivery" if delivery is None:
            return replace(route, delivery=Delivery(messages=by, bytes=by))
        case "topics":
            return replace(route, topics=(*route.topics, Topic(name=f"t{by}.{{id}}")))
        case "retain":
            return replace(route, topics=tuple(replace(topic, retain=True) for topic in route.topics))
        case "cache":
            return replace(route, messages=(CACHED,))
        case "no bound":
            return replace(route, slow_consumer=None)
    return route


CHANGES = (
    *("message_bytes", "in_flight", "connections", "no connections", "workers", "backlog", "no bound"),
    *("delivery", "delivery.bytes", "delivery.messages", "topics", "retain", "cache"),
)


@given(spec=specs(), count=COUNTS, more=COUNTS, what=st.sampled_from(CHANGES), at=st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_the_sum_never_falls_when_a_limit_rises(spec: Spec, count: int, more: int, what: str, at: int) -> None:
    before = budget(spec, count)
    index = at % len(spec.routes)
    routes = tuple(raised(each, what, more) if number == index else each for number, each in enumerate(spec.routes))
    after = budget(replace(spec, routes=routes), count)
    assert after.together >= before.together
    assert after.routes[index].bytes >= before.routes[index].bytes
    assert budget(spec, count + more).together >= before.together


@given(spec=specs(), count=COUNTS)
@settings(max_examples=200, deadline=None)
def test_all_routes_together_take_no_less_than_one_of_them(spec: Spec, count: int) -> None:
    found = budget(spec, count)
    assert found.connections <= min(count, spec.gateway.limits.connections)
    assert found.together >= found.processes + max(route.bytes for route in found.routes)


@given(spec=specs(), size=st.integers(2**20, 2**40))
@settings(max_examples=100, deadline=None)
def test_as_many_connections_fit_as_it_says_and_no_more(spec: Spec, size: int) -> None:
    count = fitting(spec, size)
    assert count == 0 or budget(spec, count).together <= size
    assert count == spec.gateway.limits.connections or budget(spec, count + 1).together > size


def test_each_part_of_a_route_is_what_its_limits_say(checked: Check) -> None:
    limits = {"messageBytes": "1MiB", "inFlight": 4, "connections": 10_000}
    spec = checked({"routes": [{"path": "/ws/a", "pythonModule": "a", "workers": 2, "limits": limits}]}).spec
    assert spec is not None
    (route,) = budget(spec, 100).routes
    items = {item.name: item.bytes for item in route.items}
    assert (route.connections, items["receiving"]) == (100, 100 * 2**20)
    assert items["unread"] == 100 * (HIGH_WATER + 2**20)
    assert items["under way"] == 400 * (2 * 2**20 + 512)
    # Past that the workers take no more.
    (route,) = budget(spec, 10_000).routes
    assert {item.name: item.bytes for item in route.items}["under way"] == 2 * CREDITS * (2 * 2**20 + 512)


def items(spec: Spec | None, connections: int) -> list[dict[str, float]]:
    assert spec is not None
    return [{item.name: item.bytes for item in route.items} for route in budget(spec, connections).routes]


def test_what_policies_keep_is_counted(checked: Check) -> None:
    ask = {"from": "client", "reply": "answer", "idempotent": True}
    messages = {"ask": {**ask, "cache": {"ttl": "1m"}}, "find": {**ask, "cache": {"entries": 5}}}
    two = {"news": {"retain": True}, "jobs.{id}": {}}
    spec = {
        "defaults": {"delivery": {"bytes": "1KiB", "messages": 10}},
        "routes": [
            {"path": "/ws/a", "pythonModule": "a", "messages": {**messages, "answer": {"from": "handler"}}},
            {"path": "/ws/b", "pythonModule": "b", "topics": two},
            {"path": "/ws/c", "pythonModule": "c", "topics": {"rooms.{id}": {"retain": True}}, "delivery": False},
            {"path": "/ws/d", "pythonModule": "d", "framing": "raw"},
        ],
    }
    compiled = checked(spec).spec
    assert compiled is not None
    a, b, c, d = items(compiled, 100)
    session = COPIES_KEPT * 1024 + 10 * KEPT
    assert (a["sessions"], a["caches"], a["topics"]) == (100 * session, CACHE, 0)
    subscribed = 100 * SUBSCRIPTIONS * SUBSCRIPTION
    assert b["topics"] == subscribed + RETAINED_EVENT + RETAINED_NAME
    assert (c["sessions"], c["topics"]) == (0, subscribed + RETAINED + RETAINED_TOPICS * RETAINED_NAME)
    assert (d["sessions"], d["caches"], d["topics"]) == (0, 0, 0)
    # the last values of all routes share one room
    kept = budget(compiled, 0)
    assert kept.together == kept.processes + CACHE + RETAINED + RETAINED_TOPICS * RETAINED_NAME


def test_the_gateway_keeps_no_more_than_is_counted() -> None:
    assert caching.BYTES == CACHE
    assert (retained.BYTES, retained.LARGEST, retained.TOPICS) == (RETAINED, RETAINED_EVENT, RETAINED_TOPICS)
    assert topics.SUBSCRIPTIONS == SUBSCRIPTIONS


@pytest.mark.parametrize(
    ("spec", "most", "pointer", "words"),
    [
        (
            {
                "defaults": {"limits": {"messageBytes": "4MiB"}, "delivery": False},
                "routes": [{"path": "/ws/a", "pythonModule": "a"}],
            },
            "1GiB",
            "/defaults/limits/messageBytes",
            'lower "limits.inFlight" or "limits.messageBytes"',
        ),
        (
            {"routes": [{"path": "/ws/a", "pythonModule": "a", "slowConsumer": False}]},
            "1GiB",
            "/routes/0/slowConsumer",
            'lower "slowConsumer.backlog"',
        ),
        (
            {"routes": [{"path": "/ws/a", "pythonModule": "a", "delivery": {"bytes": "8MiB"}}]},
            "1GiB",
            "/routes/0/delivery/bytes",
            'lower "delivery.bytes" or "delivery.messages"; 3',
        ),
        (
            {
                "routes": [
                    {
                        "path": "/ws/a",
                        "pythonModule": "a",
                        "delivery": False,
                        "topics": {"a.{b}": {}},
                        "limits": {"messageBytes": "1KiB"},
                        "slowConsumer": {"backlog": "1KiB"},
                    }
                ]
            },
            "310MiB",
            "/routes/0/path",
            'lower "limits.connections"',
        ),
        ({"routes": [{"path": "/ws/a", "pythonModule": "a"}]}, "1MiB", "", ""),
        ({"routes": []}, "1MiB", "", ""),
    ],
    ids=["the defaults", "no bound", "sessions", "connections", "the processes", "no route"],
)
def test_what_breaks_a_budget_is_named_with_its_place(
    checked: Check, spec: dict[str, object], most: str, pointer: str, words: str
) -> None:
    compiled = checked(spec).spec
    assert compiled is not None
    problem = overrun(Path("websocket-routes.json"), compiled, budget(compiled, 500), most)
    assert problem is not None
    assert (problem.code, problem.pointer) == (OVERRUN, pointer)
    assert problem.hint.startswith(words)


def test_what_cannot_be_lowered_is_to_be_left_out(checked: Check) -> None:
    messages = {"ask": {"from": "client", "reply": "answer", "idempotent": True}, "answer": {"from": "handler"}}
    route = {"path": "/ws/a", "pythonModule": "a", "messages": messages, "cache": {"ttl": "1m"}}
    compiled = checked({"routes": [route]}).spec
    assert compiled is not None
    problem = overrun(Path("websocket-routes.json"), compiled, budget(compiled, 1), "200MiB")
    assert problem is not None
    assert (problem.pointer, problem.hint) == ("/routes/0/cache", 'do without "cache"')
    assert "32MiB of it for replies that are kept" in problem.message


def test_nothing_bounds_a_route_that_keeps_slow_clients(checked: Check) -> None:
    spec = checked({"routes": [{"path": "/ws/a", "pythonModule": "a", "slowConsumer": False}]}).spec
    assert spec is not None
    found = budget(spec, 1)
    assert (found.together, found.routes[0].bytes, fitting(spec, 2**40)) == (inf, inf, 0)
    assert budget(spec, 0).together == found.processes
