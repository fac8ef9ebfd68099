"""Sessions on their way between gateway processes: whoever asks for one waits for it, or is told where it has gone."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from routewright.codegen import publish, render
from routewright.gateway.gateway import Gateway
from routewright.gateway.peers import Nobody
from routewright.gateway.session import handover
from routewright.gateway.session.saved import Saved, snapshot
from routewright.gateway.session.session import Session
from routewright.hooks import SessionInfo
from routewright.spec import check
from routewright.table.policy import Delivery
from tests.served import PATIENCE


class Store:
    """What was kept; it takes until ``ready`` to read it."""

    def __init__(self, kept: list[Saved]) -> None:
        self.kept = kept
        self.ready = asyncio.Event()

    async def save(self, sessions: Iterable[Saved]) -> None:
        self.kept += sessions

    async def take(self, token: bytes) -> Saved | None:
        return None

    async def take_all(self) -> list[Saved]:
        await self.ready.wait()
        kept, self.kept = self.kept, []
        return kept


class Wire(Nobody):
    """Carries what one process tells to the others, in its order."""

    def __init__(self, processes: "dict[int, Gateway]", number: int) -> None:
        self.processes = processes
        self.number = number

    def __call__(self, about: str, data: bytes, to: int | None = None) -> None:
        loop = asyncio.get_running_loop()
        for number, gateway in self.processes.items():
            if number != self.number and to in (None, number):
                loop.call_soon(gateway.relayed[about], self.number, data)


@pytest.fixture
async def processes(tmp_path: Path) -> dict[int, Gateway]:
    """Three gateway processes without sockets."""
    (tmp_path / "websocket-routes.json").write_text(json.dumps({"routes": [{"path": "/ws/a", "pythonModule": "a"}]}))
    checked = check(tmp_path / "websocket-routes.json")
    assert checked.spec is not None, checked.problems
    publish(render(checked.spec), tmp_path / "generated")
    found: dict[int, Gateway] = {}
    for number in (1, 2, 3):
        gateway = found[number] = Gateway(tmp_path, f"ipc://{tmp_path}/bridge-{number}", {})
        gateway.epochs.prepare(gateway.epochs.load())
        gateway.epochs.commit()
        gateway.relay = Wire(found, number)
        gateway.reliable.handover.others = 2
    return found


def session(gateway: Gateway) -> Session:
    """A session of nobody's, as one is that looks for another."""
    (endpoint,) = gateway.endpoints.values()
    info = SessionInfo(id=gateway.next_session(), route=endpoint.route, path="/ws/a")
    return Session(gateway, endpoint, info, "a name", Delivery())


def kept(gateway: Gateway) -> tuple[bytes, Saved]:
    """A session that was stored, and the hash of its token."""
    found = session(gateway)
    found.tokens.rotate(None)
    return found.tokens.valid[0], snapshot(found)


async def asked(gateway: Gateway, token: bytes) -> Saved | str | None:
    async with asyncio.timeout(PATIENCE):
        return await gateway.reliable.handover.ask(session(gateway), token)


async def turns() -> None:
    """Let everything happen that is about to."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_process_that_is_still_reading_its_store_is_waited_for(processes: dict[int, Gateway]) -> None:
    first, second = processes[1], processes[2]
    token, saved = kept(first)
    store = first.reliable.store = Store([saved])
    bringing = asyncio.create_task(first.reliable.restart.bring())
    known = asyncio.create_task(asked(second, token))
    unknown = asyncio.create_task(asked(processes[3], b"nobody's"))
    await turns()
    assert not known.done()
    assert not unknown.done()
    store.ready.set()
    await bringing
    found = await known
    assert isinstance(found, Saved)
    assert found.public == saved.public
    assert await unknown is None


async def test_nobody_waits_for_ever(processes: dict[int, Gateway], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "LOADING", 0.05)
    first, second = processes[1], processes[2]
    token, saved = kept(first)
    store = first.reliable.store = Store([saved])
    bringing = asyncio.create_task(first.reliable.restart.bring())
    await turns()
    assert await asked(second, token) == "unreachable"
    store.ready.set()
    await bringing
    # nobody waited any more, so it stayed where it is
    assert token in first.reliable.tokens


async def test_two_processes_that_ask_at_a_time_both_find_it(processes: dict[int, Gateway]) -> None:
    first, second, third = processes.values()
    token, saved = kept(first)
    first.reliable.restart.collect(saved)

    async def take(gateway: Gateway) -> None:
        found = await asked(gateway, token)
        assert isinstance(found, Saved), found
        gateway.reliable.restart.collect(found)

    await asyncio.gather(take(second), take(third))
    holders = [number for number, gateway in processes.items() if token in gateway.reliable.tokens]
    assert len(holders) == 1
    # and it is found from where it began, too
    await take(first)
    assert token in first.reliable.tokens
