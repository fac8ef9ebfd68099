"""A project whose handler writes down what it does, and clients that post to it and listen to what it tells.

Strategy: every message carries a number, so that what was lost, done twice or out of order can be counted: by the
answers that a client got, by the events that it heard, and by the lines that the handler has written.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from routewright.client import Client, OutcomeUnknown, Reconnected, RequestFailed, connect
from tests.drills.drill import Outcome
from tests.served import PATIENCE, Project

PATH = "/ws/ledger"
WINDOW = 8
"""Requests that a client has open at a time."""

HANDLER = """\
from pathlib import Path

from routewright.handlers import on

EFFECTS = (Path(__file__).parent / "effects").open("a", buffering=1)


@on("post")
async def post(message, context):
    EFFECTS.write(f"{message.client} {message.number}\\n")
    return {"type": "posted", "payload": {"number": message.number}}


@on("tell")
async def tell(message, context):
    for number in range(message.first, message.first + message.count):
        context.publish(context.route, {"type": "told", "payload": {"number": number}})
    return {"type": "posted", "payload": {"number": message.first}}
"""


def _numbers(*names: str) -> dict[str, Any]:
    return {"type": "object", "required": [*names], "properties": {name: {"type": "integer"} for name in names}}


def ledger(folder: Path, **delivery: Any) -> Project:
    """The project; ``delivery`` are the bounds of what is kept for a client that is away."""
    project = Project(folder)
    messages = {
        "post": {"from": "client", "payload": _numbers("client", "number"), "reply": "posted"},
        "tell": {"from": "client", "payload": _numbers("first", "count"), "reply": "posted"},
        "posted": {"from": "handler", "payload": _numbers("number")},
        "told": {"from": "handler", "payload": _numbers("number")},
    }
    route = {"path": PATH, "pythonModule": "ledger", "rateLimit": False, "delivery": delivery, "messages": messages}
    project.spec({"gateway": {"drainSeconds": 5}, "routes": [route]})
    project.save("ledger.py", HANDLER)
    return project


@contextlib.asynccontextmanager
async def linked(url: str, back: Callable[[Reconnected], None] | None = None) -> AsyncIterator[Client]:
    """A reliable client that comes back at once."""
    async with connect(url + PATH, backoff=(0.001, 0.05), on_reconnect=back, events=100_000) as client:
        assert client.reliable
        yield client


async def tell(client: Client, numbers: range, at_once: int = 1) -> None:
    """Have events with these numbers published, so many by one message."""
    for first in numbers[::at_once]:
        await client.request("tell", {"first": first, "count": len(range(first, numbers.stop)[:at_once])})


class Poster:
    """One client of a drill.

    Attributes:
        posted: numbers that were answered; ``told`` numbers whose outcome the client was told that it is unknown.
        heard: numbers of the events that came.
        back: how it came back, each time.
        listening: set once it is connected and takes events.
    """

    def __init__(self, number: int, outcome: Outcome, progress: Callable[[], None] = lambda: None) -> None:
        self.number = number
        self.posted: list[int] = []
        self.told: list[int] = []
        self.heard: list[int] = []
        self.back: list[Reconnected] = []
        self.listening = asyncio.Event()
        self._outcome = outcome
        self._progress = progress

    async def run(self, url: str, posts: int, events: int) -> None:
        """Post so many, and listen until the last of so many events has come."""
        async with linked(url, self.back.append) as client, asyncio.TaskGroup() as tasks:
            tasks.create_task(self.listen(client, events))
            numbers = iter(range(posts))
            for _ in range(WINDOW):
                tasks.create_task(self._lane(client, numbers))

    async def listen(self, client: Client, events: int) -> None:
        """Hear events until the last of so many; what has not come in time is lost."""
        told = client.events("told")
        self.listening.set()
        with contextlib.suppress(TimeoutError):
            while events - 1 not in self.heard[-1:]:
                async with asyncio.timeout(PATIENCE):
                    self.heard.append((await anext(told)).payload["number"])
                self._progress()
        told.close()

    async def post(self, client: Client, number: int) -> None:
        """Post once, and note the answer."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        try:
            answer = await client.request("post", {"client": self.number, "number": number}, timeout=PATIENCE)
        except (RequestFailed, OutcomeUnknown):
            self.told.append(number)
        else:
            assert answer == {"number": number}
            self.posted.append(number)
            self._outcome.seconds.append(loop.time() - since)
        self._progress()

    async def _lane(self, client: Client, numbers: Iterator[int]) -> None:
        for number in numbers:
            await self.post(client, number)


async def all_listen(posters: list[Poster]) -> None:
    """Wait until every client takes events."""
    async with asyncio.timeout(PATIENCE):
        for poster in posters:
            await poster.listening.wait()


def effects(project: Project, poster: Poster) -> list[int]:
    """What the handler has done for a client, in that order."""
    lines = (project.folder / "effects").read_text().splitlines()
    return [int(number) for client, number in map(str.split, lines) if int(client) == poster.number]


def judge(outcome: Outcome, project: Project, posters: list[Poster], posts: int, events: int) -> None:
    """Each post answered once and done once, in order; each event heard once, in order."""
    for poster in posters:
        outcome.heard(poster.heard, range(events))
        done = effects(project, poster)
        outcome.heard(done, set(done) | set(poster.posted))
        outcome.lost += len(set(range(posts)) - set(poster.posted) - set(poster.told))
        outcome.duplicated += len(poster.posted) - len(set(poster.posted))


__all__ = ["PATH", "Poster", "all_listen", "effects", "judge", "ledger", "linked", "tell"]
