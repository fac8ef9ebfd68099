"""What comes for one request: its reply, the parts of a stream, or an error.

Strategy: what comes is kept in order until it is taken, up to a bound: a stream that nobody reads ends with
`QueueFull`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from routewright.client.errors import ClientError, QueueFull
from routewright.client.frames import ABSENT
from routewright.client.happenings import Reply
from routewright.client.models import Models
from routewright.client.state import Kept

_LONGEST = 10_000


class Answer:
    """The parts of one answer; a reply is a stream of one."""

    __slots__ = ("_error", "_parts", "_waiter", "ended")

    def __init__(self) -> None:
        self.ended = False
        self._parts: deque[Reply] = deque()
        self._error: ClientError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, part: Reply) -> None:
        """A part has come."""
        if self.ended:
            return
        if len(self._parts) >= _LONGEST:
            self.fail(QueueFull(f"{_LONGEST} parts of a stream were not read"))
            return
        self._parts.append(part)
        self.ended = part.final
        self._wake()

    def fail(self, error: ClientError) -> None:
        """Nothing more will come."""
        if not self.ended:
            self.ended = True
            self._error = error
            self._wake()

    async def next(self) -> Reply | None:
        """The next part; ``None`` after the last.

        Raises:
            ClientError: what the request failed with, after the parts that came before.
        """
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self.ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._parts.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Unanswered:
    """A message that an earlier run of the program has sent, and that had no answer when it ended.

    Attributes:
        type: its type.
        payload: as plain JSON values.
    """

    def __init__(self, kept: Kept, answer: Answer, models: Models) -> None:
        frame = msgspec.json.decode(kept.frame)
        self.type = str(frame["type"])
        self.payload = frame.get("payload")
        self._answer = answer
        self._models = models

    async def reply(self, *, model: type | None = None) -> Any:
        """Its answer, as `Client.request` returns it."""
        part = await self._answer.next()
        return None if part is None else self._models.decode(part.type, part.payload, model)

    async def parts(self, *, model: type | None = None) -> AsyncIterator[Any]:
        """The parts of its answer that had not come yet."""
        while (part := await self._answer.next()) is not None:
            if part.payload is not ABSENT:
                yield self._models.decode(part.type, part.payload, model)
