"""Drill: pages of other origins come by every path that leads to a route, and by some that do not."""

import re
from collections import Counter
from itertools import product
from pathlib import Path
from random import Random
from urllib.parse import quote

from tests.drills.bystanders import beside
from tests.drills.drill import Outcome, Size, drill
from tests.gateway.asking import asking, route
from tests.gateway.origins import ALLOWED, LISTED
from tests.gateway.wire import asked, handshake
from tests.served import Served, serving

PATHS = ("/ws/alpha", "/old/alpha", "/ws/room/7")
"""A route's own, its alias, and one with a parameter."""

NEAR = ("/ws/alphaa", "/WS/Alpha", "/ws/alpha/", "/ws/%61lpha", "/ws/alph%61?x=1")
"""Taken for the route, or another spelling of its path."""

HOME = ALLOWED[0]
EVIL = "https://evil-app.example.com"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/@%#?[]*,;\\\t \xe4\xf6\x80"


@drill("origins")
async def origins(size: Size, folder: Path) -> Outcome:
    """Whatever the path: a page comes in where its origin is a listed one in full, and else never."""
    tries, chance = 150 * size.factor, size.random()
    outcome = Outcome("", "")
    alpha = route("alpha", aliases=["/old/alpha"])
    room = {**route("room"), "path": "/ws/room/{number}", "pythonModule": "alpha_handler"}
    project = asking(folder, alpha)
    settings = {"allowedOrigins": ALLOWED, "fuzzy": {"mode": "redirect", "threshold": 0.8}}
    project.spec({"gateway": settings, "routes": [alpha, room]})
    statuses = Counter[int]()
    with serving(project, "--no-watch", environment={"ENABLE_DYNAMIC_ROUTING": "1"}) as served:
        page = {"origin": HOME}
        async with beside(outcome, served, "/ws/alpha", options=lambda: page):
            for path in PATHS + NEAR:
                # no browser: whoever says who it is, says so by a credential
                await _come(outcome, served, path, [], True, statuses)
            for path, (origin, status) in product(PATHS + NEAR, LISTED):
                await _come(outcome, served, path, [origin], status == 101, statuses)
            for path, pair in product(PATHS + NEAR, ((HOME, EVIL), (EVIL, HOME), (HOME, HOME), ("null", HOME))):
                await _come(outcome, served, path, [*pair], False, statuses)
            for _ in range(tries):
                origin = changed(HOME, chance)
                await _come(outcome, served, chance.choice(PATHS), [origin], same(origin), statuses)
            there = 0
            for _ in range(tries):
                path = spelled(chance.choice(PATHS), chance)
                there += (await asked(served, handshake(path, f"Origin: {HOME}"))).status == 101
                await _come(outcome, served, path, [EVIL], False, statuses)
    outcome.load = f"{statuses.total()} handshakes, {statuses[101]} of them of clients that may"
    outcome.faults = "wrong, doubled and mutated origins, by aliases, near paths and encodings"
    told = ", ".join(f"{count} told {status}" for status, count in sorted(statuses.items()) if status != 101)
    outcome.notes = f"{told}; {outcome.let_in} let in; {there} of {tries} mutated paths lead to a route"
    return outcome


async def _come(
    outcome: Outcome, served: Served, path: str, origins: list[str], welcome: bool, statuses: Counter[int]
) -> None:
    """Ask for a WebSocket from a page, and count whether that went as it should."""
    answer = await asked(served, handshake(path, *(f"Origin: {origin}" for origin in origins)))
    statuses[answer.status] += 1
    if answer.status == 101:
        outcome.let_in += not welcome
    else:
        outcome.lost += welcome


def same(origin: str) -> bool:
    """Whether it is another spelling of `HOME` (RFC 6454, 4; RFC 9110, 5.5: blanks round a header's value)."""
    return (
        re.fullmatch(r"https://app\.example\.com(:0*443)?", origin.strip(" \t"), re.IGNORECASE | re.ASCII) is not None
    )


def changed(origin: str, chance: Random) -> str:
    """The origin with something put in, taken out or replaced, once or twice."""
    for _ in range(chance.choice((1, 1, 2))):
        at = chance.randrange(len(origin) + 1)
        letter = chance.choice(LETTERS)
        end = ":443", ":8443", ".", "/", ".evil.com", "@evil.com", "%00", "\\", ":", "?", "#", ",null"
        origin = chance.choice(
            (
                origin[:at] + letter + origin[at:],
                origin[:at] + letter + origin[at + 1 :],
                origin[:at] + origin[at + 1 :],
                origin[:at] + origin[at:].swapcase(),
                origin[:8] + chance.choice(("evil-", "evil.", "user@", "www.", "[")) + origin[8:],
                origin + chance.choice(end),
            )
        )
    return origin


def spelled(path: str, chance: Random) -> str:
    """The path in other words: encoded, in another case, with a slash or a dot too much, or with a wrong letter."""
    for _ in range(chance.choice((1, 2))):
        at = chance.randrange(1, len(path))
        path = chance.choice(
            (
                path[:at] + f"%{ord(path[at]):02{chance.choice('xX')}}" + path[at + 1 :],
                path[:at] + path[at:].swapcase(),
                path[:at]
                + chance.choice(("/", "//", "/./", "/../", "%2f", "%2e%2e/", ";x", "?", "#", "\\"))
                + path[at:],
                path[:at] + path[at + 1 :],
                path + chance.choice(("/", "%20", "%00", "?token=x", "%")),
                quote(path, safe=""),
            )
        )
    return path if path.startswith("/") else f"/{path}"
