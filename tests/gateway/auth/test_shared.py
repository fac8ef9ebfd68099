"""What two gateway processes make of one ticket, and that nothing which lets in is ever written down."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from routewright.hooks.keys import line
from tests.gateway.auth.issuer import KeyServer, token
from tests.gateway.auth.test_served import (
    DASH,
    HANDLER,
    a_ticket,
    asked,
    bearer,
    by_token,
    minted,
    refused,
    route,
)
from tests.gateway.conftest import Serve
from tests.served import PATIENCE, Project, Served, exchange


@pytest.fixture(scope="module")
def shared(serve: Serve) -> Iterator[Served]:
    with KeyServer().serving() as keys:
        everywhere = ["header", "subprotocol", "query", "message"]
        key = {"kind": "apiKey", "keysFile": "keys.txt", "from": everywhere}
        ways = [by_token(keys, **{"from": everywhere}), key, {"kind": "ticket"}]
        spec = {"routes": [route("either", auth=ways, middleware=["access_log", "audit"])]}
        files = {"handler.py": HANDLER, "keys.txt": line(DASH.key)}
        with serve(spec, files, "--processes", "2", ROUTEWRIGHT_LOG_LEVEL="Debug") as served:
            yield served


async def test_a_ticket_works_once_whichever_process_is_asked(shared: Served) -> None:
    served_by: set[tuple[int, int]] = set()
    for _ in range(16):
        before = {each["process"]: each["connections"] for each in (await shared.stats())["gateways"]}
        ticket = await a_ticket(shared)
        async with shared.connect(f"/ws/either?ticket={ticket}") as connection:
            assert (await exchange(connection, {"type": "who", "id": 1}))["payload"]["id"] == "ada"
            after = {each["process"]: each["connections"] for each in (await shared.stats())["gateways"]}
            here = max(after, key=lambda process: after[process] - before[process])
            served_by.add((int(ticket.partition(".")[0]), here))
            # many at once: none of them gets in
            tries = (refused(shared, f"/ws/either?ticket={ticket}") for _ in range(4))
            assert {status for status, _, _ in await asyncio.gather(*tries)} == {401}
        await shared.until(lambda stats: not stats["connections"])
    assert any(maker != taker for maker, taker in served_by)


async def test_of_many_who_show_a_ticket_one_gets_in(shared: Served) -> None:
    ticket = await a_ticket(shared)

    async def shown() -> int:
        try:
            found = await asked(shared, f"/ws/either?ticket={ticket}")
        except InvalidStatus as refusal:
            return refusal.response.status_code
        assert found["id"] == "ada"
        return 101

    assert sorted(await asyncio.gather(*(shown() for _ in range(8)))) == [101, *[401] * 7]


async def test_no_credential_is_ever_written_down(shared: Served) -> None:
    good, bad, other = token(), token(aud="mail"), token(sub="eve")
    ticket = await a_ticket(shared)
    assert (await asked(shared, f"/ws/either?token={good}"))["id"] == "ada"
    assert (await asked(shared, f"/ws/either?key={DASH.text}"))["id"] == "dash"
    assert (await asked(shared, f"/ws/either?ticket={ticket}"))["id"] == "ada"
    for credential in (bad, "rw_not-a-key-of-ours"):
        for options in (
            bearer(credential),
            {"subprotocols": ["x", f"routewright.auth.{credential}"]},
            {"additional_headers": {"X-API-Key": credential}},
        ):
            assert (await refused(shared, "/ws/either", **options))[0] == 401
        assert (await refused(shared, f"/ws/either?token={credential}"))[0] == 401
        async with shared.connect("/ws/either") as connection:
            answer = await exchange(connection, {"type": "$auth", "payload": {"token": credential}})
            assert credential not in json.dumps(answer)
    async with shared.connect("/ws/either", **bearer(good)) as connection:
        for credential in (other, "x" * 50, good):
            answer = await exchange(connection, {"type": "$auth", "id": 1, "payload": {"token": credential}})
            assert credential not in json.dumps(answer)
    assert (await asyncio.to_thread(shared.get, f"{shared.http}/ws/nowhere?token={good}"))[0] == 404
    assert (await asyncio.to_thread(minted, shared, "/ws/either", {"Authorization": f"Bearer {bad}"}))[0] == 401
    stats = json.dumps(await shared.stats())
    metrics = (await asyncio.to_thread(shared.get, f"{shared.ready['admin']}/metrics"))[2].decode()
    assert 'routewright_auth_total{kind="jwt",outcome="ok"}' in metrics
    written = "\n".join([json.dumps(line) for line in shared.lines] + [stats, metrics])
    assert '"event": "upgrade"' in written
    for secret in (good, bad, other, DASH.text, DASH.key.sha256, ticket, "rw_not-a-key-of-ours"):
        assert secret not in written
        assert secret.rpartition(".")[2] not in written


@pytest.mark.parametrize(
    ("auth", "reason"),
    [
        ({"kind": "apiKey", "keysFile": "none.txt"}, "keysFile: No such file"),
        ({"kind": "apiKey", "keysEnv": "NO_SUCH_VARIABLE"}, "the variable NO_SUCH_VARIABLE is empty"),
        ({"kind": "jwt", "algorithms": ["HS256"], "secretEnv": "SHORT"}, "SHORT has 5 bytes; HS256 needs 32"),
        ({"kind": "plugin"}, "and no plugin of the route's"),
    ],
    ids=["file", "variable", "secret", "plugin"],
)
def test_what_cannot_be_set_up_stops_the_start(auth: dict[str, object], reason: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("handler.py", HANDLER)
    project.spec({"routes": [route("chat", auth=auth, middleware=["access_log"])]})
    served = Served(project, "--no-watch", environment={"SHORT": "short"})
    try:
        assert served.process.wait(PATIENCE) != 0
    finally:
        served.kill()
    written = "\n".join(map(json.dumps, served.lines))
    assert "route 'chat': auth" in written
    assert reason in written
