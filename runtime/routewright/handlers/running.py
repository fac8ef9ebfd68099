"""Requests that are not answered at once: those that wait for their turn, for the network, or for a thread.

Strategy: a `Running` is in exactly one place from its beginning to its end, `Runs.live`; taking it out there is what
permits its one answer.
"""

import asyncio
import inspect
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context as Variables
from typing import Any, Protocol

from routewright.bridge.codec import Error, Reply, Request
from routewright.handlers.context import Context
from routewright.handlers.errors import HandlerError
from routewright.handlers.failure import FAILURES, failure, late, refusal, report, unreadable
from routewright.handlers.plan import Plan
from routewright.handlers.service import Service
from routewright.handlers.session import Session
from routewright.handlers.signature import Mode
from routewright.handlers.stream import stream, threaded
from routewright.table.frames import DECODE_ERRORS, Id

Settled = Callable[[BaseException | None], None]


class Outlet(Protocol):
    """The way to the gateway. ``out`` is sent with the next batch; ``put`` also sees to it that there is one, ``flush``
    sends at once, ``writable`` waits until the gateway keeps up, ``control`` takes messages of the link itself."""

    out: list[Any]

    def put(self, message: Any) -> None: ...
    def flush(self) -> None: ...
    def writable(self) -> Awaitable[None]: ...
    def control(self, message: Any) -> None: ...


class Running:
    """One request (or connect or disconnect handler, which has none) until its end.

    Attributes:
        until: the deadline, in seconds of the event loop's clock.
        job: what runs; ``None`` while it waits for its turn.
        exclusive: the session's next request waits for this one.
        stopped: why the worker itself has ended it.
        settled: called at the end of a connect or disconnect handler, with what it raised.
    """

    __slots__ = (
        "context",
        "correlation",
        "exclusive",
        "id",
        "job",
        "plan",
        "request",
        "session",
        "settled",
        "stopped",
    )

    def __init__(self, correlation: int, session: Session, plan: Plan, context: Context) -> None:
        self.correlation = correlation
        self.session = session
        self.plan = plan
        self.context = context
        self.request: Request | None = None
        self.settled: Settled | None = None
        self.id: Id = None
        self.job: asyncio.Task[Any] | Future[Any] | None = None
        self.exclusive = False
        self.stopped: HandlerError | None = None


class Runs:
    """Everything that runs for one gateway."""

    def __init__(self, service: Service, outlet: Outlet) -> None:
        self.live: dict[int, Running] = {}
        self.outlet = outlet
        self._service = service
        self._after: list[tuple[set[int], Callable[[], None]]] = []

    def add(self, correlation: int, session: Session, plan: Plan, deadline: float) -> Running:
        """A new one, which is not started yet."""
        running = Running(correlation, session, plan, Context(session, deadline))
        self.live[correlation] = session._running[correlation] = running
        return running

    def after(self, then: Callable[[], None]) -> None:
        """Call a function when all that runs or waits now has ended."""
        if self.live:
            self._after.append((set(self.live), then))
        else:
            then()

    def _ended(self, correlation: int) -> None:
        for running, then in self._after:
            running.discard(correlation)
            if not running:
                then()
        self._after = [each for each in self._after if each[0]]

    def begin(self, request: Request, session: Session, plan: Plan, deadline: float) -> None:
        """Handle a request now, or when its session's turn comes."""
        running = self.add(request.correlation, session, plan, deadline)
        running.request = request
        if session._queue is not None:
            session._queue.append(running)
            return
        self.start(running)
        if plan.raw and running.correlation in self.live:
            running.exclusive = True
            session._queue = deque()

    def next(self, session: Session) -> None:
        """The turn of the requests that have waited."""
        queue = session._queue
        while queue:
            running = queue.popleft()
            if running.correlation not in self.live:
                continue
            self.start(running)
            if running.plan.raw and running.correlation in self.live:
                running.exclusive = True
                return
        session._queue = None

    def start(self, running: Running) -> None:
        """Run the handler; whatever comes of it goes through `_settle`."""
        plan, payload = running.plan, None
        if (request := running.request) is not None:
            if running.context.remaining <= 0:
                self._settle(running, late(running.correlation))
                return
            try:
                payload, running.id = plan.read(request.frame, request.binary)
            except DECODE_ERRORS as error:
                self._settle(running, unreadable(running.correlation, plan, request.frame, error))
                return
            if plan.streamed:
                running.request = Request(0, 0, "", request.deadline, b"")
            else:
                running.request = None
        variables = self._service.base.copy()
        if plan.mode is Mode.THREAD:
            job = self._service.threads.submit(variables.run, plan.call, payload, running.context)
            running.job = job
            job.add_done_callback(lambda done: self._thread_done(running, done))
            return
        try:
            if plan.mode is Mode.STREAM:
                work = self._stream(running, plan.call(payload, running.context))
            elif plan.mode is Mode.THREAD_STREAM:
                items = threaded(plan.call(payload, running.context), self._service.threads, variables.copy())
                work = self._stream(running, items)
            else:
                work = plan.call(payload, running.context)
        except FAILURES as error:
            self._end(running, None, error)
            return
        self._spawn(running, work, variables)

    def cancel(self, running: Running, why: HandlerError | None = None) -> None:
        """Nobody wants the answer any more. It comes nevertheless, when the handler has ended: ``cancelled``, or
        ``why``."""
        running.context.cancelled = True
        running.stopped = running.stopped or why
        if running.job is None:
            self._end(running, None, asyncio.CancelledError())
        else:
            running.job.cancel()

    def refuse(self, running: Running, error: HandlerError) -> None:
        """Answer a request that was never started."""
        self._settle(running, refusal(running.correlation, error))

    def _spawn(self, running: Running, work: Coroutine[Any, Any, Any], variables: Variables) -> None:
        """Run a coroutine as a task. From Python 3.12 on its first step is taken at once."""
        guarded = _guarded(work)
        if sys.version_info >= (3, 12):
            task = asyncio.Task(guarded, loop=self._service.loop, context=variables, eager_start=True)
        else:
            task = asyncio.Task(guarded, loop=self._service.loop, context=variables)
        running.job = task
        if task.done():
            self._task_done(running, task)
            return

        def done(task: "asyncio.Task[Any]") -> None:
            work.close()  # one that was cancelled before its first step has never been awaited
            self._task_done(running, task)

        task.add_done_callback(done)

    def _stream(self, running: Running, items: Any) -> Coroutine[Any, Any, Reply]:
        allowed = running.request.deadline * 0.001 if running.request is not None else 0.0
        running.request = None

        async def part(reply: Reply) -> None:
            running.context.deadline = self._service.loop.time() + allowed
            self.outlet.put(reply)
            await self.outlet.writable()

        return stream(items, running.correlation, running.plan.outgoing, running.id, part)

    def _task_done(self, running: Running, task: "asyncio.Task[Any]") -> None:
        if task.cancelled():
            self._end(running, None, asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self._end(running, None, error)
        else:
            self._end(running, task.result(), None)

    def _thread_done(self, running: Running, job: "Future[Any]") -> None:
        """Called in the thread (or, for one that was cancelled before it began, in the loop)."""
        if job.cancelled():
            outcome: tuple[Any, BaseException | None] = (None, asyncio.CancelledError())
        elif (error := job.exception()) is not None:
            outcome = (None, error)
        else:
            outcome = (job.result(), None)
        if not self._service.loop.is_closed():
            self._service.loop.call_soon_threadsafe(self._end, running, *outcome)

    def _end(self, running: Running, result: Any, error: BaseException | None) -> None:
        if running.stopped is not None and error is not None:
            error = running.stopped
        if running.settled is not None:
            self._settle(running, None, error)
        elif error is not None:
            self._settle(running, failure(running.correlation, running.plan, running.session, error))
        elif isinstance(result, Reply):
            self._settle(running, result)
        else:
            self._settle(running, answer(running.correlation, running.plan, running.session, result, running.id))

    def _settle(self, running: Running, message: Reply | Error | None, error: BaseException | None = None) -> None:
        """The one end of a running request."""
        if self.live.pop(running.correlation, None) is None:
            return
        session = running.session
        session._running.pop(running.correlation, None)
        running.job = None
        if message is not None:
            self.outlet.put(message)
        if running.settled is not None:
            running.settled(error)
        if running.exclusive:
            self.next(session)
        if self._after:
            self._ended(running.correlation)
        if not self.live:
            self._service.idle()


def answer(correlation: int, plan: Plan, session: Session, result: Any, id: Id) -> Reply | Error:
    """The last message of a request whose handler returned this."""
    if result is None:
        return Reply(correlation)
    try:
        frame, binary = plan.outgoing.encode(result, id, plan.streamed)
    except ValueError as error:
        if inspect.iscoroutine(result):
            result.close()
        wrong = TypeError(f"{plan.label} ({plan.place}) answered {plan.name or 'a message'!r} wrongly: {error}")
        report(plan, session, wrong)
        return Error(correlation, "handler_error", "the handler failed")
    return Reply(correlation, frame, True, binary)


async def _guarded(work: Coroutine[Any, Any, Any]) -> Any:
    """An exit that a handler asks for ends that handler; in a task it would end the process."""
    try:
        return await work
    except SystemExit as error:
        raise RuntimeError(f"the handler called sys.exit({error.code!r})") from error
