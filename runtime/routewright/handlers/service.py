"""What one worker process serves: the plans of its own routes, the table for those of others, its threads."""

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from routewright.bridge.codec import Publish
from routewright.handlers.outgoing import Outgoing, envelopes
from routewright.handlers.plan import RoutePlan
from routewright.table import Route, Table
from routewright.table.frames import client_messages, handler_messages, reader

if TYPE_CHECKING:
    from routewright.handlers.dispatch import Dispatch


class Peer:
    """A route of the table as a handler of this process reaches it: to publish on it, or to call it."""

    def __init__(self, route: Route) -> None:
        structs = envelopes(route)
        self.route = route
        self.streams = {message.name for message in route.messages if message.stream}
        self.events = Outgoing(handler_messages(route), structs, f"a message of the handler of {route.name!r}", route)
        self.requests = Outgoing(client_messages(route), structs, f"a message that {route.name!r} takes", route)
        self.decode = reader(handler_messages(route))


class Service:
    """Shared by the links to all gateways.

    Attributes:
        base: the context variables that every handler starts with, as the module's import left them.
        dispatches: one for each gateway that is connected.
        draining: the process is about to leave; no disconnect handler runs any more.
        idle: called whenever a dispatch has finished all it had.
    """

    def __init__(self, table: Table, plans: Mapping[str, RoutePlan], idle: Callable[[], None] = lambda: None) -> None:
        self.table = table
        self.plans = plans
        self.idle = idle
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.base = contextvars.copy_context()
        self.dispatches: set[Dispatch] = set()
        self.draining = False
        self._peers: dict[str, Peer] = {}
        self._threads: ThreadPoolExecutor | None = None

    @property
    def threads(self) -> ThreadPoolExecutor:
        """Where plain functions run."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(min(32, (os.cpu_count() or 1) + 4), "handler")
        return self._threads

    def peer(self, name: str) -> Peer:
        """The route of that name.

        Raises:
            ValueError: the table has none.
        """
        peer = self._peers.get(name)
        if peer is None:
            route = self.table.route(name)
            if route is None:
                known = ", ".join(repr(each.name) for each in self.table.routes)
                raise ValueError(f"there is no route {name!r}; there are: {known}")
            peer = self._peers[name] = Peer(route)
        return peer

    def publish(self, topic: str, message: Any) -> None:
        """Send a message to everyone on a route, through every gateway; see `Context.publish`."""
        frame, binary = self.peer(topic).events.encode(message)
        for dispatch in list(self.dispatches):
            dispatch.put(Publish(topic, frame, binary))
