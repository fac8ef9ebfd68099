"""Well-behaved clients that work beside an attack: what they lose, the attack has cost them.

Strategy: each asks one numbered thing after the other (see tests/gateway/asking.py) until the attack is over.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from websockets.exceptions import WebSocketException

from tests.drills.drill import Outcome
from tests.gateway.asking import ask
from tests.served import Served, exchange

BYSTANDERS = 3


@contextlib.asynccontextmanager
async def beside(
    outcome: Outcome, served: Served, path: str, *, turn: int = 50, options: Callable[[], dict[str, Any]] = dict
) -> AsyncIterator[None]:
    """Have bystanders work for the length of a block.

    Args:
        turn: questions after which each connects anew; 0: never.
        options: of each connection.
    """
    over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        bystanders = [Bystander(outcome) for _ in range(BYSTANDERS)]
        for each in bystanders:
            tasks.create_task(each.work(lambda: served.connect(path, **options()), turn, over))
        for each in bystanders:
            await each.at_work.wait()
        yield
        over.set()


class Bystander:
    """One of them. ``at_work`` is set when it has had its first answer, or gives up."""

    def __init__(self, outcome: Outcome) -> None:
        self.at_work = asyncio.Event()
        self._outcome = outcome
        self._asked = 0
        self._heard: list[int] = []

    async def work(self, connect: Callable[[], Any], turn: int, over: asyncio.Event) -> None:
        """Ask until it is over, and count what was not answered as it should be."""
        try:
            while not over.is_set():
                async with connect() as client:
                    last = self._asked + turn
                    while not over.is_set() and (self._asked < last or not turn):
                        await self._ask(client)
        except (OSError, TimeoutError, WebSocketException) as error:
            self._outcome.expect(False, f"bystanders are served ({error!r})")
        self.at_work.set()
        self._outcome.heard(self._heard, range(1, self._asked + 1))

    async def _ask(self, client: Any) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time()
        self._asked += 1
        answer = await exchange(client, ask(self._asked, str(self._asked)))
        self._outcome.seconds.append(loop.time() - since)
        if answer["type"] == "answer":
            self._heard.append(int(answer["payload"]["nonce"]))
        self.at_work.set()
