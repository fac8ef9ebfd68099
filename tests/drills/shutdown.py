"""Drill: the gateway is told to end while some clients have requests in flight, and others are deaf to all it says."""

import asyncio
import contextlib
import json
import signal
from collections import Counter
from pathlib import Path

import psutil
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.drills.drill import Outcome, Size, drill
from tests.gateway.asking import ask, asking, route
from tests.gateway.wire import PING, TEXT, Wire, dialled, frame, handshake, opened
from tests.served import PATIENCE, Served, serving

DEAF = 10
"""Clients of each kind that do not answer a close frame."""

BUSY = 20
"""Clients that wait for an answer when the signal comes."""

HANDLER = """\
import asyncio
from pathlib import Path

from routewright.handlers import on

HELD = Path(__file__).with_name("held")


@on("ask")
async def ask(message):
    while HELD.exists():
        await asyncio.sleep(0.01)
    return {"type": "answer", "payload": {"nonce": message.nonce + "x" * message.size}}
"""


@drill("shutdown")
async def shutdown(size: Size, folder: Path) -> Outcome:
    """SIGTERM: readiness goes off, nobody comes in any more, what is in flight is answered, everyone is told 1012, one
    after the other; and whoever is deaf does not hold up the end."""
    rounds, crowd = min(size.factor, 5), 100 + 40 * size.factor
    load = f"{crowd} idle and {BUSY} waiting clients"
    outcome = Outcome(load, f"{rounds} times SIGTERM, with {4 * DEAF} clients that do not answer a close")
    codes, spread = Counter[int | None](), list[float]()
    for round in range(rounds):
        await _end(outcome, folder / str(round), crowd, codes, spread)
    outcome.lost += rounds * (crowd + BUSY) - codes[1012]
    widest = max(spread, default=0.0)
    outcome.notes = f"{codes[1012]} told 1012, over {widest * 1000:.0f} ms; {outcome.let_in} let in meanwhile"
    return outcome


async def _end(outcome: Outcome, folder: Path, crowd: int, codes: Counter[int | None], spread: list[float]) -> None:
    alpha = route("alpha")
    alpha["messages"]["ask"]["payload"]["properties"]["size"] = {"type": "integer", "default": 0}
    project = asking(folder, alpha)
    room = {"connections": 10_000, "connectionsPerAddress": 10_000}
    project.spec({"gateway": {"limits": room, "drainSeconds": 1}, "routes": [alpha]})
    project.save("alpha_handler.py", HANDLER)
    loop = asyncio.get_running_loop()
    with serving(project, "--no-watch") as served:
        processes = [psutil.Process(served.process.pid), *psutil.Process(served.process.pid).children(recursive=True)]
        async with contextlib.AsyncExitStack() as stack:
            await _deaf(stack, served)
            idle = [await stack.enter_async_context(served.connect("/ws/alpha")) for _ in range(crowd)]
            busy = [await stack.enter_async_context(served.connect("/ws/alpha")) for _ in range(BUSY)]
            (folder / "held").touch()
            for number, client in enumerate(busy):
                await client.send(ask(number, str(number)))
            wanted = DEAF * 3 + BUSY
            await served.until(lambda stats: stats["routes"][0]["received"] >= wanted)
            served.process.send_signal(signal.SIGTERM)
            closing = [asyncio.create_task(_closed(client, codes)) for client in idle]
            await _not_ready(served)
            outcome.let_in += await _comes_in(served)
            signalled = loop.time()
            (folder / "held").unlink()
            numbers = list[int]()
            for client in busy:
                with contextlib.suppress(ConnectionClosed):
                    answer = json.loads(await client.recv())
                    numbers.append(int(answer["payload"]["nonce"]))
                    outcome.seconds.append(loop.time() - signalled)
                await _closed(client, codes)
            outcome.heard(numbers, range(BUSY))
            times = await asyncio.gather(*closing)
            spread.append(max(times) - min(times))
            outcome.expect(await asyncio.to_thread(served.process.wait, PATIENCE) == 0, "it ends in good order")
        _, alive = await asyncio.to_thread(psutil.wait_procs, processes, PATIENCE)
        outcome.expect(not alive, "no process is left behind")


async def _deaf(stack: contextlib.AsyncExitStack, served: Served) -> None:
    """Clients that read nothing though there is much to read, that read nothing and say nothing, that send pings for
    ever, and that never finish a handshake."""
    for _ in range(DEAF):
        stalled = await stack.enter_async_context(opened(served, "/ws/alpha", window=4096))
        stalled.send(*(frame(TEXT, ask(number, size=60_000)) for number in range(3)))
        await stack.enter_async_context(opened(served, "/ws/alpha"))
        noisy = await stack.enter_async_context(opened(served, "/ws/alpha"))
        sending = asyncio.create_task(_ping(noisy))
        stack.callback(sending.cancel)
        unfinished = await stack.enter_async_context(dialled(served))
        unfinished.send(handshake("/ws/alpha")[:-2])


async def _ping(wire: Wire) -> None:
    with contextlib.suppress(OSError):
        while True:
            wire.send(frame(PING, b"still here"))
            await wire.writer.drain()
            await asyncio.sleep(0.01)


async def _closed(client: ClientConnection, codes: Counter[int | None]) -> float:
    """Wait for the end, and note its code; when that was."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await client.wait_closed()
        codes[client.close_code] += 1
    return asyncio.get_running_loop().time()


async def _not_ready(served: Served) -> None:
    """Wait until the gateway says that it is not ready."""
    status = 200
    async with asyncio.timeout(PATIENCE):
        while status != 503:
            status = (await asyncio.to_thread(served.get, f"{served.ready['admin']}/readyz"))[0]


async def _comes_in(served: Served) -> bool:
    """Whether a client still gets in."""
    try:
        async with served.connect("/ws/alpha"):
            return True
    except (OSError, WebSocketException):
        return False
