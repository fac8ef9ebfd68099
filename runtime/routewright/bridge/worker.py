"""The worker's end of the bridge: a DEALER for each gateway.

Strategy: a raw ZeroMQ socket on the event loop's reader. Messages collect in ``out`` and leave as one batch a tick; a
batch that the socket does not take waits, and is never dropped. The descriptor that ZeroMQ offers is edge-triggered: it
only says that *something* happened, so the socket is read until it has no more, and asked again after every send.

A lost gateway (the connection breaks, or it is silent for too long) costs the socket as well: the next one has a new
identity and says hello anew.
"""

import asyncio
import logging
import os
import random
import secrets
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import msgspec
import zmq

from routewright.bridge import codec
from routewright.bridge.codec import CodecError, Error, Goodbye, Heartbeat, Hello, Ready, Refused, Reply

READS = 64
"""Batches that are read before the event loop's other work gets its turn."""

BATCH = 1024 * 1024
"""Bytes above which a batch of several messages is sent in parts."""

LARGEST = 256 * 1024 * 1024
"""Bytes of a ZeroMQ message that is still accepted, and sent."""

WAITING = 1024
"""Messages that may collect before `Link.writable` waits."""

RETRY = (0.05, 2.0)
"""Seconds before the first and the later tries to reach a lost gateway."""

log = logging.getLogger("routewright.bridge")

# plain numbers: an operation on two members of an enumeration makes a third one, which costs more than the call
_NOBLOCK = int(zmq.NOBLOCK)
_POLLIN = int(zmq.POLLIN)
_EVENTS = int(zmq.EVENTS)

Context: TypeAlias = "zmq.Context[zmq.Socket[bytes]]"
Socket: TypeAlias = "zmq.Socket[bytes]"


class BridgeKeyError(Exception):
    """A ``tcp://`` endpoint without the CURVE keys it needs; the message names the variables."""


class Curve(msgspec.Struct, frozen=True):
    """The keys of a ``tcp://`` bridge, as Z85 text: the gateway's public one and this worker's pair."""

    server: str
    public: str
    secret: str

    @classmethod
    def of(cls, endpoint: str, environment: Mapping[str, str]) -> "Curve | None":
        """The keys for an endpoint, from ``ROUTEWRIGHT_BRIDGE_SERVER_KEY``, ``..._PUBLIC_KEY`` and ``..._SECRET_KEY``.

        Raises:
            BridgeKeyError: the endpoint leaves this machine's files and a key is missing or malformed.
        """
        names = [f"ROUTEWRIGHT_BRIDGE_{part}_KEY" for part in ("SERVER", "PUBLIC", "SECRET")]
        missing = [name for name in names if not environment.get(name)]
        if missing and not endpoint.startswith("tcp://"):
            return None
        if missing:
            raise BridgeKeyError(f"{endpoint} needs CURVE keys: set {', '.join(missing)}, or use an ipc:// endpoint")
        bad = [name for name in names if len(environment[name]) != 40]
        if bad:
            raise BridgeKeyError(f"{', '.join(bad)}: a CURVE key is 40 characters of Z85 text")
        return cls(*(environment[name] for name in names))


class Receiver(Protocol):
    """Whoever handles what a gateway sends, from its `Ready` to its loss. Kinds that it does not know it gives back to
    `Link.control`."""

    def receive(self, batch: list[Any]) -> None: ...
    def lost(self) -> None: ...


class Owner(Protocol):
    """Whoever holds the links."""

    def accepted(self, link: "Link") -> Receiver: ...
    def refused(self, link: "Link", reason: str) -> None: ...
    def goodbye(self, link: "Link") -> None: ...


class Link:
    """The connection to one gateway.

    Attributes:
        out: what leaves with the next batch. Whoever appends while no batch is being received calls `put` instead.
        ready: the gateway has accepted this worker, and was not lost since.
        receiver: what the owner gave for this connection.
    """

    def __init__(self, endpoint: str, hello: Hello, owner: Owner, *, context: Context, curve: Curve | None) -> None:
        self.endpoint = endpoint
        self.out: list[Any] = []
        self.ready = False
        self.receiver: Receiver | None = None
        self._hello = hello
        self._owner = owner
        self._context = context
        self._curve = curve
        self._loop = asyncio.get_running_loop()
        self._socket: Socket | None = None
        self._monitor: Socket | None = None
        self._pending: list[bytes] = []
        self._flush_due = False
        self._read_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._retry = RETRY[0]
        self._heartbeat = codec.HEARTBEAT
        self._dead = codec.DEAD
        self._spoken = False
        self._silent = 0.0
        self._waiters: list[asyncio.Future[None]] = []

    def open(self) -> None:
        """Connect, and say hello as soon as the gateway is there."""
        socket = self._context.socket(zmq.DEALER)
        options: list[tuple[int, int | bytes]] = [
            (zmq.IDENTITY, f"{os.getpid()}-".encode() + secrets.token_hex(8).encode()),
            (zmq.IMMEDIATE, 1),
            (zmq.LINGER, 0),
            (zmq.SNDHWM, 10_000),
            (zmq.RCVHWM, 10_000),
            (zmq.MAXMSGSIZE, LARGEST),
            (zmq.HEARTBEAT_IVL, 2_000),
            (zmq.HEARTBEAT_TIMEOUT, 10_000),
            (zmq.HEARTBEAT_TTL, 10_000),
            (zmq.RECONNECT_IVL, 50),
            (zmq.RECONNECT_IVL_MAX, 1_000),
        ]
        if self._curve is not None:
            options += [
                (zmq.CURVE_SERVERKEY, self._curve.server.encode()),
                (zmq.CURVE_PUBLICKEY, self._curve.public.encode()),
                (zmq.CURVE_SECRETKEY, self._curve.secret.encode()),
            ]
        for option, value in options:
            socket.setsockopt(option, value)
        failed = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        self._monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | failed)
        socket.connect(self.endpoint)
        self._socket = socket
        self._loop.add_reader(int(socket.getsockopt(zmq.FD)), self._read)
        self._loop.add_reader(int(self._monitor.getsockopt(zmq.FD)), self._broken)
        self._silent = 0.0
        self._timer = self._loop.call_later(self._heartbeat / 2, self._beat)
        self.put(self._hello)
        self._loop.call_soon(self._broken)

    def close(self, linger: float = 0.0) -> None:
        """Leave; what was sent has ``linger`` seconds to arrive, when the context is terminated. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        socket, self._socket = self._socket, None
        monitor, self._monitor = self._monitor, None
        self.ready = False
        if socket is None or monitor is None:
            return
        self._loop.remove_reader(int(monitor.getsockopt(zmq.FD)))
        self._loop.remove_reader(int(socket.getsockopt(zmq.FD)))
        socket.disable_monitor()
        monitor.close(linger=0)
        socket.close(linger=int(linger * 1000))
        self._pending.clear()
        self.out.clear()
        self._release()

    # Sending

    def put(self, message: Any) -> None:
        """Send a message with this tick's batch."""
        self.out.append(message)
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what has collected, now."""
        self._flush_due = False
        socket, pending, out = self._socket, self._pending, self.out
        if socket is None:
            out.clear()
            return
        while out or pending:
            if not pending:
                pending += _batches(out)
                out.clear()
            try:
                socket.send(pending[0], _NOBLOCK)
            except zmq.Again:
                break
            self._spoken = True
            del pending[0]
        if not self._read_due and int(socket.getsockopt(_EVENTS)) & _POLLIN:
            self._read_due = True
            self._loop.call_soon(self._read)
        if self._waiters and not self.congested:
            self._release()

    @property
    def congested(self) -> bool:
        """The gateway does not keep up with what is sent."""
        return bool(self._pending) or len(self.out) > WAITING

    async def writable(self) -> None:
        """Wait until the gateway keeps up."""
        while self._socket is not None and self.congested:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def _release(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # Receiving

    def _read(self) -> None:
        self._read_due = False
        for _ in range(READS):
            if self._socket is None:
                return
            try:
                data = self._socket.recv(_NOBLOCK)
            except zmq.Again:
                break
            self._silent = 0.0
            try:
                batch = codec.decode_from_gateway(data)
            except CodecError as error:
                self._lose(f"it speaks another protocol ({error})")
                return
            if self.receiver is not None:
                self.receiver.receive(batch)
            else:
                self._greeted(batch)
            # asking costs a third of being told that there is nothing
            if self._socket is None or not int(self._socket.getsockopt(_EVENTS)) & _POLLIN:
                break
        else:
            self._read_due = True
            self._loop.call_soon(self._read)
        if self.out or self._pending:
            self.flush()

    def _greeted(self, batch: list[Any]) -> None:
        """The first words of a gateway; what follows `Ready` is for the receiver."""
        for place, message in enumerate(batch):
            if isinstance(message, Ready):
                self.ready = True
                self._heartbeat, self._dead = message.heartbeat, message.dead
                self._retry = RETRY[0]
                self.receiver = self._owner.accepted(self)
                self.receiver.receive(batch[place + 1 :])
                return
            if isinstance(message, Refused):
                self._owner.refused(self, message.reason)
                return

    def control(self, message: Any) -> None:
        """A message that is about the link itself."""
        if isinstance(message, Goodbye):
            self._owner.goodbye(self)
        elif isinstance(message, Refused):
            self._lose(f"it has given this worker up ({message.reason})")

    # Life and death

    def _beat(self) -> None:
        pause = self._heartbeat / 2
        self._timer = self._loop.call_later(pause, self._beat)
        self._silent += pause
        if self._silent >= self._dead:
            self._lose(f"it has been silent for {self._silent:g} s")
            return
        if self.ready and not self._spoken:
            self.put(Heartbeat())
        self._spoken = False
        self.flush()

    def _broken(self) -> None:
        """The monitor has news, none of which are good."""
        monitor = self._monitor
        if monitor is None:
            return
        event = 0
        try:
            while True:
                event = int.from_bytes(monitor.recv(_NOBLOCK)[:2], "little")
                monitor.recv(_NOBLOCK)
        except zmq.Again:
            pass
        if event:
            refused = event in (zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
            self._lose("it does not accept these keys" if refused else "the connection broke")

    def _lose(self, why: str) -> None:
        log.warning("the gateway is lost: %s", why, extra={"endpoint": self.endpoint})
        receiver, self.receiver = self.receiver, None
        self.close()
        if receiver is not None:
            receiver.lost()
        pause = self._retry * random.uniform(0.5, 1.5)  # noqa: S311  # jitter, not a secret
        self._retry = min(self._retry * 2, RETRY[1])
        self._timer = self._loop.call_later(pause, self.open)


def _batches(messages: list[Any]) -> list[bytes]:
    """The messages as batches of bearable size. What nobody would accept is answered in its place."""
    data = codec.encode(messages)
    if len(data) <= BATCH:
        return [data]
    if len(messages) > 1:
        half = len(messages) // 2
        return _batches(messages[:half]) + _batches(messages[half:])
    if len(data) <= LARGEST:
        return [data]
    message = messages[0]
    log.error("a message of %d bytes is too large for the bridge", len(data))
    if not isinstance(message, Reply):
        return []
    return [codec.encode([Error(message.correlation, "too_large", "the reply is too large")])]
