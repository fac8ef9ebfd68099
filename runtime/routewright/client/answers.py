"""What comes for one request: its reply, the parts of a stream, or an error."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from routewright.client.errors import ClientError
from routewright.client.frames import ABSENT
from routewright.client.happenings import Reply
from routewright.client.inbox import Inbox
from routewright.client.models import Models
from routewright.client.state import Kept

_LONGEST = 10_000


class Answer:
    """The parts of one answer; a reply is a stream of one. One that nobody reads ends with `QueueFull`."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: Inbox[Reply] = Inbox("parts of a stream", _LONGEST)

    def put(self, part: Reply) -> None:
        """A part has come."""
        if not self._parts.ended and self._parts.put(part, len(memoryview(part.payload))) and part.final:
            self._parts.end()

    def fail(self, error: ClientError) -> None:
        """Nothing more will come."""
        self._parts.end(error)

    async def next(self) -> Reply | None:
        """The next part; ``None`` after the last.

        Raises:
            ClientError: what the request failed with, after the parts that came before.
        """
        try:
            return await self._parts.next()
        except StopAsyncIteration:
            return None


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
