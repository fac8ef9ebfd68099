"""Messages on their way: what each one waits for, and how long.

Strategy: a message that is asked has an `Answer` from the moment it is handed to the protocol until nobody waits for it
any more; the protocol decides when it is written, and how often.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any, TypedDict, Unpack

import msgspec

from routewright.client.answers import Answer
from routewright.client.errors import ClientError, ConnectionLost, OutcomeUnknown, RequestTimeout
from routewright.client.happenings import Refused, Reply, Unknown
from routewright.client.models import Models, Outgoing
from routewright.client.protocol import Protocol

_GRACE = 5.0
"""Seconds that a reply may be on its way after the gateway has given it up."""


class Options(TypedDict, total=False):
    """How a message is sent.

    Attributes:
        timeout: seconds for the reply, or for each part of a stream. The default is that of `connect`, or what the
            table allows the handler and 5 s more.
        idempotent: it may be repeated where it is not known whether it was handled. The default is the table's word,
            and false without a table.
    """

    timeout: float | None
    idempotent: bool | None


class Calls:
    """Everything that one client has asked.

    Args:
        timeout: seconds for each call that names none.
        flush: is called when there is something to write.

    Attributes:
        begun: the client has been opened.
        error: what it has ended with.
    """

    def __init__(self, protocol: Protocol, models: Models, timeout: float | None, flush: Callable[[], None]) -> None:
        self.begun = False
        self.error: ClientError | None = None
        self._protocol = protocol
        self._models = models
        self._timeout = timeout
        self._flush = flush
        self._lost = ConnectionLost("there was no connection")
        self._answers: dict[int, Answer] = {}

    @property
    def connected(self) -> bool:
        """Whether messages go out at once."""
        return self._protocol.open

    def ask(self, outgoing: Outgoing, options: Options, *, stream: bool = False, reply: bool = True) -> int:
        """Hand a message to the protocol; its id.

        Raises:
            QueueFull: too much waits already.
            Disconnected: there will be no connection any more.
            RuntimeError: there was never to be one.
        """
        if not self.begun:
            raise RuntimeError("the client is not open: write `async with connect(...) as client:`")
        if self.error is not None:
            raise self.error.with_traceback(None)
        declared, idempotent = outgoing.declared, options.get("idempotent")
        if idempotent is None:
            idempotent = declared is not None and declared.idempotent
        id = self._protocol.ask(outgoing.type, outgoing.payload, idempotent=idempotent, stream=stream, reply=reply)
        if reply:
            self._answers[id] = Answer()
        self._flush()
        return id

    async def parts(self, outgoing: Outgoing, options: Options, *, stream: bool) -> AsyncGenerator[Reply, None]:
        """Ask, and iterate over the parts of the answer; close it, so that it is forgotten."""
        seconds = self._seconds(outgoing, options.get("timeout"))
        id = self.ask(outgoing, options, stream=stream)
        answer = self._answers[id]
        try:
            while True:
                with within(seconds, f"no answer to {outgoing.type!r}"):
                    async with asyncio.timeout(seconds):
                        part = await answer.next()
                if part is None:
                    return
                yield part
        finally:
            self._answers.pop(id, None)
            self._protocol.forget(id)

    async def command(self, type: str, payload: Any, model: Any = Any, **options: Unpack[Options]) -> Any:
        """Ask the gateway itself; the payload of its answer, as ``model``."""
        async with contextlib.aclosing(self.parts(_command(type, payload), options, stream=False)) as parts:
            part = await anext(parts)
        return self._models.decode(part.type, part.payload, model)

    def begin(self, type: str, payload: Any) -> Coroutine[Any, Any, None]:
        """Ask the gateway itself, at once, for what can be asked twice; the wait for its answer, whatever that is."""
        id = self.ask(_command(type, payload), {"idempotent": True})
        return self._answered(id)

    async def _answered(self, id: int) -> None:
        try:
            with contextlib.suppress(ClientError):
                await self._answers[id].next()
        finally:
            self._answers.pop(id, None)
            self._protocol.forget(id)

    def restored(self, id: int) -> Answer:
        """Await the answer to a message that was asked by an earlier run of the program."""
        answer = self._answers[id] = Answer()
        return answer

    # What comes

    def replied(self, reply: Reply) -> None:
        """An answer, or a part of one."""
        self._answers[reply.id].put(reply)

    def refused(self, refused: Refused) -> None:
        """An answer that is an error."""
        self._answers[refused.id].fail(refused.problem.raised())

    def unknown(self, unknown: Unknown) -> None:
        """There will be no answer, and it is not known why."""
        answer = self._answers.get(unknown.id)
        if answer is not None:
            lost = self._lost
            text = f"{lost}; whether the request was handled is not known"
            hint = "say idempotent=True, or in the spec, where it may be handled twice"
            answer.fail(OutcomeUnknown(text, code=lost.code, status=lost.status, hint=hint))

    def lost(self, lost: ConnectionLost) -> None:
        """The connection is gone."""
        self._lost = lost

    def end(self, error: ClientError) -> None:
        """There will be no connection any more."""
        self.error = error
        for answer in self._answers.values():
            answer.fail(error)

    def _seconds(self, outgoing: Outgoing, timeout: float | None) -> float:
        if timeout is not None:
            return timeout
        if self._timeout is not None:
            return self._timeout
        declared = outgoing.declared
        return (self._models.timeout if declared is None else declared.timeout) + _GRACE


def _command(type: str, payload: Any) -> Outgoing:
    return Outgoing(type, msgspec.Raw(msgspec.json.encode(payload)), None)


@contextlib.contextmanager
def within(seconds: float | None, what: str) -> Iterator[None]:
    """Say what has not come in time.

    Raises:
        RequestTimeout: in the place of a TimeoutError.
    """
    try:
        yield
    except TimeoutError:
        raise RequestTimeout(f"{what} within {seconds:g} s") from None
