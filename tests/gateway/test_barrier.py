"""The drain of several gateway processes: which of them does what, and when."""

import asyncio

import pytest

from routewright.gateway import barrier
from routewright.gateway.barrier import WAVES, drain


class Process:
    """A gateway process that finds something under way in so many waves."""

    def __init__(self, told: list[str], name: str, busy: int = 0) -> None:
        self.told = told
        self.name = name
        self.busy = busy
        self.released = asyncio.Event()
        self.released.set()

    async def drain(self, seconds: float) -> None:
        await self.released.wait()
        self.told.append(f"{self.name} drained")

    async def settle(self, seconds: float) -> bool:
        assert seconds > 0
        await asyncio.sleep(0)
        self.told.append(f"{self.name} settled")
        self.busy -= 1
        return self.busy < 0

    async def keep(self, seconds: float) -> None:
        self.told.append(f"{self.name} kept")


async def test_sessions_are_put_down_when_no_process_has_anything_under_way() -> None:
    told: list[str] = []
    processes = [Process(told, "first"), Process(told, "second", busy=2)]
    processes[1].released.clear()
    draining = asyncio.create_task(drain(processes, 30.0))
    for _ in range(5):
        await asyncio.sleep(0)
    assert told == ["first drained"]
    processes[1].released.set()
    await draining
    wave = ["first settled", "second settled"]
    assert told == ["first drained", "second drained", *wave * 3, "first kept", "second kept"]


async def test_what_never_ends_does_not_hold_up_the_end() -> None:
    told: list[str] = []
    await drain([Process(told, "only", busy=10 * WAVES)], 30.0)
    assert told == ["only drained", *["only settled"] * WAVES, "only kept"]


async def test_no_wave_is_begun_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barrier, "LAST_WAVES", 0.0)
    told: list[str] = []
    await drain([Process(told, "only")], 0.0)
    assert told == ["only drained", "only kept"]
