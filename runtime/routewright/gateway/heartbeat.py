"""Signs of life: a client that has been silent is asked for one (RFC 6455, 5.5.2), and given up without.

Strategy: no timer per connection. Every chunk of bytes notes its time anyway (`WebSocket.now`); a sweep compares. Each
tick looks at a share of the open connections, so that pings are spread and many connections cost little at a time.
"""

from collections.abc import Iterator
from itertools import islice

from routewright.gateway.framing import header
from routewright.gateway.socket import State, WebSocket
from routewright.gateway.sockets import Sockets

LOOKS = 10
"""How often a connection is looked at in the time that it may be silent."""

PING = header(9, 0)


class Heartbeat:
    """Watches the open sockets of a gateway."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self._left: Iterator[WebSocket] = iter(())
        self._share = 0.0
        self.dead = 0

    def tick(self, now: float, seconds: float, passed: float) -> None:
        """Look at as many connections as it takes for each to have its turn ten times a heartbeat.

        Args:
            now: what the sockets' clock says.
            seconds: how long a connection may be silent, and how long it has to answer.
            passed: seconds since the last look.
        """
        self._share += len(self._sockets.open) * min(1.0, passed * LOOKS / seconds)
        count = int(self._share)
        self._share -= count
        looked = list(islice(self._left, count))
        if len(looked) < count:
            self._left = iter(tuple(self._sockets.open))
            looked += islice(self._left, count - len(looked))
        for socket in looked:
            self._look(socket, now, seconds)

    def _look(self, socket: WebSocket, now: float, seconds: float) -> None:
        # one that is not read, or does not read, cannot answer: back-pressure and slowConsumer look after those
        if socket.state is not State.OPEN or socket.paused or socket.stalled_since is not None:
            socket.pinged = 0.0
        elif socket.now > socket.pinged:
            if now - socket.now >= seconds:
                socket.pinged = now
                socket.send(PING, b"")
        elif now - socket.pinged >= seconds:
            self.dead += 1
            socket.close(4003, "no sign of life")
            self._sockets.closing[socket] = now + 1.0
