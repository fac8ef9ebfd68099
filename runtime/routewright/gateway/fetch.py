"""What a cache asks a handler for, in the place of the clients that wait for the reply.

Strategy: a fetch is a client of the guard like any other, with a frame and a session of its own. The frame holds the
payload in its canonical form and no ``id``; the session knows of the client only what tells requests apart
(``vary``). So a reply cannot depend on anything that its key does not hold, and it does not matter who asked first, or
whether that client is still there. Only where ``vary`` says ``session``, it is the client's own session.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from routewright.bridge.codec import Error, Reply
from routewright.bridge.pool import Entry, Worker
from routewright.gateway.opening import opening
from routewright.hooks import SessionInfo
from routewright.table.frames import DECODE_ERRORS, Id

if TYPE_CHECKING:
    from routewright.bridge.gateway import BridgeGateway
    from routewright.gateway.guard import Client

Outcome = Reply | Error


class Fetch:
    """The requester of one fetch; ``done`` is told how it ends.

    Attributes:
        owner: the client whose session it goes by, ``None`` where it has one of its own.
    """

    __slots__ = ("_bridge", "_done", "_worker", "info", "owner", "session")

    def __init__(
        self,
        bridge: "BridgeGateway",
        info: SessionInfo,
        owner: "Client | None",
        done: Callable[["Fetch", Outcome, float], None],
    ) -> None:
        self.info = info
        self.session = info.id
        self.owner = owner
        self._bridge = bridge
        self._done = done
        self._worker: Worker | None = None

    def adopt(self, worker: Worker) -> Worker:
        """Open the session at a worker; what it had at another one is over."""
        if self.owner is not None:
            return self.owner.adopt(worker)
        if worker is not self._worker:
            self._close()
            self._worker = worker
            self._bridge.open(worker, opening(self.info))
        return worker

    def replied(self, entry: Entry, reply: Reply, now: float) -> None:
        """The handler's answer. Parts of one are dropped: the message declares a whole reply."""
        if reply.final:
            self._close()
            self._done(self, reply, now)

    def failed(self, entry: Entry, error: Error) -> None:
        """No answer, and why."""
        self._close()
        self._done(self, error, entry[2])

    def _close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            self._bridge.close(worker, self.session, 1000)


_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def without_id(reply: Reply) -> bytes | None:
    """A reply's frame without its ``id`` and its last brace, for `with_id`; ``None`` where it is no JSON envelope."""
    if reply.frame is None or reply.binary:
        return None
    try:
        envelope = _decode(reply.frame)
    except DECODE_ERRORS:
        return None
    envelope.pop("id", None)
    return _encode(envelope)[:-1] if "type" in envelope else None


def with_id(body: bytes, id: Id) -> bytes:
    """The frame for one who waits."""
    return body + b"}" if id is None else b'%b,"id":%b}' % (body, _encode(id))


def request_frame(type: str, payload: bytes) -> bytes:
    """The frame for the handler; an empty payload is none."""
    if not payload:
        return b'{"type":%b}' % _encode(type)
    return b'{"type":%b,"payload":%b}' % (_encode(type), payload)


def seen(info: SessionInfo, session: int, vary: tuple[str, ...]) -> SessionInfo:
    """A session as a fetch has it: of the client only what tells requests apart."""
    named: dict[str, Any] = {"path": info.route.path}
    if "parameters" in vary:
        named = {"path": info.path, "parameters": info.parameters}
    if "principal" in vary:
        named["principal"] = info.principal
    if "address" in vary:
        named["address"] = info.address
    return SessionInfo(id=session, route=info.route, **named)
