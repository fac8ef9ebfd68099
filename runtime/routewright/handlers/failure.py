"""What the client is told of a handler that failed, and what the log is told."""

import asyncio
import logging

from routewright.bridge.codec import Error
from routewright.handlers.errors import HandlerError
from routewright.handlers.plan import Plan
from routewright.handlers.session import Session
from routewright.table.frames import diagnose

FAILURES = (Exception, asyncio.CancelledError, SystemExit)
"""What a handler may raise without taking the worker with it."""

log = logging.getLogger("routewright.handlers")


def failure(correlation: int, plan: Plan, session: Session, error: BaseException) -> Error:
    """The answer to a request whose handler raised this. Whatever is not a `HandlerError` is logged, and hidden."""
    if isinstance(error, HandlerError):
        return refusal(correlation, error)
    if isinstance(error, asyncio.CancelledError):
        return Error(correlation, "cancelled", "the request was cancelled")
    report(plan, session, error)
    return Error(correlation, "handler_error", "the handler failed")


def refusal(correlation: int, error: HandlerError) -> Error:
    """The answer that a `HandlerError` stands for."""
    return Error(correlation, _clean(error.code), _clean(error.message), bool(error.retryable), error.retry_after)


def late(correlation: int) -> Error:
    """The answer to a request whose time was over before it began."""
    return Error(correlation, "timeout", "its time was over before the handler began", True)


def unreadable(correlation: int, plan: Plan, frame: bytes, error: Exception) -> Error:
    """The answer to a frame that the gateway has let through and this worker cannot decode."""
    if plan.raw:
        return Error(correlation, "invalid_message", "a text frame is not UTF-8")
    found = diagnose(frame, error, (plan.name,) if plan.name else ())
    return Error(correlation, found.code, _clean(found.message), path=_clean(found.path))


def report(plan: Plan, session: Session, error: BaseException) -> None:
    """Log what went wrong in a handler."""
    log.error(
        "the handler failed",
        exc_info=error,
        extra={"handler": plan.label, "place": plan.place, "route": session.route, "type": plan.name,
               "session": session.id},
    )  # fmt: skip


def _clean(text: str) -> str:
    """The text without lone surrogates, which no frame can carry."""
    return text.encode(errors="replace").decode()
