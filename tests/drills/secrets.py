"""Drill: what lets clients in is shown in every place there is, and what looks like a log line is said; then all that
the gateway has written, and what it tells its operator, is searched for both."""

import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

from routewright.hooks.keys import line, make
from tests.drills.bystanders import beside
from tests.drills.drill import Outcome, Size, drill
from tests.drills.showing import PLACES, let_in
from tests.gateway.asking import asking, route
from tests.gateway.auth.issuer import AUDIENCE, ISSUER, pem, token
from tests.gateway.session.talking import Reliable
from tests.gateway.wire import CLOSE, TEXT, asked, dialled, frame, handshake
from tests.served import Served, serving

PAGES = ("/stats", "/metrics", "/breakers", "/readyz", "/healthz", "/")
FORGED = '"}\n{"event": "forged", "level": "error"}\r\n\u2028\u2029\x85\x1b[2J'
"""What would be a log line of its own, if it were written down as it is."""


@drill("secrets and logs")
async def secrets(size: Size, folder: Path) -> Outcome:
    """No token of any place stands in logs, figures or admin pages, and each log line is one JSON object."""
    rounds, chance = size.factor, size.random()
    key = make("dash")
    ways: list[dict[str, Any]] = [
        {"kind": "jwt", "algorithms": ["RS256"], "publicKey": "issuer.pem", "issuer": ISSUER, "audience": AUDIENCE},
        {"kind": "apiKey", "keysFile": "keys.txt"},
    ]
    auth = [*({**way, "from": [*PLACES]} for way in ways), {"kind": "ticket"}]
    alpha = route("alpha", auth=auth, delivery={}, middleware=["access_log", "audit"])
    opened = route("beta")
    project = asking(folder, alpha, opened)
    project.spec({"gateway": {"fuzzy": {"mode": "redirect"}}, "routes": [alpha, opened]})
    project.save("issuer.pem", pem().decode())
    project.save("keys.txt", line(key.key))
    outcome, hidden, said = Outcome("", ""), {key.text, key.key.sha256}, 0
    environment = {"ENABLE_DYNAMIC_ROUTING": "1"}
    with serving(project, "--no-watch", "--log-level", "debug", environment=environment) as served:
        async with beside(outcome, served, "/ws/beta"):
            for _ in range(rounds):
                hidden |= await _show(outcome, served, key.text)
                said += await _say(served, chance)
        pages = [(await asyncio.to_thread(served.get, served.ready["admin"] + page))[2].decode() for page in PAGES]
        pages.append((await asyncio.to_thread(served.get, f"{served.http}/.well-known/websocket-routes"))[2].decode())
    written = "\n".join([*map(json.dumps, served.lines), *pages])
    for secret in hidden:
        # of a token the signature alone is as bad
        outcome.let_in += secret in written or secret.rpartition(".")[2] in written
    outcome.expect(all("text" not in each for each in served.lines), "each log line is one JSON object")
    outcome.expect(all(each.get("event") != "forged" for each in served.lines), "no log line is a client's own")
    outcome.expect('"event": "upgrade"' in written, "there is something to search")
    outcome.load = f"{len(hidden)} tokens, keys, tickets and resume tokens"
    outcome.faults = (
        f"shown in {len(PLACES)} places, right, wrong and broken; {said} times text that looks like a log line"
    )
    outcome.notes = f"{len(served.lines)} log lines, {len(pages)} pages; {outcome.let_in} secrets found in them"
    return outcome


async def _show(outcome: Outcome, served: Served, key: str) -> set[str]:
    """Show credentials that hold, and some that do not, wherever one may be; all of them."""
    good, bad, wrong = token(), token(aud="mail"), f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}"
    for place in PLACES:
        for text, holds in ((good, True), (key, True), (bad, False), (wrong, False), (bad[:-9], False)):
            inside = await let_in(served, text, place, query="key" if text in (key, wrong) else "token")
            outcome.lost += holds and not inside
            outcome.expect(holds or not inside, "what does not hold lets nobody in")
        # where nobody asks for it, and on a path of none
        for path in ("/ws/beta", "/ws/betaa", "/nowhere"):
            await let_in(served, good, place, path=path)
    ticket = await _ticket(served, good)
    outcome.lost += not await let_in(served, ticket, "query", query="ticket")
    for place in PLACES:
        await let_in(served, ticket, place, header="Authorization: Ticket", query="ticket")
    return {good, bad, wrong, ticket, *await _resumed(outcome, served, good)}


async def _ticket(served: Served, good: str) -> str:
    body = json.dumps({"path": "/ws/alpha"})
    request = f"POST /.well-known/websocket-tickets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {good}\r\n"
    answer = await asked(served, f"{request}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    assert answer.status == 201, answer
    return str(answer.json["ticket"])


async def _resumed(outcome: Outcome, served: Served, good: str) -> set[str]:
    """Resume tokens: one that holds, one that is used up, and one that nobody has given out."""
    client = Reliable(served, "/ws/alpha", Authorization=f"Bearer {good}")
    first = (await client.connect())["resume"]
    await client.cut()
    second = (await client.connect())["resume"]
    outcome.lost += not client.welcome["resumed"]
    found = {first, second}
    for text in (first, f"{second[:-4]}AAAA", "x" * 5000):
        await client.cut()
        found |= {text, (await client.connect(resume=text))["resume"]}
    await client.socket.close()
    return found


async def _say(served: Served, chance: Random) -> int:
    """Say what looks like a log line wherever a client may say something; how often."""
    # with control characters it would be no header
    in_header = "".join(letter for letter in FORGED if " " <= letter <= "\xff")
    in_path = "".join(f"%{byte:02x}" for byte in FORGED.encode())
    frames: list[Any] = [
        {"type": FORGED, "id": FORGED},
        {"type": "ask", "id": FORGED, "payload": {"nonce": FORGED}},
        {"type": "ask", FORGED: 1, "payload": {FORGED: FORGED}},
        {"type": "$auth", "payload": {"token": FORGED}},
        {"type": "$subscribe", "payload": {"topic": FORGED}},
        {"type": "$hello", "resume": FORGED},
        FORGED,
    ]
    chance.shuffle(frames)
    requests = [
        handshake(f"/ws/beta{in_path}"),
        handshake(f"/ws/alpha?token={in_path}"),
        handshake("/ws/alpha", f"Authorization: Bearer {in_header}"),
        *(
            handshake("/ws/beta", f"{name}: {in_header}")
            for name in ("User-Agent", "Origin", "Sec-WebSocket-Protocol", "X-Forwarded-For", "Upgrade", "Cookie")
        ),
    ]
    for request in requests:
        await asked(served, request)
    async with dialled(served) as wire:
        wire.send(handshake("/ws/alpha", f"Authorization: Bearer {token(sub=FORGED)}", f"User-Agent: {in_header}"))
        assert (await wire.answer()).status == 101
        for each in frames:
            wire.send(frame(TEXT, json.dumps(each, ensure_ascii=False)))
            assert (await wire.message())["type"]
        wire.send(frame(CLOSE, (4000).to_bytes(2, "big") + FORGED.encode()))
        await wire.gone()
    return len(requests) + len(frames) + 2
