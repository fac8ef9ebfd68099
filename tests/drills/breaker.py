"""Drills: a handler that is down is not stormed, and what a worker did before it died is not done again."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from routewright.client import Client, ConnectionLost, RequestFailed, connect
from routewright.policies.retry import FLOOR, SHARE
from tests.drills.drill import Outcome, Size, drill
from tests.drills.ledger import linked
from tests.drills.relay import Relay
from tests.served import PATIENCE, Project, Served, serving

HANDLER = """\
import asyncio
import os
import signal
from pathlib import Path

from routewright.handlers import HandlerError, on

HERE = Path(__file__).parent


@on("work")
async def work(message, context):
    with HERE.joinpath(f"effects-{context.session.route}").open("a") as effects:
        effects.write(f"{message.number}\\n")
    if message.die:
        os.kill(os.getpid(), signal.SIGKILL)
    while HERE.joinpath("held").exists():
        await asyncio.sleep(0.005)
    if HERE.joinpath("down").exists():
        raise HandlerError("down", "as the drill wants it", retryable=True)
    return {"type": "worked", "payload": {"number": message.number}}
"""
WORK = {
    "type": "object",
    "required": ["number"],
    "properties": {"number": {"type": "integer"}, "die": {"type": "boolean", "default": False}},
}
FAILURES = 5
TRIALS = 2
CLIENTS = 8
CALLERS = 20


def route(name: str, *, idempotent: bool, **keys: Any) -> dict[str, Any]:
    """A route whose handler may be down."""
    messages = {
        "work": {"from": "client", "payload": WORK, "reply": "worked", "idempotent": idempotent},
        "worked": {"from": "handler", "payload": {"type": "object"}},
    }
    return {
        "path": f"/ws/{name}",
        "name": name,
        "pythonModule": "work",
        "rateLimit": False,
        "messages": messages,
        **keys,
    }


def project(folder: Path, *routes: dict[str, Any]) -> Project:
    """The project of these drills."""
    found = Project(folder)
    found.spec({"routes": [*routes]})
    found.save("work.py", HANDLER)
    return found


def effects(served: Served, name: str) -> list[int]:
    """What a route's handler was called with."""
    file = served.project.folder / f"effects-{name}"
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


@drill("handler down")
async def down(size: Size, folder: Path) -> Outcome:
    """Requests come one after the other from each client, while the handler fails, and then again when it does not.
    Without a breaker the retry budget alone bounds the attempts; with one, only its trials get through."""
    count = 100 * size.factor
    outcome = Outcome(f"{CLIENTS} clients, {count} requests each, on each of two routes", "the handler fails them all")
    retry = {"attempts": 3, "base": "1ms"}
    breaker = {"consecutiveFailures": FAILURES, "openFor": "100ms", "halfOpenCalls": TRIALS}
    routes = [
        route("retried", idempotent=True, circuitBreaker=False, retry=retry),
        route("broken", idempotent=True, circuitBreaker=breaker, retry=retry),
    ]
    total, notes = CLIENTS * count, list[str]()
    with serving(project(folder, *routes), "--no-watch") as served:
        (folder / "down").write_text("")
        for name in ("retried", "broken"):
            found = Counter[str]()
            async with asyncio.TaskGroup() as tasks:
                for client in range(CLIENTS):
                    tasks.create_task(_ask(served, name, range(client, total, CLIENTS), found, outcome))
            outcome.lost += total - found["down"] - found["circuit_open"]
            attempts = len(effects(served, name))
            bound = total + max(FLOOR, int(SHARE * total))
            if name == "broken":
                opened = (await _breaker(served))["transitions"]["open"]
                # what was under way when it opened, and the trials of each half-open time
                bound = FAILURES + CLIENTS + TRIALS * opened
            outcome.duplicated += max(0, attempts - bound)
            notes.append(f"{name}: {attempts} attempts of {total} requests, at most {bound}")
        (folder / "down").unlink()
        await _breaker(served, "half-open", "closed")
        async with connect(f"{served.url}/ws/broken", reliable=False) as link:
            for _ in range(TRIALS):
                await link.request("work", {"number": 0})
        # the handler is well again: its trials have closed the breaker
        await _breaker(served, "closed")
    outcome.notes = "; ".join(notes)
    return outcome


async def _breaker(served: Served, *states: str) -> Any:
    """What the admin listener says of the breaker, once it is in one of these states."""
    async with asyncio.timeout(PATIENCE):
        while True:
            (found,) = (await asyncio.to_thread(served.admin, "/breakers"))["breakers"]
            if not states or found["state"] in states:
                return found


async def _ask(served: Served, name: str, numbers: Iterable[int], found: Counter[str], outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()
    async with connect(f"{served.url}/ws/{name}", reliable=False) as client:
        for number in numbers:
            since = loop.time()
            try:
                await client.request("work", {"number": number})
            except RequestFailed as error:
                found[error.code] += 1
            outcome.seconds.append(loop.time() - since)


@drill("half-open")
async def half_open(size: Size, folder: Path) -> Outcome:
    """Many call at once while the breaker is half-open, time after time: exactly its trials reach the handler, the
    others are told at once. The trials fail, and it opens again, or succeed, and it closes."""
    rounds, calls = 2 * size.factor, 1000
    load = f"{rounds} times {calls} calls at once from {CALLERS} clients"
    outcome = Outcome(load, "every second time the trials fail")
    breaker = {"consecutiveFailures": FAILURES, "openFor": "100ms", "halfOpenCalls": TRIALS}
    down, held = folder / "down", folder / "held"
    trial = route("trial", idempotent=False, circuitBreaker=breaker, retry=False)
    with serving(project(folder, trial), "--no-watch") as served:
        async with contextlib.AsyncExitStack() as stack:
            links = [
                await stack.enter_async_context(connect(f"{served.url}/ws/trial", reliable=False))
                for _ in range(CALLERS)
            ]
            for round in range(rounds):
                if (await _breaker(served))["state"] == "closed":
                    down.touch()
                    for _ in range(FAILURES):
                        await _call(links[0], outcome)
                await _breaker(served, "half-open")
                held.touch()
                before = len(effects(served, "trial"))
                at_once = [asyncio.create_task(_call(links[number % CALLERS], outcome)) for number in range(calls)]
                refused = asyncio.as_completed(at_once)
                for _ in range(calls - TRIALS):
                    await next(refused)
                well = round % 2 == 1
                down.unlink(missing_ok=True) if well else down.touch()
                held.unlink()
                codes = Counter(await asyncio.gather(*at_once))
                outcome.let_in += max(0, len(effects(served, "trial")) - before - TRIALS)
                outcome.lost += calls - codes["circuit_open"] - codes["worked" if well else "down"]
                outcome.expect(codes["circuit_open"] == calls - TRIALS, "so many trials as the spec says")
    outcome.notes = f"{TRIALS} trials each time; {outcome.let_in} more let in"
    return outcome


async def _call(link: Client, outcome: Outcome) -> str:
    """What a call is answered with."""
    loop = asyncio.get_running_loop()
    since = loop.time()
    try:
        await link.request("work", {"number": 0}, timeout=PATIENCE)
    except RequestFailed as error:
        if error.code == "circuit_open":
            outcome.seconds.append(loop.time() - since)
        return error.code
    return "worked"


@drill("killed after it acted")
async def acted(size: Size, folder: Path) -> Outcome:
    """Workers die after they did what a message asked for, and before they said so; the client's connection is cut as
    well. Retries are on, and the client is a reliable one: still nothing is done twice."""
    rounds = 6 * size.factor
    outcome = Outcome(f"{rounds} times 5 messages that are not idempotent", f"{rounds} workers killed")
    ledgers = route("ledger", idempotent=False, workers=2, delivery={}, retry={"attempts": 3, "base": "1ms"})
    ledgers["circuitBreaker"] = False
    codes = Counter[str]()
    with serving(project(folder, ledgers), "--no-watch") as served:
        async with Relay(served.port).open() as relay, linked(relay.url) as client:
            for round in range(rounds):
                numbers = range(round * 5, round * 5 + 5)
                asked = [
                    asyncio.create_task(client.request("work", {"number": number, "die": number % 5 == 2}))
                    for number in numbers
                ]
                relay.cut_all()
                for number, answer in zip(numbers, await asyncio.gather(*asked, return_exceptions=True), strict=True):
                    if isinstance(answer, (RequestFailed, ConnectionLost)):
                        codes[getattr(answer, "code", None) or "unknown"] += 1
                    else:
                        outcome.lost += answer != {"number": number}
                        codes["answered"] += 1
                await served.until(lambda stats: stats["workers"][0]["ready"] == 2)
            outcome.faults += f", {relay.cuts} connections cut"
        done = Counter(effects(served, "ledger"))
    outcome.duplicated += sum(times - 1 for times in done.values())
    outcome.lost += codes["answered"] > len(done)
    outcome.notes = f"{len(done)} effects; " + json.dumps(codes).strip("{}").replace('"', "")
    return outcome
