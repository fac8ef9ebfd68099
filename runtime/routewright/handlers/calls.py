"""Requests that a handler makes to handlers of other routes."""

import asyncio
import itertools
import math
from typing import TYPE_CHECKING, Any

import msgspec

from routewright.bridge.codec import Call, Cancel, Error, Reply
from routewright.handlers.errors import HandlerError
from routewright.handlers.outgoing import decode_undeclared
from routewright.handlers.service import Peer
from routewright.table.frames import DECODE_ERRORS

if TYPE_CHECKING:
    from routewright.handlers.context import Context
    from routewright.handlers.dispatch import Dispatch


class _Pending:
    __slots__ = ("future", "parts")

    def __init__(self, future: "asyncio.Future[Reply]") -> None:
        self.future = future
        self.parts: list[Reply] = []


class Calls:
    """The calls that wait for an answer of one gateway."""

    def __init__(self, dispatch: "Dispatch") -> None:
        self._dispatch = dispatch
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._lost = False

    async def call(self, context: "Context", route: str, message: Any) -> Any:
        """See `Context.call`."""
        service = self._dispatch.service
        peer = service.peer(route)
        frame, binary = peer.requests.encode(message)
        if binary:
            raise ValueError(f"a call to the raw route {route!r} carries str, not bytes")
        seconds = peer.route.timeout if context.deadline == math.inf else context.remaining
        if seconds <= 0:
            raise HandlerError("timeout", f"no time is left to call {route!r}", retryable=True)
        if self._lost:
            raise HandlerError("worker_lost", "the gateway is gone", retryable=True)
        number = next(self._numbers)
        pending = self._pending[number] = _Pending(service.loop.create_future())
        self._dispatch.put(Call(number, route, max(1, int(seconds * 1000)), frame, context.session.id))
        try:
            last = await pending.future
        except asyncio.CancelledError:
            self._dispatch.put(Cancel(number))
            raise
        finally:
            del self._pending[number]
        if _type(message, peer) in peer.streams:
            parts = pending.parts if _ends(last) else [*pending.parts, last]
            return [_payload(peer, part) for part in parts]
        return _payload(peer, last)

    def replied(self, reply: Reply) -> None:
        """The gateway's answer to a call, or a part of it."""
        pending = self._pending.get(reply.correlation)
        if pending is None or pending.future.done():
            return
        if reply.final:
            pending.future.set_result(reply)
        else:
            pending.parts.append(reply)

    def failed(self, error: Error) -> None:
        """The call has failed."""
        pending = self._pending.get(error.correlation)
        if pending is not None and not pending.future.done():
            pending.future.set_exception(
                HandlerError(error.code, error.message, retryable=error.retryable, retry_after=error.retry_after)
            )

    def lost(self) -> None:
        """No answer will come any more."""
        self._lost = True
        for number in list(self._pending):
            self.failed(Error(number, "worker_lost", "the gateway went away before it answered", True))


class _Bare(msgspec.Struct):
    payload: msgspec.Raw = msgspec.Raw(b"")


_decode_bare = msgspec.json.Decoder(_Bare).decode


def _ends(reply: Reply) -> bool:
    """Whether a stream's last reply says no more than that it is the last."""
    return reply.frame is None or not bytes(_decode_bare(reply.frame).payload)


def _type(message: Any, peer: Peer) -> str:
    if isinstance(message, dict):
        return str(message["type"])
    envelope = peer.requests.envelopes.get(type(message))
    return envelope.message.name if envelope is not None else ""


def _payload(peer: Peer, reply: Reply) -> Any:
    if reply.frame is None:
        return None
    if peer.route.framing == "raw":
        return reply.frame if reply.binary else reply.frame.decode()
    if peer.decode is not None:
        try:
            return peer.decode(reply.frame).payload
        except DECODE_ERRORS as error:
            if not peer.route.open:
                raise HandlerError("handler_error", f"{peer.route.name!r} answered what it does not declare") from error
    try:
        envelope = decode_undeclared(reply.frame)
    except DECODE_ERRORS as error:
        raise HandlerError("handler_error", f"{peer.route.name!r} did not answer with an envelope") from error
    return {"type": envelope.type, "payload": envelope.payload}
