"""One exchange with a gateway, as a plain client: a message out, its reply and some events in."""

import asyncio
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp
import msgspec

_ID = 1
_LONGEST = 64 * 1024 * 1024
_UNPROMISED = 1.0
"""Seconds to wait for an answer that the route does not declare."""

_ABSENT = msgspec.Raw()


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
    timeout: float
    events: int
    stream: bool | None


class _Description(msgspec.Struct):
    """A route, or a refusal, as a plain GET on its path answers."""

    framing: str = "message"
    messages: list[dict[str, Any]] = []
    error: dict[str, Any] = {}


class _Frame(msgspec.Struct):
    type: Any = None
    id: Any = None
    final: Any = False
    payload: msgspec.Raw = _ABSENT


Show = Callable[[bytes, bool], None]
"""Prints a frame's JSON; the flag says that it stands alone and may be spread over lines."""


async def exchange(question: Question, show: Show) -> bool:
    """Ask, and show what comes; false if it was an error.

    Raises:
        ExchangeError: no connection, or it went away, or the time is over.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=question.timeout, sock_read=question.timeout)
    async with aiohttp.ClientSession(timeout=timeout, headers=question.headers) as session:
        description = await _describe(session, question.url)
        if description.framing == "raw":
            raise ExchangeError(
                "this is a raw route: it takes frames, not messages",
                hint=f"python -m websockets {question.url}",
            )
        async with await _connect(session, question, description) as socket:
            return await _Conversation(socket, question, description, show).run()


async def _describe(session: aiohttp.ClientSession, url: str) -> _Description:
    """What the gateway says of the route; nothing where it is some other server."""
    try:
        async with session.get(url.replace("ws", "http", 1), allow_redirects=False) as response:
            return msgspec.json.decode(await response.content.read(_LONGEST), type=_Description)
    except aiohttp.ClientConnectorError as error:
        code = error.errno or 0
        reason = os.strerror(code) if code > 0 else str(error)
        raise ExchangeError(
            f"cannot connect to {error.host}:{error.port}: {reason}",
            hint="is the gateway running? start it with `routewright serve`",
        ) from None
    except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, UnicodeDecodeError):
        return _Description()


async def _connect(
    session: aiohttp.ClientSession, question: Question, description: _Description
) -> aiohttp.ClientWebSocketResponse:
    try:
        async with asyncio.timeout(question.timeout):
            return await session.ws_connect(question.url, max_msg_size=_LONGEST)
    except aiohttp.WSServerHandshakeError as error:
        said = description.error.get("message") or error.message
        raise ExchangeError(
            f"refused with {error.status}: {said}", hint=str(description.error.get("hint", ""))
        ) from None
    except (aiohttp.ClientError, OSError) as error:
        raise ExchangeError(f"cannot connect to {question.url}: {error or type(error).__name__}") from None


class _Conversation:
    """The connection, and what is still awaited of it."""

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, question: Question, description: _Description, show: Show
    ) -> None:
        declared = next((each for each in description.messages if each.get("name") == question.type), None)
        self.socket = socket
        self.question = question
        self.show = show
        self.ok = True
        self.events = question.events
        self.answer = question.type is not None
        self.expected = declared is None or declared.get("reply") is not None
        self.stream = bool(declared and declared.get("stream")) if question.stream is None else question.stream

    async def run(self) -> bool:
        if self.question.type is not None:
            await self.socket.send_str(_message(self.question.type, self.question.payload))
        while self.answer or self.events:
            frame = await self._frame()
            if frame is None:
                self.answer = False
            else:
                self._take(frame)
        return self.ok

    async def _frame(self) -> bytes | None:
        """The next frame; ``None`` where the route promises no answer and none has come."""
        optional = self.answer and not self.expected and not self.events
        seconds = min(self.question.timeout, _UNPROMISED) if optional else self.question.timeout
        try:
            async with asyncio.timeout(seconds):
                message = await self.socket.receive()
        except TimeoutError:
            if optional:
                return None
            what = "answer" if self.answer and self.expected else "event"
            raise ExchangeError(f"no {what} within {seconds:g}s", hint="wait longer with --timeout") from None
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data).encode()
        if message.type is aiohttp.WSMsgType.BINARY:
            raise ExchangeError("the server sent a binary frame: this is no message route")
        code = self.socket.close_code
        reason = f" ({message.extra})" if message.type is aiohttp.WSMsgType.CLOSE and message.extra else ""
        raise ExchangeError(f"the server closed the connection with {code}{reason}")

    def _take(self, data: bytes) -> None:
        try:
            frame = msgspec.json.decode(data, type=_Frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise ExchangeError(f"the server sent a frame that is no JSON object: {data[:100]!r}") from None
        error = frame.type == "error"
        if self.answer and (frame.id == _ID or (error and frame.id is None)):
            more = self.stream and not error and frame.final is not True
            end = self.stream and frame.final is True and frame.payload is _ABSENT
            if not end:
                self.show(data, not self.stream)
            self.answer = more
            self.ok = self.ok and not error
        elif self.events and frame.id is None:
            self.show(data, False)
            self.events -= 1


def _message(type: str, payload: bytes | None) -> str:
    message: dict[str, Any] = {"type": type, "id": _ID}
    if payload is not None:
        message["payload"] = msgspec.Raw(payload)
    return msgspec.json.encode(message).decode()
