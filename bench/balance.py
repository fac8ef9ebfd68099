"""Balance policies with one slow and one failing worker among four: latencies, errors, and who got the requests.

Strategy: the load is open (a message is sent when its moment comes, whether or not earlier ones were answered), so that
a worker which holds requests back does not slow the load. Nothing is retried and no breaker opens: what a client would
see of a policy alone is measured. Each server is fresh; what its policy has learned, it has from the warm-up.
"""

import asyncio
import dataclasses
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from picows import WSFrame, WSListener, WSTransport, ws_connect

from bench.field import Peer, gateway_absent, serve
from bench.rounds import Figures, over
from bench.section import Section, Target, median, quantile
from bench.server import Command, Server
from bench.settings import BENCH, CONNECTIONS, Settings
from bench.sockets import TEXT, close

POLICIES: dict[str, dict[str, Any]] = {
    "least-in-flight": {"policy": "least-in-flight"},
    "hash": {"policy": "hash", "key": "payload.user"},
    "peak-ewma": {"policy": "peak-ewma"},
    "learned": {"policy": "learned"},
}
PROJECT = BENCH / "crew"
SLOW = 0
"""The slow worker's number; see bench/crew/crew.py. The failing one is known by its error."""

RATE = 1000
USERS = 997
TICK = 0.002
WARMUP = 4
"""In the warm-up times of other measurements: a policy has to see some hundred answers."""

BAD = 5.0
"""Percent of the requests that may go to the slow and the failing worker together; half would, if all were alike."""

ASK = b'{"type":"ask","id":%d,"payload":{"user":%d}}'


class _Payload(msgspec.Struct):
    worker: int


class _Error(msgspec.Struct):
    code: str


class _Answer(msgspec.Struct):
    id: int
    payload: _Payload | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Answer).decode


class Ledger:
    """What was sent when, and what came of it: seconds of the replies, errors by code, and answers by worker."""

    def __init__(self) -> None:
        self.sent = 0
        self.waiting: dict[int, float] = {}
        self.seconds: list[float] = []
        self.workers: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.answered = asyncio.Event()

    def send(self, transport: WSTransport) -> None:
        """Send the next request."""
        self.waiting[self.sent] = time.perf_counter()
        self.answered.clear()
        transport.send(TEXT, ASK % (self.sent, self.sent % USERS))
        self.sent += 1

    def answer(self, frame: bytes, now: float) -> None:
        """Note a reply or an error."""
        answer = _decode(frame)
        sent = self.waiting.pop(answer.id)
        if answer.payload is not None:
            self.workers[answer.payload.worker] += 1
            self.seconds.append(now - sent)
        elif answer.error is not None:
            self.errors[answer.error.code] += 1
        if not self.waiting:
            self.answered.set()


class Client(WSListener):  # type: ignore[misc]
    """One connection."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == TEXT:
            self.ledger.answer(frame.get_payload_as_bytes(), time.perf_counter())


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    section = Section(
        "balance",
        f"Balance policies: four workers, one slow and one failing, {RATE:,} messages/s",
        ("policy", "p50 ms", "p99 ms", "errors %", "to the slow one %", "to the failing one %", "messages"),
    )
    field = [
        Peer(name, name, partial(_commands, balance), gateway_absent, "/ws/crew", b'{"type":"greet"}')
        for name, balance in POLICIES.items()
    ]
    alone = dataclasses.replace(settings, peers=())
    found = await over(section, field, settings.rounds, partial(_load, settings=settings), alone, progress)
    for name in ("peak-ewma", "learned"):
        if rounds := found.get(name):
            shares = [slow + failing for _, _, _, slow, failing, _ in rounds]
            section.targets.append(Target(f"{name}: to the two bad ones", median(shares), BAD, " %"))
    section.notes.append("latencies are those of replies; an error is the failing worker's answer, nothing is retried")
    return section


def _commands(balance: dict[str, Any], port: int, folder: Path) -> Sequence[Command]:
    """The gateway on a copy of the project, with another policy."""
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("generated", "__pycache__"))
    file = project / "websocket-routes.json"
    spec = json.loads(file.read_text())
    spec["routes"][0]["balance"] = balance
    file.write_text(json.dumps(spec))
    return [serve(project, port, "--no-watch")]


async def _load(server: Server, settings: Settings) -> Figures:
    """The cells of a row.

    Raises:
        TimeoutError: not all were answered.
    """
    ledger = Ledger()
    connected = await asyncio.gather(*(ws_connect(lambda: Client(ledger), server.url) for _ in range(CONNECTIONS)))
    transports = [transport for transport, _ in connected]
    await _send(ledger, transports, settings.warmup * WARMUP)
    ledger.seconds, ledger.workers, ledger.errors = [], Counter(), Counter()
    await _send(ledger, transports, settings.seconds)
    await close(transports)
    ordered = sorted(ledger.seconds)
    total = ledger.workers.total() + ledger.errors.total()
    shares = [100 * part / total for part in (ledger.errors.total(), ledger.workers[SLOW], ledger.errors["broken"])]
    return quantile(ordered, 0.5) * 1e3, quantile(ordered, 0.99) * 1e3, *shares, float(total)


async def _send(ledger: Ledger, transports: list[WSTransport], seconds: float) -> None:
    """Send for some seconds, each message at its time; then wait for the last answers."""
    began, first = time.perf_counter(), ledger.sent
    while (now := time.perf_counter()) < began + seconds:
        while ledger.sent - first < (now - began) * RATE:
            ledger.send(transports[ledger.sent % len(transports)])
        await asyncio.sleep(TICK)
    await asyncio.wait_for(ledger.answered.wait(), timeout=5)
