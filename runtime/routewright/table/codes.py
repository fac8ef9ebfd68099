"""What a client may be told: the codes of error frames, and the codes with which a connection closes.

Strategy: one table of each. The gateway reads off it what may be tried again, and references print the rest.
"""

from typing import Final, NamedTuple


class ErrorCode(NamedTuple):
    """A code of an error frame.

    Attributes:
        retryable: the same message may succeed later.
        meaning: what has happened.
        advice: what a client should do.
    """

    code: str
    retryable: bool
    meaning: str
    advice: str


class CloseCode(NamedTuple):
    """A code with which a connection closes.

    Attributes:
        reconnect: the client should come again, with growing pauses.
        meaning: what has happened.
        advice: what a client should do.
    """

    code: int
    reconnect: bool
    meaning: str
    advice: str


ERRORS: Final = (
    ErrorCode("invalid_json", False, "The frame is no JSON.", "Correct the client."),
    ErrorCode(
        "invalid_message",
        False,
        "The payload, or the frame itself, is not as declared.",
        "Correct what `path` points at; `message` says what is wrong with it.",
    ),
    ErrorCode(
        "unknown_type",
        False,
        "The route has no such message, or clients do not send it.",
        "Correct the `type`; `hint` names the nearest one.",
    ),
    ErrorCode("unauthorized", False, "It is not known who the client is.", "Connect again with a valid credential."),
    ErrorCode("forbidden", False, "The client may not do this.", "Do not repeat it."),
    ErrorCode("rate_limited", True, "Too many messages.", "Wait for `retryAfter` seconds, then send it again."),
    ErrorCode(
        "circuit_open",
        True,
        "The handler has failed too often and rests.",
        "Wait for `retryAfter` seconds, then retry.",
    ),
    ErrorCode(
        "overloaded",
        True,
        "No worker is ready, or the route or each of its workers has as much as it takes.",
        "Wait for `retryAfter` seconds, then send it again after growing, random pauses.",
    ),
    ErrorCode(
        "timeout",
        True,
        "No reply came in time. The handler may have done its work nevertheless.",
        "Repeat it only if it may be done twice.",
    ),
    ErrorCode(
        "worker_lost",
        True,
        "The worker went away before it answered. It may have done its work nevertheless.",
        "Repeat it only if it may be done twice.",
    ),
    ErrorCode("handler_error", False, "The handler failed.", "Tell the operator, whose log says why."),
    ErrorCode("too_large", False, "The reply was too large to be sent.", "Ask for less."),
    ErrorCode("cancelled", False, "The handler gave up by itself.", "Ask again only if the answer is still wanted."),
    ErrorCode("not_subscribed", False, "The client has not subscribed to the topic.", "Subscribe first."),
)
"""Every code of the gateway's own; a handler may send others."""

CLOSES: Final = (
    CloseCode(1000, False, "The handler closed the connection, or the client did.", "Nothing."),
    CloseCode(1001, True, "The gateway goes away.", "Reconnect."),
    CloseCode(1002, False, "A frame broke the WebSocket protocol.", "Correct the client."),
    CloseCode(1003, False, "A binary frame came on a route that takes text.", "Send text frames."),
    CloseCode(1006, True, "The connection broke, or was refused before it opened.", "Reconnect."),
    CloseCode(1007, False, "A text frame was not UTF-8.", "Correct the client."),
    CloseCode(1009, False, "A message was larger than the route takes.", "Send less at a time."),
    CloseCode(1011, True, "Something failed inside.", "Reconnect."),
    CloseCode(1012, True, "The gateway restarts.", "Reconnect."),
    CloseCode(1013, True, "There is no worker or no room for now, or the handler rests.", "Reconnect later."),
    CloseCode(4001, True, "The route has changed.", "Read its description again and reconnect."),
    CloseCode(4002, True, "The client did not read fast enough.", "Reconnect, and read faster."),
    CloseCode(4003, True, "The client's heartbeat stayed away.", "Reconnect."),
    CloseCode(
        4004,
        True,
        "Another connection has taken the session over.",
        "Reconnect only if that was not the client itself.",
    ),
    CloseCode(4029, True, "Too many frames, on a raw route.", "Reconnect, and send more slowly."),
    CloseCode(4501, False, "It is not known who the client is, or no longer.", "Get a new credential first."),
    CloseCode(4503, False, "The client may not be here.", "Do not come again."),
    CloseCode(4504, False, "The route is gone.", "Do not come again."),
)
"""Every code that the gateway closes with; 4000 to 4499 always mean "come again", 4500 to 4999 "do not"."""

RESERVED: Final[frozenset[str | int]] = frozenset()
"""Those that have a meaning and that nothing sends yet."""
