"""Clients that are to say who they are in their first frame: their connection is open, and nothing is served on it.

Strategy: such a connection is of a class of its own, so that the way of other clients' messages has nothing to look at.
When its ``$auth`` holds, it becomes what it would have been, and only then counts as open: no hook, no worker and no
event has known of it before.
"""

from collections import Counter, deque
from typing import Any, TypeVar

import msgspec

from routewright.gateway.auth.frames import credential, granted
from routewright.gateway.auth.identity import Denied, Identity
from routewright.gateway.command import Asked, answer
from routewright.gateway.connection import Connection
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.errors import CLOSE_CODES, Fault
from routewright.gateway.socket import State
from routewright.table.frames import DECODE_ERRORS, FrameError, diagnose

T = TypeVar("T")

_decode = msgspec.json.Decoder(Asked).decode

HINT = 'send {"type": "$auth", "payload": {"token": ...}} first'


class Door:
    """The connections that wait to be let in.

    Args:
        addresses: connections by address, where these count too.
    """

    def __init__(self, addresses: Counter[str]) -> None:
        self.waiting: dict[Connection, float] = {}
        self._addresses = addresses
        self._on: Counter[Endpoint] = Counter()

    def on(self, endpoint: Endpoint) -> int:
        """How many wait on an endpoint."""
        return self._on[endpoint]

    def arrived(self, connection: Connection, until: float) -> None:
        """A connection waits, until then."""
        self.waiting[connection] = until
        self._on[connection.endpoint] += 1
        self._addresses[connection.info.address] += 1

    def left(self, connection: Connection) -> None:
        """It waits no more: it is let in, or gone."""
        if self.waiting.pop(connection, None) is None:
            return
        _less(self._on, connection.endpoint)
        _less(self._addresses, connection.info.address)

    def tick(self, now: float) -> None:
        """Close those that have waited too long. Whose credential is being checked has waited for us, and the check has
        an end of its own."""
        for connection in [each for each, until in self.waiting.items() if until <= now and each.held is None]:
            connection.close(4501, "no credential came in time")

    def close(self, code: int, reason: str) -> None:
        """Close all."""
        for connection in tuple(self.waiting):
            connection.close(code, reason)


def _less(counter: Counter[T], key: T) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


class Stranger(Connection):
    """The part of a connection that waits; see `stranger`."""

    __slots__ = ()

    becomes: type[Connection]

    def on_open(self) -> None:
        gateway = self.gateway
        gateway.door.arrived(self, gateway.clock() + gateway.settings.limits.handshake)

    def on_closed(self, code: int) -> None:
        self.held = None
        self.gateway.door.left(self)

    def on_text(self, data: bytes) -> None:
        if self.held is not None:
            self.hold(data, False)
        else:
            self.handle(data, False)

    def handle(self, data: bytes, binary: bool) -> None:
        if self.limiter is not None and (wait := self.limiter.admit(self._clock())):
            self.error(Fault("rate_limited", "too many messages", retry_after=wait))
            return
        try:
            command = _decode(data)
        except DECODE_ERRORS as error:
            command = Asked("", diagnose(data, error, ()).id)
        if command.type != "$auth":
            self.error(Fault("unauthorized", "it is not known yet who you are", command.id, hint=HINT))
        else:
            # what comes while the credential is checked waits
            self.held = deque()
            self.pause_reading()
            self.gateway.spawn(self._authenticate(command))

    async def _authenticate(self, command: Asked) -> None:
        authenticator = self.endpoint.authenticator
        if authenticator is None or self.endpoint.retired:
            self.close(4001, "the route has changed")
            return
        try:
            identity = await authenticator.message(credential(command), self.info.address, first=True)
        except FrameError as problem:
            self.error(Fault(problem.code, problem.message, command.id, problem.path, hint=problem.hint))
            self.release()
        except Denied as denied:
            self.error(Fault(denied.code, denied.message, command.id, retry_after=denied.retry_after))
            self.close(CLOSE_CODES[denied.code], denied.message)
        else:
            self._enter(identity, command)

    def _enter(self, identity: Identity, command: Asked) -> None:
        gateway = self.gateway
        gateway.door.left(self)
        if self.state is not State.OPEN:
            return
        if self.endpoint.retired:
            self.close(4001, "the route has changed")
            return
        self.info.principal, self.info.expires = identity.principal, identity.expires
        held, self.held = self.held, None
        self.__class__ = self.becomes  # type: ignore[assignment]
        self.limiter = self.endpoint.limiter(self)
        self.write(answer("$ok", command.id, granted(identity)), False)
        self.on_open()
        if self.held is None:
            self.held = held
            self.release()
        elif held:
            self.held.extend(held)


_STRANGERS: dict[str, Any] = {}


def stranger(kind: type[Connection]) -> type[Connection]:
    """A connection of this kind that is to say who it is first."""
    found: type[Connection] | None = _STRANGERS.get(kind.__name__)
    if found is None:
        namespace: dict[str, Any] = {"__slots__": (), "becomes": kind}
        found = _STRANGERS[kind.__name__] = type(f"Stranger{kind.__name__}", (Stranger, kind), namespace)
    return found
