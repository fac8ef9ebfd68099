"""What a handler raises so that its client is told, and the reasons that the worker itself gives."""

from typing import final


@final
class HandlerError(Exception):
    """The one exception of a handler that reaches the client, as an error frame; any other becomes ``handler_error``
    without detail.

    Args:
        code: what programs look at: one of the gateway's codes, or the application's own.
        message: what people read.
        retryable: the same request may succeed later.
        retry_after: seconds to wait before it, 0 where that is not known.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False, retry_after: float = 0.0) -> None:
        if not isinstance(code, str) or not isinstance(message, str):
            raise TypeError(f"HandlerError takes a code and a message, both str, not {code!r} and {message!r}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = float(retry_after)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
