"""One protocol over one connection after another: dial, read, write, keep time, and come again.

Strategy: the thin shell round `Protocol`. One task dials and reads; a second one writes, so that whoever asks never
waits for the network; one timer serves acknowledgements and heartbeats. The state is saved before anything is written
that depends on it: what the gateway was told, the file knows.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import aiohttp

from routewright.client.dialing import Dialed, Dialer, Socket
from routewright.client.errors import ClientError, ConnectionLost, Terminal, comes_again
from routewright.client.happenings import Broken, Happening, Opened
from routewright.client.protocol import Protocol
from routewright.client.state import SessionFile
from routewright.client.timing import Timing
from routewright.policies.backoff import Backoff

_LOG = logging.getLogger("routewright.client")
_CLOSING = 2.0
"""Seconds that a close may take before the connection is cut."""

TAKEN_OVER, UNAUTHORIZED = 4004, 4501


class Link:
    """Keeps one session connected.

    Args:
        take: is given every happening, in order.
        lost: is given every connection that is lost, before what it means for each message.
        ended: is given the reason when there will be no further connection.
        attempts: attempts in a row that may fail; ``None``: any number.
    """

    def __init__(
        self,
        dialer: Dialer,
        protocol: Protocol,
        *,
        take: Callable[[Happening], None],
        lost: Callable[[ConnectionLost], None],
        ended: Callable[[ClientError], None],
        backoff: Backoff,
        attempts: int | None,
        file: SessionFile | None,
        timing: Timing,
    ) -> None:
        self.protocol = protocol
        self.file = file
        self._dialer = dialer
        self._take = take
        self._lost = lost
        self._ended = ended
        self._backoff = backoff
        self._attempts = attempts
        self._timing = timing
        self._failed = 0
        self._renewed = self._told = False
        self._over = False
        self._unsaved = False
        self._broken: Broken | None = None
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._reading: asyncio.Task[ConnectionLost] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._save_soon: asyncio.Handle | None = None
        self._run: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, and stay connected."""
        self._run = asyncio.create_task(self._keep())

    async def settled(self) -> None:
        """Wait until everything has been written, and acknowledged where it can be."""
        while not self.protocol.idle and not self._over:
            self._settled.clear()
            await self._settled.wait()

    def stop_waiting(self) -> None:
        """There will be no connection any more."""
        self._over = True
        self._settled.set()

    async def close(self) -> None:
        """Let the connection go, and come no more."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)
        if self._save_soon is not None:
            self._save_soon.cancel()
        self._save()
        await self._dialer.close()

    def flush(self) -> None:
        """The protocol has been told something: write what there is, and keep its time."""
        protocol = self.protocol
        if protocol.writable:
            self._wake.set()
        elif protocol.idle:
            self._settled.set()
        if self.file is not None and protocol.changed and self._save_soon is None:
            self._save_soon = asyncio.get_running_loop().call_soon(self._save)
        self._arm()

    # Connections

    async def _keep(self) -> None:
        try:
            while True:
                lost = await self._once()
                await self._pause(lost)
        except ClientError as error:
            self._ended(error)
        except Exception as error:
            _LOG.exception("the client has failed")
            self._ended(ClientError(f"the client has failed: {error!r}"))

    async def _once(self) -> ConnectionLost:
        """One connection, from its beginning to its end."""
        try:
            dialed = await self._dialer.dial()
        except ConnectionLost as failure:
            self.protocol.stats.failures += 1
            return failure
        except Terminal as refusal:
            if not self._renewable(refusal.code):
                raise
            return ConnectionLost(str(refusal), status=refusal.code)
        received = self.protocol.stats.received
        lost = await self._serve(dialed)
        if self.protocol.stats.received > received + 1 + (dialed.token is not None):
            self._backoff.succeeded()
        if lost.code == TAKEN_OVER:
            self.protocol.abandon()
        elif not comes_again(lost.code) and not self._renewable(lost.code):
            raise Terminal(lost.code or 0, str(lost), hint=lost.hint)
        return lost

    def _renewable(self, code: int | None) -> bool:
        """Whether another credential may help, which was not tried yet."""
        if code not in (401, UNAUTHORIZED) or not self._dialer.renews or self._renewed:
            return False
        self._renewed = True
        return True

    async def _pause(self, lost: ConnectionLost) -> None:
        self._failed += 1
        if self._attempts is not None and self._failed > self._attempts:
            raise lost
        wait = self._backoff.failed() + (lost.retry_after or 0.0)
        # said aloud once: whoever waits for the first connection wants to know why there is none
        aloud = lost.code is None and not self._told
        self._told = self._told or aloud
        _LOG.log(logging.WARNING if aloud else logging.INFO, "%s; connecting again in %.2f s", lost, wait)
        await self._timing.sleep(wait)

    async def _serve(self, dialed: Dialed) -> ConnectionLost:
        socket, self._broken = dialed.socket, None
        self._reading = asyncio.create_task(self._read(socket))
        writing = asyncio.create_task(self._write(socket))
        try:
            self._tell(self.protocol.opened(dialed.reliable, self._timing.clock(), dialed.token))
            await asyncio.wait((self._reading,))
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            for task in (self._reading, writing):
                task.cancel()
            results = await asyncio.gather(self._reading, writing, return_exceptions=True)
            self._reading = None
            await _shut(socket, self._code())
        lost = self._why(socket, results[0])
        self._lost(lost)
        self._tell(self.protocol.closed())
        return lost

    def _code(self) -> int:
        """What to close with. A session that a file keeps is left to be resumed."""
        if self._broken is not None:
            return self._broken.code
        return 1000 if self.file is None else 1001

    def _why(self, socket: Socket, result: object) -> ConnectionLost:
        broken = self._broken
        if broken is not None:
            code = broken.code if broken.final else None
            return ConnectionLost(broken.reason, code=code, retry_after=broken.retry_after, hint=broken.hint)
        if isinstance(result, ConnectionLost):
            return result
        return ConnectionLost(f"the connection broke: {result!r}", code=socket.close_code)

    async def _read(self, socket: Socket) -> ConnectionLost:
        clock = self._timing.clock
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                self._tell(self.protocol.received(message.data, clock()))
            elif message.type is aiohttp.WSMsgType.BINARY:
                self._tell([Broken(1003, "the server sent a binary frame: this is no message route")])
            else:
                return _closed(socket, message)

    async def _write(self, socket: Socket) -> None:
        protocol, clock = self.protocol, self._timing.clock
        # where writing fails, reading ends, and knows better why
        with contextlib.suppress(aiohttp.ClientError, OSError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                out = protocol.outgoing(clock())
                self._save()
                for data in out:
                    await socket.send_frame(data, aiohttp.WSMsgType.TEXT)
                self.flush()

    def _tell(self, happenings: list[Happening]) -> None:
        for happening in happenings:
            if isinstance(happening, Broken):
                self._break(happening)
            else:
                if isinstance(happening, Opened):
                    self._failed = 0
                    self._renewed = self._told = False
                self._take(happening)
        self.flush()

    def _break(self, broken: Broken) -> None:
        self._broken = broken
        if self._reading is not None:
            self._reading.cancel()

    # Time

    def _arm(self) -> None:
        deadline = self.protocol.deadline()
        if deadline is None or self._reading is None:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + max(0.0, deadline - self._timing.clock())
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._due)

    def _due(self) -> None:
        self._timer = None
        self._tell(self.protocol.tick(self._timing.clock()))

    def _save(self) -> None:
        self._save_soon = None
        if self.file is not None and self.protocol.changed:
            self.protocol.changed = False
            try:
                self.file.save(self.protocol.state)
                self._unsaved = False
            except OSError as error:
                if not self._unsaved:
                    self._unsaved = True
                    _LOG.warning("the session file %s cannot be written: %s", self.file.path, error)


def _closed(socket: Socket, message: aiohttp.WSMessage) -> ConnectionLost:
    code = socket.close_code
    if message.type is aiohttp.WSMsgType.CLOSE:
        reason = f" ({message.extra})" if message.extra else ""
        return ConnectionLost(f"the server closed the connection with {code}{reason}", code=code)
    if message.type is aiohttp.WSMsgType.ERROR:
        return ConnectionLost(f"the connection broke: {message.data}", code=code)
    return ConnectionLost("the connection broke", code=1006)


async def _shut(socket: Socket, code: int) -> None:
    """Close, and do not wait for a peer that is no longer there."""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(_CLOSING):
            await socket.close(code=code)
