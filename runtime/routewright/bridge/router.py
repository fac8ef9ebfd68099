"""A ROUTER socket on the event loop: whom it is sent to, then one batch, in both directions.

Strategy: a raw ZeroMQ socket on the event loop's reader, no task and no future per batch. Its file descriptor is
edge-triggered: it only says that something happened. So the socket is read until it has no more, or until the loop's
other work gets its turn; and after every sending it is asked whether something has arrived meanwhile, or that something
would never be seen.
"""

import asyncio
from collections.abc import Callable

import zmq

MOST_PER_TICK = 64
"""ZeroMQ messages read before the event loop's other work gets its turn."""

BYTES_PER_TICK = 1024 * 1024
"""Bytes after which it gets its turn too: until what they bring is written, nobody knows which clients do not read."""

_OPTIONS = (
    (zmq.ROUTER_MANDATORY, 1),
    (zmq.LINGER, 0),
    (zmq.SNDHWM, 100_000),
    (zmq.RCVHWM, 100_000),
    (zmq.MAXMSGSIZE, 256 * 1024 * 1024),
    (zmq.HEARTBEAT_IVL, 2_000),
    (zmq.HEARTBEAT_TIMEOUT, 10_000),
    (zmq.HEARTBEAT_TTL, 10_000),
)

# plain numbers: an operation on two members of an enumeration makes a third one, which costs more than the call
_NOBLOCK = int(zmq.NOBLOCK)
_POLLIN = int(zmq.POLLIN)
_EVENTS = int(zmq.EVENTS)
_RCVMORE = int(zmq.RCVMORE)
_MORE = int(zmq.SNDMORE) | _NOBLOCK


class Router:
    """One socket that many peers connect to.

    Args:
        received: takes in one batch: the identity of the peer, and the bytes.
        turn_ends: is called after every turn of reading.
    """

    def __init__(
        self,
        received: Callable[[bytes, bytes], None],
        turn_ends: Callable[[], None],
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
    ) -> None:
        self._received = received
        self._turn_ends = turn_ends
        self._context = context or zmq.Context.instance()
        self._loop = asyncio.get_running_loop()
        self._socket: zmq.Socket[bytes] | None = None
        self._reading = False

    @property
    def is_open(self) -> bool:
        """Whether it is bound, and not yet closed."""
        return self._socket is not None

    def open(self, endpoint: str, configure: "Callable[[zmq.Socket[bytes]], None] | None" = None) -> None:
        """Bind, and begin to read. ``configure`` may set security options before the bind.

        Raises:
            zmq.ZMQError: the endpoint cannot be bound.
        """
        socket = self._context.socket(zmq.ROUTER)
        for option, value in _OPTIONS:
            socket.setsockopt(option, value)
        if configure is not None:
            configure(socket)
        socket.bind(endpoint)
        self._socket = socket
        self._loop.add_reader(int(socket.getsockopt(zmq.FD)), self._readable)
        self._loop.call_soon(self._readable)

    def close(self) -> None:
        """Stop reading and close the socket. Idempotent."""
        if (socket := self._socket) is not None:
            self._socket = None
            self._loop.remove_reader(int(socket.getsockopt(zmq.FD)))
            socket.close(linger=0)

    def send(self, identity: bytes, data: bytes) -> None:
        """Send a peer one batch; nothing where the socket is closed. After the last of several, call `look`.

        Raises:
            zmq.Again: the peer's queue is full.
            zmq.ZMQError: the peer is not connected.
        """
        if (socket := self._socket) is not None:
            # ROUTER drops nothing it has accepted: both parts are queued, or neither
            socket.send(identity, _MORE)
            socket.send(data, _NOBLOCK)

    def look(self) -> None:
        """See what has arrived while something was sent."""
        socket = self._socket
        if socket is not None and not self._reading and int(socket.getsockopt(_EVENTS)) & _POLLIN:
            self._reading = True
            self._loop.call_soon(self._readable)

    def _readable(self) -> None:
        self._reading = False
        if self._read(MOST_PER_TICK):
            self._reading = True
            self._loop.call_soon(self._readable)
        self._turn_ends()

    def _read(self, most: int) -> bool:
        """Take in at most so many batches, and not many bytes; whether more may be waiting."""
        room = BYTES_PER_TICK
        for _ in range(most):
            if (socket := self._socket) is None:
                return False
            try:
                identity = socket.recv(_NOBLOCK)
            except zmq.Again:
                return False
            data = socket.recv(_NOBLOCK)
            while socket.getsockopt(_RCVMORE):
                data = socket.recv(_NOBLOCK)
            self._received(identity, data)
            room -= len(data)
            # asking costs a third of being told that there is nothing
            if self._socket is None or not int(socket.getsockopt(_EVENTS)) & _POLLIN:
                return False
            if room <= 0:
                return True
        return True
