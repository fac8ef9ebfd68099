"""A client's connection: its session, and the way of its messages to a handler and back.

Strategy: every step of a message is a plain call in the tick in which its bytes arrived; only a hook that is ``async``
makes a frame wait, and then those behind it wait too. What a connection has in flight is bounded: past the bound its
frames are held and its socket is no longer read, so the pressure reaches the client through TCP.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from routewright.bridge.codec import Error, Open, Reply
from routewright.bridge.gateway import Entry, Worker
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.errors import RAW_CLOSE, error_frame
from routewright.gateway.socket import State, WebSocket
from routewright.hooks import Gate, Incoming, Outgoing, PluginFailed, Refusal, Rewrite, SessionInfo
from routewright.policies.rate_limit import RateLimiter
from routewright.table import MessageType
from routewright.table.frames import DECODE_ERRORS, FrameError, Id, decode_open, diagnose

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway

Frame: TypeAlias = tuple[bytes, bool]
"""A message's bytes, and whether it came as a binary one."""


class Lane:
    """Frames that take turns at an async hook, in order. At most one task, and only while there are any."""

    __slots__ = ("_handle", "_items", "_task")

    def __init__(self, handle: Callable[[Any], Awaitable[None]]) -> None:
        self._handle = handle
        self._items: deque[Any] = deque()
        self._task: asyncio.Task[None] | None = None

    def push(self, item: Any) -> None:
        """Let ``item`` wait for its turn."""
        self._items.append(item)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._items:
                await self._handle(self._items.popleft())
        finally:
            self._task = None

    def stop(self) -> None:
        """Forget what waits."""
        self._items.clear()
        if self._task is not None:
            self._task.cancel()


class Connection(WebSocket):
    """One client on one endpoint, speaking the plain protocol or raw frames."""

    __slots__ = (
        "endpoint",
        "gateway",
        "held",
        "in_flight",
        "inbound",
        "info",
        "leaving",
        "limiter",
        "outbound",
        "unsent_before",
        "worker",
    )

    def __init__(self, gateway: "Gateway", endpoint: Endpoint, info: SessionInfo) -> None:
        super().__init__(gateway.sockets, endpoint.route.limits.message_bytes, gateway.clock)
        self.gateway = gateway
        self.endpoint = endpoint
        self.info = info
        self.in_flight = 0
        self.leaving = False
        self.unsent_before = 0
        self.worker: Worker | None = None
        self.held: deque[Frame] | None = None
        self.inbound: Lane | None = None
        self.outbound: Lane | None = None
        self.limiter: RateLimiter | None = endpoint.limiter(self)

    # In

    def on_open(self) -> None:
        self.gateway.opened(self)

    def on_text(self, data: bytes) -> None:
        if self.held is not None or self.in_flight >= self.endpoint.in_flight:
            self._hold((data, False))
        elif self.endpoint.sticky:
            self._raw(data, False)
        else:
            self._message(data)

    def on_binary(self, data: bytes) -> None:
        if not self.endpoint.sticky:
            self.fail(1003, "this route takes text frames")
        elif self.held is not None or self.in_flight >= self.endpoint.in_flight:
            self._hold((data, True))
        else:
            self._raw(data, True)

    def _message(self, data: bytes) -> None:
        endpoint = self.endpoint
        endpoint.received += 1
        endpoint.bytes_in += len(data)
        now = self._clock()
        if self.limiter is not None and (wait := self.limiter.admit(now)):
            self._limited(data, wait)
            return
        try:
            envelope = endpoint.decode(data)
        except FrameError as problem:
            self._wrong(problem)
            return
        except DECODE_ERRORS as error:
            self._wrong(diagnose(data, error, endpoint.declared))
            return
        message: MessageType = envelope.message or endpoint.undeclared
        if endpoint.message_hook is not None:
            self._hooked(endpoint.message_hook, Incoming(message.name or envelope.type, envelope.id, data, False))
            return
        self._forward(envelope.id, message.name or envelope.type, message.timeout, data, False, now)

    def _raw(self, data: bytes, binary: bool) -> None:
        endpoint = self.endpoint
        endpoint.received += 1
        endpoint.bytes_in += len(data)
        now = self._clock()
        if self.limiter is not None and self.limiter.admit(now):
            self.error("rate_limited", "too many frames")
        elif endpoint.message_hook is not None:
            self._hooked(endpoint.message_hook, Incoming("", None, data, binary))
        else:
            self._forward(None, "", endpoint.route.timeout, data, binary, now)

    def _forward(self, id: Id, type: str, timeout: float, data: bytes, binary: bool, now: float) -> None:
        """Hand a request to a worker."""
        worker = self._worker()
        if worker is None:
            self.error("overloaded", self.endpoint_problem(), id=id, retry_after=1.0)
            return
        self.in_flight += 1
        self.gateway.bridge.request(worker, (self, id, now + timeout, timeout, None), self.info.id, type, data, binary)

    def _worker(self) -> Worker | None:
        """A worker with credit that knows this session. A raw route keeps to one as long as it lives, since the order
        of frames matters."""
        pool = self.endpoint.pool
        home = self.worker
        alone = self.endpoint.sticky or len(pool.ready) == 1
        if alone and home is not None and home.pool is pool and not home.draining:
            return home if len(home.pending) < home.capacity else None
        worker = pool.pick()
        if worker is not None and worker is not home:
            if self.info.id not in worker.sessions:
                self.introduce(worker, fresh=False)
            self.worker = worker
        return worker

    def introduce(self, worker: Worker, *, fresh: bool) -> None:
        """Tell a worker of this session; ``fresh`` makes it run the connect handlers."""
        info = self.info
        principal = info.principal
        self.gateway.bridge.open(
            worker,
            Open(
                info.id,
                info.route.name,
                info.path,
                info.parameters,
                None
                if principal is None
                else {"id": principal.id, "scopes": list(principal.scopes), "claims": principal.claims},
                info.address,
                fresh,
            ),
        )

    def endpoint_problem(self) -> str:
        """Why no worker takes a request."""
        if not self.endpoint.pool.ready:
            return f"no worker of route {self.endpoint.route.name!r} is ready"
        return f"every worker of route {self.endpoint.route.name!r} is busy"

    # Back-pressure

    def _hold(self, frame: Frame) -> None:
        if self.held is None:
            self.held = deque()
            self.pause_reading()
        self.held.append(frame)

    def release(self) -> None:
        """Let held frames go on, as far as the bound allows."""
        while self.held and self.in_flight < self.endpoint.in_flight and self.state is State.OPEN:
            data, binary = self.held.popleft()
            if self.endpoint.sticky:
                self._raw(data, binary)
            else:
                self._message(data)
        if not self.held:
            if self.leaving and not self.in_flight:
                self.close(1012, "the gateway restarts")
            elif not self.leaving:
                self.held = None
                self.resume_reading()

    def leave(self) -> None:
        """Close with 1012 as soon as nothing is in flight; take no further messages."""
        self.leaving = True
        if self.held is None:
            self.held = deque()
            self.pause_reading()
        self.held.clear()
        self.release()

    # Hooks

    def begin(self, chain: Gate) -> None:
        """Run the connect hooks; frames wait until they are done."""
        if chain.sync:
            try:
                chain.run(self.info)
            except (Refusal, PluginFailed) as refusal:
                self._unwelcome(refusal)
            return
        self.held = deque()
        self.pause_reading()
        self.gateway.spawn(self._begin(chain))

    async def _begin(self, chain: Gate) -> None:
        try:
            await chain.run_async(self.info)
        except (Refusal, PluginFailed) as refusal:
            self._unwelcome(refusal)
            return
        if self.held is not None:
            self.release()

    def _unwelcome(self, refusal: Refusal | PluginFailed) -> None:
        if isinstance(refusal, Refusal):
            self.close(RAW_CLOSE.get(refusal.code, 4503), refusal.message)
        else:
            self.close(1011, "a plugin failed")

    def _hooked(self, chain: Rewrite, incoming: Incoming) -> None:
        if chain.sync:
            try:
                chain.run(self.info, incoming)
            except (Refusal, PluginFailed) as refusal:
                self._refused(refusal, incoming.id)
                return
            self._after_hooks(incoming)
            return
        if self.inbound is None:
            self.inbound = Lane(self._hook_message)
        self.in_flight += 1
        self.inbound.push(incoming)

    async def _hook_message(self, incoming: Incoming) -> None:
        chain = self.endpoint.message_hook
        try:
            if chain is not None:
                await chain.run_async(self.info, incoming)
        except (Refusal, PluginFailed) as refusal:
            self._refused(refusal, incoming.id)
            return
        finally:
            self.in_flight -= 1
        if self.state is State.OPEN:
            self._after_hooks(incoming)
        self.release()

    def _refused(self, refusal: Refusal | PluginFailed, id: Id) -> None:
        if isinstance(refusal, Refusal):
            self.error(refusal.code, refusal.message, id=id, retry_after=refusal.retry_after)
        else:
            self.error("handler_error", "a plugin failed", id=id)

    def _after_hooks(self, incoming: Incoming) -> None:
        endpoint = self.endpoint
        now = self._clock()
        data = incoming.frame
        if endpoint.sticky:
            self._forward(None, "", endpoint.route.timeout, data, incoming.binary, now)
            return
        try:
            envelope = endpoint.decode(data)
        except FrameError as problem:
            self._wrong(problem)
        except DECODE_ERRORS as error:
            self._wrong(diagnose(data, error, endpoint.declared))
        else:
            message: MessageType = envelope.message or endpoint.undeclared
            self._forward(envelope.id, message.name or envelope.type, message.timeout, data, False, now)

    # Out

    def replied(self, entry: Entry, reply: Reply) -> None:
        """A handler's answer, or a part of it."""
        endpoint = self.endpoint
        if reply.final:
            self.in_flight -= 1
            endpoint.replied += 1
            endpoint.observe(self._clock() - entry[2] + entry[3])
        frame = reply.frame
        if frame is not None:
            self.deliver(frame, reply.binary, reply.final)
        if reply.final and self.held is not None:
            self.release()

    def failed(self, entry: Entry, error: Error) -> None:
        """No answer, and why."""
        self.in_flight -= 1
        self.error(
            error.code,
            error.message,
            id=entry[1],
            path=error.path,
            retryable=error.retryable,
            retry_after=error.retry_after,
        )
        if self.held is not None:
            self.release()

    def deliver(self, frame: bytes, binary: bool = False, final: bool = True) -> None:
        """Send a handler's frame to the client, through the reply hooks."""
        if self.state is not State.OPEN:
            return
        chain = self.endpoint.reply_hook
        if chain is not None:
            self._hooked_reply(chain, Outgoing(frame, final, binary))
            return
        self._write(frame, binary)

    def _write(self, frame: bytes, binary: bool) -> None:
        if self.stalled_since is not None and self._overfull():
            return
        self.endpoint.bytes_out += len(frame)
        if binary:
            self.send_binary(frame)
        else:
            self.send_text(frame)

    def _hooked_reply(self, chain: Rewrite, outgoing: Outgoing) -> None:
        if not chain.sync:
            if self.outbound is None:
                self.outbound = Lane(self._hook_reply)
            self.outbound.push(outgoing)
            return
        chain.run(self.info, outgoing)
        self._write(outgoing.frame, outgoing.binary)

    async def _hook_reply(self, outgoing: Outgoing) -> None:
        chain = self.endpoint.reply_hook
        if chain is not None:
            await chain.run_async(self.info, outgoing)
        if self.state is State.OPEN:
            self._write(outgoing.frame, outgoing.binary)

    def error(
        self,
        code: str,
        message: str,
        *,
        id: Id = None,
        path: str = "",
        retryable: bool | None = None,
        retry_after: float = 0.0,
        hint: str = "",
    ) -> None:
        """Tell the client of an error: by a frame, or on a raw route by closing."""
        self.endpoint.count_error(code)
        if self.state is not State.OPEN:
            return
        if self.endpoint.sticky:
            self.close(RAW_CLOSE.get(code, 1011), f"{code}: {message}"[:100])
            return
        frame = error_frame(code, message, id=id, path=path, retryable=retryable, retry_after=retry_after, hint=hint)
        self._write(frame, False)

    def _wrong(self, problem: FrameError) -> None:
        self.error(problem.code, problem.message, id=problem.id, path=problem.path, hint=problem.hint)

    def _limited(self, data: bytes, wait: float) -> None:
        try:
            id = decode_open(data).id
        except FrameError as problem:
            id = problem.id
        self.error("rate_limited", "too many messages", id=id, retry_after=wait)

    # Slow clients, and the end

    def _overfull(self) -> bool:
        """Whether so much is unsent already that a further frame is one too many; the client is then given up. A
        single frame may be larger than the bound."""
        policy = self.endpoint.route.slow_consumer
        if policy is None or self.unsent() + sum(map(len, self.out)) <= policy.backlog:
            return False
        self._give_up()
        return True

    def check_stalled(self, now: float) -> None:
        """Give up a client that has read nothing for longer than the route's ``slowConsumer`` policy allows."""
        policy = self.endpoint.route.slow_consumer
        if self.state is not State.OPEN or policy is None or self.stalled_since is None:
            return
        unsent = self.unsent()
        if unsent < self.unsent_before:
            self.stalled_since = now
        self.unsent_before = unsent
        if now - self.stalled_since > policy.after:
            self._give_up()

    def _give_up(self) -> None:
        self.endpoint.count_error("slow_consumer")
        self.out.clear()
        self.close(4002, "slow consumer")
        self.sockets.closing[self] = self._clock() + 1.0

    def on_closed(self, code: int) -> None:
        for lane in (self.inbound, self.outbound):
            if lane is not None:
                lane.stop()
        self.held = None
        self.gateway.closed(self, code)
