"""Plugins of a project, of every hook of a connection, plain and asynchronous, through the front door."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.gateway.conftest import Serve
from tests.gateway.wire import asked, handshake
from tests.served import PATIENCE, Project, Served, exchange, serving

SECRET = "rw_secret"
DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()
OTHER = hashlib.sha256(b"rw_other").hexdigest()


def route(name: str, *middleware: Any, **more: Any) -> dict[str, Any]:
    return {"path": f"/ws/{name}", "pythonModule": "echo", "middleware": list(middleware), **more}


SPEC: dict[str, Any] = {
    "defaults": {"rateLimit": False},
    "routes": [
        route("plain", "plugins.plain"),
        route("slow", "plugins.slow"),
        route("both", "plugins.slow", "plugins.plain"),
        route("raw", "plugins.slow", framing="raw"),
        route("declared", "plugins.slow", messages={"say": {"from": "client"}, "echo": {"from": "handler"}}),
        route("broken", "plugins.broken"),
        route("stuck", "plugins.stuck", timeout="1ms", topics={"news": {}}),
        route(
            "keyed",
            {
                "name": "api_key",
                "settings": {
                    "keys": [
                        {"id": "reader", "sha256": DIGEST, "scopes": ["read"]},
                        {"id": "nobody", "sha256": OTHER},
                    ],
                    "scopes": ["read"],
                },
            },
        ),
    ],
}
ECHO = """
from routewright.handlers import on

@on("say", route="declared")
async def say(_): return {"type": "echo"}

@on.any
async def echo(message, context):
    if not isinstance(message, dict):
        return message
    principal = context.principal
    return {
        "type": "echo",
        "payload": {
            "type": message["type"],
            "payload": message.get("payload"),
            "principal": principal and [principal.id, list(principal.scopes)],
        },
    }
"""
PLUGIN = """
import asyncio
import json
from routewright.hooks import Refusal, hookimpl
from routewright.table import Principal

NAME = "{name}"
gone = []


@hookimpl
{define} routewright_upgrade(request, route):
    {pause}
    if request.query.get("refuse") == "upgrade":
        raise Refusal("teapot", f"{{NAME}} at {{request.path}} on {{route.name}}", status=418, retry_after=3)


@hookimpl
{define} routewright_authenticate(request):
    {pause}
    user = request.headers.get("X-User", "somebody")
    if user == "nobody":
        return None
    if user == "banned":
        raise Refusal("forbidden", "you are banned")
    if user == "expired":
        raise Refusal("unauthorized", "your token has expired", status=401)
    return Principal(id=user, scopes=(NAME,))


@hookimpl
{define} routewright_connect(session):
    {pause}
    session.state[NAME] = []
    if session.principal.id.startswith("refused"):
        _, _, code = session.principal.id.partition(":")
        raise Refusal(code, "not now")


@hookimpl
{define} routewright_message(session, message):
    {pause}
    session.state[NAME].append(message.id)
    if b"refuse" in message.frame:
        raise Refusal("forbidden", "say please", retry_after=2)
    if b"gone?" in message.frame:
        return json.dumps({{"type": "gone", "id": message.id, "payload": gone}}).encode()
    if b"spoil" in message.frame:
        return b"spoilt"
    if b"replace" in message.frame:
        return message.frame.replace(b"replace", b"replaced by " + NAME.encode())


@hookimpl
{define} routewright_reply(session, reply):
    {pause}
    if b"seen?" in reply.frame:
        seen = ",".join(str(id) for id in session.state[NAME])
        return reply.frame.replace(b"seen?", f"{{NAME}} saw {{seen}}".encode())


@hookimpl
{define} routewright_disconnect(session, code):
    {pause}
    gone.append([session.principal.id, code])
"""
# The more often a hook is called, the shorter it waits: whatever does not keep its turn overtakes
PAUSE = """
    global waits
    waits = max(0, waits - 1)
    for _ in range(waits % 7):
        await asyncio.sleep(0)
""".strip()
BROKEN = """
from routewright.hooks import hookimpl

@hookimpl
def routewright_upgrade(request):
    if request.query.get("break") == "upgrade":
        raise RuntimeError("the password is swordfish")

@hookimpl
def routewright_connect(session):
    if session.path.endswith("broken") and session.state.get("x"):
        raise RuntimeError("the password is swordfish")

@hookimpl
def routewright_message(message):
    raise RuntimeError("the password is swordfish")

@hookimpl
def routewright_reply(reply):
    raise RuntimeError("the password is swordfish")
"""
STUCK = """
import asyncio
from routewright.hooks import hookimpl

@hookimpl
async def routewright_message(message):
    await asyncio.Event().wait()

@hookimpl
async def routewright_subscribe(topic):
    await asyncio.Event().wait()
"""
FILES = {
    "echo.py": ECHO,
    "plugins/__init__.py": "",
    "plugins/plain.py": PLUGIN.format(name="plain", define="def", pause="pass"),
    "plugins/slow.py": PLUGIN.format(name="slow", define="async def", pause=PAUSE).replace(
        "gone = []", "gone = []\nwaits = 1000"
    ),
    "plugins/broken.py": BROKEN,
    "plugins/stuck.py": STUCK,
}
EACH = pytest.mark.parametrize("name", ["plain", "slow"])


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


async def receive(connection: ClientConnection, count: int) -> list[Any]:
    async with asyncio.timeout(PATIENCE):
        return [json.loads(await connection.recv()) for _ in range(count)]


async def ended(connection: ClientConnection) -> tuple[int | None, str | None]:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    return connection.close_code, connection.close_reason


@EACH
async def test_an_upgrade_is_refused_with_the_plugins_status(served: Served, name: str) -> None:
    answer = await asked(served, handshake(f"/ws/{name}?refuse=upgrade"))
    assert answer.status == 418
    assert answer.json == {"error": {"code": "teapot", "message": f"{name} at /ws/{name} on {name}"}}
    assert answer.headers["retry-after"] == "3"


@EACH
@pytest.mark.parametrize(
    ("user", "status", "code", "message"),
    [
        ("nobody", 401, "unauthorized", "this route wants a credential"),
        ("banned", 403, "forbidden", "you are banned"),
        ("expired", 401, "unauthorized", "your token has expired"),
    ],
)
async def test_who_is_not_let_in(served: Served, name: str, user: str, status: int, code: str, message: str) -> None:
    answer = await asked(served, handshake(f"/ws/{name}", f"X-User: {user}"))
    assert (answer.status, answer.json) == (status, {"error": {"code": code, "message": message}})
    assert ("www-authenticate" in answer.headers) == (status == 401)


@EACH
async def test_handlers_know_who_it_is(served: Served, name: str) -> None:
    async with served.connect(f"/ws/{name}", additional_headers={"X-User": "ada"}) as connection:
        answer = await exchange(connection, {"type": "x", "id": 1})
        assert (answer["id"], answer["payload"]["principal"]) == (1, ["ada", [name]])
    async with served.connect("/ws/both") as connection:
        assert (await exchange(connection, {"type": "x"}))["payload"]["principal"] == ["somebody", ["slow"]]


@EACH
@pytest.mark.parametrize(
    ("code", "closed"), [("forbidden", 4503), ("unauthorized", 4501), ("overloaded", 1013), ("teapot", 4503)]
)
async def test_a_refused_connection_is_closed(served: Served, name: str, code: str, closed: int) -> None:
    async with served.connect(f"/ws/{name}", additional_headers={"X-User": f"refused:{code}"}) as connection:
        with contextlib.suppress(ConnectionClosed):
            await connection.send('{"type": "x"}')
        assert await ended(connection) == (closed, "not now")


@EACH
async def test_a_refused_message_gets_an_error_frame(served: Served, name: str) -> None:
    async with served.connect(f"/ws/{name}") as connection:
        assert await exchange(connection, {"type": "refuse", "id": 5}) == {
            "type": "error",
            "id": 5,
            "error": {"code": "forbidden", "message": "say please", "retryable": False, "retryAfter": 2.0},
        }
        assert (await exchange(connection, {"type": "x", "id": 6}))["id"] == 6


@EACH
async def test_what_a_plugin_puts_in_place_of_a_frame_is_checked_again(served: Served, name: str) -> None:
    async with served.connect(f"/ws/{name}") as connection:
        assert (await exchange(connection, {"type": "replace"}))["payload"]["type"] == f"replaced by {name}"
        assert (await exchange(connection, {"type": "spoil"}))["error"]["code"] == "invalid_json"
    async with served.connect("/ws/declared") as declared:
        answer = await exchange(declared, {"type": "say", "id": 1, "junk": "replace"})
        assert answer == {"type": "echo", "id": 1}
        unknown = await exchange(declared, {"type": "replace", "id": 2})
        assert unknown["error"]["code"] == "unknown_type"


@EACH
async def test_messages_and_replies_keep_their_order(served: Served, name: str) -> None:
    count = 200
    async with served.connect(f"/ws/{name}") as connection:
        for id in range(count):
            await connection.send(json.dumps({"type": "refuse" if id % 50 == 49 else "x", "id": id}))
        answers = await receive(connection, count)
        assert sorted(answer["id"] for answer in answers) == list(range(count))
        replies = [answer["id"] for answer in answers if answer["type"] == "echo"]
        assert replies == [id for id in range(count) if id % 50 != 49]
        answer = await exchange(connection, {"type": "x", "id": count, "payload": "seen?"})
        assert answer["payload"]["payload"] == f"{name} saw " + ",".join(map(str, range(count + 1)))


async def test_raw_frames_keep_their_order_too(served: Served) -> None:
    frames: list[str | bytes] = [str(number) if number % 2 else str(number).encode() for number in range(200)]
    async with served.connect("/ws/raw") as raw:
        for frame in frames:
            await raw.send(frame)
        async with asyncio.timeout(PATIENCE):
            assert [await raw.recv() for _ in frames] == frames
        await raw.send("refuse")
        assert await ended(raw) == (4503, "forbidden: say please")


async def test_plugins_take_turns_in_the_order_of_the_spec(served: Served) -> None:
    async with served.connect("/ws/both") as both:
        answer = await exchange(both, {"type": "replace", "payload": "seen?"})
        assert answer["payload"]["type"] == "replaced by plaind by slow"
        assert answer["payload"]["payload"] == "slow saw None"


@EACH
async def test_the_end_of_a_connection_is_told_with_its_code(served: Served, name: str) -> None:
    user = f"leaver of {name}"
    for code in (1000, 4321):
        async with served.connect(f"/ws/{name}", additional_headers={"X-User": user}) as connection:
            await exchange(connection, {"type": "x"})
            await connection.close(code)
    async with served.connect(f"/ws/{name}") as connection, asyncio.timeout(PATIENCE):
        gone: list[Any] = []
        while len(gone) < 2:
            answer = await exchange(connection, {"type": "gone?"})
            gone = [entry for entry in answer["payload"]["payload"] if entry[0] == user]
    assert gone == [[user, 1000], [user, 4321]]


async def test_what_a_plugin_raises_by_mistake_stays_inside(served: Served) -> None:
    answer = await asked(served, handshake("/ws/broken?break=upgrade"))
    assert (answer.status, answer.json) == (500, {"error": {"code": "handler_error", "message": "a plugin failed"}})
    async with served.connect("/ws/broken") as broken:
        assert await exchange(broken, {"type": "x", "id": 3}) == {
            "type": "error",
            "id": 3,
            "error": {"code": "handler_error", "message": "a plugin failed", "retryable": False},
        }
    line = await served.logged(lambda line: "swordfish" in json.dumps(line))
    assert line


async def test_a_plugin_that_never_answers_is_given_up(served: Served) -> None:
    async with served.connect("/ws/stuck") as client:
        for frame in ({"type": "x", "id": 1}, {"type": "$subscribe", "id": 2, "payload": {"topic": "news"}}) * 2:
            assert await exchange(client, frame) == {
                "type": "error",
                "id": frame["id"],
                "error": {"code": "timeout", "message": "a plugin took too long", "retryable": True},
            }


@pytest.mark.parametrize(
    ("lines", "status", "message"),
    [
        ([f"X-API-Key: {SECRET}"], 101, ""),
        ([f"Authorization: Bearer {SECRET}"], 101, ""),
        ([], 401, "an API key is needed: send it as X-API-Key or Authorization: Bearer"),
        (["X-API-Key: wrong"], 401, "this API key is not known"),
        ([f"X-API-Key: {SECRET}", "X-API-Key: wrong"], 401, "this API key is not known"),
        (["X-API-Key: \xff\xfe"], 401, "this API key is not known"),
        (["X-API-Key: rw_other"], 403, "this API key lacks the scope 'read'"),
    ],
)
async def test_an_api_key_lets_in(served: Served, lines: list[str], status: int, message: str) -> None:
    answer = await asked(served, handshake("/ws/keyed", *lines))
    assert answer.status == status
    assert status == 101 or answer.json["error"]["message"] == message


async def test_an_api_key_is_a_principal(served: Served) -> None:
    async with served.connect("/ws/keyed", additional_headers={"X-API-Key": SECRET}) as keyed:
        assert (await exchange(keyed, {"type": "x"}))["payload"]["principal"] == ["reader", ["read"]]


REWRITES = """
from routewright.hooks import hookimpl

@hookimpl
def routewright_message(message):
    return message.frame.replace(b"1", b"2.0")
"""


async def test_a_whole_float_is_an_integer_after_a_hook_too(tmp_path: Path) -> None:
    project = Project(tmp_path)
    count = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
    messages = {
        "say": {"from": "client", "payload": count, "reply": "said"},
        "said": {"from": "handler", "payload": count},
    }
    project.spec({"routes": [route("whole", "rewrites", messages=messages)]})
    project.write("rewrites.py", REWRITES)
    project.write(
        "echo.py",
        "from routewright.handlers import on\n\n\n@on('say')\nasync def say(message):\n"
        "    return {'type': 'said', 'payload': {'count': message.count}}\n",
    )
    with serving(project) as served:
        async with served.connect("/ws/whole") as connection:
            answer = await exchange(connection, {"type": "say", "payload": {"count": 1}})
    assert answer == {"type": "said", "payload": {"count": 2}}
