"""Drill: a hundred reloads under the traffic of two hundred connections.

Every request carries an id of its connection and a nonce that no other request has. It is answered once, to whoever
sent it; only a close that the contract names for what has happened to the route may take its place.
"""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.gateway.asking import asking, handler, nonce, route
from tests.served import PATIENCE, Project, Served, serving

CONNECTIONS = 200
CHANGES = 100
ROUTES = ("alpha", "beta", "gamma", "delta")
WINDOW = "400ms"

PAUSE = "    await asyncio.sleep(message.pause)\n    return"


def source(version: int, *, broken: bool = False) -> str:
    """A handler that takes as long as it is asked to."""
    text = "import asyncio\n" + handler(str(version)).replace("    return", PAUSE)
    return f"{text}\nraise RuntimeError('broken on purpose')\n" if broken else text


class State:
    """A route as the drill has made it, and what has happened to it."""

    def __init__(self, name: str, workers: int) -> None:
        self.name = name
        self.workers = workers
        self.bound = 1000
        self.in_flight = 64
        self.version = 0
        self.broken = False
        self.listed = True
        self.served = asyncio.Event()
        self.served.set()
        self.codes: list[int] = []
        """How the connections end that are older than a reload, reload by reload."""
        self.live = 0
        """How many of these reloads are surely live."""

    def spec(self) -> dict[str, Any]:
        changed = route(self.name, workers=self.workers, limits={"inFlight": self.in_flight})
        properties = {"pause": {"type": "number", "default": 0}, "bound": {"type": "integer", "maximum": self.bound}}
        changed["messages"]["ask"]["payload"] = nonce(**properties)
        return changed


class Client:
    """One connection at a time, and as many as it takes, on one route."""

    def __init__(self, number: int, state: State, drill: "Drill") -> None:
        self.number = number
        self.state = state
        self.drill = drill
        self.random = random.Random(number)
        self.requests = 0

    async def run(self) -> None:
        while not self.drill.over.is_set():
            await self.state.served.wait()
            live = self.state.live
            try:
                connection = await self.drill.served.connect(f"/ws/{self.state.name}")
            except InvalidStatus as refused:
                absent = 4504 in self.state.codes[live:] or not self.state.served.is_set()
                if refused.response.status_code != 404 or not absent:
                    raise
                self.drill.outcomes["not there"] += 1
                continue
            try:
                await self.talk(connection)
                await connection.close()
                with pytest.raises(ConnectionClosed):
                    pytest.fail(f"nobody asked for {await connection.recv()!r}")
            except ConnectionClosed:
                code = connection.close_code
                assert code in self.state.codes[live:], f"{code} on {self.state.name}"
                self.drill.outcomes[f"closed with {code}"] += 1

    async def talk(self, connection: ClientConnection) -> None:
        """Ask, a few at a time, until the drill is over."""
        while not self.drill.over.is_set():
            waiting: dict[int, str] = {}
            try:
                for _ in range(self.random.randint(1, 4)):
                    id = self.requests + 1
                    payload = {"nonce": f"{self.number}-{id}", "pause": self.random.choice((0, 0, 0.001, 0.05))}
                    await connection.send(json.dumps({"type": "ask", "id": id, "payload": payload}))
                    self.requests, waiting[id] = id, str(payload["nonce"])
                while waiting:
                    async with asyncio.timeout(PATIENCE):
                        answer = json.loads(await connection.recv())
                    assert answer["type"] == "answer", answer
                    # a reply to nobody, to somebody else, or for the second time has no entry
                    assert waiting.pop(answer["id"]) == answer["payload"]["nonce"], answer
                    self.drill.outcomes["answered"] += 1
            finally:
                self.drill.outcomes["cut"] += len(waiting)
            await asyncio.sleep(self.random.uniform(0.1, 0.4))


class Drill:
    """The clients, and one change after the other."""

    def __init__(self, served: Served, project: Project, states: list[State]) -> None:
        self.served = served
        self.project = project
        self.states = states
        self.over = asyncio.Event()
        self.outcomes: Counter[str] = Counter()
        self.changes: Counter[str] = Counter()
        self.random = random.Random(2026)

    async def run(self) -> None:
        clients = [Client(number, self.states[number % len(self.states)], self) for number in range(CONNECTIONS)]
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client.run())
            await self.served.until(lambda stats: stats["connections"] == CONNECTIONS)
            for _ in range(CHANGES):
                await self.change()
            for state in self.states:
                if not state.listed:
                    await self.readd(state)
            await self.served.until(lambda stats: stats["connections"] == CONNECTIONS)
            self.over.set()
        # a client may ask while the close is on its way
        assert self.outcomes["answered"] + self.outcomes["cut"] == sum(client.requests for client in clients)

    async def change(self) -> None:
        """One change, until it is live or refused."""
        absent = [state for state in self.states if not state.listed]
        broken = [state for state in self.states if state.broken]
        sound = [state for state in self.states if state.listed and not state.broken]
        if absent and self.random.random() < 0.5:
            await self.readd(absent[0])
            return
        if broken and self.random.random() < 0.5:
            await self.edit(broken[0])
            return
        kinds = {
            self.policy: 20,
            self.invalid: 15,
            self.incompatible: 12,
            self.edit: 20,
            self.break_handler: 5,
            self.remove: 12 if len(sound) > 1 else 0,
        }
        (kind,) = self.random.choices(list(kinds), list(kinds.values()))
        await kind(self.random.choice(sound))

    async def until(self, event: str, since: int) -> dict[str, Any]:
        self.changes[event] += 1
        return await self.served.logged(event, since)

    async def respec(self) -> dict[str, Any]:
        since = len(self.served.lines)
        text = json.dumps({"routes": [state.spec() for state in self.states if state.listed]})
        (self.project.spec if self.random.random() < 0.5 else self.rewrite)(text)
        return await self.until("reloaded", since)

    def rewrite(self, text: str) -> None:
        self.project.write("websocket-routes.json", text)

    async def policy(self, state: State) -> None:
        state.in_flight = state.in_flight % 100 + 16
        assert (await self.respec())["changed"] == [state.name]

    async def invalid(self, state: State) -> None:
        since = len(self.served.lines)
        text = '{"routes": [' if self.random.random() < 0.5 else json.dumps({"routes": [state.spec()] * 2})
        self.project.spec(text + " " * sum(self.changes.values()))
        await self.until("the spec is invalid; the old table serves on", since)

    async def incompatible(self, state: State) -> None:
        state.bound += 1
        state.codes.append(4001)
        assert (await self.respec())["changed"] == [state.name]
        state.live = len(state.codes)

    async def remove(self, state: State) -> None:
        state.codes.append(4504)
        state.served.clear()
        state.listed = False
        assert (await self.respec())["removed"] == [state.name]
        state.live = len(state.codes)

    async def readd(self, state: State) -> None:
        state.listed = True
        assert (await self.respec())["added"] == [state.name]
        state.served.set()

    async def edit(self, state: State) -> None:
        since = len(self.served.lines)
        state.version += 1
        state.broken = False
        save = self.project.save if self.random.random() < 0.5 else self.project.write
        save(f"{state.name}_handler.py", source(state.version))
        await self.until("handler code reloaded", since)
        async with self.served.connect(f"/ws/{state.name}") as connection:
            await connection.send('{"type": "ask"}')
            assert json.loads(await connection.recv())["payload"]["version"] == str(state.version)

    async def break_handler(self, state: State) -> None:
        since = len(self.served.lines)
        state.broken = True
        self.project.save(f"{state.name}_handler.py", source(state.version, broken=True))
        await self.until("a handler module does not start", since)


async def test_a_hundred_reloads_lose_no_reply_and_no_connection_that_they_need_not(tmp_path: Path) -> None:
    states = [State(name, workers=2 if name == "alpha" else 1) for name in ROUTES]
    project = asking(tmp_path, *(state.spec() for state in states))
    for state in states:
        project.save(f"{state.name}_handler.py", source(0))
    with serving(project, "--drain", WINDOW) as served:
        drill = Drill(served, project, states)
        await drill.run()
        stats = await served.until(lambda stats: stats["connections"] == 0)
        assert sum(drill.changes.values()) >= CHANGES
        assert stats["reloads"]["done"] == drill.changes["reloaded"]
        assert stats["reloads"]["refused"] >= drill.changes["the spec is invalid; the old table serves on"]
        assert drill.outcomes["answered"] > 10 * CONNECTIONS
        assert {each["restarts"] for each in stats["workers"]} == {0}
