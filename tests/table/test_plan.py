"""What becomes of paths, names, settings and connections from one table to the next."""

from typing import Any

import msgspec
import pytest

from routewright.table import Limits, Route, Settings, Table, Tls
from routewright.table.change import CLIENTS, COMPATIBLE, HANDLERS, POLICY
from routewright.table.contracts import Known
from routewright.table.plan import CODES, Plan, plan


def a_route(name: str, path: str = "", **fields: Any) -> Route:
    path = path or f"/ws/{name}"
    digest = repr((name, path, sorted(fields.items(), key=str)))
    return Route(name=name, path=path, handler="app", digest=digest, contract=digest, **fields)


def planned(old: list[Route], new: list[Route]) -> Plan:
    tables = [Table(digest=str(at), routes=tuple(routes), pools=()) for at, routes in enumerate((old, new))]
    return plan(*tables, Known(), Known())


def connections(found: Plan) -> dict[str, tuple[str, int | None]]:
    return {each.route.name: (each.connections, CODES[each.connections]) for each in found.routes}


def told(found: Plan) -> set[tuple[str, str]]:
    return {(change.kind, change.what) for each in found.routes for change in each.changes}


def test_what_becomes_of_connections() -> None:
    old = [a_route(name) for name in ("same", "policy", "framing", "gone", "before")]
    new = [
        a_route("same"),
        a_route("policy", limits=Limits(in_flight=1)),
        a_route("framing", framing="raw"),
        a_route("added"),
        a_route("after", "/ws/before"),
    ]
    assert connections(planned(old, new)) == {
        "same": ("unchanged", None),
        "policy": ("continue", None),
        "framing": ("drain", 4001),
        "added": ("new", None),
        "after": ("removed", 4504),
        "gone": ("removed", 4504),
    }


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (
            [a_route("a", "/ws/b")],
            {(COMPATIBLE, "path was /ws/a, is /ws/b"), (CLIENTS, "path /ws/a leads nowhere now")},
        ),
        ([a_route("a", "/ws/b", aliases=("/ws/a",))], {(COMPATIBLE, "path was /ws/a, is /ws/b")}),
        ([a_route("a", aliases=("/ws/b",))], {(COMPATIBLE, "alias /ws/b added")}),
        ([a_route("a", "/ws/{x}")], {(COMPATIBLE, "path was /ws/a, is /ws/{x}")}),
        (
            [a_route("a", "/ws/b"), a_route("c", "/ws/a")],
            {
                (COMPATIBLE, "path was /ws/a, is /ws/b"),
                (CLIENTS, "path /ws/a leads to the route 'c' now"),
                (COMPATIBLE, "route added"),
            },
        ),
        ([a_route("c", "/ws/a")], {(HANDLERS, "name was 'a', is 'c'")}),
        ([a_route("b", "/ws/b")], {(CLIENTS, "route at /ws/a removed"), (HANDLERS, "route at /ws/a removed"),
                                   (COMPATIBLE, "route added")}),
    ],
)  # fmt: skip
def test_paths_that_lead_elsewhere(new: list[Route], expected: set[tuple[str, str]]) -> None:
    assert told(planned([a_route("a")], new)) == expected


def test_a_path_that_takes_clients_from_a_pattern() -> None:
    rooms = a_route("rooms", "/ws/{room}")
    found = planned([rooms], [rooms, a_route("lobby", "/ws/lobby")])
    assert told(found) == {
        (COMPATIBLE, "route added"),
        (CLIENTS, "path /ws/lobby led to the route 'rooms', by /ws/{room}"),
    }


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"port": 9}, {(CLIENTS, "port was 8001, is 9")}),
        ({"drain": 5.0}, {(POLICY, "drainSeconds was 30, is 5")}),
        ({"tls": Tls(certificate="c", key="k")}, {(CLIENTS, "tls switched on")}),
        ({"allowed_origins": ("https://a",)}, {
            (CLIENTS, "allowedOrigins: those of the gateway's own address removed"),
            (COMPATIBLE, "allowedOrigins: https://a added"),
        }),
        ({"allowed_origins": ("*",)}, {(COMPATIBLE, "allowedOrigins: * added")}),
    ],
)  # fmt: skip
def test_settings(changed: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    old, new = Settings(), msgspec.structs.replace(Settings(), **changed)
    tables = [Table(digest="", routes=(), pools=(), settings=settings) for settings in (old, new)]
    found = plan(*tables, Known(), Known())
    assert {(change.kind, change.what) for change in found.settings} == expected
    assert found.drain == 30.0
