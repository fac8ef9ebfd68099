"""How a handler wants to be called, decided once when it is loaded."""

import dis
import inspect
from collections.abc import Callable
from enum import IntEnum
from types import FunctionType
from typing import Any

Arguments = tuple[str, ...]
"""What a handler is given: ``()``, ``("message",)``, ``("context",)`` or ``("message", "context")``."""


class Mode(IntEnum):
    """How a handler runs.

    ``STEP``: a coroutine function that cannot wait, stepped once inside the loop's callback. ``TASK``: one that may
    wait. ``STREAM``: an asynchronous generator. ``THREAD`` and ``THREAD_STREAM``: a plain function or generator.
    """

    STEP = 1
    TASK = 2
    STREAM = 3
    THREAD = 4
    THREAD_STREAM = 5


_WAITS = {"GET_AWAITABLE", "GET_ANEXT", "SEND", "YIELD_VALUE", "YIELD_FROM"}


def mode(function: Callable[..., Any]) -> Mode:
    """The mode of a handler.

    Stepping a coroutine outside of a task costs a tenth of a task, but `asyncio.current_task` is ``None`` there, which
    breaks `asyncio.timeout`, task groups and anyio. All of these wait; so a coroutine function whose byte code holds no
    instruction that can suspend may be stepped, and every other one gets a task of its own.
    """
    if inspect.isasyncgenfunction(function):
        return Mode.STREAM
    if inspect.isgeneratorfunction(function):
        return Mode.THREAD_STREAM
    if not inspect.iscoroutinefunction(function):
        return Mode.THREAD
    if isinstance(function, FunctionType) and function.__code__.co_flags & inspect.CO_COROUTINE:
        names = {instruction.opname for instruction in dis.get_instructions(function)}
        return Mode.TASK if names & _WAITS else Mode.STEP
    return Mode.TASK


def arguments(function: Callable[..., Any], offered: Arguments) -> Arguments:
    """Which of the ``offered`` arguments a handler takes, by position.

    A single parameter that is called ``context``, or annotated with that class, gets the context.

    Raises:
        TypeError: it cannot be called with any of them; the message says how it may look.
    """
    places: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return offered
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise TypeError(f"its parameter {parameter.name!r} can only be given by keyword; {_accepted(offered)}")
        by_position = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        if by_position and (parameter.default is parameter.empty or parameter.name in offered):
            places.append(parameter)
    if len(places) > len(offered):
        raise TypeError(f"it takes {len(places)} arguments; {_accepted(offered)}")
    if len(places) == 1 and "context" in offered:
        wants_context = places[0].name == "context" or _is_context(places[0].annotation)
        return ("context",) if wants_context else offered[:1]
    return offered[: len(places)]


def _accepted(offered: Arguments) -> str:
    return f"it may take ({', '.join(offered)}), one of them, or nothing"


def _is_context(annotation: Any) -> bool:
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return name.rpartition(".")[2] == "Context"
