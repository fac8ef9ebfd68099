"""Drills: what is sent to and by reliable clients arrives, once and in order, whatever happens to their connections."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from routewright.client import Reconnected
from tests.drills.drill import Outcome, Size, drill
from tests.drills.ledger import Poster, all_listen, judge, ledger, linked, tell
from tests.drills.relay import Relay
from tests.served import PATIENCE, Served, serving

CLIENTS = 6


def every(count: int, act: Callable[[], None]) -> Callable[[], None]:
    """Do something each time that this has been called so often."""
    calls = 0

    def called() -> None:
        nonlocal calls
        calls += 1
        if calls % count == 0:
            act()

    return called


class Progress:
    """Counts its calls; somebody may wait for a count."""

    def __init__(self) -> None:
        self.count = 0
        self._news = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._news.set()

    async def reach(self, count: int) -> None:
        """Wait until there were so many calls."""
        while self.count < count:
            self._news.clear()
            await self._news.wait()


@drill("sockets cut")
async def cut(size: Size, folder: Path) -> Outcome:
    """Connections are cut at random while everyone posts and listens."""
    posts, events, chance = 100 * size.factor, 100 * size.factor, size.random()
    outcome = Outcome(f"{CLIENTS} clients: {posts} requests each, {events} events to all", "")
    project = ledger(folder)
    with serving(project, "--no-watch") as served:
        async with Relay(served.port).open() as relay:
            progress = every(10, lambda: relay.cut(chance.randrange(CLIENTS)))
            posters = [Poster(number, outcome, progress) for number in range(CLIENTS)]
            async with linked(served.url) as teller, asyncio.TaskGroup() as tasks:
                for poster in posters:
                    tasks.create_task(poster.run(relay.url, posts, events))
                await all_listen(posters)
                await tell(teller, range(events))
            outcome.faults = f"{relay.cuts} connections cut"
    judge(outcome, project, posters, posts, events)
    outcome.lost += sum(not back.resumed for poster in posters for back in poster.back)
    outcome.lost += sum(len(poster.told) for poster in posters)
    outcome.notes = f"{sum(len(poster.back) for poster in posters)} sessions resumed"
    return outcome


@drill("restart with a drain")
async def restart(size: Size, folder: Path) -> Outcome:
    """The whole gateway is stopped in the midst of it all and started again on its port."""
    posts, events = 200 * size.factor, 100 * size.factor
    outcome = Outcome(f"{CLIENTS} clients: {posts} requests each, {events} events to all", "")
    project, progress = ledger(folder), Progress()
    part = CLIENTS * (posts + events) // (size.factor + 2)
    posters = [Poster(number, outcome, progress) for number in range(CLIENTS)]
    with contextlib.ExitStack() as serves:
        served = serves.enter_context(serving(project, "--no-watch"))
        async with linked(served.url) as teller, asyncio.TaskGroup() as tasks:
            for poster in posters:
                tasks.create_task(poster.run(served.url, posts, events))
            await all_listen(posters)
            tasks.create_task(tell(teller, range(events)))
            for round in range(size.factor):
                await progress.reach((round + 1) * part)
                served = await _again(serves, served)
    judge(outcome, project, posters, posts, events)
    outcome.lost += sum(not back.resumed for poster in posters for back in poster.back)
    outcome.faults = f"{size.factor} restarts"
    told = sum(len(poster.told) for poster in posters)
    outcome.notes = f"{sum(len(poster.back) for poster in posters)} sessions resumed, {told} requests given up and told"
    return outcome


async def _again(serves: contextlib.ExitStack, served: Served) -> Served:
    """SIGTERM, and another ``serve`` on the same port."""
    port = served.port
    assert await asyncio.to_thread(served.stop) == 0
    following = serving(served.project, "--no-watch", "--port", str(port))
    return await asyncio.to_thread(serves.enter_context, following)


@drill("killed while resuming")
async def twice(size: Size, folder: Path) -> Outcome:
    """While a client is away events are published; then it is cut twice in the midst of coming back, at any byte of the
    handshake, the welcome and the replay."""
    rounds, burst, chance = 20 * size.factor, 10, size.random()
    outcome = Outcome(f"{rounds} times {burst} events and a request", "")
    project = ledger(folder)
    poster = Poster(0, outcome)
    with serving(project, "--no-watch") as served:
        async with (
            Relay(served.port).open() as relay,
            linked(served.url) as teller,
            linked(relay.url, poster.back.append) as client,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(poster.listen(client, rounds * burst))
            for round in range(rounds):
                relay.gate.clear()
                relay.cut_all()
                await tell(teller, range(round * burst, (round + 1) * burst), burst)
                relay.rations.extend(chance.randrange(1500) for _ in range(2))
                relay.gate.set()
                await poster.post(client, round)
            outcome.faults = f"{relay.cuts} connections cut, {2 * rounds} of them while resuming"
    judge(outcome, project, [poster], rounds, rounds * burst)
    outcome.lost += sum(not back.resumed for back in poster.back) + len(poster.told)
    outcome.notes = f"{len(poster.back)} resumes"
    return outcome


@drill("replay while publishing")
async def replay(size: Size, folder: Path) -> Outcome:
    """Connections are cut over and over while events are published without a pause."""
    events, at_once = 2_000 * size.factor, 20
    outcome = Outcome(f"{events} events, {at_once} at once, to {CLIENTS} clients", "")
    project = ledger(folder, messages=10_000, bytes="8MiB")
    with serving(project, "--no-watch") as served:
        async with Relay(served.port).open() as relay:
            progress = every(50 * CLIENTS, relay.cut_all)
            posters = [Poster(number, outcome, progress) for number in range(CLIENTS)]
            async with linked(served.url) as teller, asyncio.TaskGroup() as tasks:
                for poster in posters:
                    tasks.create_task(poster.run(relay.url, 0, events))
                await all_listen(posters)
                await tell(teller, range(events), at_once)
            outcome.faults = f"{relay.cuts} connections cut"
        figures = (await served.stats())["sessions"]
    judge(outcome, project, posters, 0, events)
    outcome.lost += sum(not back.resumed for poster in posters for back in poster.back)
    outcome.notes = f"{figures['resumed']} resumes, {figures['replayed']} frames replayed"
    return outcome


@drill("past the bound")
async def bound(size: Size, folder: Path) -> Outcome:
    """As many events as are kept: all come. One more: the client is told, and what comes then is whole again."""
    rounds, kept = 5 * size.factor, 50
    outcome = Outcome(f"{2 * rounds} absences, {kept} or {kept + 1} events in each", "")
    project = ledger(folder, messages=kept)
    with serving(project, "--no-watch") as served:
        async with Relay(served.port).open() as relay, linked(served.url) as teller:
            back: asyncio.Queue[Reconnected] = asyncio.Queue()
            async with linked(relay.url, back.put_nowait) as client:
                heard = client.events("told")
                for round in range(2 * rounds):
                    over = round % 2
                    relay.gate.clear()
                    relay.cut_all()
                    await tell(teller, range(kept + over), kept + over)
                    relay.gate.set()
                    async with asyncio.timeout(PATIENCE):
                        again = await back.get()
                        wanted = Reconnected(False, "buffer_overflow") if over else Reconnected(True, "")
                        outcome.lost += again != wanted
                        if again.resumed:
                            outcome.heard([(await anext(heard)).payload["number"] for _ in range(kept)], range(kept))
                        await tell(teller, range(1000, 1003))
                        outcome.heard([(await anext(heard)).payload["number"] for _ in range(3)], range(1000, 1003))
                outcome.lost += client.stats().missed
    outcome.faults = f"{rounds} times one event too many"
    outcome.notes = f"told {rounds} times"
    return outcome


@drill("gateway killed")
async def killed(size: Size, folder: Path) -> Outcome:
    """The gateway process is killed while clients come back: sessions are gone, and every client is told so."""
    posts, rounds = 100 * size.factor, min(5, size.factor)
    outcome = Outcome(f"{CLIENTS} clients: {posts} requests each", f"{rounds} times SIGKILL in the midst of a replay")
    project, progress = ledger(folder), Progress()
    part = CLIENTS * posts // (rounds + 1)
    with serving(project, "--no-watch") as served:
        async with Relay(served.port).open() as relay, asyncio.TaskGroup() as tasks:
            posters = [Poster(number, outcome, progress) for number in range(CLIENTS)]
            for poster in posters:
                tasks.create_task(poster.run(relay.url, posts, 1))
            for round in range(rounds):
                await progress.reach((round + 1) * part)
                relay.cut_all()
                (gateway,) = (await served.stats())["gateways"]
                process = gateway["process"]
                os.kill(process, signal.SIGKILL)
                await served.until(partial(_all_back, process))
            # everyone stays until this has come
            async with linked(served.url) as teller:
                await tell(teller, range(1))
    judge(outcome, project, posters, posts, 1)
    reasons = Counter(back.reason for poster in posters for back in poster.back if not back.resumed)
    told = sum(reasons.values())
    # nobody goes on as if nothing had been
    outcome.lost += max(0, rounds * CLIENTS - told)
    unknown = sum(len(poster.told) for poster in posters)
    outcome.notes = f"told {told} times; {unknown} requests of unknown outcome, told"
    return outcome


def _all_back(killed: int, stats: Any) -> bool:
    """Whether another gateway process has a session for each client."""
    another = all(each["process"] != killed for each in stats["gateways"])
    return another and bool(stats["gateways"]) and stats["sessions"]["open"] >= CLIENTS
