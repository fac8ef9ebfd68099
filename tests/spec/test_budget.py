"""What a spec can take at worst: the sum, and that it never falls when a limit rises."""

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.spec.budget import CREDITS, HIGH_WATER, budget, fitting
from routewright.spec.model import Gateway, GatewayLimits, Limits, Route, SlowConsumer, Spec, Tls
from routewright.spec.overrun import OVERRUN, overrun
from tests.spec.conftest import Check

COUNTS = st.integers(1, 5_000)
LIMITS = st.builds(
    Limits,
    message_bytes=st.integers(1, 2**22),
    in_flight=st.integers(1, 200),
    connections=st.none() | COUNTS,
)


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
        )
        for number in range(draw(st.integers(1, 4)))
    )
    gateway = Gateway(
        limits=GatewayLimits(connections=draw(COUNTS)), tls=draw(st.none() | st.just(Tls(certificate="a", key="b")))
    )
    return Spec(file="websocket-routes.json", digest="", gateway=gateway, routes=routes)


def raised(route: Route, what: str, by: int) -> Route:
    """The route with one of its limits higher by so much."""
    limits, slow = route.limits, route.slow_consumer
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
        case "no bound":
            return replace(route, slow_consumer=None)
    return route


CHANGES = ("message_bytes", "in_flight", "connections", "no connections", "workers", "backlog", "no bound")


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


@pytest.mark.parametrize(
    ("spec", "most", "pointer", "words"),
    [
        (
            {"defaults": {"limits": {"messageBytes": "4MiB"}}, "routes": [{"path": "/ws/a", "pythonModule": "a"}]},
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
        ({"routes": [{"path": "/ws/a", "pythonModule": "a"}]}, "1MiB", "", ""),
        ({"routes": []}, "1MiB", "", ""),
    ],
    ids=["the defaults", "no bound", "the processes", "no route"],
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


def test_nothing_bounds_a_route_that_keeps_slow_clients(checked: Check) -> None:
    spec = checked({"routes": [{"path": "/ws/a", "pythonModule": "a", "slowConsumer": False}]}).spec
    assert spec is not None
    found = budget(spec, 1)
    assert (found.together, found.routes[0].bytes, fitting(spec, 2**40)) == (inf, inf, 0)
    assert budget(spec, 0).together == found.processes
