"""The channel between the supervisor and a gateway process: JSON lines over an inherited socket pair.

Strategy: the supervisor asks, the gateway answers with the same ``number``; what the gateway tells by itself has
number 0. Nothing of a client's message travels here, but in a `Relay`: what one gateway process has to tell the others,
which have no way to each other but this one.
"""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
import structlog

from routewright.policies.circuit_breaker import Mode

_LONGEST = 64 * 1024 * 1024

CONGESTED = 1024 * 1024
"""Bytes that wait to be sent above which `Control.writable` waits."""

UNSENT = 64 * 1024 * 1024
"""Bytes that may wait for a process that does not read; past it that process is taken for lost."""

log = structlog.get_logger("routewright.control")


class Prepare(msgspec.Struct, tag=True):
    """Load what is below ``generated/`` as the next epoch. Answered by `Done`."""


class Commit(msgspec.Struct, tag=True):
    """Serve the prepared epoch, leaving some routes as they are. Answered by `Done` with what has changed."""

    keep: list[str] = []


class Discard(msgspec.Struct, tag=True):
    """Forget the prepared epoch. Answered by `Done`."""


class Refused(msgspec.Struct, tag=True):
    """A reload was not carried out. Not answered."""

    problem: str


class Gone(msgspec.Struct, tag=True):
    """A worker process has ended. Not answered."""

    name: str
    process: int


class Release(msgspec.Struct, tag=True):
    """Newer worker processes have taken over from these: send them no more requests. Answered by `Done`."""

    name: str
    processes: list[int]


class Ask(msgspec.Struct, tag=True):
    """Report figures. Answered by `Done`."""


class Drain(msgspec.Struct, tag=True):
    """Take no more connections, and let what is in flight end, within so many seconds. Answered by `Done`."""

    seconds: float


class Settle(msgspec.Struct, tag=True):
    """Let the workers end what they were given, within so many seconds. Answered by `Done` with whether nothing was
    under way since this was last asked."""

    seconds: float


class Keep(msgspec.Struct, tag=True):
    """Put the sessions down, and close the connections that are left, within so many seconds. Answered by `Done`."""

    seconds: float


class Hold(msgspec.Struct, tag=True):
    """Hold the circuit breaker of a route. Answered by `Done`."""

    route: str
    mode: Mode


class Relay(msgspec.Struct, tag=True):
    """From one gateway process to the others, or to the one whose operating system number is ``to``. ``about`` is
    whoever in the process it concerns (see `routewright.gateway.gateway.Gateway.relayed`), ``source`` the sender's
    number. Not answered; one that is not running does not get it."""

    about: str
    data: bytes
    to: int | None = None
    source: int = 0


class Ended(msgspec.Struct, tag=True):
    """Another gateway process has ended. Not answered."""

    process: int


class Done(msgspec.Struct, tag=True):
    """The answer; ``problem`` says why not."""

    problem: str = ""
    value: Any = None


class Pools(msgspec.Struct, tag=True):
    """The gateway's pools have changed, ``[{"name", "digest", "ready", "workers"}]``, or its upstreams: what is wrong
    with each, by the route's name."""

    pools: list[dict[str, Any]]
    upstreams: dict[str, str] = {}


class Listening(msgspec.Struct, tag=True):
    """The gateway accepts connections; ``problem`` says why it cannot."""

    problem: str = ""


Message: TypeAlias = (
    Prepare
    | Commit
    | Discard
    | Refused
    | Gone
    | Release
    | Ask
    | Drain
    | Settle
    | Keep
    | Hold
    | Relay
    | Ended
    | Done
    | Pools
    | Listening
)


class _Line(msgspec.Struct):
    number: int
    message: Message


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


class ControlLost(Exception):
    """The other process is gone."""


class Control:
    """One end of the channel. ``handle`` answers what the other end asks; ``None`` sends no answer."""

    def __init__(self, handle: Callable[[Message], Awaitable[Message | None]]) -> None:
        self._handle = handle
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._out: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = asyncio.Event()

    async def open(self, end: socket.socket) -> None:
        """Begin to read from one end of the socket pair."""
        reader, self._out = await asyncio.open_connection(sock=end, limit=_LONGEST)
        self._spawn(self._read(reader))

    def tell(self, message: Message, number: int = 0) -> None:
        """Send without waiting; nothing happens when the other end is gone."""
        if self._out is not None and not self._out.is_closing():
            self._out.write(_encode(_Line(number, message)) + b"\n")

    async def ask(self, message: Message, timeout: float = 30.0) -> Done:
        """Send and wait for the answer.

        Raises:
            ControlLost: the other end is gone, or does not answer in time (seconds).
        """
        if self.closed.is_set():
            raise ControlLost("the process is gone")
        number = next(self._numbers)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self.tell(message, number)
        try:
            async with asyncio.timeout(timeout):
                answer = await future
        except TimeoutError:
            raise ControlLost(f"no answer within {timeout:g} s") from None
        finally:
            self._waiting.pop(number, None)
        if not isinstance(answer, Done):
            raise ControlLost("the answer makes no sense")
        return answer

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return 0 if self._out is None or self._out.is_closing() else self._out.transport.get_write_buffer_size()

    @property
    def congested(self) -> bool:
        """The other end does not keep up with what it is told."""
        return self.unsent > CONGESTED

    async def writable(self) -> None:
        """Wait until the other end keeps up, or is gone."""
        with contextlib.suppress(ConnectionError):
            while self.congested and self._out is not None:
                await self._out.drain()

    def abort(self) -> None:
        """Close this end at once, and send nothing more."""
        if self._out is not None:
            self._out.transport.abort()

    def close(self) -> None:
        """Close this end."""
        if self._out is not None:
            self._out.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                received = _decode(line)
                if isinstance(received.message, Done):
                    future = self._waiting.get(received.number)
                    if future is not None and not future.done():
                        future.set_result(received.message)
                else:
                    self._spawn(self._answer(received))
        except (ConnectionError, ValueError):
            pass
        finally:
            self.closed.set()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ControlLost("the process is gone"))
            if self._out is not None:
                self._out.close()

    async def _answer(self, received: _Line) -> None:
        try:
            answer = await self._handle(received.message)
        except Exception as error:
            # whoever asks would wait for an answer in vain
            log.exception("a message of the other process could not be handled")
            answer = Done(f"{type(error).__name__}: {error}") if received.number else None
        if answer is not None:
            self.tell(answer, received.number)

    def _spawn(self, coroutine: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
