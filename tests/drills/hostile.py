"""Drill: JSON that has hurt others, and what comes of it when it is cut up and put together by chance."""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import psutil

from tests.drills.bystanders import beside
from tests.drills.drill import Outcome, Size, drill
from tests.gateway.hurtful import HURTFUL, LIMIT, PATHS, VALID, as_wanted, hostile, outcome
from tests.gateway.wire import TEXT
from tests.served import Served, serving

GROWTH = 24 * 1024 * 1024
"""Bytes by which memory may grow once it has settled: a copy of each message of a round would be more."""


@drill("hostile JSON")
async def hostile_json(size: Size, folder: Path) -> Outcome:
    """Each message yields an answer, an error frame or the close that the contract names, and everyone goes on."""
    rounds, chance = 3 * size.factor, size.random()
    found = Outcome("", "")
    results = Counter[str]()
    memory = list[int]()
    with serving(hostile(folder), "--no-watch") as served:
        before = await served.stats()
        async with beside(found, served, "/ws/typed"):
            for round in range(rounds):
                for data in HURTFUL.values():
                    await _send(found, served, PATHS[round % len(PATHS)], data, results)
                for _ in range(40):
                    await _send(found, served, chance.choice(PATHS), spliced(chance), results)
                memory.append(psutil.Process(before["gateways"][0]["process"]).memory_info().rss)
        after = await served.stats()
    for report in (_processes, lambda stats: stats["gateway_restarts"]):
        found.expect(report(before) == report(after), "no process ends")
    found.expect(all("text" not in line for line in served.lines), "the log is one JSON object a line")
    grown = memory[-1] - memory[rounds // 3]
    found.expect(grown < GROWTH, f"memory is flat, not {grown} bytes more")
    found.load = f"{results.total()} messages, up to 1 MiB each"
    found.faults = "depth, huge numbers, a megabyte of empty arrays, bad UTF-8, doubled keys, lone surrogates, splices"
    told = ", ".join(f"{count} {result}" for result, count in results.most_common())
    found.notes = f"{told}; memory {grown / 1024 / 1024:+.1f} MiB"
    return found


async def _send(found: Outcome, served: Served, path: str, data: bytes, results: Counter[str]) -> None:
    """Send a message on a connection of its own, and one behind it."""
    try:
        result = await asyncio.to_thread(outcome, served, path, TEXT, data)
    except (AssertionError, OSError) as problem:
        found.lost += 1
        found.expect(False, f"each message has its outcome: {problem!r}")
        return
    found.expect(as_wanted(data, result), f"each message has its own outcome, not {result!r}"[:300])
    if isinstance(result, dict) and result["type"] == "error":
        results[result["error"]["code"]] += 1
    else:
        results[f"closed with {result}" if isinstance(result, int) else "answered"] += 1


def spliced(chance: Random) -> bytes:
    """The beginning of one message, a few bytes, and the end of another one."""
    choices = [*HURTFUL.values(), VALID, VALID]
    first, second = chance.choice(choices), chance.choice(choices)
    middle = chance.randbytes(chance.randrange(4)) if chance.random() < 0.3 else b""
    return (first[: chance.randrange(len(first) + 1)] + middle + second[chance.randrange(len(second) + 1) :])[:LIMIT]


def _processes(stats: Any) -> list[int]:
    return [
        *(each["process"] for each in stats["gateways"]),
        *(n for group in stats["workers"] for n in group["processes"]),
    ]
