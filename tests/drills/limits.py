"""Drills: who asks for more than there is room for is refused at once, and those who are served do not notice."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from tests.drills.bystanders import BYSTANDERS, beside
from tests.drills.drill import Outcome, Size, drill
from tests.gateway.asking import ask, asking, route
from tests.gateway.wire import TEXT, Wire, dialled, frame, handshake, opened
from tests.served import Served, serving

CONNECTIONS = 60
PER_ADDRESS = 8
PER_ROUTE = 5
IN_FLIGHT = 8
LARGEST = 4096
CAPACITY = 2048
"""Requests that a Python worker takes at a time."""

FLOODERS = 20
EACH = 50
GROWTH = 4 * 1024 * 1024
"""Bytes by which memory may grow once it has settled. A request that waits takes a kilobyte or more."""

ADDRESSES = [f"127.0.1.{number}" for number in range(1, 13)]

BUSY = """\
import asyncio
from collections import Counter

from routewright.handlers import Context, on

running = Counter()


@on("ask")
async def ask(message, context: Context):
    running[context.session.id] += 1
    beside = running[context.session.id]
    await asyncio.sleep(0)
    running[context.session.id] -= 1
    return {"type": "answer", "payload": {"nonce": message.nonce, "beside": beside}}
"""

HELD = """\
import asyncio
from pathlib import Path

from routewright.handlers import on

HERE = Path(__file__).parent
gate = None
taken = 0


async def watch():
    while HERE.joinpath("held").exists():
        await asyncio.sleep(0.01)


@on("ask")
async def ask(message):
    global gate, taken
    taken += 1
    if gate is None or gate.done():
        gate = asyncio.create_task(watch())
    await asyncio.shield(gate)
    return {"type": "answer", "payload": {"nonce": message.nonce, "taken": taken}}
"""


@drill("unfinished handshakes")
async def unfinished(size: Size, folder: Path) -> Outcome:
    """Crowds connect and never finish their request: some say nothing, some a part of it, some a byte now and then. All
    are cut in time, while others come and are served."""
    waves, crowd, chance = 2 * size.factor, 200, size.random()
    outcome = Outcome(f"{BYSTANDERS} clients who come and go", f"{waves} times {crowd} handshakes that never end")
    project = asking(folder)
    project.spec({"gateway": {"limits": {"handshake": "500ms"}}, "routes": [route("alpha")]})
    cut = 0
    with serving(project, "--no-watch") as served:
        async with beside(outcome, served, "/ws/alpha"):
            for _ in range(waves):
                cut += sum(await asyncio.gather(*(_dawdle(served, chance.random()) for _ in range(crowd))))
        counted = (await served.stats())["refused"]["handshake"]
    outcome.let_in = waves * crowd - cut
    outcome.expect(counted == waves * crowd, f"each is counted, not {counted}")
    outcome.notes = f"{cut} cut"
    return outcome


async def _dawdle(served: Served, share: float) -> bool:
    """Send that share of a handshake, the last third of all byte by byte; whether the gateway hangs up, wordless."""
    request = handshake("/ws/alpha")[:-1]
    at = int(share * len(request))
    async with dialled(served) as wire:
        wire.send(request[:at])
        with contextlib.suppress(ConnectionError):
            if share > 2 / 3:
                for byte in request[at:]:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.02):
                            return await wire.reader.read() == b""
                    wire.send(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            return await wire.gone() == b""
    return False


@drill("past the limits")
async def past(size: Size, folder: Path) -> Outcome:
    """More clients than there is room for come at once, from several addresses; those who are let in send more at once
    than may be in flight, and then messages that are too large."""
    rounds, each, chance = 2 * size.factor, 12, size.random()
    crowd = each * len(ADDRESSES)
    faults = f"{rounds} times {crowd} connections, 30 requests at once on each, then a message too large"
    outcome = Outcome(f"{BYSTANDERS} clients", faults)
    limits = {"messageBytes": f"{LARGEST}B", "inFlight": IN_FLIGHT}
    busy, few = route("busy", limits=limits), route("few", limits={"connections": PER_ROUTE})
    project = asking(folder, busy, few)
    project.spec(
        {
            "gateway": {"limits": {"connections": CONNECTIONS, "connectionsPerAddress": PER_ADDRESS}},
            "routes": [busy, few],
        }
    )
    project.save("busy_handler.py", BUSY)
    refused, room = Counter[int](), CONNECTIONS - BYSTANDERS
    with serving(project, "--no-watch") as served:
        async with beside(outcome, served, "/ws/busy", turn=0):
            for _ in range(rounds):
                addresses = [source for source in chance.sample(ADDRESSES, len(ADDRESSES)) for _ in range(each)]
                await _crowd(outcome, served, "busy", addresses, room, refused)
                await _crowd(outcome, served, "few", chance.sample(ADDRESSES, 10), PER_ROUTE, refused)
    told = ", ".join(f"{count} told {status}" for status, count in sorted(refused.items()))
    outcome.notes = f"{told}; {outcome.let_in} let in past a limit"
    return outcome


async def _crowd(
    outcome: Outcome, served: Served, name: str, addresses: list[str], room: int, refused: Counter[int]
) -> None:
    """A connection from each of these addresses, all at once; then the work of those who are in."""
    inside = Counter[str]()
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(dialled(served, source=source)) for source in addresses]
        for wire in wires:
            wire.send(handshake(f"/ws/{name}"))
        answers = await asyncio.gather(*(wire.answer() for wire in wires))
        for source, answer in zip(addresses, answers, strict=True):
            if answer.status == 101:
                inside[source] += 1
            else:
                refused[answer.status] += 1
                outcome.expect(answer.status in (429, 503) and "retry-after" in answer.headers, "told to come again")
        outcome.let_in += max(0, inside.total() - room) + sum(max(0, count - PER_ADDRESS) for count in inside.values())
        outcome.lost += max(0, room - inside.total())
        if name == "busy":
            entered = [wire for wire, answer in zip(wires, answers, strict=True) if answer.status == 101]
            await asyncio.gather(*(_flood(outcome, wire) for wire in entered))
    await served.until(lambda stats: stats["connections"] == BYSTANDERS)


async def _flood(outcome: Outcome, wire: Wire) -> None:
    """Thirty requests in one write, and then a message that is one byte too large."""
    wire.send(b"".join(frame(TEXT, ask(number)) for number in range(30)))
    answers = [await wire.message() for _ in range(30)]
    outcome.heard([answer["id"] for answer in answers], range(30))
    outcome.let_in += sum(answer["payload"]["beside"] > IN_FLIGHT for answer in answers)
    wire.send(frame(TEXT, ask(31, "x" * LARGEST)[: LARGEST + 1]))
    outcome.let_in += await wire.closed() != 1009


@drill("overload")
async def overload(size: Size, folder: Path) -> Outcome:
    """Handlers answer nothing, while requests go on coming: as many wait as the route's bulkhead says, or its worker
    takes, and every further one is refused at once. What waits is answered in the end, and nothing else is done."""
    waves = 6 * size.factor
    load = f"{waves * FLOODERS * EACH} requests of {FLOODERS} clients on each of two routes"
    outcome = Outcome(load, "no handler answers")
    bounds = {"narrow": 64, "usual": CAPACITY}
    narrow = route("narrow", limits={"bulkhead": bounds["narrow"], "inFlight": CAPACITY})
    usual = route("usual", limits={"inFlight": CAPACITY})
    project = asking(folder, route("alpha"), narrow, usual)
    for each in (narrow, usual):
        each["messages"]["ask"]["timeout"] = "10m"
        project.save(f"{each['name']}_handler.py", HELD)
    project.spec({"routes": [route("alpha"), narrow, usual]})
    notes = []
    with serving(project, "--no-watch") as served:
        async with beside(outcome, served, "/ws/alpha"):
            for name, most in bounds.items():
                grown, refused = await _overloaded(outcome, served, name, most, waves)
                notes.append(f"{name}: {most} waited, {refused} refused, memory {grown / 1024:+.0f} KiB")
    outcome.notes = "; ".join(notes)
    return outcome


async def _overloaded(outcome: Outcome, served: Served, name: str, most: int, waves: int) -> tuple[int, int]:
    """Overload one route; the bytes by which the gateway's memory has grown meanwhile, and how many were refused."""
    held = served.project.folder / "held"
    held.touch()
    settled = refused = 0
    async with contextlib.AsyncExitStack() as stack:
        first, *wires = [await stack.enter_async_context(opened(served, f"/ws/{name}")) for _ in range(FLOODERS + 1)]
        first.send(b"".join(frame(TEXT, ask(number)) for number in range(most)))
        await served.until(lambda stats: _of(stats, name)["received"] == most)
        for wave in range(waves):
            numbers = range(wave * EACH, (wave + 1) * EACH)
            for wire in wires:
                wire.send(b"".join(frame(TEXT, ask(number)) for number in numbers))
            refused += sum(await asyncio.gather(*(_refused(outcome, wire, numbers) for wire in wires)))
            if wave == waves // 4:
                settled = await _memory(served)
        grown = await _memory(served) - settled
        held.unlink()
        answers = [await first.message() for _ in range(most)]
        outcome.heard(sorted(answer["id"] for answer in answers), range(most))
        outcome.let_in += max(answer["payload"]["taken"] for answer in answers) - most
    outcome.expect(grown < GROWTH, f"memory is flat, not {grown} bytes more")
    return grown, refused


async def _refused(outcome: Outcome, wire: Wire, numbers: range) -> int:
    """See that each of these requests is refused at once, and as the contract says."""
    errors = [await wire.message() for _ in numbers]
    outcome.heard([error["id"] for error in errors], numbers)
    told = [error["error"] for error in errors if error["type"] == "error"]
    told = [error for error in told if error["code"] == "overloaded" and error["retryable"] and error["retryAfter"] > 0]
    outcome.let_in += len(numbers) - len(told)
    return len(told)


def _of(stats: Any, name: str) -> Any:
    return next(route for route in stats["routes"] if route["name"] == name)


async def _memory(served: Served) -> int:
    """Bytes that the gateway process holds."""
    (gateway,) = (await served.stats())["gateways"]
    return int(psutil.Process(gateway["process"]).memory_info().rss)
