"""``@on``: which function answers what, as a handler module says it while it is imported.

Strategy: a decorator notes its function in the registry that is collecting at that moment, and returns the function as
it is. The worker collects while it imports its module; anywhere else (a unit test that imports the same module) nothing
collects, and the decorators do nothing but check their arguments.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, TypeVar, final, overload

import msgspec

from routewright.table.topics import form

Kind = Literal["message", "any", "connect", "disconnect", "event"]
Function = TypeVar("Function", bound=Callable[..., Any])


class Registration(msgspec.Struct, frozen=True, eq=False):
    """One use of ``@on``: ``message`` is a model or a message's name (for the kind ``event`` a topic's name or pattern,
    for others ``None``), ``route`` limits it to one route, ``module`` is where it is written."""

    kind: Kind
    message: Any
    route: str | None
    function: Callable[..., Any]
    module: str
    file: str
    line: int

    @property
    def label(self) -> str:
        """The handler's name, for people."""
        return getattr(self.function, "__qualname__", repr(self.function))


@final
class Registry:
    """The registrations of one worker, in the order of their definition.

    A module that is executed again replaces what it said before: a registration is known by its place.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[Any, ...], Registration] = {}

    def add(self, entry: Registration) -> None:
        """Note one registration."""
        key = entry.message if isinstance(entry.message, str) else getattr(entry.message, "__qualname__", None)
        self._entries[entry.file, entry.line, entry.kind, key, entry.route] = entry

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._entries.values())

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Within this block, ``@on`` registers here."""
        global _collecting
        outer, _collecting = _collecting, self
        try:
            yield
        finally:
            _collecting = outer


_collecting: Registry | None = None


def _register(kind: Kind, message: Any, route: str | None, function: Function, frame: FrameType) -> Function:
    if not callable(function):
        raise TypeError(f"@on decorates a function, not {function!r}")
    if _collecting is not None:
        code = getattr(function, "__code__", None)
        file, line = (code.co_filename, code.co_firstlineno) if code else (frame.f_code.co_filename, frame.f_lineno)
        module = frame.f_globals.get("__name__", "")
        _collecting.add(Registration(kind, message, route, function, module, file, line))
    return function


@final
class On:
    """The decorators of a handler module; see `on`."""

    def __call__(self, message: type | str, *, route: str | None = None) -> Callable[[Function], Function]:
        """Answer a declared message, given by its model or its name; ``route`` where several routes declare it.

        On an open route the name may be one that is not declared.
        """
        if not isinstance(message, str) and not (isinstance(message, type) and issubclass(message, msgspec.Struct)):
            raise TypeError(f'@on needs a message, as @on(Model) or @on("name"), not {message!r}')
        frame = sys._getframe(1)
        return lambda function: _register("message", message, route, function, frame)

    @overload
    def any(self, function: Function) -> Function: ...
    @overload
    def any(self, *, route: str | None = None) -> Callable[[Function], Function]: ...
    def any(self, function: Any = None, *, route: str | None = None) -> Any:
        """Take what is not declared: envelopes of an open route, frames of a raw one."""
        return _bare("any", route, function, sys._getframe(1))

    @overload
    def connect(self, function: Function) -> Function: ...
    @overload
    def connect(self, *, route: str | None = None) -> Callable[[Function], Function]: ...
    def connect(self, function: Any = None, *, route: str | None = None) -> Any:
        """Run when a session begins, before its first message; a `HandlerError` closes it."""
        return _bare("connect", route, function, sys._getframe(1))

    @overload
    def disconnect(self, function: Function) -> Function: ...
    @overload
    def disconnect(self, *, route: str | None = None) -> Callable[[Function], Function]: ...
    def disconnect(self, function: Any = None, *, route: str | None = None) -> Any:
        """Run when a session that was connected here is over."""
        return _bare("disconnect", route, function, sys._getframe(1))

    def event(self, topic: str) -> Callable[[Function], Function]:
        """Handle what is published on a topic, by its name (``jobs.7``) or a pattern (``jobs.*``, one segment for each
        ``*``), whichever module or client it comes from. Of all workers of this module one gets each event."""
        if not isinstance(topic, str):
            raise TypeError(f'@on.event needs a topic, as @on.event("jobs.*"), not {topic!r}')
        frame = sys._getframe(1)
        return lambda function: _register("event", form(topic), None, function, frame)


def _bare(kind: Kind, route: str | None, function: Any, frame: FrameType) -> Any:
    if function is None:
        return lambda each: _register(kind, None, route, each, frame)
    return _register(kind, None, route, function, frame)


on = On()
"""``@on(Model)``, ``@on("name")``, ``@on.any``, ``@on.connect``, ``@on.disconnect``, each of which takes
``route="name"``; and ``@on.event("topic")``."""
