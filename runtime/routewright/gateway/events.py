"""The topics of one gateway process at work: what is published reaches subscribers, modules and other processes.

Strategy: what a worker publishes comes to every process from the worker itself, and one of them hands it on to the
modules that listen. What a client publishes, and who joins and leaves, is told to the other processes through the
supervisor. A process that starts asks the others for what it has missed.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from routewright.bridge.codec import Error, Reply
from routewright.bridge.pool import Entry
from routewright.gateway.lane import Lane
from routewright.gateway.listeners import Listeners
from routewright.gateway.losses import Losses
from routewright.gateway.presence import HERE, Members, Presence, Present
from routewright.gateway.retained import Retained
from routewright.gateway.topics import LiveTopic, Member, Topics
from routewright.table import Route
from routewright.table.topics import is_pattern

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway

ABOUT: Final = "topics"
"""What messages between the gateway processes are marked with."""


class _Ask(msgspec.Struct, array_like=True, tag=1):
    """A process has just started: what is there?"""


class _State(msgspec.Struct, array_like=True, tag=2):
    members: Members
    retained: list[tuple[str, bytes]]


class _Joined(msgspec.Struct, array_like=True, tag=3):
    topic: str
    present: Present


class _Left(msgspec.Struct, array_like=True, tag=4):
    topic: str
    member: str


class _Published(msgspec.Struct, array_like=True, tag=5):
    topic: str
    message: bytes


Turn: TypeAlias = "Callable[[], Awaitable[None]]"
"""A command that waits for its turn."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Ask | _State | _Joined | _Left | _Published).decode
_json = msgspec.json.Encoder().encode


class Events:
    """Everything about topics in one gateway process."""

    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self.topics = Topics()
        self.retained = Retained()
        self.presence = Presence()
        self.listeners = Listeners()
        self.lanes: dict[Member, Lane[Turn]] = {}
        self.losses = Losses()
        self._names: dict[Member, str] = {}

    def tick(self, now: float) -> None:
        """Tell of events that modules have lost."""
        self.losses.tick(now)

    def bind(self, routes: Iterable[Route]) -> None:
        """Serve the topics of these routes from now on."""
        self.topics.bind(routes)
        for name in [name for name, _ in self.retained if not self._now(name, "retain")]:
            self.retained.drop(name)
        for name in self.presence.topics():
            if not self._now(name, "presence"):
                self.presence.forget(name)
        for live in self.topics:
            if live.topic.presence:
                for name, members in live.subscribers.items():
                    for member in members if not is_pattern(name) else ():
                        self._join(member, live, name)

    def _now(self, name: str, switch: str) -> bool:
        found = self.topics.find(name)
        return found is not None and bool(getattr(found.value.topic, switch))

    # Publishing

    def publish(self, name: str, message: bytes, *, hand_on: bool) -> None:
        """Send an event to the subscribers of this process; ``hand_on``: and to the modules that listen. What belongs
        to no topic is dropped."""
        found = self.topics.find(name)
        if found is None or is_pattern(name):
            return
        live = found.value
        live.deliver(name, message)
        if live.topic.retain:
            self.retained.keep(live.topic.name, name, message)
        if hand_on:
            live.published += 1
            self._hand_on(live, name, message)

    def publish_everywhere(self, name: str, message: bytes) -> None:
        """Send an event to the subscribers of every process, and to the modules that listen."""
        self.publish(name, message, hand_on=True)
        self._tell(_Published(name, message))

    def _hand_on(self, live: LiveTopic, name: str, message: bytes) -> None:
        now, timeout = self.gateway.clock(), live.route.timeout
        for pattern, worker in self.listeners.of(live.topic.name, name):
            if worker is None:
                live.dropped += 1
                self.losses.add(live, pattern)
            else:
                worker.event(
                    (_Handled(live, pattern, self.losses), None, now, now + timeout, timeout), pattern, name, message
                )

    # Subscribers

    def subscribe(self, member: Member, live: LiveTopic, name: str, *, known: bool = False) -> None:
        """Let a member have the events of a name or pattern. Of those who join it sees the others alone; ``known``:
        those who are here know that it is there."""
        if live.topic.presence and not is_pattern(name):
            self._join(member, live, name, known=known)
        self.topics.subscribe(member, live, name)

    def go_on(self, member: Member, names: Iterable[str], called: str, *, known: bool = False) -> None:
        """Let a member have the events of these, which another process has called so until now."""
        if called:
            self._names[member] = called
        for name in names:
            found = self.topics.find(name)
            if found is not None:
                self.subscribe(member, found.value, name, known=known)

    def unsubscribe(self, member: Member, name: str) -> bool:
        """End a subscription; false if there is none."""
        live = self.topics.unsubscribe(member, name)
        if live is None:
            return False
        called = self._names.get(member)
        if called is not None and called in self.presence.of(HERE).get(name, {}):
            present = self.presence.leave(HERE, name, called)
            if present is not None:
                self._show("$leave", name, present)
            self._tell(_Left(name, called))
        return True

    def put_down(self, member: Member) -> None:
        """A member will go on in the next process: nobody is told that it has left."""
        called = self.name(member)
        for name in tuple(self.topics.names(member)):
            self.topics.unsubscribe(member, name)
            self.presence.leave(HERE, name, called)

    def closed(self, member: Member) -> None:
        """A member is gone, and all its subscriptions with it."""
        for name in tuple(self.topics.names(member)):
            self.unsubscribe(member, name)
        self._names.pop(member, None)
        lane = self.lanes.pop(member, None)
        if lane is not None:
            lane.stop()

    def name(self, member: Member) -> str:
        """What others call a member: random, and the same for as long as its session lasts."""
        return self._names.get(member) or self._names.setdefault(member, secrets.token_hex(8))

    def _join(self, member: Member, live: LiveTopic, name: str, *, known: bool = False) -> None:
        called, principal = self.name(member), member.info.principal
        if called in self.presence.of(HERE).get(name, {}):
            return
        present = self.presence.find(name, called)
        if present is None:
            present = Present(called, round(time.time(), 3), principal.id if principal is not None else None)
        if self.presence.join(HERE, name, present) and not known:
            self._show("$join", name, present, besides=member)
        self._tell(_Joined(name, present))

    def _show(self, type: str, name: str, present: Present, besides: Member | None = None) -> None:
        """Tell the subscribers of this process who has come or gone."""
        found = self.topics.find(name)
        if found is not None and found.value.topic.presence:
            found.value.deliver(name, _json({"type": type, "topic": name, "payload": present}), besides)

    # The other processes

    def start(self) -> None:
        """Ask the other processes for what is there."""
        self._tell(_Ask())

    def relayed(self, source: int, data: bytes) -> None:
        """What another process has told."""
        match _decode(data):
            case _Ask():
                self._tell(_State(self.presence.of(HERE), list(self.retained)), source)
            case _State(members, retained):
                joined, left = self.presence.replace(source, members)
                for name, present in left:
                    self._show("$leave", name, present)
                for name, present in joined:
                    self._show("$join", name, present)
                for name, message in retained:
                    found = self.topics.find(name)
                    if found is not None and found.value.topic.retain and name not in self.retained:
                        self.retained.keep(found.value.topic.name, name, message)
            case _Joined(name, present):
                if self.presence.join(source, name, present):
                    self._show("$join", name, present)
            case _Left(name, member):
                gone = self.presence.leave(source, name, member)
                if gone is not None:
                    self._show("$leave", name, gone)
            case _Published(name, message):
                self.publish(name, message, hand_on=False)

    def ended(self, process: int) -> None:
        """Another process is gone, and all its members with it."""
        for name, present in self.presence.ended(process):
            self._show("$leave", name, present)

    def _tell(self, message: _Ask | _State | _Joined | _Left | _Published, to: int | None = None) -> None:
        self.gateway.relay(ABOUT, _encode(message), to)


class _Handled:
    """Waits for a module to have handled an event; nobody is told but the figures and the log."""

    __slots__ = ("live", "losses", "pattern")

    def __init__(self, live: LiveTopic, pattern: str, losses: Losses) -> None:
        self.live = live
        self.pattern = pattern
        self.losses = losses

    def replied(self, entry: Entry, reply: Reply, now: float) -> None:
        if reply.final:
            self.live.handled += 1

    def failed(self, entry: Entry, error: Error) -> None:
        if error.code == "worker_lost":
            self.live.lost += 1
            self.losses.add(self.live, self.pattern)
        else:
            self.live.failed += 1
