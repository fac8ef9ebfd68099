"""Requests that want more than the straight path: the one place where a route's policies are carried out.

Strategy: an endpoint without a ``guard`` sends its requests straight to a worker. Otherwise the guard wraps each one in
an `Attempt`, which is what the bridge answers, tries it as often as the policies allow, and passes the one final
outcome to whoever asked: a client's connection, a session, or a worker's call. The order of a request is: the stages
(what may refuse it, answer it or let it wait: see `Stage`), the bulkhead, the breaker, the choice of a worker.

Who asks counts the request as in flight before; it gets exactly one final ``replied`` or ``failed``, maybe at once,
unless it leaves and says so (`Guard.forget`).
"""

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from routewright.bridge.codec import Error, Reply
from routewright.bridge.pool import Entry, Worker
from routewright.gateway.auth.scopes import SCOPES
from routewright.hooks import SessionInfo
from routewright.policies.retry import Retries
from routewright.table import MessageType

if TYPE_CHECKING:
    from routewright.gateway.endpoint import Endpoint
    from routewright.gateway.gateway import Gateway


class Client(Protocol):
    """Whoever asks. ``session`` is what the request travels in; `adopt` makes a worker know it."""

    session: int

    @property
    def info(self) -> SessionInfo: ...
    def adopt(self, worker: Worker) -> Worker: ...
    def replied(self, entry: Entry, reply: Reply, now: float) -> None: ...
    def failed(self, entry: Entry, error: Error) -> None: ...


class Stage(Protocol):
    """What stands before the handler. `enter` returns true to keep an attempt: it ends it then by `Attempt.reply` or
    `Attempt.fail`, or lets it go on by `Guard.proceed`. A stage that makes itself the attempt's ``stage`` is told how
    that ends; ``None``: its client has left. `forget`: somebody has left, and what is done for him alone may end."""

    def enter(self, attempt: "Attempt") -> bool: ...
    def ended(self, attempt: "Attempt", outcome: Reply | Error | None, now: float) -> None: ...
    def forget(self, client: object) -> None: ...


class Balancer(Protocol):
    """Chooses a worker that is ready and has credit; not ``avoided`` where there is another. It is told how each try
    ended: after how many seconds, and with which error."""

    def pick(self, attempt: "Attempt", avoided: Worker | None) -> Worker | None: ...
    def done(self, attempt: "Attempt", worker: Worker, seconds: float, error: Error | None) -> None: ...


class Attempt:
    """One request on its way, however often it is tried.

    Attributes:
        id: what the client knows it by.
        asked: when the client asked; ``deadline``: until when it waits; ``timeout``: the seconds that this gives.
        envelope: the decoded frame; ``None`` on a raw route.
        worker: the last one that had it; before the first try the only one that may have it, or ``None``.
        correlation: of the try that is under way, else 0.
        tried: how often it was tried.
        sent: when it was tried last.
        begun: a part of the answer has gone to the client.
        error: how the last try failed.
        note: what the balancer wants to know of its choice when that has ended.
        stage: who wants to know how it ends.
    """

    __slots__ = (
        "_judged",
        "asked",
        "begun",
        "binary",
        "client",
        "correlation",
        "deadline",
        "envelope",
        "error",
        "frame",
        "guard",
        "id",
        "message",
        "note",
        "sent",
        "stage",
        "timeout",
        "timer",
        "tried",
        "worker",
    )

    def __init__(
        self,
        guard: "Guard",
        client: Client,
        id: Any,
        message: MessageType,
        envelope: Any,
        frame: bytes,
        binary: bool,
        now: float,
        timeout: float,
        worker: Worker | None,
    ) -> None:
        self.guard = guard
        self.client = client
        self.id = id
        self.asked = now
        self.deadline = now + timeout
        self.timeout = timeout
        self.message = message
        self.envelope = envelope
        self.frame = frame
        self.binary = binary
        self.worker = worker
        self.correlation = 0
        self.tried = 0
        self.sent = now
        self.begun = False
        self.error: Error | None = None
        self.note: Any = None
        self.stage: Stage | None = None
        self.timer: asyncio.TimerHandle | None = None
        self._judged = False

    @property
    def entry(self) -> Entry:
        """What the client is told with. Made anew each time: kept here it would keep the attempt alive in turn, until
        the garbage collector came, which costs more than all the rest."""
        return self, self.id, self.asked, self.deadline, self.timeout

    @property
    def type(self) -> str:
        """The message's type; ``""`` on a raw route."""
        return self.message.name or (self.envelope.type if self.envelope is not None else "")

    # What the bridge tells

    def replied(self, entry: Entry, reply: Reply, now: float) -> None:
        """A handler's answer, or a part of it."""
        guard = self.guard
        circuit = guard.endpoint.circuit
        if circuit is not None and not guard.endpoint.quiet and not self._judged and (reply.final or circuit.half_open):
            # a stream may go on for hours: its first part is what a trial is to show
            self._judged = True
            circuit.succeeded(self.sent, now)
        if not reply.final:
            self.begun = True
            self.client.replied(self.entry, reply, now)
            return
        self.correlation = 0
        if guard.balancer is not None and self.worker is not None:
            guard.balancer.done(self, self.worker, now - self.sent, None)
        self.reply(reply, now)

    def failed(self, entry: Entry, error: Error) -> None:
        """No answer; maybe there is one at the next try."""
        guard = self.guard
        self.correlation = 0
        if self.tried > 1 and error.code == "timeout" and not error.correlation:
            # the last try had only what was left of the client's time
            error = Error(0, "timeout", f"no answer within {self.timeout:g} s", True)
        self.error = error
        if guard.endpoint.circuit is not None:
            guard.endpoint.circuit.failed(self.sent, error, judged=self._judged)
        if guard.balancer is not None and self.worker is not None:
            guard.balancer.done(self, self.worker, guard.clock() - self.sent, error)
        if not guard.again(self, error):
            self.fail(error)

    # Its end

    def reply(self, reply: Reply, now: float) -> None:
        """End it with an answer."""
        self.guard.attempts.discard(self)
        if self.stage is not None:
            self.stage.ended(self, reply, now)
        self.client.replied(self.entry, reply, now)

    def fail(self, error: Error) -> None:
        """End it without one."""
        self.guard.attempts.discard(self)
        if self.stage is not None:
            self.stage.ended(self, error, self.guard.clock())
        self.client.failed(self.entry, error)

    def drop(self) -> None:
        """End it: nobody waits for the answer any more."""
        guard = self.guard
        guard.attempts.discard(self)
        if self.timer is not None:
            self.timer.cancel()
        if self.correlation and self.worker is not None:
            guard.gateway.bridge.withdraw(self.worker, self.correlation)
            if guard.endpoint.circuit is not None and not self._judged:
                guard.endpoint.circuit.abandoned(self.sent)
        if self.stage is not None:
            self.stage.ended(self, None, guard.clock())


class Guard:
    """The policies of one endpoint.

    Attributes:
        attempts: every request that has not ended.
        waiting: how many of them a stage keeps: they do not count against the bulkhead.
        stages: what a request passes first, in this order.
        balancer: chooses workers; ``None``: the one with the fewest requests in flight.
        retries: what may be tried again; ``None``: nothing.
    """

    def __init__(self, gateway: "Gateway", endpoint: "Endpoint") -> None:
        self.gateway = gateway
        self.endpoint = endpoint
        self.clock = gateway.clock
        self.attempts: set[Attempt] = set()
        self.waiting = 0
        self.stages: tuple[Stage, ...] = ()
        self.balancer: Balancer | None = None
        self.retries: Retries | None = None

    def bind(self, *stages: Stage) -> bool:
        """Read the route's policies; whether they want every request to pass here. ``stages`` come after the scopes:
        who may not ask is not answered from a cache either."""
        route = self.endpoint.route
        if route.retry is None or not any(message.idempotent for message in route.messages):
            self.retries = None
        elif self.retries is None or self.retries.settings != route.retry:
            self.retries = Retries(route.retry)
        self.stages = (SCOPES, *stages) if any(message.scopes for message in route.messages) else stages
        return bool(
            self.stages
            or self.balancer is not None
            or self.retries is not None
            or self.endpoint.route.limits.bulkhead is not None
        )

    def request(
        self,
        client: Client,
        id: Any,
        message: MessageType,
        envelope: Any,
        frame: bytes,
        now: float,
        timeout: float,
        *,
        binary: bool = False,
        worker: Worker | None = None,
    ) -> None:
        """Carry a request out.

        Args:
            id: what the client knows it by.
            envelope: the decoded frame, ``None`` on a raw route.
            timeout: seconds for the whole answer, or for each part of a stream.
            worker: the only one that may have it; it has credit.
        """
        attempt = Attempt(self, client, id, message, envelope, frame, binary, now, timeout, worker)
        self.attempts.add(attempt)
        for stage in self.stages:
            if stage.enter(attempt):
                return
        self.proceed(attempt, now)

    def proceed(self, attempt: Attempt, now: float) -> None:
        """Let an attempt go on to a handler."""
        bulkhead = self.endpoint.route.limits.bulkhead
        if bulkhead is not None and len(self.attempts) - self.waiting > bulkhead:
            attempt.fail(self.endpoint.bulkhead(bulkhead))
            return
        if self.retries is not None:
            self.retries.requested(now)
        self._try(attempt, now)

    def again(self, attempt: Attempt, error: Error) -> bool:
        """Try a failed attempt again later, if that is allowed and worth it."""
        retries = self.retries
        if retries is None or not attempt.message.idempotent or attempt.begun or not _transient(error):
            return False
        now = self.clock()
        pause = retries.pause(attempt.tried, now, attempt.deadline, error.retry_after)
        if pause is None:
            return False
        attempt.timer = asyncio.get_running_loop().call_later(pause, self._again, attempt)
        return True

    def forget(self, client: object) -> None:
        """Drop every request of someone who has left."""
        for attempt in [attempt for attempt in self.attempts if attempt.client is client]:
            attempt.drop()
        for stage in self.stages:
            stage.forget(client)

    def _again(self, attempt: Attempt) -> None:
        attempt.timer = None
        self._try(attempt, self.clock())

    def _try(self, attempt: Attempt, now: float) -> None:
        endpoint = self.endpoint
        circuit = endpoint.circuit
        if circuit is not None and not circuit.closed and not circuit.admit(now):
            attempt.fail(attempt.error or endpoint.circuit_open(circuit.wait(now)))
            return
        attempt.tried += 1
        worker = self._choose(attempt)
        if worker is None:
            if circuit is not None:
                circuit.abandoned(now)
            error = endpoint.no_worker()
            if not self.again(attempt, error):
                attempt.fail(error)
            return
        attempt.client.adopt(worker)
        attempt.worker = worker
        attempt.sent = now
        # a later try has only what is left; a part of a stream has the whole time each
        left = attempt.timeout if attempt.message.stream or now == attempt.asked else attempt.deadline - now
        entry: Entry = (attempt, attempt.id, now, attempt.deadline, left)
        attempt.correlation = worker.request(entry, attempt.client.session, attempt.type, attempt.frame, attempt.binary)

    def _choose(self, attempt: Attempt) -> Worker | None:
        last = attempt.worker
        if last is not None and attempt.tried == 1:
            return last
        if self.balancer is not None:
            return self.balancer.pick(attempt, last)
        pool = self.endpoint.pool
        return pool.pick() if last is None else pool.pick_other(last)


def _transient(error: Error) -> bool:
    """Whether the same request may succeed shortly: the worker was lost before it answered, there was no room, or the
    handler said so."""
    return error.retryable and error.code != "timeout"
