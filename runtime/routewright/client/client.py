"""The client: what an application holds.

Strategy: everything here is a plain call into the protocol and a wait for what comes of it. Requests made without a
connection wait for one; what happens meanwhile to the connection is the link's business.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Any, NamedTuple, Self, TypeAlias, TypeVar, Unpack, final, overload

import msgspec

from routewright.client.answers import Unanswered
from routewright.client.callbacks import Callback, call, report
from routewright.client.calls import Calls, Options, within
from routewright.client.dialing import Dialer
from routewright.client.errors import ClientClosed, ClientError, ConnectionLost
from routewright.client.events import Events, Listeners, Presence
from routewright.client.frames import ABSENT, Granted
from routewright.client.happenings import Happened, Happening, Opened, Refused, Reply, Unknown
from routewright.client.link import Link
from routewright.client.models import Models
from routewright.client.protocol import Bounds, Protocol
from routewright.client.renewal import Renewal
from routewright.client.state import SessionFile, State
from routewright.client.stats import Stats
from routewright.client.timing import Timing
from routewright.client.topics import Topics
from routewright.policies.backoff import Backoff

T = TypeVar("T")

Message: TypeAlias = str | msgspec.Struct
"""A message by its type, or by its model."""

_LOG = logging.getLogger("routewright.client")

_FLUSH = 2.0
"""Seconds that a client which closes gives to what it has sent."""


class Part(NamedTuple):
    """A reply, or a part of one; ``final``: the last."""

    type: str
    payload: Any
    final: bool


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
        self._filed = file is not None
        self._on_reconnect = on_reconnect
        self._dialer = dialer
        self._renewal = Renewal(self.authenticate if dialer.renews else None, timing)
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
        self._topics = Topics(self._calls, self._listeners, models, self._spawn)
        self.unanswered = [
            Unanswered(kept, self._calls.restored(kept.id), models) for kept in state.unanswered.values() if kept.reply
        ]

    async def __aenter__(self) -> Self:
        self._calls.begun = True
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
        outgoing = self._models.outgoing(message, payload)
        stream = outgoing.declared is None or outgoing.declared.stream
        async with contextlib.aclosing(self._calls.parts(outgoing, options, stream=stream)) as parts:
            async for part in parts:
                if part.payload is not ABSENT or not part.final:
                    yield self._models.decode(part.type, part.payload, reply)

    async def replies(
        self,
        message: Message,
        payload: Any = None,
        *,
        stream: bool,
        reply: type | None = None,
        **options: Unpack[Options],
    ) -> AsyncGenerator[Part, None]:
        """The same with the type of each part, and the last one also where it has no payload: for messages that may be
        answered by more than one type. ``stream``: further parts follow until a final one."""
        outgoing = self._models.outgoing(message, payload)
        async with contextlib.aclosing(self._calls.parts(outgoing, options, stream=stream)) as parts:
            async for part in parts:
                yield Part(part.type, self._models.decode(part.type, part.payload, reply), part.final)

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
        self._spawn(call(events, callback))
        return events.close

    @overload
    def subscribe(
        self, topic: str, *, model: type[T], timeout: float | None = None
    ) -> contextlib.AbstractAsyncContextManager[Events[T]]: ...
    @overload
    def subscribe(
        self, topic: str, *, model: None = None, timeout: float | None = None
    ) -> contextlib.AbstractAsyncContextManager[Events[Any]]: ...
    def subscribe(
        self, topic: str, *, model: Any = None, timeout: float | None = None
    ) -> contextlib.AbstractAsyncContextManager[Events[Any]]:
        """Subscribe to a topic, or by a pattern such as ``jobs.*`` to several, for the length of a block; its events.

        The subscription outlives connections: where the session is not resumed it is made anew. Where a topic tells who
        is there, those who come and go are events of the types ``$join`` and ``$leave``.

        Args:
            model: what payloads are decoded to, where the table does not say or says something else.

        Raises:
            RequestFailed: the gateway does not allow it; so does iterating, where it does no longer.
        """
        return self._topics.subscribe(topic, model, timeout)

    async def publish(self, topic: str, message: Message, payload: Any = None, *, timeout: float | None = None) -> None:
        """Publish a message on a topic that lets clients do so.

        Raises:
            RequestFailed: the gateway does not allow it.
        """
        outgoing = self._models.outgoing(message, payload, published=True)
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

    async def authenticate(self, token: str | None = None, *, timeout: float | None = None) -> Granted:
        """Present a new credential on the open connection, before the old one expires.

        With a ``token`` that is a function (`connect`) this happens by itself wherever the gateway says when the
        credential expires; without an argument it is called now.

        Returns:
            What the gateway makes of it.

        Raises:
            RequestFailed: the gateway does not take it.
            ConnectionLost: there is none to present.
        """
        token = await self._dialer.fetch() if token is None else token
        if token is None:
            raise ValueError("there is no credential: name one, or give connect() a token")
        granted: Granted = await self._calls.command(
            "$auth", {"token": token}, Granted, timeout=timeout, idempotent=True
        )
        self._renewal.until(granted.expires)
        return granted

    async def close(self) -> None:
        """Close the connection, after what has been sent has arrived, within 2 s."""
        if self._calls.error is None and self._protocol.open:
            with contextlib.suppress(ClientError):
                await self.flush(_FLUSH)
        await self._link.close()
        if self._calls.error is None and self._protocol.unsettled and not self._filed:
            _LOG.warning("closed with %d messages that have not arrived", self._protocol.unsettled)
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
            if not self._topics.ended(happening):
                self._listeners.take(happening)
        elif isinstance(happening, Refused):
            self._calls.refused(happening)
        elif isinstance(happening, Unknown):
            self._calls.unknown(happening)
        elif isinstance(happening, Opened):
            self._opening(happening)

    def _opening(self, opened: Opened) -> None:
        self._opened.set()
        self._renewal.until(opened.expires)
        if not opened.again:
            return
        if not opened.resumed:
            self._topics.rejoin()
        if self._on_reconnect is not None:
            try:
                self._on_reconnect(Reconnected(opened.resumed, opened.reason))
            except Exception as error:
                report(error, "on_reconnect has failed")

    def _losing(self, lost: ConnectionLost) -> None:
        self._renewal.stop()
        self._calls.lost(lost)

    def _end(self, error: ClientError) -> None:
        if self._calls.error is None:
            self._renewal.stop()
            self._calls.end(error)
            self._listeners.end(error)
            self._link.stop_waiting()
            self._opened.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
