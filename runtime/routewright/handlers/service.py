"""What one worker process serves: the plans of its own routes, the table for those of others, its threads."""

import asyncio
import contextvars
import os
import threading
import types
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from routewright.bridge.codec import Invalidate, Publish
from routewright.handlers.outgoing import Outgoing, envelopes
from routewright.handlers.plan import Plan, RoutePlan
from routewright.table import Route, Table, Topic
from routewright.table.frames import client_messages, handler_messages, reader, topic_messages, with_topic
from routewright.table.topics import TopicTree, is_pattern, suggestion

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
        dispatches: one for each gateway that is connected, in the order in which they were.
        events: the plans of handlers of events, by the topic's name or pattern.
        topics: those of all routes, each with its route.
        draining: the process is about to leave; no disconnect handler runs any more.
        idle: called whenever a dispatch has finished all it had.
    """

    def __init__(
        self,
        table: Table,
        plans: Mapping[str, RoutePlan],
        idle: Callable[[], None] = lambda: None,
        events: Mapping[str, Plan] = types.MappingProxyType({}),
    ) -> None:
        self.table = table
        self.events = events
        self.topics = TopicTree((topic.name, (route, topic)) for route in table.routes for topic in route.topics)
        self.plans = plans
        self.idle = idle
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.base = contextvars.copy_context()
        self.dispatches: dict[Dispatch, None] = {}
        self.draining = False
        self._peers: dict[str, Peer] = {}
        self._outgoing: dict[str, Outgoing] = {}
        self._route_plans: dict[str, RoutePlan] = dict(plans)
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

    def route_plan(self, route: Route) -> RoutePlan:
        """The plan of a route, whether this process answers it or not."""
        plan = self._route_plans.get(route.name)
        if plan is None:
            plan = self._route_plans[route.name] = RoutePlan(route)
        return plan

    def publish(self, topic: str, message: Any) -> None:
        """Send a message to everyone on a topic or a route, through every gateway; see `Context.publish`."""
        route = self.table.route(topic)
        found = self.topics.find(topic) if route is None else None
        if found is None:
            names = [each.name for other in self.table.routes for each in other.topics]
            if route is None and names:
                raise ValueError(f"there is no topic and no route {topic!r}: {suggestion(topic, names)}")
            frame, binary = self.peer(topic).events.encode(message)
            for dispatch in list(self.dispatches):
                dispatch.put(Publish(topic, frame, binary))
            return
        if is_pattern(topic):
            raise ValueError(f"{topic!r} stands for several topics: publish on one")
        frame = with_topic(self._events(*found.value).encode(message)[0], topic)
        # every gateway has subscribers; the first one hands it on to the workers that listen
        for place, dispatch in enumerate(list(self.dispatches)):
            dispatch.put(Publish(topic, frame, False, place == 0))

    def _events(self, route: Route, topic: Topic) -> Outgoing:
        """What may be published on a topic."""
        outgoing = self._outgoing.get(topic.name)
        if outgoing is None:
            messages = topic_messages(route, topic)
            outgoing = Outgoing(messages, envelopes(route), f"a message of the topic {topic.name!r}", route)
            outgoing.open = route.open and not topic.messages
            self._outgoing[topic.name] = outgoing
        return outgoing

    def invalidate(self, route: str, message: Any, payload: Any) -> None:
        """Make every gateway forget replies; see `Context.invalidate`."""
        requests = self.peer(route).requests
        name, frame = "", None
        if message is not None:
            name = requests.name(message)
            if payload is not msgspec.UNSET:
                frame, _ = requests.encode({"type": name, "payload": payload})
            elif not isinstance(message, str | type):
                frame, _ = requests.encode(message)
        elif payload is not msgspec.UNSET:
            raise ValueError("a payload was given, and no message that it belongs to")
        for dispatch in list(self.dispatches):
            dispatch.put(Invalidate(route, name, frame))
