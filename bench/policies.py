"""What each policy adds to a message: CPU of all server processes, beside the same gateway with its defaults.

Strategy: the message and the load of the main table, at window 16. Each row is the bench's project with one policy
changed; rows are interleaved, and a row's difference is taken within each round.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.field import PROJECT, Peer, gateway_absent, serve
from bench.messages import burst
from bench.rounds import Figures, over
from bench.section import Section, median
from bench.server import Command, Server, ServerError
from bench.settings import Settings

WINDOW = 16
DEFAULTS = "defaults"
MESSAGE = "request_workspace_analysis"
REPEATABLE = {"idempotent": True}

POLICIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    DEFAULTS: ({}, {}),
    "rateLimit: false": ({"rateLimit": False}, {}),
    "circuitBreaker: false": ({"circuitBreaker": False}, {}),
    "limits.bulkhead": ({"limits": {"bulkhead": 100_000}}, {}),
    "retry": ({"retry": {}}, REPEATABLE),
    "balance: peak-ewma": ({"balance": {"policy": "peak-ewma"}}, {}),
    "balance: hash by a field": ({"balance": {"policy": "hash", "key": "payload.note"}}, {}),
    "balance: learned": ({"balance": {"policy": "learned"}}, {}),
    "cache, every request a hit": ({"cache": {"ttl": "1h"}}, REPEATABLE),
    "compression, not asked for": ({"compression": {}}, {}),
}
"""What is laid over the route and over its message."""


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    """Every row once a round."""
    section = Section(
        "policies",
        f"What a policy adds to a message, window {WINDOW}: medians of {settings.rounds} rounds",
        ("policy", "us", "msg/s", "added us"),
    )
    field = [Peer(name, name, partial(commands, *laid), gateway_absent, "/ws/bench") for name, laid in POLICIES.items()]
    alone = dataclasses.replace(settings, peers=())
    found = await over(section, field, settings.rounds, partial(_load, settings=settings), alone, progress)
    plain = [cpu for cpu, _ in found.get(DEFAULTS, [])]
    section.rows = [(*row, f"{_added(found[row[0]], plain):+.2f}") for row in section.rows]
    return section


def _added(rounds: Sequence[Figures], plain: Sequence[float]) -> float:
    """Microseconds that a policy adds, by the same rounds."""
    return median(cpu - without for (cpu, _), without in zip(rounds, plain, strict=False))


async def _load(server: Server, settings: Settings) -> Figures:
    """Microseconds and messages a second.

    Raises:
        ServerError: replies were wrong or lost, so that the figures mean nothing.
    """
    sample = await burst(server, 1, WINDOW, settings)
    if sample.wrong or sample.lost:
        raise ServerError(f"{sample.wrong:,} wrong replies, {sample.lost:,} connections lost")
    return sample.cpu, sample.rate


def commands(route: dict[str, Any], message: dict[str, Any], port: int, folder: Path) -> Sequence[Command]:
    """The gateway on the bench's project with this laid over its route and over that route's message."""
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("generated", "__pycache__"))
    file = project / "websocket-routes.json"
    spec = json.loads(file.read_text())
    spec["routes"][0].update(route)
    spec["routes"][0]["messages"][MESSAGE].update(message)
    file.write_text(json.dumps(spec))
    return [serve(project, port, "--no-watch")]
