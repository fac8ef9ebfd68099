"""Events: who wants which, and those that wait to be taken.

Strategy: every iterator has a queue of its own, so that a slow one keeps nobody waiting. All are bounded: an iterator
that falls too far behind ends with `QueueFull` after what it still has, and so never leaves a gap in silence. What
comes while nobody wants it waits for the first who does.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Self, TypeVar, final

import msgspec

from routewright.client.errors import ClientError
from routewright.client.happenings import Happened
from routewright.client.inbox import Inbox
from routewright.client.models import Models
from routewright.client.stats import Stats

T = TypeVar("T")


class Member(msgspec.Struct, frozen=True):
    """Somebody on a topic: a name of its own, since when it is there (seconds since 1970), and the principal's id where
    that is known."""

    member: str
    since: float
    principal: str | None = None


class Presence(msgspec.Struct, frozen=True):
    """Who is on a topic: those who came first, up to a bound of the gateway's, and how many there are."""

    members: list[Member]
    count: int


class Event(NamedTuple, Generic[T]):
    """What came without being asked for. ``topic``: what it was published on, ``None`` for everyone on the route."""

    type: str
    payload: T
    topic: str | None = None


@final
class Events(Generic[T]):
    """An asynchronous iterator of events, from `Client.events` or `Client.subscribe`.

    Each event is a tuple ``(type, payload, topic)``. Iterating raises `UnexpectedMessage` for an event that does not
    fit its model, and goes on with the next one if it is asked to; it raises `QueueFull` where events had to be
    dropped, and what the client ended with when it has.

    Attributes:
        topic: what was subscribed to; ``None`` where nothing was.
        member: what other members of the topic know this client by, where they are told.
    """

    def __init__(
        self,
        wanted: Callable[[Happened], bool],
        topic: str | None,
        decode: Callable[[Happened], Any],
        limit: int,
        leave: Callable[["Events[Any]"], None],
    ) -> None:
        self.topic = topic
        self.member: str | None = None
        self._wanted = wanted
        self._decode = decode
        self._leave = leave
        self._inbox: Inbox[Happened] = Inbox("events", limit)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event[T]:
        happened = await self._inbox.next()
        return Event(happened.type, self._decode(happened), happened.topic)

    def close(self) -> None:
        """Take no more."""
        self._leave(self)
        self._inbox.end()

    def _offer(self, happened: Happened) -> bool | None:
        """Whether it was wanted; ``None``: it was, and there was no room."""
        if self._inbox.ended or not self._wanted(happened):
            return False
        return self._inbox.put(happened, len(memoryview(happened.payload))) or None

    def _fail(self, error: ClientError) -> None:
        self._inbox.end(error)


class Listeners:
    """Every iterator of one client, and the events that none of them wanted yet."""

    def __init__(self, models: Models, stats: Stats, limit: int) -> None:
        self._models = models
        self._error: ClientError | None = None
        self._stats = stats
        self._limit = limit
        self._events: list[Events[Any]] = []
        self._unwanted: deque[Happened] = deque()

    def add(
        self, wanted: Callable[[Happened], bool], *, topic: str | None = None, model: type | None = None
    ) -> Events[Any]:
        """A new iterator; it begins with what came before and nobody wanted."""

        def decode(happened: Happened) -> Any:
            # the gateway's own, such as $join, are no models of the application's
            own = happened.type.startswith("$")
            return self._models.decode(happened.type, happened.payload, None if own else model)

        events: Events[Any] = Events(wanted, topic, decode, self._limit, self._leave)
        kept = [happened for happened in self._unwanted if not events._offer(happened)]
        self._unwanted = deque(kept)
        self._events.append(events)
        if self._error is not None:
            events._fail(self._error)
        return events

    def take(self, happened: Happened) -> None:
        """An event has come."""
        offered = [events._offer(happened) for events in self._events]
        self._stats.dropped += offered.count(None)
        if any(each is not False for each in offered):
            return
        if len(self._unwanted) >= self._limit:
            self._unwanted.popleft()
            self._stats.dropped += 1
        self._unwanted.append(happened)

    def withdraw(self, topic: str, error: ClientError) -> None:
        """Those who have subscribed to that topic get no more."""
        for events in self._events:
            if events.topic == topic:
                events._fail(error)

    def end(self, error: ClientError) -> None:
        """Nothing more will come to anybody."""
        self._error = error
        for events in self._events:
            events._fail(error)

    def _leave(self, events: Events[Any]) -> None:
        if events in self._events:
            self._events.remove(events)
