"""The store of sessions on disk, as several processes use it at one moment."""

import asyncio
import time
from pathlib import Path

from routewright.gateway.session.saved import Claim, Saved
from routewright.gateway.session.store import DiskStore
from routewright.table.policy import Delivery


def saved(number: int) -> Saved:
    return Saved(
        public=f"session {number}",
        tokens=[f"token {number}".encode()],
        claim=Claim(None, "alpha", "{}"),
        contract="",
        bounds=Delivery(),
        last=0,
        frames=[],
        answered=[],
        running=[],
        topics=[],
        away=0.0,
        at=time.time(),
    )


async def test_nothing_is_lost_when_all_save_at_once(tmp_path: Path) -> None:
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        # each has a connection of its own, as processes have
        await asyncio.gather(*(DiskStore(folder).save([saved(number)]) for number in range(4)))
        taken = await asyncio.gather(*(DiskStore(folder).take_all() for _ in range(2)))
        assert sorted(each.public for found in taken for each in found) == [f"session {n}" for n in range(4)]


async def test_a_session_is_handed_out_once(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    assert await store.take(b"token 1") is None
    await store.save([saved(1), saved(2)])
    taken = await asyncio.gather(*(DiskStore(tmp_path).take(b"token 1") for _ in range(4)))
    assert [each.public for each in taken if each is not None] == ["session 1"]
    assert [each.public for each in await store.take_all()] == ["session 2"]
