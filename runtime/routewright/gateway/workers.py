"""The worker processes of one pool: started, kept alive, replaced, let go.

Strategy: a process reports over a pipe when it is ready, or why it cannot be. One that ends unasked is started again
after a backoff with full jitter; one whose module does not start is tried again in the same way, and its old
processes, if any, go on serving meanwhile.
"""

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal
from weakref import WeakSet

import structlog

from routewright.gateway.spare import Interpreter, Spare
from routewright.policies.backoff import Backoff
from routewright.table import Pool

START_TIMEOUT = 60.0
"""Seconds that a module may take to import."""

STABLE = 10.0
"""Seconds after which a worker that lives is no longer taken for one that crashes at its start."""

log = structlog.get_logger("routewright.workers")

Problems = list[dict[str, Any]]
"""``[{"message", "file", "line"}]``, as a worker reports them."""


class WorkerProcess:
    """One process of ``python -m routewright.handlers``."""

    def __init__(self, pool: Pool, project: Path, endpoints: tuple[str, ...], drain: float, spare: Spare) -> None:
        self.pool = pool
        self.state: Literal["starting", "ready", "failed", "ended"] = "starting"
        self.problems: Problems = []
        self.files: tuple[str, ...] = ()
        self.expected = False
        self._project = project
        self._endpoints = endpoints
        self._drain = drain
        self._spare = spare
        self._process: asyncio.subprocess.Process | None = None
        self.ended: asyncio.Task[int] | None = None

    @property
    def number(self) -> int:
        """The operating system's process number, 0 before the start."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> bool:
        """Start, and wait until it is ready (true) or has failed (false; see ``problems``)."""
        interpreter = await self._spare.take()
        self._process = interpreter.process
        self.ended = asyncio.create_task(self._end(interpreter))
        arguments = [self.pool.name, "--project", str(self._project), "--drain", str(self._drain)]
        for endpoint in self._endpoints:
            arguments += ["--connect", endpoint]
        interpreter.run([*arguments, "--status-fd", str(interpreter.descriptor)])
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while line := await interpreter.status.readline():
                    if self._told(line):
                        break
        except TimeoutError:
            self._failed(f"{self.pool.name} was not ready within {START_TIMEOUT:g} s")
        except asyncio.CancelledError:
            self.kill()
            raise
        self._spare.refill()
        if self.state == "starting":
            code = await self.ended
            self._failed(f"{self.pool.name} ended with exit code {code} before it was ready")
        if self.state == "failed":
            await self.stop()
        return self.state == "ready"

    async def _end(self, interpreter: Interpreter) -> int:
        try:
            return await interpreter.process.wait()
        finally:
            # not earlier: by its closing a worker learns that its supervisor is gone
            interpreter.pipe.close()

    def _told(self, line: bytes) -> bool:
        try:
            status = json.loads(line)
        except ValueError:
            return False
        match status.get("state"):
            case "ready":
                self.state = "ready"
                self.files = tuple(status.get("files", ()))
                return True
            case "failed":
                self.state = "failed"
                self.problems = list(status.get("problems", ()))
                self.files = tuple(status.get("files", ()))
                return True
            case "refused":
                self._failed(str(status.get("reason", "refused")))
                return True
        return False

    def _failed(self, message: str) -> None:
        self.state = "failed"
        self.problems = [{"message": message, "file": "", "line": 0}]

    async def stop(self) -> None:
        """Ask it to leave when it has answered what it has; kill it when it does not."""
        self.expected = True
        process = self._process
        if process is None or self.ended is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._drain + 5.0):
                await asyncio.shield(self.ended)
        except TimeoutError:
            self.kill()
            await self.ended

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()


class WorkerGroup:
    """As many processes as the pool wants.

    Args:
        spare: gives the interpreters.
        on_gone: told of each process that has ended: pool name and process number.
        on_superseded: told of processes that newer ones have taken over from, before they are asked to leave.
        on_change: told when the group's state may have changed.
    """

    def __init__(
        self,
        pool: Pool,
        project: Path,
        endpoints: tuple[str, ...],
        drain: float,
        spare: Spare,
        on_gone: Callable[[str, int], None],
        on_superseded: Callable[[str, list[int]], Awaitable[None]],
        on_change: Callable[[], None],
    ) -> None:
        self.pool = pool
        self.problems: Problems = []
        self.restarts = 0
        self.stopped = False
        self.retired = False
        self.processes: list[WorkerProcess] = []
        self.files: frozenset[str] = frozenset()
        self._make: Callable[[], WorkerProcess] = lambda: WorkerProcess(pool, project, endpoints, drain, spare)
        self._on_gone = on_gone
        self._on_superseded = on_superseded
        self._on_change = on_change
        self._tasks: set[asyncio.Task[None]] = set()
        self._replacing = asyncio.Lock()
        self._started: WeakSet[WorkerProcess] = WeakSet()

    @property
    def ready(self) -> bool:
        """Whether at least one process takes requests."""
        return any(process.state == "ready" for process in self.processes)

    def _fresh(self) -> WorkerProcess:
        process = self._make()
        self._started.add(process)
        return process

    async def replace(self) -> bool:
        """Start a full set of processes; when all are ready they take over and the earlier ones leave. False, and
        nothing changes, when one does not start."""
        async with self._replacing:
            fresh = [self._fresh() for _ in range(self.pool.workers)]
            results = await asyncio.gather(*(process.start() for process in fresh))
            for process in fresh:
                self.files |= frozenset(process.files)
            if not all(results) or self.stopped:
                self.problems = next((process.problems for process in fresh if process.problems), [])
                await asyncio.gather(*(process.stop() for process in fresh))
                self._on_change()
                return False
            self.problems = []
            old, self.processes = self.processes, fresh
            for process in fresh:
                self._spawn(self._keep(process))
            if old:
                for process in old:
                    process.expected = True
                await self._on_superseded(self.pool.name, [process.number for process in old])
            for process in old:
                self._spawn(process.stop())
            self._on_change()
            return True

    async def launch(self) -> bool:
        """Like `replace`, but goes on trying in the background when it fails."""
        if await self.replace():
            return True
        self._spawn(self._retry())
        return False

    async def _retry(self) -> None:
        backoff = Backoff(0.5, 30.0)
        while not self.stopped and not self.processes:
            await asyncio.sleep(0.5 + backoff.failed())
            if self.stopped or self.processes or await self.replace():
                return

    async def _keep(self, process: WorkerProcess) -> None:
        """Wait for a process to end, and start another in its place if nobody asked it to."""
        backoff = Backoff(0.1, 10.0)
        loop = asyncio.get_running_loop()
        while process.ended is not None:
            since = loop.time()
            code = await process.ended
            process.state = "ended"
            self._on_gone(self.pool.name, process.number)
            if process.expected or self.stopped or self.retired or process not in self.processes:
                return
            self.restarts += 1
            if loop.time() - since > STABLE:
                backoff.succeeded()
            log.error("a worker has ended", pool=self.pool.name, process=process.number, exit_code=code)
            self._on_change()
            process = await self._successor(process, backoff)

    async def _successor(self, process: WorkerProcess, backoff: Backoff) -> WorkerProcess:
        while True:
            await asyncio.sleep(backoff.failed())
            if self.stopped or self.retired or process not in self.processes:
                return process
            fresh = self._fresh()
            if await fresh.start():
                if self.stopped or process not in self.processes:
                    await fresh.stop()
                    return process
                self.processes[self.processes.index(process)] = fresh
                self.problems = []
                self._on_change()
                return fresh
            self.problems = fresh.problems
            self._on_change()

    async def stop(self) -> None:
        """Let every process leave."""
        self.stopped = True
        processes, self.processes = self.processes, []
        await asyncio.gather(*(process.stop() for process in processes))
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def kill(self) -> None:
        """End every process at once."""
        self.stopped = True
        for process in self._started:
            process.kill()

    def _spawn(self, coroutine: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
