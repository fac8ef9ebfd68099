"""Tickets that another gateway process has made: it is asked whether they hold.

Strategy: the question goes to that process alone, through the supervisor, and its answer comes back the same way. No
answer in time is a no.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from routewright.gateway.auth.identity import Denied, Identity
from routewright.gateway.auth.ticket import SPENT

ABOUT: Final = "ticket"
"""What the messages between the processes are about."""

PATIENCE: Final = 2.0
"""Seconds that the answer may take."""

MOST: Final = 1000
"""Questions that may be under way."""


class Relay(Protocol):
    """Sends bytes about something to another process."""

    def __call__(self, about: str, data: bytes, to: int | None = None) -> None: ...


class Question(msgspec.Struct, tag=True):
    """Does this ticket hold?"""

    number: int
    ticket: str
    route: str
    address: str


class Answer(msgspec.Struct, tag=True):
    """Whose it is, or why it does not hold."""

    number: int
    identity: Identity | None = None
    reason: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Question | Answer).decode


class Elsewhere:
    """Asks the other processes, and answers them.

    Args:
        relay: sends bytes about something to one process.
        here: redeems a ticket of this process.
    """

    def __init__(self, relay: Relay, here: Callable[[str, str, str], Identity]) -> None:
        self._relay = relay
        self._here = here
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}

    async def redeem(self, process: int, ticket: str, route: str, address: str) -> Identity:
        """Whose ticket it is, as the process says that made it.

        Raises:
            Denied: nobody's.
        """
        if len(self._waiting) >= MOST:
            raise Denied("full", "too many tickets are being checked", "overloaded", retry_after=PATIENCE)
        number = next(self._numbers)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._relay(ABOUT, _encode(Question(number, ticket, route, address)), process)
            async with asyncio.timeout(PATIENCE):
                found = await future
        except TimeoutError:
            raise Denied("spent", SPENT) from None
        finally:
            del self._waiting[number]
        if found.identity is None:
            raise Denied(found.reason, SPENT)
        return found.identity

    def relayed(self, source: int, data: bytes) -> None:
        """A question of another process, or its answer."""
        match _decode(data):
            case Question() as question:
                self._relay(ABOUT, _encode(self._answer(question)), source)
            case Answer() as answer:
                future = self._waiting.get(answer.number)
                if future is not None and not future.done():
                    future.set_result(answer)

    def _answer(self, question: Question) -> Answer:
        try:
            return Answer(question.number, self._here(question.ticket, question.route, question.address))
        except Denied as denied:
            return Answer(question.number, reason=denied.reason)
