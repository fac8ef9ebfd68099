"""One exchange with a gateway, by the client as an application would use it: a message out, its reply and some events
in."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp
import msgspec
from multidict import CIMultiDict

from routewright.client import (
    Client,
    ClientError,
    OutcomeUnknown,
    RequestFailed,
    RequestTimeout,
    connect,
)
from routewright.client.dialing import TokenPlace
from routewright.client.discovery import Description, Message, describe

_ID = 1
"""That of a client's first message."""

_LONGEST = 64 * 1024 * 1024
_UNPROMISED = 1.0
"""Seconds to wait for an answer that the route does not declare."""


class ExchangeError(Exception):
    """There was no answer; the message says why."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Question(NamedTuple):
    """What to ask. ``payload`` is JSON; ``stream`` ``None`` leaves it to what the route says of its message;
    ``timeout`` is the seconds to wait for each answer."""

    url: str
    type: str | None
    payload: bytes | None
    headers: list[tuple[str, str]]
    token: str | None
    token_in: TokenPlace
    timeout: float
    events: int
    stream: bool | None


Show = Callable[[bytes, bool], None]
"""Prints a frame's JSON; the flag says that it stands alone and may be spread over lines."""


async def exchange(question: Question, show: Show) -> bool:
    """Ask, and show what comes; false if it was an error.

    Raises:
        ExchangeError: no connection, or it went away, or the time is over.
    """
    headers = CIMultiDict(question.headers)
    timeout = aiohttp.ClientTimeout(total=question.timeout)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        description = await describe(session, question.url.replace("ws", "http", 1))
    if description.framing == "raw":
        hint = f"python -m websockets {question.url}"
        raise ExchangeError("this is a raw route: it takes frames, not messages", hint=hint)
    client = connect(
        question.url,
        headers=headers,
        token=question.token,
        token_in="header" if question.token is None else question.token_in,
        reliable=False,
        attempts=0,
        timeout=question.timeout,
        connect_timeout=question.timeout,
        largest=_LONGEST,
        events=max(1024, question.events),
    )
    try:
        async with client:
            return await _converse(client, question, description, show)
    except ClientError as error:
        # that hint is for programs
        raise ExchangeError(str(error), hint="" if isinstance(error, OutcomeUnknown) else error.hint) from None


async def _converse(client: Client, question: Question, description: Description, show: Show) -> bool:
    answer = asyncio.create_task(_answer(client, question, description, show))
    events = asyncio.create_task(_events(client, question, show))
    promised = _promised(question, description)
    try:
        wanted = (answer, events) if promised or not question.events else (events,)
        done, _ = await asyncio.wait(wanted, return_when=asyncio.FIRST_EXCEPTION)
        for each in done:
            each.result()
        return answer.result() if answer.done() else True
    finally:
        for each in (answer, events):
            each.cancel()
        await asyncio.gather(answer, events, return_exceptions=True)


async def _answer(client: Client, question: Question, description: Description, show: Show) -> bool:
    """Send the message, if there is one, and show what answers it; false if that is an error."""
    if question.type is None:
        return True
    payload = None if question.payload is None else msgspec.Raw(question.payload)
    promised = _promised(question, description)
    seconds = question.timeout if promised else min(question.timeout, _UNPROMISED)
    stream = _streamed(question, description)
    replies = client.replies(question.type, payload, stream=stream, reply=msgspec.Raw, timeout=seconds)
    try:
        async with contextlib.aclosing(replies) as parts:
            async for part in parts:
                final = stream and part.final
                show(_frame(type=part.type, id=_ID, payload=part.payload, final=final or None), not stream)
    except RequestFailed as error:
        show(_error_frame(error), not stream)
        return False
    except RequestTimeout:
        if promised:
            raise _late("answer", question.timeout) from None
    return True


async def _events(client: Client, question: Question, show: Show) -> None:
    events = client.events(model=msgspec.Raw)
    for _ in range(question.events):
        try:
            async with asyncio.timeout(question.timeout):
                event = await anext(events)
        except TimeoutError:
            raise _late("event", question.timeout) from None
        key = "error" if event.type == "error" else "payload"
        show(_frame(**{"type": event.type, "topic": event.topic, key: event.payload}), False)


def _declared(question: Question, description: Description) -> Message | None:
    return next((each for each in description.messages if each.name == question.type), None)


def _promised(question: Question, description: Description) -> bool:
    """Whether there will be an answer; a route that does not declare the message may have one."""
    declared = _declared(question, description)
    return declared is None or declared.reply is not None


def _streamed(question: Question, description: Description) -> bool:
    if question.stream is not None:
        return question.stream
    declared = _declared(question, description)
    return declared is not None and declared.stream


def _late(what: str, seconds: float) -> ExchangeError:
    return ExchangeError(f"no {what} within {seconds:g}s", hint="wait longer with --timeout")


def _frame(**keys: Any) -> bytes:
    """What came, as it came."""
    return msgspec.json.encode({key: value for key, value in keys.items() if value is not None})


def _error_frame(error: RequestFailed) -> bytes:
    said: dict[str, Any] = {"code": error.code, "message": error.message, "path": error.path or None}
    said |= {"retryable": error.retryable, "retryAfter": error.retry_after, "hint": error.hint or None}
    return _frame(type="error", id=_ID, error=msgspec.Raw(_frame(**said)))
