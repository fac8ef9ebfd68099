"""A client's connection: its session, and the way of its messages to a handler and back.

Strategy: every step of a message is a plain call in the tick in which its bytes arrived; only a hook that is ``async``
makes a frame wait, and then those behind it wait too. What a connection has in flight is bounded: past the bound its
frames are held and its socket is no longer read, so the pressure reaches the client through TCP.

The two ways of speaking are subclasses: `routewright.gateway.plain` (JSON messages) and `routewright.gateway.raw`.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from routewright.bridge.codec import Error, Reply
from routewright.bridge.pool import Entry, Worker
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.errors import CLOSE_CODES, Fault
from routewright.gateway.framing import header, payload
from routewright.gateway.lane import Lane
from routewright.gateway.opening import opening
from routewright.gateway.socket import State, WebSocket
from routewright.hooks import Gate, Incoming, Outgoing, PluginFailed, Refusal, Rewrite, SessionInfo
from routewright.policies.backlog import Backlog
from routewright.policies.rate_limit import RateLimiter
from routewright.table.frames import Id

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway

# looking a member up in its class costs as much as all else that `send_whole` does
_OPEN = State.OPEN

Frame: TypeAlias = tuple[bytes, bool]
"""A message's bytes, and whether it came as a binary one."""


class Connection(WebSocket):
    """One client on one endpoint. A subclass handles its frames and words its errors."""

    __slots__ = (
        "backlog",
        "endpoint",
        "gateway",
        "held",
        "in_flight",
        "inbound",
        "info",
        "leaving",
        "limiter",
        "outbound",
        "piled",
        "session",
        "unsent_before",
        "worker",
    )

    def __init__(self, gateway: "Gateway", endpoint: Endpoint, info: SessionInfo) -> None:
        super().__init__(gateway.sockets, endpoint.route.limits.message_bytes, gateway.clock)
        self.gateway = gateway
        self.endpoint = endpoint
        self.info = info
        self.session = info.id
        self.in_flight = 0
        self.leaving: tuple[int, str] | None = None
        self.unsent_before = 0
        self.piled = 0
        self.backlog: Backlog | None = None
        self.worker: Worker | None = None
        self.held: deque[Frame] | None = None
        self.inbound: Lane[Incoming] | None = None
        self.outbound: Lane[Outgoing] | None = None
        self.limiter: RateLimiter | None = endpoint.limiter(self)

    # To be said by a subclass

    def handle(self, data: bytes, binary: bool) -> None:
        """A frame's turn has come."""
        raise NotImplementedError

    def forward(self, incoming: Incoming) -> None:
        """A frame has passed the hooks, which may have replaced it."""
        raise NotImplementedError

    def error(self, fault: Fault) -> None:
        """Tell the client of an error."""
        raise NotImplementedError

    def wait(self) -> float:
        """Seconds until a message would be admitted: 0.0 where one is."""
        return 0.0 if self.limiter is None else self.limiter.wait(self.now)

    def pass_over(self, wait: float) -> None:
        """Refuse a message that nobody has looked into."""
        self.endpoint.received += 1
        self.error(Fault("rate_limited", "too many messages", retry_after=wait))

    # The session and its worker

    def on_open(self) -> None:
        if self.info.expires is not None:
            self.gateway.expiries.set(self, self.info.expires)
        self.gateway.opened(self)

    def on_closed(self, code: int) -> None:
        for lane in (self.inbound, self.outbound):
            if lane is not None:
                lane.stop()
        self.held = None
        self.gateway.expiries.discard(self)
        self.gateway.closed(self, code)

    def welcome(self) -> None:
        """Let a worker run the connect handlers."""
        worker = self.endpoint.pool.pick()
        if worker is not None and worker.eager:
            self.introduce(worker, fresh=True)
            self.worker = worker

    def introduce(self, worker: Worker, *, fresh: bool) -> None:
        """Tell a worker of this session; ``fresh`` makes it run the connect handlers."""
        self.gateway.bridge.open(worker, opening(self.info, fresh=fresh))

    def adopt(self, worker: Worker) -> Worker:
        """Send this session's requests to ``worker`` from now on."""
        if self.info.id not in worker.sessions:
            self.introduce(worker, fresh=False)
        self.worker = worker
        return worker

    def no_worker(self, id: Id) -> None:
        """Tell the client that its request was not taken, and why."""
        error = self.endpoint.no_worker()
        self.error(Fault(error.code, error.message, id, retry_after=error.retry_after))

    # Back-pressure

    def blocked(self) -> bool:
        """Whether a further frame must wait."""
        return self.in_flight >= self.endpoint.in_flight

    def hold(self, data: bytes, binary: bool) -> None:
        """Let a frame wait, and read no more."""
        if self.held is None:
            self.held = deque()
            self.pause_reading()
        self.held.append((data, binary))

    def release(self) -> None:
        """Let held frames go on, as far as the bound allows."""
        held, self.held = self.held, None
        self.now = self._clock()
        while held and self.state is State.OPEN and not self.blocked():
            self.handle(*held.popleft())
        if held or self.leaving:
            self.held = held
        else:
            self.resume_reading()
        self._left()

    def leave(self, code: int, reason: str) -> None:
        """Read no more, and close as soon as everything that was read is answered."""
        if self.leaving is None:
            self.leaving = code, reason
            self.pause_reading()
            if self.held is None:
                self.held = deque()
            self._left()

    def expire(self) -> None:
        """The credential by which this connection was let in has come to its end."""
        self.gateway.auth.outcomes["connection", "expired"] += 1
        self.close(4501, "the credential has expired")

    def _left(self) -> None:
        if self.leaving and not self.in_flight and not self.held and (self.outbound is None or self.outbound.idle):
            self.close(*self.leaving)

    # Hooks

    def begin(self, chain: Gate) -> None:
        """Run the connect hooks; frames wait until they are done."""
        if chain.sync:
            try:
                chain.run(self.info)
            except (Refusal, PluginFailed) as refusal:
                self._unwelcome(refusal)
            else:
                self.welcome()
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
        if self.state is State.OPEN:
            self.welcome()
        if self.held is not None:
            self.release()

    def _unwelcome(self, refusal: Refusal | PluginFailed) -> None:
        if isinstance(refusal, Refusal):
            self.close(CLOSE_CODES.get(refusal.code, 4503), refusal.message)
        else:
            self.close(1011, "a plugin failed")

    def run_hooks(self, chain: Rewrite, incoming: Incoming) -> None:
        """Let the message hooks see a frame before it is forwarded."""
        if not chain.sync:
            if self.inbound is None:
                self.inbound = Lane(self._hook_message)
            self.in_flight += 1
            self.inbound.push(incoming)
            return
        try:
            chain.run(self.info, incoming)
        except (Refusal, PluginFailed) as refusal:
            self._refused(refusal, incoming.id)
        else:
            self.forward(incoming)

    async def _hook_message(self, incoming: Incoming) -> None:
        chain = self.endpoint.message_hook
        try:
            if chain is not None:
                async with asyncio.timeout(self.endpoint.route.timeout):
                    await chain.run_async(self.info, incoming)
        except (Refusal, PluginFailed) as refusal:
            self._refused(refusal, incoming.id)
        except TimeoutError:
            self.error(Fault("timeout", "a plugin took too long", incoming.id))
        else:
            if self.state is State.OPEN:
                self.forward(incoming)
        finally:
            self.in_flight -= 1
            if self.held is not None:
                self.release()

    def _refused(self, refusal: Refusal | PluginFailed, id: Id) -> None:
        if isinstance(refusal, Refusal):
            self.error(Fault(refusal.code, refusal.message, id, retry_after=refusal.retry_after))
        else:
            self.error(Fault("handler_error", "a plugin failed", id))

    def _hooked_reply(self, chain: Rewrite, outgoing: Outgoing) -> None:
        if not chain.sync:
            if self.outbound is None:
                self.outbound = Lane(self._hook_reply, self._left)
            self.outbound.push(outgoing)
            return
        chain.run(self.info, outgoing)
        self.write(outgoing.frame, outgoing.binary, outgoing.event)

    async def _hook_reply(self, outgoing: Outgoing) -> None:
        chain = self.endpoint.reply_hook
        if chain is not None:
            await chain.run_async(self.info, outgoing)
        self.write(outgoing.frame, outgoing.binary, outgoing.event)

    # Out

    def replied(self, entry: Entry, reply: Reply, now: float) -> None:
        """A handler's answer, or a part of it."""
        endpoint = self.endpoint
        final = reply.final
        if final:
            self.in_flight -= 1
            endpoint.observe(now - entry[2])
            if not endpoint.quiet and entry[0] is self and endpoint.circuit is not None:
                endpoint.circuit.succeeded(entry[2], now)
        frame = reply.frame
        if frame is not None:
            if endpoint.reply_hook is None and self.stalled_since is None and not reply.binary:
                self.send_text(frame)
            else:
                self.deliver(frame, reply.binary, final, entry[1])
        if final and self.held is not None:
            self.release()

    def failed(self, entry: Entry, error: Error) -> None:
        """No answer, and why."""
        self.in_flight -= 1
        if entry[0] is self and self.endpoint.circuit is not None:
            # what came by the guard has told the breaker itself
            self.endpoint.circuit.failed(entry[2], error)
        self.error(Fault(error.code, error.message, entry[1], error.path, error.retryable, error.retry_after))
        if self.held is not None:
            self.release()

    def deliver(
        self, frame: bytes, binary: bool = False, final: bool = True, id: Id = None, event: bool = False
    ) -> None:
        """Send a handler's frame to the client, through the reply hooks."""
        chain = self.endpoint.reply_hook
        if chain is not None and self.state is State.OPEN:
            self._hooked_reply(chain, Outgoing(frame, final, binary, id=id, event=event))
        else:
            self.write(frame, binary, event)

    def write(self, frame: bytes, binary: bool, event: bool = False) -> None:
        """Queue a frame, unless the client is gone or has too much unread already. An ``event`` may be lost where the
        route's ``slowConsumer`` says so."""
        if self.state is not _OPEN:
            return
        if self.stalled_since is not None:
            self._held_back(header(2 if binary else 1, len(frame)) + frame, event)
        elif binary:
            self.send_binary(frame)
        else:
            self.send_text(frame)

    def send_whole(self, frame: bytes) -> None:
        """The same as `write`, for an event that many receive and that has its header already."""
        if self.state is not _OPEN:
            return
        if self.stalled_since is not None:
            self._held_back(frame, True)
            return
        self.out.append(frame)
        if not self.dirty:
            self.wake()

    # Slow clients

    def _held_back(self, frame: bytes, event: bool) -> None:
        """A whole frame for a client that does not read: it waits, as far as the route's policy allows. If so much is
        unsent that even a policy which loses events cannot help, the client is given up. What counts is what has come
        since it stopped reading: a single frame may be larger than the bound, and its client still be reading it."""
        endpoint = self.endpoint
        policy = endpoint.route.slow_consumer
        if policy is None or policy.policy == "disconnect":
            if policy is not None and self.piles_up(len(frame), policy.backlog):
                self._give_up()
            else:
                self.out.append(self.wire(frame))
                if not self.dirty:
                    self.wake()
            return
        backlog = self.backlog
        if backlog is None:
            backlog = self.backlog = Backlog(policy.backlog)
        dropped, conflated = backlog.dropped, backlog.conflated
        fits = backlog.event(frame, endpoint.conflation(payload(frame))) if event else backlog.reply(frame)
        endpoint.dropped += backlog.dropped - dropped
        endpoint.conflated += backlog.conflated - conflated
        if not fits:
            self._give_up()

    def piles_up(self, size: int, most: int) -> bool:
        """Whether there is no room for so many bytes more; where there is, they count."""
        if self.piled > most and self.unsent() + sum(map(len, self.out)) > most:
            return True
        self.piled += size
        return False

    def wire(self, frame: bytes) -> bytes:
        """A whole frame that was held back, as it travels."""
        return frame

    def resume_writing(self) -> None:
        super().resume_writing()
        self.piled = 0
        if self.backlog:
            self.out += map(self.wire, self.backlog.drain())
            if not self.dirty:
                self.wake()

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
        self.backlog = None
        self.close(4002, "slow consumer")
        self.sockets.closing[self] = self._clock() + 1.0
