"""Reload under load: paced traffic, with and without reloads; what is dropped, lost, wrong, and the p99 of each.

Strategy: the load is open (a message is sent when its moment comes, whether or not earlier ones were answered), so a
pause of the server shows in the latencies. Policies, contract and handler code are changed in turn.
"""

import asyncio
import copy
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
from picows import WSFrame, WSListener, WSTransport, ws_connect

from bench.editing import Asker, Discovery, Editor
from bench.field import GATEWAY, gateway, gateway_absent
from bench.section import Section, Target, median, number, quantile
from bench.server import Server, ServerError
from bench.settings import CONNECTIONS, Settings
from bench.sockets import FRAME, TEXT, close

RATE = 5000
EVERY = 2.0
TICK = 0.002


class Head(msgspec.Struct):
    type: str
    id: str | None = None
    error: dict[str, Any] | None = None


decode = msgspec.json.Decoder(Head).decode


@dataclass(slots=True)
class Ledger:
    """What was sent and what came of it, in all phases together; latencies in seconds, of the present phase."""

    sent: int = 0
    closed: int = 0
    running: bool = True
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: dict[str, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)


class Paced(WSListener):  # type: ignore[misc]
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != TEXT:
            return
        now = time.perf_counter()
        reply = decode(frame.get_payload_as_bytes())
        sent = self.ledger.waiting.pop(reply.id or "", None)
        if not self.ledger.waiting:
            self.ledger.answered.set()
        if sent is None:
            self.ledger.wrong["a reply to nothing"] += 1
        elif reply.type != "workspace_analysis":
            self.ledger.wrong[str((reply.error or {}).get("code", reply.type))] += 1
        else:
            self.ledger.latencies.append(now - sent)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.ledger.closed += self.ledger.running


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    section = Section(
        "reload",
        f"Reload under load: {CONNECTIONS} connections, {RATE:,} messages/s, a reload every {EVERY:.0f} s",
        ("phase", "p50 ms", "p99 ms", "max ms", "messages"),
    )
    if reason := gateway_absent():
        section.notes.append(f"absent: gateway: {reason}")
        return section
    phases: dict[str, list[tuple[float, float, float, float]]] = {"quiet": [], "reloading": []}
    ledger = Ledger()
    reloads = 0
    try:
        reloads = await _run(ledger, phases, settings, progress)
    except (ServerError, TimeoutError, OSError, EOFError) as error:
        section.notes.append(f"stopped: {error!r}")
    for phase, samples in phases.items():
        if samples:
            section.rows.append((phase, *(number(median(column)) for column in zip(*samples, strict=True))))
    section.data = {"phases": phases, "sent": ledger.sent, "reloads": reloads, "wrong": dict(ledger.wrong)}
    section.notes.append(f"{ledger.sent:,} messages, {reloads} reloads, errors: {dict(ledger.wrong) or 'none'}")
    if reloads:
        rises = [noisy[1] / quiet[1] for quiet, noisy in zip(*phases.values(), strict=False)]
        section.targets += [
            Target("connections dropped", float(ledger.closed), 0.0),
            Target("replies lost", float(len(ledger.waiting)), 0.0),
            Target("errors and replies to nothing", float(ledger.wrong.total()), 0.0),
            Target("p99 with reloads by p99 without", median(rises), 1.2, " x"),
        ]
    section.notes.append("the server is not bound to one core here: new workers start beside the old ones")
    return section


async def _run(
    ledger: Ledger,
    phases: dict[str, list[tuple[float, float, float, float]]],
    settings: Settings,
    progress: Callable[[str], None],
) -> int:
    """Quiet and reloading phases in turn; returns how many reloads were seen to take effect."""
    server = Server(
        GATEWAY.name,
        lambda port, folder: [[*gateway(port, folder)[0][:-1], "--watch"]],
        path=GATEWAY.path,
        pinned=False,
    )
    async with server:
        edits = Edits(server)
        connected = await asyncio.gather(*(ws_connect(lambda: Paced(ledger), server.url) for _ in range(CONNECTIONS)))
        transports = [transport for transport, _ in connected]
        await _phase(ledger, transports, 1.0, None)
        rounds, seconds = (1, 4.0) if settings.quick else (max(1, min(3, settings.rounds)), 12.0)
        for round in range(1, rounds + 1):
            for phase, reload in (("quiet", None), ("reloading", edits.next)):
                progress(f"reload, round {round} of {rounds}: {phase}")
                phases[phase].append(await _phase(ledger, transports, seconds, reload))
        ledger.running = False
        edits.discovery.close()
        await close(transports)
    return edits.done


async def _phase(
    ledger: Ledger, transports: list[WSTransport], seconds: float, reload: Callable[[], Awaitable[None]] | None
) -> tuple[float, float, float, float]:
    """Send for some seconds, then wait for the last replies; p50, p99 and maximum in ms, and the number of replies."""
    ledger.latencies = []
    began = time.perf_counter()
    sent = 0
    reloading: asyncio.Task[None] | None = None
    due = began + EVERY / 2
    while (now := time.perf_counter()) < began + seconds:
        while sent < (now - began) * RATE:
            transport = transports[sent % len(transports)]
            sent += 1
            ledger.sent += 1
            id = b"%016x" % ledger.sent
            ledger.waiting[id.decode()] = time.perf_counter()
            ledger.answered.clear()
            transport.send(TEXT, FRAME % ledger.sent)
        if reload is not None and now >= due and (reloading is None or reloading.done()):
            if reloading is not None:
                reloading.result()
            reloading, due = asyncio.ensure_future(reload()), now + EVERY
        await asyncio.sleep(TICK)
    if reloading is not None:
        await reloading
    with suppress(TimeoutError):
        await asyncio.wait_for(ledger.answered.wait(), timeout=5)
    ordered = sorted(ledger.latencies)
    p50, p99, longest = (quantile(ordered, share) * 1e3 for share in (0.5, 0.99, 1.0))
    return p50, p99, longest, float(len(ordered))


class Edits:
    """Policy, contract and handler code of the served project, changed in turn; each edit is awaited until a client
    sees it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.editor = Editor(server.folder / "project", server.folder / "staging")
        self.document: dict[str, Any] = json.loads((server.folder / "project" / "websocket-routes.json").read_text())
        self.discovery = Discovery(server.port)
        self.done = 0

    async def next(self) -> None:
        turn = self.done + 1
        if turn % 3 == 0:
            asker = await Asker.connect(self.server.url)
            self.editor.revise("bench_handler.py", turn)
            await asker.until({"type": "request_revision"}, lambda reply: reply.get("payload") == {"number": turn})
            await close([asker.transport])
        else:
            self.document = copy.deepcopy(self.document)
            route = self.document["routes"][0]
            if turn % 3 == 1:
                route["rateLimit"]["burst"] -= 1
            else:
                route["messages"][f"event_{turn}"] = {"from": "handler", "summary": "One more event"}
            old = await self.discovery.digest()
            self.editor.spec(self.document)
            await self.discovery.changed(old)
        self.done += 1
