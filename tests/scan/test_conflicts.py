"""Which endpoints are in each other's way, and which are not."""

from pathlib import Path

import pytest

from routewright.scan import scan

from .conftest import Write

HEAD = "from fastapi import APIRouter, FastAPI\n"


def found(source: str, write: Write) -> list[tuple[str, str]]:
    """Kind of each conflict in one module, and the path that it is reported for."""
    write({"app.py": HEAD + source})
    return [(each.kind, each.endpoints[0].path) for each in scan([Path(".")]).conflicts]


def routes(owner: str, *paths: str) -> str:
    return "".join(
        f"@{owner}.websocket({path!r})\nasync def {owner}{at}(websocket): ...\n" for at, path in enumerate(paths)
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"app = FastAPI()\n{routes('app', '/a', '/a')}", [("duplicate", "/a")]),
        (f"app = FastAPI()\n{routes('app', '/a/{b}', '/a/{c}')}", [("duplicate", "/a/{b}")]),
        (f"app = FastAPI()\n{routes('app', '/a/{b}', '/a/{c:int}')}", [("shadowed", "/a/{c:int}")]),
        (f"app = FastAPI()\n{routes('app', '/a/{b:int}', '/a/c')}", []),
        (f"app = FastAPI()\n{routes('app', '/a/{b:int}', '/a/3')}", [("shadowed", "/a/3")]),
        (f"app = FastAPI()\n{routes('app', '/a/c', '/a/{b}')}", []),
        (f"app = FastAPI()\n{routes('app', '/{rest:path}', '/a')}", [("shadowed", "/a")]),
        (f"app = FastAPI()\n{routes('app', '/a', '/a/')}", [("slash", "/a/")]),
        (f"one = FastAPI()\ntwo = FastAPI()\n{routes('one', '/a')}{routes('two', '/a', '/b/')}", []),
        (f"one = APIRouter()\ntwo = APIRouter()\n{routes('one', '/a')}{routes('two', '/a')}", [("duplicate", "/a")]),
        (f"r = APIRouter(prefix='/ws')\n{routes('r', '/ws/a')}", [("prefix", "/ws/ws/a")]),
        (f"r = APIRouter(prefix='/ws')\n{routes('r', '/news')}", []),
        (f"r = APIRouter(prefix='/v1')\n{routes('r', '/ws')}app = FastAPI()\n{routes('app', '/ws')}", []),
    ],
)
def test_conflicts_in_one_module(source: str, expected: list[tuple[str, str]], write: Write) -> None:
    assert found(source, write) == expected


def test_arms_of_one_statement_exclude_each_other(write: Write) -> None:
    arm = "    @app.websocket('/a')\n    async def {}(websocket): ...\n"
    branches = f"if FAST:\n{arm.format('fast')}else:\n{arm.format('slow')}"
    assert found(f"app = FastAPI()\n{branches}", write) == []
    assert found(f"app = FastAPI()\n{branches}{routes('app', '/a')}", write) == [("duplicate", "/a")]


def test_a_router_that_is_included_twice_is_no_conflict_with_itself(write: Write) -> None:
    source = f"app = FastAPI()\nr = APIRouter()\n{routes('r', '/a')}app.include_router(r)\napp.include_router(r)\n"
    assert found(source, write) == []


def test_each_test_has_an_application_of_its_own(write: Write) -> None:
    tests = "".join(
        f"def test_{name}(app):\n    {routes('app', '/a').replace(chr(10), chr(10) + '    ')}\n" for name in "ab"
    )
    assert found(tests, write) == []


def test_the_message_tells_where_the_application_is_not_known(write: Write) -> None:
    write(
        {
            "a.py": f"{HEAD}one = APIRouter()\n{routes('one', '/a')}",
            "b.py": f"{HEAD}app = FastAPI()\n{routes('app', '/a')}",
        }
    )
    (conflict,) = scan([Path(".")]).conflicts
    assert conflict.message == ("/a has 2 handlers; that all of them are in one application cannot be ruled out")
