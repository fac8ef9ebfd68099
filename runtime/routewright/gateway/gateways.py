"""The gateway processes, as their supervisor sees them."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from routewright.gateway.child import command
from routewright.gateway.control import (
    UNSENT,
    Ask,
    Control,
    ControlLost,
    Done,
    Drain,
    Ended,
    Keep,
    Listening,
    Message,
    Pools,
    Relay,
    Settle,
)
from routewright.gateway.options import Options
from routewright.gateway.process import Start
from routewright.policies.backoff import Backoff
from routewright.policies.circuit_breaker import Mode

START_TIMEOUT = 60.0
"""Seconds that a gateway process may take to listen."""

log = structlog.get_logger("routewright.supervisor")


class GatewayFailed(Exception):
    """A gateway process cannot serve; the message says why."""


class GatewayChild:
    """One gateway process: started, asked, restarted when it dies.

    Args:
        endpoint: where its bridge listens.
        on_pools: told when its pools have changed.
        peers: all gateway processes, this one among them: what it relays is for the others.
        holds: the breakers that an operator holds, by route, as they are when the process starts.
    """

    def __init__(
        self,
        project: Path,
        endpoint: str,
        listening: socket.socket,
        options: Options,
        on_pools: Callable[[], None],
        peers: "list[GatewayChild]",
        holds: dict[str, Mode],
    ) -> None:
        self.endpoint = endpoint
        self.pools: list[dict[str, Any]] = []
        self.upstreams: dict[str, str] = {}
        self.restarts = 0
        self.worker_key = ""
        self._project = project
        self._listening = listening
        self._options = options
        self._on_pools = on_pools
        self._peers = peers
        self._holds = holds
        self._control: Control | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._started: asyncio.Future[str] | None = None
        self._stopping = False
        self._keeper: asyncio.Task[None] | None = None

    @property
    def number(self) -> int:
        """The operating system's process number, 0 before the start."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start the process and wait until it accepts connections.

        Raises:
            GatewayFailed: it does not.
        """
        await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    async def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        start = Start(
            project=str(self._project),
            endpoint=self.endpoint,
            listening=self._listening.fileno(),
            control=theirs.fileno(),
            worker_key=self.worker_key,
            processes=self._options.processes,
            overrides=self._options.overrides,
            holds=self._holds,
            log_level=self._options.log_level,
            log_format=self._options.log_format,
        )
        self._started = asyncio.get_running_loop().create_future()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *command("routewright.gateway", msgspec.json.encode(start).decode()),
                pass_fds=(start.listening, start.control),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control = Control(self._handle)
        await self._control.open(ours)
        gone = asyncio.ensure_future(self._control.closed.wait())
        try:
            either: list[asyncio.Future[Any]] = [self._started, gone]
            await asyncio.wait(either, timeout=START_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        problem = self._started.result() if self._started.done() else "the gateway process ended before it listened"
        if problem:
            self._control.close()
            await self._end(5.0)
            raise GatewayFailed(problem)

    async def _handle(self, message: Message) -> Message | None:
        match message:
            case Pools():
                self.pools = message.pools
                self.upstreams = message.upstreams
                self._on_pools()
            case Listening():
                if self._started is not None and not self._started.done():
                    self._started.set_result(message.problem)
            case Relay():
                message.source = self.number
                self._tell_peers(message, message.to)
        return None

    async def _keep(self) -> None:
        backoff = Backoff(0.1, 10.0)
        while self._process is not None:
            code = await self._process.wait()
            if self._stopping:
                return
            self.restarts += 1
            self.pools = []
            self.upstreams = {}
            log.error("a gateway process has ended", process=self._process.pid, exit_code=code)
            self._on_pools()
            self._tell_peers(Ended(self._process.pid))
            await asyncio.sleep(backoff.failed())
            try:
                await self._launch()
            except GatewayFailed as error:
                log.error("a gateway process does not start", reason=str(error))

    def _tell_peers(self, message: Message, to: int | None = None) -> None:
        for peer in self._peers:
            if peer is not self and to in (None, peer.number):
                peer.tell(message)
                peer.check_unsent()

    def check_unsent(self) -> None:
        """Kill a process that does not take what it is told: its clients are told so by whoever comes in its place,
        where to leave something out would be to lose it in silence."""
        control = self._control
        if control is not None and control.unsent > UNSENT:
            log.error("a gateway process does not keep up with the others", process=self.number, unsent=control.unsent)
            control.abort()
            self._kill()

    def tell(self, message: Message) -> None:
        """Send without waiting for an answer."""
        if self._control is not None:
            self._control.tell(message)

    async def ask(self, message: Message, timeout: float = 30.0) -> Done:
        """Send and wait; a process that is gone answers with a problem."""
        if self._control is None:
            return Done("the gateway process is not running")
        try:
            return await self._control.ask(message, timeout)
        except ControlLost as error:
            return Done(str(error))

    async def figures(self) -> dict[str, Any] | None:
        """What it has counted, or ``None`` while it is not running."""
        answer = await self.ask(Ask(), 5.0)
        return answer.value if isinstance(answer.value, dict) else None

    async def drain(self, seconds: float) -> None:
        """Let it end what is in flight."""
        self._stopping = True
        await self.ask(Drain(seconds), seconds + 5.0)

    async def settle(self, seconds: float) -> bool:
        """Let its workers end what they were given; whether nothing was under way since this was last asked."""
        answer = await self.ask(Settle(seconds), seconds + 5.0)
        return bool(answer.problem or answer.value)

    async def keep(self, seconds: float) -> None:
        """Let it put its sessions down and close its connections."""
        await self.ask(Keep(seconds), seconds + 5.0)

    async def stop(self) -> None:
        """End it."""
        self._stopping = True
        if self._control is not None:
            self._control.close()
        await self._end(5.0)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def kill(self) -> None:
        """End it at once."""
        self._stopping = True
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _end(self, seconds: float) -> None:
        process = self._process
        if process is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
