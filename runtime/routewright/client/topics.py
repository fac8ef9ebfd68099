"""What a client has subscribed to, on this connection and those after it.

Strategy: a topic is joined by the first who wants it and left by the last. A session that is resumed keeps its
subscriptions; on a new one they are made anew.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import msgspec

from routewright.client.calls import Calls
from routewright.client.errors import ClientError, RequestFailed
from routewright.client.events import Events, Listeners
from routewright.client.happenings import Happened
from routewright.client.models import Models

_LEAVING = 2.0
"""Seconds that the end of a block waits for the end of its subscription."""


class _Why(msgspec.Struct):
    code: str
    message: str = ""


_why = msgspec.json.Decoder(_Why).decode


class _Topic:
    """Who wants a topic; ``asked``: the gateway may have it so, ``joined``: it has said so."""

    def __init__(self) -> None:
        self.events: list[Events[Any]] = []
        self.asked = False
        self.joined = False
        self.member: str | None = None


class Topics:
    """The subscriptions of one client.

    Args:
        spawn: begins a task that ends with the client.
    """

    def __init__(
        self,
        calls: Calls,
        listeners: Listeners,
        models: Models,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._calls = calls
        self._listeners = listeners
        self._models = models
        self._spawn = spawn
        self._topics: dict[str, _Topic] = {}

    @contextlib.asynccontextmanager
    async def subscribe(self, name: str, model: type | None, timeout: float | None) -> AsyncIterator[Events[Any]]:
        """See `Client.subscribe`."""
        reaches = self._models.reaches
        events = self._listeners.add(lambda happened: reaches(name, happened.topic), topic=name, model=model)
        topic = self._topics.setdefault(name, _Topic())
        topic.events.append(events)
        try:
            if not topic.joined:
                await self._join(name, topic, timeout)
            events.member = topic.member
            yield events
        finally:
            topic.events.remove(events)
            if not topic.events:
                del self._topics[name]
                await self._leave(name, topic)
            events.close()

    def rejoin(self) -> None:
        """The session is a new one."""
        for name, topic in self._topics.items():
            if topic.joined:
                self._spawn(self._rejoin(name, topic))

    def ended(self, happened: Happened) -> bool:
        """Take it in, if it says that the gateway has ended a subscription; whether it does."""
        if happened.type != "$unsubscribed" or happened.topic is None:
            return False
        why = _why(happened.payload)
        if (topic := self._topics.get(happened.topic)) is not None:
            topic.asked = topic.joined = False
        self._listeners.withdraw(happened.topic, RequestFailed(why.code, why.message))
        return True

    async def _rejoin(self, name: str, topic: _Topic) -> None:
        # what else may go wrong is settled by the next connection, or by the end
        with contextlib.suppress(ClientError):
            try:
                await self._join(name, topic)
            except RequestFailed as error:
                topic.joined = False
                self._listeners.withdraw(name, error)

    async def _join(self, name: str, topic: _Topic, timeout: float | None = None) -> None:
        topic.asked = True
        try:
            answer = await self._calls.command("$subscribe", {"topic": name}, timeout=timeout, idempotent=True)
        except RequestFailed:
            topic.asked = topic.joined
            raise
        topic.joined = True
        topic.member = answer.get("member") if isinstance(answer, dict) else None
        for events in topic.events:
            events.member = topic.member

    async def _leave(self, name: str, topic: _Topic) -> None:
        if not topic.asked:
            return
        # asked at once: whoever subscribes meanwhile comes after
        with contextlib.suppress(ClientError):
            leaving = self._spawn(self._calls.begin("$unsubscribe", {"topic": name}))
            if self._calls.connected:
                await asyncio.wait((leaving,), timeout=_LEAVING)
