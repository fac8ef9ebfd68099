"""Authentication through the front door: who is let in, for how long, and what they may do."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from routewright.hooks.keys import line, make
from tests.gateway.auth.forgeries import FORGERIES, forged
from tests.gateway.auth.issuer import AUDIENCE, ISSUER, KeyServer, claims, jwk, pem, token
from tests.gateway.conftest import Serve
from tests.gateway.session.talking import Reliable
from tests.served import PATIENCE, Served, exchange

SECRET = "a-secret-of-more-than-thirty-two-bytes"
DASH, OPS = make("dash", ("read",)), make("ops", ("read", "write"))
TICKETS = "/.well-known/websocket-tickets"

MESSAGES = {
    "who": {"reply": "you", "payload": {"type": "object"}},
    "write": {"reply": "you", "payload": {"type": "object"}, "scopes": ["write"]},
    "relay": {"reply": "you", "payload": {"type": "object"}},
    "you": {"from": "handler", "payload": {"type": "object"}},
}

HANDLER = """
from routewright.handlers import HandlerError, on

@on("who")
@on("write")
async def who(message, context):
    principal = context.principal
    found = {"id": principal.id, "scopes": list(principal.scopes)} if principal else {}
    return {"type": "you", "payload": found}

@on("relay")
async def relay(message, context):
    await context.call(context.route, {"type": "write", "payload": {}})
    return {"type": "you", "payload": {"id": context.principal.id}}
"""

OPEN = """
from routewright.handlers import on

@on("who")
async def who(message, context):
    return {"type": "you", "payload": {"id": context.principal.id} if context.principal else {}}
"""

PLUGIN = """
from routewright.hooks import Principal, Refusal, hookimpl

@hookimpl
def routewright_authenticate(request):
    name = request.headers.get("X-User")
    return Principal(id=name) if name else None
"""


def route(name: str, **more: Any) -> dict[str, Any]:
    return {
        "path": f"/ws/{name}",
        "pythonModule": "handler",
        "rateLimit": False,
        "messages": MESSAGES,
        **more,
    }


def by_token(keys: KeyServer, **more: Any) -> dict[str, Any]:
    way = {"kind": "jwt", "algorithms": ["RS256"], "jwks": [keys.url], "issuer": ISSUER, "audience": AUDIENCE}
    return {**way, "leeway": "0s", **more}


def spec(keys: KeyServer) -> dict[str, Any]:
    everywhere = ["header", "subprotocol", "query", "message"]
    key = {"kind": "apiKey", "keysFile": "keys.txt"}
    secret = {"kind": "jwt", "algorithms": ["HS256"], "secretEnv": "TOKEN_SECRET"}
    return {
        "gateway": {"limits": {"handshake": "1s"}, "allowedOrigins": ["https://app.example.com"]},
        "defaults": {"auth": by_token(keys, **{"from": everywhere})},
        "routes": [
            route("token"),
            route("pem", auth={"kind": "jwt", "algorithms": ["RS256"], "publicKey": "keys/issuer.pem"}),
            route("secret", auth={**secret, "scopes": ["write"]}),
            route("key", auth=key),
            route("either", auth=[by_token(keys), key, {"kind": "ticket"}]),
            route("other", auth=[key, {"kind": "ticket"}]),
            route("plugin", auth=[{"kind": "plugin"}, {"kind": "ticket"}], middleware=["plugin"]),
            route("open", auth=False, messages={name: MESSAGES[name] for name in ("who", "you")}, pythonModule="open"),
        ],
    }


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    with KeyServer().serving() as keys:
        yield keys


@pytest.fixture(scope="module")
def served(serve: Serve, keys: KeyServer) -> Iterator[Served]:
    files = {
        "handler.py": HANDLER,
        "open.py": OPEN,
        "plugin.py": PLUGIN,
        "keys/issuer.pem": pem().decode(),
        "keys.txt": f"# our own\n{line(DASH.key)}\n{line(OPS.key)}\n",
    }
    with serve(spec(keys), files, TOKEN_SECRET=SECRET) as served:
        yield served


def bearer(credential: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": f"Bearer {credential}"}}


async def who(connection: ClientConnection) -> Any:
    """What the handler knows of its client."""
    return (await exchange(connection, {"type": "who", "id": 1}))["payload"]


async def asked(served: Served, path: str, **options: Any) -> Any:
    async with served.connect(path, **options) as connection:
        return await who(connection)


async def refused(served: Served, path: str, **options: Any) -> tuple[int, str, str]:
    """Status, code and challenge of a refusal."""
    with pytest.raises(InvalidStatus) as caught:
        await served.connect(path, **options)
    response = caught.value.response
    assert response.body is not None
    code = json.loads(response.body)["error"]["code"]
    return response.status_code, code, response.headers.get("WWW-Authenticate", "")


async def closed(connection: ClientConnection) -> tuple[int, str]:
    """Code and reason of the close frame that comes next."""
    async with asyncio.timeout(PATIENCE):
        await connection.wait_closed()
    return connection.close_code or 0, connection.close_reason or ""


async def test_a_token_lets_in_from_where_the_spec_says(served: Served) -> None:
    ada = {"id": "ada", "scopes": ["read"]}
    assert await asked(served, "/ws/token", **bearer(token())) == ada
    assert await asked(served, f"/ws/token?token={token()}") == ada
    async with served.connect("/ws/token", subprotocols=["plain", f"routewright.auth.{token()}"]) as connection:
        assert connection.subprotocol == "plain"
        assert await who(connection) == ada
    async with served.connect("/ws/token") as connection:
        answer = await exchange(connection, {"type": "$auth", "id": 7, "payload": {"token": token()}})
        assert (answer["type"], answer["id"], answer["payload"]["principal"]) == ("$ok", 7, "ada")
        assert await who(connection) == ada


@pytest.mark.parametrize("path", ["/ws/pem", f"/ws/pem?token={'x' * 40}"])
async def test_it_does_not_from_elsewhere(served: Served, path: str) -> None:
    assert await refused(served, f"{path}{'&' if '?' in path else '?'}token={token()}") == (
        401,
        "unauthorized",
        "Bearer",
    )
    assert (await refused(served, "/ws/pem", additional_headers={"X-API-Key": token()}))[0] == 401


@pytest.mark.parametrize(
    ("name", "made"),
    FORGERIES,
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_token_that_does_not_hold(served: Served, name: str, made: Any) -> None:
    status, code, challenge = await refused(served, "/ws/token", **bearer(made()))
    assert (status, code) == (401, "unauthorized")
    assert challenge.startswith('Bearer error="invalid_token", error_description="')


async def test_a_public_key_is_no_secret_where_it_is_a_file(served: Served) -> None:
    assert (await asked(served, "/ws/pem", **bearer(token())))["id"] == "ada"
    assert (await refused(served, "/ws/pem", **bearer(forged("HS256", pem()))))[0] == 401


async def test_a_route_may_ask_for_scopes(served: Served) -> None:
    def signed(scope: str) -> str:
        return jwt.encode(claims(aud=None, scope=scope), SECRET, "HS256")

    assert await asked(served, "/ws/secret", **bearer(signed("read write"))) == {
        "id": "ada",
        "scopes": ["read", "write"],
    }
    status, code, challenge = await refused(served, "/ws/secret", **bearer(signed("read")))
    assert (status, code) == (403, "forbidden")
    assert challenge.startswith('Bearer error="insufficient_scope"')


async def test_two_credentials_are_as_good_as_none(served: Served) -> None:
    two = [("Authorization", f"Bearer {token()}"), ("Authorization", f"Bearer {token(sub='eve')}")]
    assert (await refused(served, "/ws/token", additional_headers=two))[0] == 401


async def test_an_api_key_lets_in(served: Served) -> None:
    for headers in ({"X-API-Key": DASH.text}, {"Authorization": f"ApiKey {DASH.text}"}, bearer(DASH.text)):
        options = headers if "additional_headers" in headers else {"additional_headers": headers}
        assert await asked(served, "/ws/key", **options) == {"id": "dash", "scopes": ["read"]}
    wrong = f"{DASH.text[:-1]}{'A' if DASH.text[-1] != 'A' else 'B'}"
    assert (await refused(served, "/ws/key", additional_headers={"X-API-Key": wrong}))[:2] == (401, "unauthorized")
    assert (await refused(served, "/ws/key", additional_headers={"X-API-Key": DASH.key.sha256}))[0] == 401
    assert (await refused(served, "/ws/key"))[2] == "ApiKey"


async def test_ways_are_tried_in_their_order(served: Served) -> None:
    assert (await asked(served, "/ws/either", **bearer(token())))["id"] == "ada"
    assert (await asked(served, "/ws/either", **bearer(OPS.text)))["id"] == "ops"
    # what is most worth knowing is told
    _, _, challenge = await refused(served, "/ws/either", **bearer(token(exp=time.time() - 10)))
    assert "expired" in challenge


async def test_a_plugin_may_say_who_it_is(served: Served) -> None:
    assert (await asked(served, "/ws/plugin", additional_headers={"X-User": "eve"}))["id"] == "eve"
    assert (await refused(served, "/ws/plugin"))[0] == 401


async def test_a_route_may_go_without(served: Served) -> None:
    async with served.connect("/ws/open") as connection:
        assert await who(connection) == {}
        answer = await exchange(connection, {"type": "$auth", "id": 1, "payload": {"token": token()}})
        assert answer["error"]["code"] == "unknown_type"


# The first frame


async def test_nothing_is_served_before_the_first_frame_says_who_it_is(served: Served) -> None:
    async with served.connect("/ws/token") as connection:
        frames = ({"type": "who", "id": 1}, {"type": "$ping"}, {"type": "$auth", "id": "b", "seq": "?"}, "no json")
        for frame, id in zip(frames, (1, None, "b", None), strict=True):
            answer = await exchange(connection, frame)
            assert (answer["error"]["code"], answer.get("id")) == ("unauthorized", id)
            assert "$auth" in answer["error"]["hint"]
        assert await closed(connection) == (4501, "no credential came in time")
    stats = await served.stats()
    assert next(each for each in stats["routes"] if each["name"] == "token")["connections"] == 0


async def test_a_credential_that_came_in_time_is_checked_to_the_end(served: Served, keys: KeyServer) -> None:
    keys.keys.append(jwk("late"))
    keys.open.clear()
    try:
        async with served.connect("/ws/token") as connection, served.connect("/ws/token") as silent:
            await connection.send(json.dumps({"type": "$auth", "payload": {"token": token("late")}}))
            # it has come later, so when it is late the other one would be
            assert await closed(silent) == (4501, "no credential came in time")
            keys.open.set()
            async with asyncio.timeout(PATIENCE):
                assert json.loads(await connection.recv())["type"] == "$ok"
            assert (await who(connection))["id"] == "ada"
    finally:
        keys.open.set()


async def test_what_follows_the_first_frame_waits_for_it(served: Served) -> None:
    async with served.connect("/ws/token") as connection:
        for frame in ({"type": "$auth", "payload": {"token": token()}}, {"type": "who", "id": 2}):
            await connection.send(json.dumps(frame))
        answers = [json.loads(await connection.recv()) for _ in range(2)]
        assert [answer["type"] for answer in answers] == ["$ok", "you"]


async def test_a_first_frame_that_does_not_hold_ends_it(served: Served) -> None:
    for made in (token(aud="mail"), "x" * 20_000, forged("none", b"")):
        async with served.connect("/ws/token") as connection:
            answer = await exchange(connection, {"type": "$auth", "id": 1, "payload": {"token": made}})
            assert (answer["id"], answer["error"]["code"]) == (1, "unauthorized")
            assert (await closed(connection))[0] == 4501
    async with served.connect("/ws/token") as connection:
        answer = await exchange(connection, {"type": "$auth", "id": 1, "payload": {"password": "x"}})
        assert (answer["error"]["code"], answer["error"]["path"]) == ("invalid_message", "$.payload")
        assert (await exchange(connection, {"type": "$auth", "payload": {"token": token()}}))["type"] == "$ok"


# Its end, and its renewal


async def test_a_connection_ends_with_its_credential(served: Served) -> None:
    async with served.connect("/ws/token", **bearer(token(exp=time.time() + 2))) as connection:
        assert (await who(connection))["id"] == "ada"
        assert await closed(connection) == (4501, "the credential has expired")
    stats = await served.stats()
    assert stats["auth"]["connection"]["expired"] >= 1


async def test_a_renewed_credential_keeps_it_open(served: Served) -> None:
    end = time.time() + 2
    async with (
        served.connect("/ws/token", **bearer(token(exp=end))) as renewed,
        served.connect("/ws/token", **bearer(token(exp=end))) as witness,
    ):
        assert (await exchange(renewed, {"type": "write", "id": 1}))["error"]["code"] == "forbidden"
        fresh = {"token": token(exp=end + 60, scope="read write")}
        answer = await exchange(renewed, {"type": "$auth", "id": 2, "payload": fresh})
        assert answer["payload"]["scopes"] == ["read", "write"]
        assert answer["payload"]["expires"] == pytest.approx(end + 60)
        # the scopes count at once, here and for handlers
        assert (await exchange(renewed, {"type": "write", "id": 3}))["payload"]["scopes"] == ["read", "write"]
        assert (await closed(witness))[0] == 4501
        assert (await who(renewed))["id"] == "ada"


async def test_it_is_renewed_by_its_own_principal_only(served: Served) -> None:
    async with served.connect("/ws/either", **bearer(token())) as connection:
        for made in (token(sub="eve"), OPS.text):
            answer = await exchange(connection, {"type": "$auth", "id": 1, "payload": {"token": made}})
            assert answer["error"]["code"] == "forbidden"
        answer = await exchange(connection, {"type": "$auth", "id": 1, "payload": {"token": token(aud="mail")}})
        assert answer["error"]["code"] == "unauthorized"
        assert (await who(connection))["id"] == "ada"


# Reliable clients


async def let_in(client: Reliable, made: str, **hello: Any) -> dict[str, Any]:
    """Connect, say who you are, and then hello."""
    await client.open()
    answer = await exchange(client.socket, {"type": "$auth", "id": "a", "payload": {"token": made}})
    assert (answer["type"], "seq" in answer) == ("$ok", False)
    return await client.greet(**hello)


async def test_a_session_begins_after_the_first_credential(served: Served) -> None:
    client = Reliable(served, "/ws/token")
    await client.open()
    await client.send({"type": "$hello"})
    assert json.loads(await client.socket.recv())["error"]["code"] == "unauthorized"
    await client.send({"type": "$auth", "id": 1, "payload": {"token": token()}})
    assert json.loads(await client.socket.recv())["payload"]["principal"] == "ada"
    await client.greet()
    await client.ask("who", 1)
    assert (await client.take())["payload"] == {"id": "ada", "scopes": ["read"]}
    await client.cut()
    # the same principal, by a newer token that may do more
    welcome = await let_in(client, token(scope="read write"))
    assert welcome["resumed"]
    await client.ask("write", 2)
    assert (await client.take())["payload"] == {"id": "ada", "scopes": ["read", "write"]}
    # renewed within the session, where the answer has its number
    await client.ask("$auth", 3, token=token(scope="read"))
    assert (await client.take())["payload"]["scopes"] == ["read"]
    await client.ask("write", 4)
    assert (await client.take())["error"]["code"] == "forbidden"
    thief = Reliable(served, "/ws/token")
    thief.resume = client.resume
    welcome = await let_in(thief, token(sub="eve"))
    assert (welcome["resumed"], welcome["reason"]) == (False, "wrong_principal")
    await client.ask("who", 5)
    assert (await client.take())["payload"]["id"] == "ada"
    for each in (client, thief):
        await each.socket.close()


async def test_a_session_ends_with_its_credential(served: Served) -> None:
    end = time.time() + 2
    client, renewed, away = (Reliable(served, "/ws/token") for _ in range(3))
    for each in (client, renewed, away):
        await let_in(each, token(exp=end))
    await renewed.ask("$auth", 1, token=token(exp=end + 60))
    assert (await renewed.take())["type"] == "$ok"
    await away.cut()
    assert (await let_in(away, token(exp=end + 60)))["resumed"]
    assert await client.closed() == 4501
    for who in ("eve", "ada"):
        welcome = await let_in(client, token(sub=who))
        assert (welcome["resumed"], welcome["reason"]) == (False, "ended")
        await client.socket.close()
    for each in (renewed, away):
        await each.ask("who", 2)
        assert (await each.take())["payload"]["id"] == "ada"
        await each.socket.close()


# Scopes


async def test_a_message_may_ask_for_scopes(served: Served) -> None:
    async with served.connect("/ws/key", additional_headers={"X-API-Key": DASH.text}) as connection:
        answer = await exchange(connection, {"type": "write", "id": 5})
        assert (answer["id"], answer["error"]["code"]) == (5, "forbidden")
        assert "'write'" in answer["error"]["message"]
        # handlers act for their client: a call has no more scopes than that
        assert (await exchange(connection, {"type": "relay", "id": 6}))["error"]["code"] == "forbidden"
        assert (await who(connection))["id"] == "dash"
    async with served.connect("/ws/key", additional_headers={"X-API-Key": OPS.text}) as connection:
        for type in ("write", "relay"):
            assert (await exchange(connection, {"type": type, "id": 7}))["payload"]["id"] == "ops"


# Keys


async def test_made_up_key_ids_cause_few_fetches(served: Served, keys: KeyServer) -> None:
    await asked(served, "/ws/token", **bearer(token()))
    before = keys.asked
    for number in range(40):
        made = token("second", headers={"kid": f"made-up-{number}"})
        assert (await refused(served, "/ws/token", **bearer(made)))[0] == 401
    assert keys.asked - before <= 5


# Tickets


def minted(served: Served, path: str, headers: dict[str, str], method: str = "POST") -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of a request for a ticket."""
    body = json.dumps({"path": path}).encode()
    url = f"{served.http}{TICKETS}"
    request = urllib.request.Request(url, body if method == "POST" else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, json.loads(response.read()), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), dict(error.headers)


async def a_ticket(served: Served, path: str = "/ws/either", credential: str = "") -> str:
    headers = {"Authorization": f"Bearer {credential or token()}"}
    status, body, answered = await asyncio.to_thread(minted, served, path, headers)
    assert (status, answered["Cache-Control"]) == (201, "no-store")
    return str(body["ticket"])


async def test_a_ticket_lets_in_once(served: Served) -> None:
    ticket = await a_ticket(served)
    assert (await asked(served, f"/ws/either?ticket={ticket}"))["id"] == "ada"
    assert (await refused(served, f"/ws/either?ticket={ticket}"))[0] == 401
    ticket = await a_ticket(served, credential=OPS.text)
    async with served.connect("/ws/either", subprotocols=["chat", f"routewright.auth.{ticket}"]) as connection:
        assert connection.subprotocol == "chat"
        assert (await who(connection))["id"] == "ops"


async def test_a_ticket_is_for_one_route(served: Served) -> None:
    ticket = await a_ticket(served)
    assert (await refused(served, f"/ws/other?ticket={ticket}"))[0] == 401
    # whoever shows it uses it up
    assert (await refused(served, f"/ws/either?ticket={ticket}"))[0] == 401


async def test_a_connection_by_ticket_ends_with_the_credential_it_was_got_with(served: Served) -> None:
    ticket = await a_ticket(served, credential=token(exp=time.time() + 3))
    async with served.connect(f"/ws/either?ticket={ticket}") as connection:
        assert (await closed(connection))[0] == 4501


async def test_who_gets_no_ticket(served: Served) -> None:
    async def status(path: str, headers: dict[str, str], method: str = "POST") -> int:
        return (await asyncio.to_thread(minted, served, path, headers, method))[0]

    known = {"Authorization": f"Bearer {token()}"}
    assert await status("/ws/either", {}) == 401
    assert await status("/ws/either", {"Authorization": f"Bearer {token(aud='mail')}"}) == 401
    assert await status("/ws/token", known) == 404
    assert await status("/ws/nowhere", known) == 404
    assert await status("/ws/either", known, "GET") == 405
    assert await status("/ws/either" + "x" * 5000, known) == 413
    assert await status("/ws/either", {**known, "Origin": "https://evil.example.com"}) == 403
    ticket = await a_ticket(served)
    assert await status("/ws/either", {"Authorization": f"Ticket {ticket}"}) == 401


async def test_a_page_of_an_allowed_origin_may_ask_for_a_ticket(served: Served) -> None:
    page = {"Origin": "https://app.example.com"}
    status, _, headers = await asyncio.to_thread(minted, served, "", page, "OPTIONS")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://app.example.com")
    assert headers["Access-Control-Allow-Methods"] == "POST"
    assert "Authorization" in headers["Access-Control-Allow-Headers"]
    known = {**page, "Authorization": f"Bearer {token()}"}
    status, body, headers = await asyncio.to_thread(minted, served, "/ws/either", known)
    assert (status, headers["Access-Control-Allow-Origin"]) == (201, "https://app.example.com")
    assert (await asked(served, f"/ws/either?ticket={body['ticket']}"))["id"] == "ada"
    refusal = await asyncio.to_thread(minted, served, "/ws/either", page)
    assert (refusal[0], refusal[2]["Access-Control-Allow-Origin"]) == (401, "https://app.example.com")
