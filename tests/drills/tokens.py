"""Drill: tokens that hold for nobody come by every way that a credential may take, and good ones come to their end."""

import asyncio
import base64
import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.drills.bystanders import beside
from tests.drills.drill import Outcome, Size, drill
from tests.drills.showing import PLACES, let_in
from tests.gateway.asking import ask, asking, route
from tests.gateway.auth.forgeries import FORGERIES, forged
from tests.gateway.auth.issuer import AUDIENCE, ISSUER, KeyServer, claims, jwk, pem, token
from tests.served import PATIENCE, Served, exchange, serving

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
ENDING = 5
"""Clients whose credential ends while they are at work; as many more renew it."""


@drill("forged tokens")
async def tokens(size: Size, folder: Path) -> Outcome:
    """None of them lets in, no key is ever fetched from where a token says, and a connection ends with its token."""
    tries, chance = 120 * size.factor, size.random()
    outcome = Outcome("", "")
    with KeyServer().serving() as keys, KeyServer().serving() as trap:
        trap.keys = [jwk("second"), jwk("second", kid=trap.url)]
        way = {"kind": "jwt", "algorithms": ["RS256"], "jwks": [keys.url], "issuer": ISSUER, "audience": AUDIENCE}
        alpha = route("alpha", auth={**way, "leeway": "0s", "from": [*PLACES]})
        project = asking(folder, alpha)
        settings = {"limits": {"handshake": "2s", "connectionsPerAddress": 10_000}}
        project.spec({"gateway": settings, "routes": [alpha]})
        made = [*(make for _, make in FORGERIES), *trapped(trap.url)]
        refused = Counter[str]()
        with serving(project, "--no-watch") as served:
            good = {"additional_headers": {"Authorization": f"Bearer {token(exp=time.time() + 3600)}"}}
            async with beside(outcome, served, "/ws/alpha", options=lambda: good), asyncio.TaskGroup() as tasks:
                ending = [tasks.create_task(_ends(outcome, served)) for _ in range(ENDING)]
                renewed = [tasks.create_task(_renewed(outcome, served, ending)) for _ in range(ENDING)]
                for place in PLACES:
                    outcome.lost += not await let_in(served, token(), place)
                    for make in made:
                        await _try(outcome, served, make(), place, refused)
                for _ in range(tries):
                    await _try(outcome, served, mutated(chance), chance.choice(PLACES), refused)
            ended, went_on = sum(task.result() for task in ending), sum(task.result() for task in renewed)
        outcome.expect(trap.asked == 0, f"no key is fetched from where a token says, not {trap.asked} times")
    outcome.load = f"{2 * ENDING} clients whose tokens end, half of which renew them"
    outcome.faults = f"{refused.total()} tokens that hold for nobody"
    by = ", ".join(f"{refused[place]} by {place}" for place in PLACES)
    outcome.notes = f"refused {by}; {outcome.let_in} let in; {ended} ended, {went_on} went on; "
    outcome.notes += f"keys fetched {keys.asked} times"
    return outcome


async def _try(outcome: Outcome, served: Served, text: str, place: str, refused: Counter[str]) -> None:
    if await let_in(served, text, place):
        outcome.let_in += 1
    else:
        refused[place] += 1


async def _ends(outcome: Outcome, served: Served) -> bool:
    """Work by a token that soon comes to its end; whether the connection does as well, with 4501."""
    good = {"Authorization": f"Bearer {token(exp=time.time() + 2)}"}
    async with served.connect("/ws/alpha", additional_headers=good) as client:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await exchange(client, ask())
        outcome.let_in += client.close_code != 4501
        return client.close_code == 4501


async def _renewed(outcome: Outcome, served: Served, ending: list[asyncio.Task[bool]]) -> bool:
    """Renew a token in time; whether the connection goes on when those that were not have ended. What holds for nobody,
    or for somebody else, renews nothing."""
    end = time.time() + 2
    good = {"Authorization": f"Bearer {token(exp=end)}"}
    async with served.connect("/ws/alpha", additional_headers=good) as client:
        for text in (token(aud="mail"), token(sub="eve"), forged("none", b"")):
            answer = await exchange(client, {"type": "$auth", "id": 1, "payload": {"token": text}})
            outcome.let_in += answer["type"] != "error"
        answer = await exchange(client, {"type": "$auth", "id": 2, "payload": {"token": token(exp=end + 600)}})
        outcome.lost += answer["type"] != "$ok"
        await asyncio.wait(ending)
        went_on = bool((await exchange(client, ask()))["type"] == "answer")
    outcome.lost += not went_on
    return went_on


def trapped(url: str) -> list[Callable[[], str]]:
    """Tokens of somebody else's key that say where it is to be had."""
    headers = (
        {"jku": url},
        {"x5u": url},
        {"jku": url, "kid": url},
        {"kid": "second"},
        {"kid": url, "jwk": jwk("second")},
    )
    return [
        *(lambda header=header: token("second", headers=header) for header in headers),
        lambda: token("second", iss=url),
        lambda: token("second", iss=url, headers={"jku": url, "kid": url}),
    ]


def mutated(chance: Random) -> str:
    """A good token, made worse. It is always as long, so that the same chance does the same."""
    good = token(exp=int(time.time()) + 300)
    text = good
    while holds_alike(text, good):
        text = edited(good, chance) if chance.random() < 0.5 else rewritten(good, chance)
    return text


def edited(good: str, chance: Random) -> str:
    """The token with a letter too much, too few or another, with its end cut off, or with one part more."""
    at, letter = chance.randrange(len(good)), chance.choice(LETTERS)
    return chance.choice(
        (
            good[:at] + letter + good[at + 1 :],
            good[:at] + letter + good[at:],
            good[:at] + good[at + 1 :],
            good[:at],
            f"{good}.{letter}",
        )
    )


def rewritten(good: str, chance: Random) -> str:
    """The token with other claims, another algorithm, somebody else's signature, or signed for what does not hold."""
    header, claimed, signature = good.split(".")
    none = part({"alg": chance.choice(("none", "NONE", "nOnE", "", None, 0))})
    strange: dict[str, Any] = {chance.choice(("aud", "sub")): chance.choice((None, "", [], {}, 7))}
    other = part({"alg": chance.choice(("HS256", "ES256", "PS256", "EdDSA")), "kid": "first"})
    return chance.choice(
        (
            lambda: f"{header}.{part(claims(sub='eve'))}.{signature}",
            lambda: f"{header}.{claimed}.{token(sub='eve').rpartition('.')[2]}",
            lambda: f"{none}.{claimed}.",
            lambda: f"{other}.{claimed}.{signature}",
            lambda: forged(chance.choice(("HS256", "HS512", "RS256")), chance.choice((pem(), b"", b"secret"))),
            lambda: token("second", headers={"kid": chance.choice(("first", "", "x" * 500))}),
            lambda: token(**strange),
            lambda: token(iss=chance.choice((None, "", ISSUER[:-1], ISSUER.upper()))),
            lambda: token(exp=time.time() - chance.randrange(1, 10**9)),
            lambda: token(nbf=time.time() + chance.randrange(60, 10**9)),
        )
    )()


def part(value: object) -> str:
    """One part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def holds_alike(text: str, good: str) -> bool:
    """Whether both say the same and have the same signature: its last letter has bits that nobody looks at."""
    said, _, signature = text.rpartition(".")
    wanted, _, other = good.rpartition(".")
    with contextlib.suppress(ValueError):
        return said == wanted and base64.urlsafe_b64decode(f"{signature}==") == base64.urlsafe_b64decode(f"{other}==")
    return False
