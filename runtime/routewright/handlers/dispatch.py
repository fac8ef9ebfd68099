"""From a batch of the bridge to the handlers and back, for one gateway.

Strategy: one loop over the batch, itself a coroutine that is stepped once. A handler that cannot wait is awaited right
there, which costs neither a task nor an exception; every other request becomes a `Running`. Exactly one final `Reply`
or `Error` leaves for each `Request`, whatever happens to it, so the gateway's credits return.

Each batch runs in a copy of the process's context variables. A handler that leaves one of them changed ends its copy
there, so no request sees what another one set.
"""

import asyncio
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context as Variables
from typing import Any

import msgspec

from routewright.bridge.codec import Cancel, Closed, Error, Event, Heartbeat, Open, Reply, Request
from routewright.handlers.calls import Calls
from routewright.handlers.context import Context
from routewright.handlers.errors import HandlerError
from routewright.handlers.event import EventSession, Published, type_of
from routewright.handlers.failure import FAILURES, failure, late, refusal, report, unreadable
from routewright.handlers.outgoing import encode_json
from routewright.handlers.plan import Plan
from routewright.handlers.running import Outlet, Running, Runs, answer
from routewright.handlers.service import Service
from routewright.handlers.session import Session
from routewright.table import Principal, Route
from routewright.table.frames import DECODE_ERRORS

PATIENCE = 0.002
"""Seconds after which the answers so far leave, although the batch is not done."""

CLOSE_CODES = {"unauthorized": 4501, "forbidden": 4503, "overloaded": 1013}
"""How a connect handler's error closes the session; 1011 for any other."""

_monotonic = time.monotonic
_thread = threading.get_ident


class Dispatch:
    """The sessions of one gateway and what runs for them."""

    def __init__(self, service: Service, outlet: Outlet) -> None:
        self.service = service
        self.outlet = outlet
        self.sessions: dict[int, Session] = {}
        self.runs = Runs(service, outlet)
        self.calls = Calls(self)
        self._numbers = itertools.count(-1, -1)
        self._others: dict[type, Callable[[Any], None]] = {
            Open: self._open,
            Closed: self._closed,
            Cancel: self._cancel,
            Event: self._event,
            Heartbeat: self._heartbeat,
            Reply: self.calls.replied,
            Error: self.calls.failed,
        }
        service.dispatches[self] = None

    def put(self, message: Any) -> None:
        """Send a message to the gateway, from any thread."""
        service = self.service
        if _thread() == service.thread:
            self.outlet.put(message)
        elif not service.loop.is_closed():
            service.loop.call_soon_threadsafe(self.outlet.put, message)

    def publish(self, topic: str, message: Any) -> None:
        """See `Context.publish`."""
        self.service.publish(topic, message)

    # A batch

    def receive(self, batch: list[Any]) -> None:
        """Handle what the gateway has sent."""
        messages = iter(batch)
        arrived = _monotonic()
        base = self.service.base
        while True:
            variables = base.copy()
            if variables.run(_step, self._work(messages, variables, arrived)):
                return

    async def _work(self, messages: Iterator[Any], variables: Variables, arrived: float) -> bool:
        """Handle messages until there are no more (true), or until a handler has changed a context variable."""
        sessions = self.sessions
        outlet = self.outlet
        out = outlet.out
        base = self.service.base
        flushed = arrived
        for message in messages:
            if type(message) is not Request:
                self._others.get(type(message), outlet.control)(message)
                continue
            session = sessions.get(message.session)
            if session is None:
                out.append(Error(message.correlation, "handler_error", "the worker does not know this session"))
                continue
            plan = session._plans.get(message.type) or session._other
            if plan is None or not plan.step or session._queue is not None:
                self._begin(message, session, plan, arrived)
                continue
            correlation = message.correlation
            now = _monotonic()
            deadline = arrived + message.deadline * 0.001
            if deadline <= now:
                out.append(late(correlation))
                continue
            try:
                if plan.plain:
                    try:
                        envelope = plan.decode(message.frame)
                    except DECODE_ERRORS:
                        payload, id = plan.read(message.frame, message.binary)
                    else:
                        payload = envelope.payload
                        id = envelope.id
                else:
                    payload, id = plan.read(message.frame, message.binary)
            except DECODE_ERRORS as error:
                out.append(unreadable(correlation, plan, message.frame, error))
                continue
            try:
                if plan.alone:
                    result = await plan.function(payload)
                elif plan.two:
                    result = await plan.function(payload, Context(session, deadline))
                else:
                    result = await plan.call(payload, Context(session, deadline))
                struct = plan.envelopes.get(type(result))
                if struct is not None:
                    frame = encode_json(struct(result, id, plan.streamed))
                    out.append(Reply(correlation, frame))
                else:
                    out.append(answer(correlation, plan, session, result, id))
            except FAILURES as error:
                out.append(failure(correlation, plan, session, error))
            if now - flushed > PATIENCE:
                outlet.flush()
                flushed = now
            if variables != base:
                return False
        return True

    def _begin(self, request: Request, session: Session, plan: Plan | None, arrived: float) -> None:
        if session._refusal is not None:
            self.outlet.put(refusal(request.correlation, session._refusal))
        elif plan is None:
            text = f"no handler of this worker takes the message {request.type!r}"
            self.outlet.put(refusal(request.correlation, HandlerError("unknown_type", text)))
        else:
            self.runs.begin(request, session, plan, arrived + request.deadline * 0.001)

    def _cancel(self, message: Cancel) -> None:
        running = self.runs.live.get(message.correlation)
        if running is not None:
            self.runs.cancel(running)

    def _event(self, message: Event) -> None:
        """Handle what was published: as a request of nobody."""
        correlation, service = message.correlation, self.service
        plan, found = service.events.get(message.pattern), service.topics.find(message.topic)
        if plan is None or found is None:
            text = f"this worker does not handle events of {message.pattern!r}"
            self.outlet.put(refusal(correlation, HandlerError("unknown_type", text)))
            return
        event = Published(message.topic, type_of(message.frame))
        session = EventSession(event, service.route_plan(plan.route), self, parameters=found.parameters)
        request = Request(correlation, 0, event.type, message.deadline, message.frame)
        self.runs.begin(request, session, plan, _monotonic() + message.deadline * 0.001)

    def _heartbeat(self, message: Heartbeat) -> None:
        if message.echo:
            self.runs.after(lambda: self.outlet.put(message))

    # Sessions

    def _open(self, message: Open) -> None:
        plan = self.service.plans.get(message.route)
        if plan is None:
            return
        principal = None if message.principal is None else msgspec.convert(message.principal, Principal)
        known = self.sessions.get(message.session)
        if known is not None:
            # its client has renewed its credential, or has come back from elsewhere
            known.principal, known.address, known.path = principal, message.address, message.path
            return
        session = self.sessions[message.session] = Session(
            message.session,
            plan,
            self,
            path=message.path,
            parameters=_parameters(plan.route, message.parameters),
            principal=principal,
            address=message.address,
        )
        if not message.fresh:
            return
        if plan.connect is None:
            session._connected = True
            return
        session._queue = deque()
        running = self._lifecycle(session, plan.connect)
        running.exclusive = True
        running.settled = lambda error: self._connected(running, error)
        self.runs.start(running)

    def _connected(self, running: Running, error: BaseException | None) -> None:
        session = running.session
        if error is None:
            session._connected = True
            if session.closed:
                self._disconnect(session)
            return
        if isinstance(error, asyncio.CancelledError):
            return
        if not isinstance(error, HandlerError):
            report(running.plan, session, error)
            error = HandlerError("handler_error", "the handler failed")
        session._refusal, session._plans, session._other = error, {}, None
        if not session.closed:
            session._close(CLOSE_CODES.get(error.code, 1011), error.message)
        for waiting in list(session._running.values()):
            self.runs.refuse(waiting, error)

    def _closed(self, message: Closed) -> None:
        session = self.sessions.pop(message.session, None)
        if session is not None:
            self._end(session)

    def _end(self, session: Session) -> None:
        session.closed = True
        for running in list(session._running.values()):
            self.runs.cancel(running)
        if session._connected:
            self._disconnect(session)

    def _disconnect(self, session: Session) -> None:
        plan = session._plan.disconnect
        if plan is None or self.service.draining:
            return
        running = self._lifecycle(session, plan)

        def settled(error: BaseException | None) -> None:
            if error is not None and not isinstance(error, asyncio.CancelledError):
                report(plan, session, error)

        running.settled = settled
        self.runs.start(running)

    def _lifecycle(self, session: Session, plan: Plan) -> Running:
        return self.runs.add(next(self._numbers), session, plan, math.inf)

    # The end

    def lost(self) -> None:
        """The gateway is gone, and with it its sessions; nothing more can be said to it."""
        self.service.dispatches.pop(self, None)
        self.outlet = self.runs.outlet = _Nowhere()
        self.calls.lost()
        sessions, self.sessions = list(self.sessions.values()), {}
        for session in sessions:
            self._end(session)
        for running in list(self.runs.live.values()):
            if running.settled is None:
                self.runs.cancel(running)

    def abandon(self) -> None:
        """Stop whatever still runs: the worker leaves now."""
        why = HandlerError("worker_lost", "the worker left before it had an answer", retryable=True)
        for running in list(self.runs.live.values()):
            self.runs.cancel(running, why)


class _Nowhere:
    """Where answers go when their gateway is gone."""

    def __init__(self) -> None:
        self.out: list[Any] = []

    def put(self, message: Any) -> None: ...
    def flush(self) -> None: ...
    async def writable(self) -> None: ...
    def control(self, message: Any) -> None: ...


def _step(work: Coroutine[Any, Any, bool]) -> bool:
    """Run a coroutine that never waits to its end."""
    try:
        work.send(None)
        while True:
            work.throw(RuntimeError("the handler waits where it cannot"))
    except StopIteration as stop:
        return bool(stop.value)


def _parameters(route: Route, given: dict[str, Any]) -> dict[str, Any]:
    """The path parameters in the types that the spec gives them."""
    types = {parameter.name: parameter.type for parameter in route.parameters}
    return {name: msgspec.convert(value, types.get(name, str), strict=False) for name, value in given.items()}
