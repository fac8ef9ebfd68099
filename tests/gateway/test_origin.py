"""Which pages of a browser may connect."""

from collections.abc import Iterator
from typing import Any

import pytest

from routewright.gateway.origin import allowed
from tests.gateway.conftest import Serve
from tests.gateway.origins import ALLOWED, LISTED, LOOPBACK
from tests.gateway.wire import asked, handshake
from tests.served import Served

ROUTE: dict[str, Any] = {"path": "/ws/echo", "aliases": ["/ws/old"], "pythonModule": "echo"}
ECHO = """
from routewright.handlers import on

@on.any
async def echo(message): return message
"""


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve({"routes": [ROUTE]}, {"echo.py": ECHO}) as served:
        yield served


@pytest.fixture(scope="module")
def listed(serve: Serve) -> Iterator[Served]:
    spec = {
        "gateway": {
            "allowedOrigins": ALLOWED,
            "trustedProxies": ["127.0.0.2"],
        },
        "routes": [ROUTE],
    }
    with serve(spec, {"echo.py": ECHO}) as served:
        yield served


async def status(served: Served, *lines: str, path: str = "/ws/echo") -> int:
    answer = await asked(served, handshake(path, *lines))
    if answer.status == 403:
        assert answer.json["error"]["code"] == "forbidden"
    return answer.status


@pytest.mark.parametrize("path", ["/ws/echo", "/ws/old", "/ws/ech%6F"])
async def test_another_origin_is_refused_on_every_way_to_the_route(served: Served, path: str) -> None:
    port = served.port
    assert await status(served, f"Host: localhost:{port}", f"Origin: http://localhost:{port}", path=path) == 101
    assert await status(served, f"Host: localhost:{port}", "Origin: http://evil.com", path=path) == 403


@pytest.mark.parametrize(
    ("host", "origins", "wanted"),
    LOOPBACK,
)
async def test_on_loopback_only_its_own_pages_may_connect(
    served: Served, host: str, origins: list[str], wanted: int
) -> None:
    assert await status(served, f"Host: {host}", *(f"Origin: {origin}" for origin in origins)) == wanted


@pytest.mark.parametrize(
    ("origin", "wanted"),
    LISTED,
)
async def test_with_a_list_only_its_origins_may_connect(listed: Served, origin: str, wanted: int) -> None:
    assert await status(listed, f"Host: 127.0.0.1:{listed.port}", f"Origin: {origin}") == wanted


async def test_with_a_list_the_same_origin_is_no_exception(listed: Served) -> None:
    host = f"127.0.0.1:{listed.port}"
    assert await status(listed, f"Host: {host}", f"Origin: http://{host}") == 403
    assert await status(listed, f"Host: {host}") == 101


@pytest.mark.parametrize("origin", ["http://x", "https://x:1", "null", "what ever"])
def test_a_star_lets_every_single_origin_in(origin: str) -> None:
    assert allowed([origin], ("*",), "y", secure=False, loopback=True)
    assert not allowed([origin, origin], ("*",), "y", secure=False, loopback=True)


@pytest.mark.parametrize(
    ("origin", "host", "secure", "wanted"),
    [
        ("https://app.example.com", "app.example.com", True, True),
        ("https://app.example.com", "app.example.com:443", True, True),
        ("http://app.example.com", "app.example.com", True, False),
        ("https://app.example.com", "app.example.com", False, False),
        ("https://app.example.com", None, True, False),
        ("https://app.example.com", "app.example.com/x", True, False),
        ("https://app.example.com:0", "app.example.com:0", True, True),
        ("https://app.example.com:99999", "app.example.com:99999", True, False),
        ("https://[bad", "[bad", True, False),
        ("file://", "", False, False),
        (" https://app.example.com", "app.example.com", True, False),
    ],
)
def test_the_same_origin_is_the_same_in_full(origin: str, host: str | None, secure: bool, wanted: bool) -> None:
    assert allowed([origin], (), host, secure=secure, loopback=False) is wanted
