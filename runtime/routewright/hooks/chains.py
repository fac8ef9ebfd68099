"""Hook chains: what a route's plugins do at one hook, as a tuple of plain callables.

Strategy: everything that can be decided when a table is loaded is decided then. An implementation that takes all
arguments of its hook is called directly; any other gets a closure that picks what it wants and binds its settings. A
hook that nobody implements has no chain at all, so the way of a message tests one attribute for ``None``.

What a hook raises: a `Refusal` is the plugin's answer and passes through where one is possible (upgrade, authenticate,
connect, message, subscribe). Anything else is logged, and becomes `PluginFailed` there; the hooks that only look on
(reply, disconnect, reload, shutdown) go on with the next plugin as if nothing had been returned.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, final

from routewright.hooks.errors import PluginFailed, Refusal
from routewright.hooks.failures import Failures
from routewright.hooks.values import Incoming, Outgoing, SessionInfo, UpgradeRequest
from routewright.table import Principal, Route

Function = Callable[..., Any]


class Call(NamedTuple):
    """One plugin's part in a chain: ``function`` takes the hook's arguments (without ``settings``) by position."""

    plugin: str
    function: Function
    waits: bool


class Ranked(Protocol):
    """What pluggy knows of an implementation's place."""

    @property
    def tryfirst(self) -> bool: ...
    @property
    def trylast(self) -> bool: ...


R = TypeVar("R", bound=Ranked)


def in_order(implementations: Iterable[R]) -> list[R]:
    """Those marked ``tryfirst``, the others, those marked ``trylast``; within each in the order given."""
    return sorted(implementations, key=lambda each: 2 if each.trylast else 0 if each.tryfirst else 1)


def adapt(function: Function, wanted: tuple[str, ...], given: tuple[str, ...], settings: Any) -> Function:
    """A callable of the ``given`` arguments, by position, that calls ``function`` with those it wants.

    Args:
        wanted: names from ``given``, and ``settings``, in the order in which ``function`` takes them.
    """
    if wanted == given:
        return function
    if len(given) == 2:
        first, second = given
        if wanted == (first, second, "settings"):
            return lambda a, b: function(a, b, settings)
        if wanted == (first, "settings"):
            return lambda a, b: function(a, settings)
        if wanted == (second, "settings"):
            return lambda a, b: function(b, settings)
        if wanted == (first,):
            return lambda a, b: function(a)
        if wanted == (second,):
            return lambda a, b: function(b)
    places = [len(given) if name == "settings" else given.index(name) for name in wanted]

    def pick(*arguments: Any) -> Any:
        every = (*arguments, settings)
        return function(*[every[place] for place in places])

    return pick


class Chain:
    """The plugins of one hook.

    Attributes:
        hook: the hook's name.
        plugins: names, in the order in which they are called.
        calls: their callables, in the same order.
        sync: none of them is a coroutine function: use ``run``, else ``run_async``.
    """

    __slots__ = ("_failures", "_waits", "calls", "hook", "plugins", "sync")

    def __init__(self, hook: str, calls: Iterable[Call]) -> None:
        each = tuple(calls)
        self.hook = hook
        self.plugins = tuple(call.plugin for call in each)
        self.calls = tuple(call.function for call in each)
        self.sync = not any(call.waits for call in each)
        self._waits = tuple(call.waits for call in each)
        self._failures = Failures(hook)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.hook}: {', '.join(self.plugins)}>"

    def _failed(self, function: Function, error: Exception) -> PluginFailed:
        """Log what a plugin raised; the exception that tells the gateway of it."""
        plugin = self.plugins[self.calls.index(function)]
        self._failures.log(plugin, error)
        return PluginFailed(plugin, self.hook)


async def _waited(work: Awaitable[Any]) -> Any:
    """What a plugin returns in the end. If something that it waited for was cancelled, that is a failure like any
    other; who cancels the chain itself is let through."""
    try:
        return await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("what it waited for was cancelled") from error


def _refuse(result: object, wanted: str) -> None:
    """Complain about what a plugin returned."""
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("it returned a coroutine: declare the hook `async def`")
    raise TypeError(f"it returned {type(result).__name__}: return {wanted}")


@final
class Gate(Chain):
    """Every plugin in turn, until one refuses: upgrade, connect and subscribe."""

    __slots__ = ()

    def run(self, *arguments: Any) -> None:
        """Raises:
        Refusal, PluginFailed: the rest of the chain was not called.
        """
        for function in self.calls:
            try:
                result = function(*arguments)
                if result is not None:
                    _refuse(result, "nothing")
            except Refusal:
                raise
            except Exception as error:
                raise self._failed(function, error) from error

    async def run_async(self, *arguments: Any) -> None:
        """As ``run``."""
        for function, waits in zip(self.calls, self._waits, strict=True):
            try:
                result = await _waited(function(*arguments)) if waits else function(*arguments)
                if result is not None:
                    _refuse(result, "nothing")
            except Refusal:
                raise
            except Exception as error:
                raise self._failed(function, error) from error


@final
class First(Chain):
    """The first plugin that knows: authenticate."""

    __slots__ = ()

    def run(self, request: UpgradeRequest, route: Route) -> Principal | None:
        """Raises:
        Refusal, PluginFailed: the rest of the chain was not called.
        """
        for function in self.calls:
            try:
                result = function(request, route)
                if isinstance(result, Principal):
                    return result
                if result is not None:
                    _refuse(result, "a Principal or None")
            except Refusal:
                raise
            except Exception as error:
                raise self._failed(function, error) from error
        return None

    async def run_async(self, request: UpgradeRequest, route: Route) -> Principal | None:
        """As ``run``."""
        for function, waits in zip(self.calls, self._waits, strict=True):
            try:
                result = await _waited(function(request, route)) if waits else function(request, route)
                if isinstance(result, Principal):
                    return result
                if result is not None:
                    _refuse(result, "a Principal or None")
            except Refusal:
                raise
            except Exception as error:
                raise self._failed(function, error) from error
        return None


@final
class Rewrite(Chain):
    """Every plugin in turn, each seeing the frame as the one before left it: message and reply.

    ``strict``: a plugin that fails ends the chain (message); otherwise it changed nothing (reply).
    """

    __slots__ = ("strict",)

    def __init__(self, hook: str, calls: Iterable[Call], *, strict: bool) -> None:
        super().__init__(hook, calls)
        self.strict = strict

    def run(self, session: SessionInfo, message: Incoming | Outgoing) -> bytes | None:
        """The new frame (also in ``message.frame``), or ``None`` where it is still the old one.

        Raises:
            Refusal, PluginFailed: only where ``strict``; the rest of the chain was not called.
        """
        frame = None
        for function in self.calls:
            try:
                result = function(session, message)
                if result is not None:
                    if type(result) is not bytes:
                        _refuse(result, "bytes or None")
                    frame = message.frame = result
            except Exception as error:
                self._raised(function, error)
        return frame

    async def run_async(self, session: SessionInfo, message: Incoming | Outgoing) -> bytes | None:
        """As ``run``."""
        frame = None
        for function, waits in zip(self.calls, self._waits, strict=True):
            try:
                result = await _waited(function(session, message)) if waits else function(session, message)
                if result is not None:
                    if type(result) is not bytes:
                        _refuse(result, "bytes or None")
                    frame = message.frame = result
            except Exception as error:
                self._raised(function, error)
        return frame

    def _raised(self, function: Function, error: Exception) -> None:
        if self.strict and isinstance(error, Refusal):
            raise error
        failed = self._failed(function, error)
        if self.strict:
            raise failed from error


@final
class Notice(Chain):
    """Every plugin is told, whatever the others do: disconnect, reload, shutdown."""

    __slots__ = ()

    def run(self, *arguments: Any) -> None:
        """Never raises."""
        for function in self.calls:
            try:
                result = function(*arguments)
                if result is not None:
                    _refuse(result, "nothing")
            except Exception as error:
                self._failed(function, error)

    async def run_async(self, *arguments: Any) -> None:
        """Never raises."""
        for function, waits in zip(self.calls, self._waits, strict=True):
            try:
                result = await _waited(function(*arguments)) if waits else function(*arguments)
                if result is not None:
                    _refuse(result, "nothing")
            except Exception as error:
                self._failed(function, error)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RouteHooks:
    """The chains of one route; ``None`` where no plugin of it implements the hook."""

    upgrade: Gate | None = None
    authenticate: First | None = None
    connect: Gate | None = None
    message: Rewrite | None = None
    reply: Rewrite | None = None
    subscribe: Gate | None = None
    disconnect: Notice | None = None

    def chains(self) -> list[Chain]:
        """Those that there are, in the order of a connection's life."""
        entering = (self.upgrade, self.authenticate, self.connect)
        every = (*entering, self.message, self.reply, self.subscribe, self.disconnect)
        return [chain for chain in every if chain is not None]


def waits(function: Function) -> bool:
    """The function must be awaited."""
    return inspect.iscoroutinefunction(function)
