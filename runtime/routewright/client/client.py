"""The client: what an application holds.

Strategy: everything here is a plain call into the protocol and a wait for what comes of it. Requests made without a
connection wait for one; what happens meanwhile to the connection is the link's business.
"""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, NamedTuple, Self, TypeAlias, TypeVar, Unpack, final, overload

import msgspec

from routewright.client.answers import Unanswered
from routewright.client.calls import Calls, Options, within
from routewright.client.dialing import Dialer
from routewright.client.errors import ClientClosed, ClientError, ConnectionLost, RequestFailed, UnexpectedMessage
from routewright.client.events import Event, Events, Listeners, Presence
from routewright.client.frames import ABSENT
from routewright.client.link import Link, Timing
from routewright.client.models import Models
from routewright.client.protocol import Bounds, Happened, Happening, Opened, Protocol, Refused, Reply, Unknown
from routewright.client.state import SessionFile, State
from routewright.client.stats import Stats
from routewright.policies.backoff import Backoff

T = TypeVar("T")

Callback: TypeAlias = Callable[[Event[Any]], Awaitable[None] | None]
"""What `Client.on` calls."""

Message: TypeAlias = str | msgspec.Struct
"""A message by its type, or by its model."""

_FLUSH = 2.0
"""Seconds that a client which closes gives to what it has sent."""


class Reconnected(NamedTuple):
    """There is a connection again. ``resumed``: the session goes on and nothing was lost; otherwise ``reason`` says why
    it does not, and events of the meantime are lost."""

    resumed: bool
    reason: str


@final
class Client:
    """One session with one route; `connect` makes it, ``async with`` opens and closes it.

    What every request may raise: `RequestFailed` (the answer is an error), `RequestTimeout` (there was none in time),
    `OutcomeUnknown` (the session was lost after the message had been sent, and it is not idempotent), `QueueFull` (too
    much waits already), `UnexpectedMessage` (the reply does not fit its model) and `Disconnected` (there will be no
    connection any more). For the options of each see `Options`.

    Attributes:
        unanswered: what an earlier run of the program has left in the session file, oldest first.
    """

    def __init__(
        self,
        dialer: Dialer,
        models: Models,
        *,
        bounds: Bounds,
        events: int,
        timeout: float | None,
        attempts: int | None,
        backoff: Backoff,
        wait: bool,
        file: SessionFile | None,
        on_reconnect: Callable[[Reconnected], None] | None,
        timing: Timing,
    ) -> None:
        state = State() if file is None else file.load(dialer.target.name)
        self._models = models
        self._stats = Stats()
        self._protocol = Protocol(state, bounds, self._stats)
        self._listeners = Listeners(models, self._stats, events)
        self._wait = wait
        self._on_reconnect = on_reconnect
        self._topics: dict[str, list[Events[Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._opened = asyncio.Event()
        self._link = Link(
            dialer,
            self._protocol,
            take=self._take,
            lost=self._losing,
            ended=self._end,
            backoff=backoff,
            attempts=attempts,
            file=file,
            timing=timing,
        )
        self._calls = Calls(self._protocol, models, timeout, self._link.flush)
        self.unanswered = [
            Unanswered(kept, self._calls.restored(kept.id), models) for kept in state.unanswered.values() if kept.reply
        ]

    async def __aenter__(self) -> Self:
        self._link.start()
        if self._wait:
            try:
                await self._opened.wait()
                if self._calls.error is not None:
                    raise self._calls.error
            except BaseException:
                await self.close()
                raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        """Whether messages go out at once."""
        return self._protocol.open

    @property
    def reliable(self) -> bool:
        """Whether the gateway keeps a session for this client."""
        return self._protocol.reliable

    def stats(self) -> Stats:
        """The figures of this moment."""
        unanswered = len(self._protocol.state.unanswered)
        return msgspec.structs.replace(self._stats, queued=self._protocol.queued, unanswered=unanswered)

    # Requests

    @overload
    async def request(
        self, message: Message, payload: Any = None, *, reply: type[T], **options: Unpack[Options]
    ) -> T: ...
    @overload
    async def request(
        self, message: Message, payload: Any = None, *, reply: None = None, **options: Unpack[Options]
    ) -> Any: ...
    async def request(
        self, message: Message, payload: Any = None, *, reply: Any = None, **options: Unpack[Options]
    ) -> Any:
        """Send a message and wait for its reply.

        Args:
            message: a model of the table, or a type as text.
            payload: what JSON can say; a model is its own.
            reply: what the reply's payload is decoded to, where the table does not say or says something else.

        Returns:
            The reply's payload: a model, or plain JSON values; ``None`` where the handler says nothing.
        """
        outgoing = self._models.outgoing(message, payload)
        async with contextlib.aclosing(self._calls.parts(outgoing, options, stream=False)) as parts:
            part = await anext(parts, None)
        return None if part is None else self._models.decode(part.type, part.payload, reply)

    @overload
    def stream(
        self, message: Message, payload: Any = None, *, reply: type[T], **options: Unpack[Options]
    ) -> AsyncIterator[T]: ...
    @overload
    def stream(
        self, message: Message, payload: Any = None, *, reply: None = None, **options: Unpack[Options]
    ) -> AsyncIterator[Any]: ...
    async def stream(
        self, message: Message, payload: Any = None, *, reply: Any = None, **options: Unpack[Options]
    ) -> AsyncIterator[Any]:
        """Send a message and iterate over the payloads of its streamed reply."""
        declared = self._models.outgoing(message, payload).declared
        streamed = declared is None or declared.stream
        replies = self.replies(message, payload, stream=streamed, reply=reply, **options)
        async with contextlib.aclosing(replies) as parts:
            async for part in parts:
                yield part.payload

    async def replies(
        self,
        message: Message,
        payload: Any = None,
        *,
        stream: bool,
        reply: type | None = None,
        **options: Unpack[Options],
    ) -> AsyncGenerator[Event[Any], None]:
        """The same with the type of each part, ``(type, payload, None)``: for messages that may be answered by more
        than one. ``stream``: further parts follow until a final one."""
        outgoing = self._models.outgoing(message, payload)
        async with contextlib.aclosing(self._calls.parts(outgoing, options, stream=stream)) as parts:
            async for part in parts:
                if not (stream and part.final and part.payload is ABSENT):
                    yield Event(part.type, self._models.decode(part.type, part.payload, reply))

    async def send(self, message: Message, payload: Any = None, *, idempotent: bool | None = None) -> None:
        """Send a message whose answer nobody waits for. An error that answers it is an event of the type ``error``."""
        self._calls.ask(self._models.outgoing(message, payload), {"idempotent": idempotent}, reply=False)

    async def flush(self, timeout: float | None = None) -> None:
        """Wait until everything has been written and, on a reliable connection, everything that was sent has arrived.

        Raises:
            RequestTimeout: that took longer.
            Disconnected: there will be no connection any more.
        """
        if self._calls.error is not None:
            raise self._calls.error
        with within(timeout, "what was sent has not arrived"):
            async with asyncio.timeout(timeout):
                await self._link.settled()
        if self._calls.error is not None:
            raise self._calls.error

    # Events

    @overload
    def events(self, *kinds: type[T], model: None = None) -> Events[T]: ...
    @overload
    def events(self, *kinds: str | type, model: type[T]) -> Events[T]: ...
    @overload
    def events(self, *kinds: str | type, model: None = None) -> Events[Any]: ...
    def events(self, *kinds: Any, model: Any = None) -> Events[Any]:
        """What comes without being asked for: everything, or what is of these types or models.

        Events that came before anybody wanted them come first. ``model``: what payloads are decoded to, where the table
        does not say or says something else.
        """
        types = {self._models.type_of(kind) for kind in kinds}
        return self._listeners.add(lambda happened: not types or happened.type in types, model=model)

    def on(self, kind: str | type, callback: Callback) -> Callable[[], None]:
        """Call a function, asynchronous or not, for each event of a type, one after the other; the returned function
        ends that. What it raises is reported to the event loop's exception handler."""
        events = self.events(kind)
        self._spawn(_call(events, callback))
        return events.close

    @contextlib.asynccontextmanager
    async def subscribe(
        self, topic: str, *, model: type | None = None, timeout: float | None = None
    ) -> AsyncIterator[Events[Any]]:
        """Subscribe to a topic, or by a pattern such as ``jobs.*`` to several, for the length of a block; its events.

        The subscription outlives connections: where the session is not resumed it is made anew. Where a topic tells who
        is there, those who come and go are events of the types ``$join`` and ``$leave``.

        Raises:
            RequestFailed: the gateway does not allow it; so does iterating, where it does no longer.
        """
        reaches = self._models.reaches
        events = self._listeners.add(lambda happened: reaches(topic, happened.topic), topic=topic, model=model)
        try:
            if topic not in self._topics:
                await self._join(topic, [events], timeout=timeout)
            others = self._topics.setdefault(topic, [])
            if others:
                events.member = others[0].member
            others.append(events)
            try:
                yield events
            finally:
                others.remove(events)
                if not others:
                    del self._topics[topic]
                    await self._unsubscribe(topic)
        finally:
            events.close()

    async def publish(self, topic: str, message: Message, payload: Any = None, *, timeout: float | None = None) -> None:
        """Publish a message on a topic that lets clients do so.

        Raises:
            RequestFailed: the gateway does not allow it.
        """
        outgoing = self._models.outgoing(message, payload)
        body: dict[str, Any] = {"topic": topic, "type": outgoing.type}
        if outgoing.payload is not None:
            body["payload"] = outgoing.payload
        await self._calls.command("$publish", body, timeout=timeout)

    async def who(self, topic: str, *, timeout: float | None = None) -> Presence:
        """Who is on a topic that was subscribed to, where it tells.

        Raises:
            RequestFailed: it does not.
        """
        options: Options = {"timeout": timeout, "idempotent": True}
        found: Presence = await self._calls.command("$who", {"topic": topic}, Presence, **options)
        return found

    async def authenticate(self, token: str, *, timeout: float | None = None) -> None:
        """Present a new credential on the open connection, before the old one expires.

        Raises:
            RequestFailed: the gateway does not take it.
        """
        await self._calls.command("$auth", {"token": token}, timeout=timeout, idempotent=True)

    async def close(self) -> None:
        """Close the connection, after what has been sent has arrived, within 2 s."""
        if self._calls.error is None and self._protocol.open:
            with contextlib.suppress(ClientError):
                await self.flush(_FLUSH)
        await self._link.close()
        self._end(ClientClosed("the client is closed"))
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    # What comes

    def _take(self, happening: Happening) -> None:
        if isinstance(happening, Reply):
            self._calls.replied(happening)
        elif isinstance(happening, Happened):
            self._listeners.take(happening)
        elif isinstance(happening, Refused):
            self._calls.refused(happening)
        elif isinstance(happening, Unknown):
            self._calls.unknown(happening)
        elif isinstance(happening, Opened):
            self._opening(happening)

    def _opening(self, opened: Opened) -> None:
        self._opened.set()
        if not opened.again:
            return
        if not opened.resumed:
            for topic, events in self._topics.items():
                self._spawn(self._resubscribe(topic, events))
        if self._on_reconnect is not None:
            try:
                self._on_reconnect(Reconnected(opened.resumed, opened.reason))
            except Exception as error:
                _report(error, "on_reconnect has failed")

    def _losing(self, lost: ConnectionLost) -> None:
        self._calls.lost(lost)

    def _end(self, error: ClientError) -> None:
        if self._calls.error is None:
            self._calls.end(error)
            self._listeners.end(error)
            self._link.stop_waiting()
            self._opened.set()

    # Topics

    async def _unsubscribe(self, topic: str) -> None:
        if self._calls.error is None and self._protocol.open:
            with contextlib.suppress(ClientError):
                await self._calls.command("$unsubscribe", {"topic": topic}, timeout=_FLUSH, idempotent=True)

    async def _join(self, topic: str, events: list[Events[Any]], timeout: float | None = None) -> None:
        answer = await self._calls.command("$subscribe", {"topic": topic}, timeout=timeout, idempotent=True)
        for each in events:
            each.member = answer.get("member") if isinstance(answer, dict) else None

    async def _resubscribe(self, topic: str, events: list[Events[Any]]) -> None:
        # what else may go wrong is settled by the next connection, or by the end
        with contextlib.suppress(ClientError):
            try:
                await self._join(topic, events)
            except RequestFailed as error:
                self._listeners.withdraw(topic, error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _call(events: Events[Any], callback: Callback) -> None:
    while True:
        try:
            event = await anext(events)
        except (StopAsyncIteration, ClientClosed):
            return
        except UnexpectedMessage as error:
            _report(error, "an event of the client does not fit its model")
            continue
        except ClientError as error:
            _report(error, "an event handler of the client gets no more events")
            return
        try:
            result = callback(event)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            _report(error, f"the handler of the event {event.type!r} has failed")


def _report(error: BaseException, what: str) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": what, "exception": error})
