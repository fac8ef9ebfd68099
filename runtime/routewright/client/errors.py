"""Everything that the client raises.

::

    ClientError
    ├── RequestFailed         the gateway or the handler answered with an error frame
    ├── RequestTimeout        no answer in time (also a TimeoutError)
    ├── UnexpectedMessage     what came does not fit its model
    ├── QueueFull             a bound of the client's own is reached; nothing was sent, or nothing more is kept
    ├── NoSuchRoute           no route of the gateway offers what was asked for
    └── Disconnected
        ├── ConnectionLost    the connection is gone, or there never was one
        │   └── OutcomeUnknown    ... and whether the request was handled, nobody knows
        ├── Terminal          the gateway does not want this client to come again
        └── ClientClosed      the client has been closed
"""

from typing import Any

from routewright.table.codes import CLOSES


class ClientError(Exception):
    """Anything that goes wrong between a client and its gateway.

    Attributes:
        hint: what to do about it, or ``""``; a traceback shows it too.
    """

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")


class RequestFailed(ClientError):
    """The answer is an error.

    Attributes:
        code: for programs, such as ``invalid_message``.
        message: for people.
        retryable: the same request may succeed later.
        retry_after: seconds to wait before that, where the gateway says so.
        path: JSON path of what is wrong in the request, or ``""``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        path: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(f"{code}: {message}" + (f" - at `{path}`" if path else ""), hint=hint)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after
        self.path = path


class RequestTimeout(ClientError, TimeoutError):
    """No answer came in time. The request may have been handled nevertheless."""


class UnexpectedMessage(ClientError):
    """The payload of a reply or an event does not fit the model that stands for it.

    Attributes:
        type: the message's type.
        payload: what came, as plain JSON values.
    """

    def __init__(self, type: str, payload: Any, reason: str) -> None:
        super().__init__(f"the payload of {type!r} does not fit its model: {reason}")
        self.type = type
        self.payload = payload


class QueueFull(ClientError):
    """A bound of the client's own is reached."""


class NoSuchRoute(ClientError):
    """The gateway's discovery document names no route that would do."""


class Disconnected(ClientError):
    """There is no connection."""


class ConnectionLost(Disconnected):
    """The connection is gone, or could not be made.

    Attributes:
        code: that of the close frame; ``None`` where there was no connection.
        status: the HTTP status of a refused handshake; ``None`` where there was no answer.
        retry_after: seconds that the gateway wants to be left alone, where it says so.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status = status
        self.retry_after = retry_after


class OutcomeUnknown(ConnectionLost):
    """The connection broke after the request was sent, and the session that knew its outcome is gone. It is not
    repeated, because the message is not idempotent: whether it may be is for the application to say."""


class Terminal(Disconnected):
    """The gateway has said that this client should not come again.

    Attributes:
        code: the close code (4500 to 4999, or one such as 1009), or the HTTP status (401, 403, 404, ...).
    """

    def __init__(self, code: int, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class ClientClosed(Disconnected):
    """The client has been closed."""


_RECONNECT = {each.code: each.reconnect for each in CLOSES}


def comes_again(code: int | None) -> bool:
    """Whether a client that was closed with this code should reconnect. ``None`` and 1005: it came without one."""
    if code is not None and 4000 <= code <= 4999:
        return code < 4500
    return code is None or code == 1005 or _RECONNECT.get(code, False)
