"""A raw client: text and binary frames reach the handler untouched, and go back so (``framing: raw``).

Strategy: the order of frames is all that a raw client has, so a session keeps to one worker as long as that lives, and
moves to another only when nothing is in flight. There are no error frames: an error closes, with a code that says what
it was.
"""

from routewright.bridge.pool import Worker
from routewright.gateway.connection import Connection
from routewright.gateway.errors import CLOSE_CODES, Fault
from routewright.hooks import Incoming


class RawConnection(Connection):
    """One client whose frames mean nothing to the gateway."""

    __slots__ = ()

    def on_text(self, data: bytes) -> None:
        if self.held is not None or self.blocked():
            self.hold(data, False)
        else:
            self.handle(data, False)

    def on_binary(self, data: bytes) -> None:
        if self.held is not None or self.blocked():
            self.hold(data, True)
        else:
            self.handle(data, True)

    def blocked(self) -> bool:
        moving = self.worker is not None and self.worker.draining
        return self.in_flight >= self.endpoint.in_flight or (moving and self.in_flight > 0)

    def handle(self, data: bytes, binary: bool) -> None:
        endpoint = self.endpoint
        endpoint.received += 1
        if self.limiter is not None and self.limiter.admit(self._clock()):
            self.error(Fault("rate_limited", "too many frames"))
        elif endpoint.message_hook is not None:
            self.run_hooks(endpoint.message_hook, Incoming("", None, data, binary))
        else:
            self._request(data, binary)

    def forward(self, incoming: Incoming) -> None:
        self._request(incoming.frame, incoming.binary)

    def _request(self, data: bytes, binary: bool) -> None:
        worker = self._home()
        if worker is None:
            self.no_worker(None)
            return
        endpoint = self.endpoint
        timeout = endpoint.route.timeout
        now = self._clock()
        self.in_flight += 1
        if endpoint.guard is not None:
            endpoint.guard.request(
                self, None, endpoint.undeclared, None, data, now, timeout, binary=binary, worker=worker
            )
            return
        worker.request((self, None, now, now + timeout, timeout), self.session, "", data, binary)

    def _home(self) -> Worker | None:
        home = self.worker
        if home is not None and not home.draining and home.pool is self.endpoint.pool:
            return home if len(home.pending) < home.capacity else None
        worker = self.endpoint.home(self.info)
        return None if worker is None else self.adopt(worker)

    def error(self, fault: Fault) -> None:
        self.endpoint.count_error(fault.code)
        self.close(CLOSE_CODES.get(fault.code, 1011), f"{fault.code}: {fault.message}")
