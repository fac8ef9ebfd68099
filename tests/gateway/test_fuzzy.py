"""Near paths: off, suggested, or taken for the route that they are near to, with all that guards it."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.gateway.conftest import Serve
from tests.served import Served, exchange

KEY = "k" * 43
KEYS = [{"id": "ada", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}]
ECHO = """
from routewright.handlers import on

@on.any
async def echo(message, context):
    return {"type": "echo", "payload": context.route}
"""
FILES = {"echo.py": ECHO}
GUARD = {"name": "api_key", "settings": {"keys": KEYS}}
ROUTES = [
    {"path": "/ws/vision", "aliases": ["/vision/legacy"], "pythonModule": "echo"},
    {"path": "/ws/accounts", "pythonModule": "echo", "middleware": [GUARD], "limits": {"connections": 1}},
    {"path": "/ws/room-a", "pythonModule": "echo"},
    {"path": "/ws/room-b", "pythonModule": "echo"},
]


def spec(**fuzzy: Any) -> dict[str, Any]:
    return {"gateway": {"fuzzy": fuzzy} if fuzzy else {}, "routes": ROUTES}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(spec(mode="redirect", threshold=0.85), FILES, ENABLE_DYNAMIC_ROUTING="1") as served:
        yield served


async def refused(served: Served, path: str, **options: Any) -> tuple[int, Any]:
    with pytest.raises(InvalidStatus) as refusal:
        async with served.connect(path, **options):
            pass
    return refusal.value.response.status_code, json.loads(refusal.value.response.body)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/ws/visoin", "/ws/vision"),
        ("/ws/Vision", "/ws/vision"),
        ("/ws/vision/", "/ws/vision"),
        ("/ws/vi%73ions?x=1", "/ws/vision"),
        ("/vision/legac", "/vision/legacy"),
    ],
)
async def test_a_near_path_is_served_in_place_and_says_so(served: Served, asked: str, meant: str) -> None:
    before = (await served.stats())["redirected"]
    async with served.connect(asked) as client:
        assert client.response is not None
        assert client.response.headers["Content-Location"] == meant
        assert (await exchange(client, {"type": "x"}))["payload"] == "vision"
    assert (await served.stats())["redirected"] == before + 1
    status, headers, body = await asyncio.to_thread(served.get, f"{served.http}{asked}")
    assert (status, headers["Content-Location"], json.loads(body)["name"]) == (200, meant, "vision")


async def test_a_path_of_a_route_is_no_near_one(served: Served) -> None:
    async with served.connect("/ws/vision") as client:
        assert client.response is not None
        assert "Content-Location" not in client.response.headers


@pytest.mark.parametrize(
    "path", ["/ws/room", "/ws/room-c", "/nothing/like/it", "/ws/../vision", "/ws/visio%2F..", "/%ff"]
)
async def test_what_is_near_to_none_or_to_two_is_refused(served: Served, path: str) -> None:
    assert (await refused(served, path))[0] == 404


@pytest.mark.parametrize("path", ["/ws/account", "/WS/ACCOUNTS", "/ws/%61ccounts", "/ws/accounts/", "/ws/acc%6Funtss"])
async def test_no_spelling_leads_round_a_policy(served: Served, path: str) -> None:
    assert (await refused(served, path))[0] == 401
    key = {"additional_headers": {"X-API-Key": KEY}}
    assert (await refused(served, path, origin="https://evil.example", **key))[0] == 403
    async with served.connect("/ws/accounts", **key):
        assert (await refused(served, path, **key))[1]["error"]["message"].startswith("the route has no room")


@pytest.mark.parametrize(
    ("fuzzy", "variables", "near"),
    [
        ({}, {"ENABLE_DYNAMIC_ROUTING": "1"}, True),
        ({"mode": "redirect"}, {}, True),
        ({"mode": "off"}, {"ENABLE_DYNAMIC_ROUTING": "1"}, False),
        ({"mode": "redirect"}, {"ENABLE_DYNAMIC_ROUTING": "1", "ROUTEWRIGHT_FUZZY_MODE": "off"}, False),
    ],
)
async def test_only_who_wants_it_gets_it(
    serve: Serve, fuzzy: dict[str, Any], variables: dict[str, str], near: bool
) -> None:
    with serve(spec(**fuzzy), FILES, **variables) as served:
        status, body = await refused(served, "/ws/visoin")
        assert status == 404
        assert ("/ws/vision" in body["near"]) == near
