"""Who has subscribed to which topics in one gateway process, and the way of an event to them.

Strategy: each topic of the spec has one live counterpart that outlasts reloads. In it names and patterns are keys of
one dictionary, as no name holds a ``*``: an event looks for its own name and, where there are patterns, for the few
that may reach it. The frame is made once, with its header, and goes to everyone in one pass; only a route with reply
hooks wants to see each. No I/O and no clock.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from routewright.gateway.endpoint import client_decoder, read_frame
from routewright.gateway.framing import header
from routewright.hooks import SessionInfo
from routewright.table import Route, Topic
from routewright.table.frames import topic_messages
from routewright.table.topics import Found, TopicTree, form, is_pattern, reaching

if TYPE_CHECKING:
    from routewright.gateway.endpoint import Endpoint

SUBSCRIPTIONS = 128
"""Names and patterns that one client may have subscribed to at a time."""


class Member(Protocol):
    """Whoever subscribes: a client's connection, or a session that outlives its connections."""

    endpoint: "Endpoint"
    info: SessionInfo

    def deliver(self, frame: bytes, binary: bool = False) -> None: ...
    def send_whole(self, frame: bytes) -> None: ...


class LiveTopic:
    """A topic of the spec while it is served.

    Attributes:
        subscribers: by the name or pattern that they have asked for.
        patterns: how many of these are patterns.
        gone: no longer in the spec; it serves those who have subscribed until they leave.
        published: events that came from this process's side: of workers that chose it to hand them on, and of clients.
        delivered: frames that subscribers of this process were sent.
        handled: events that a module has handled; ``failed`` those that it has not, ``lost`` those whose worker went
            away meanwhile, ``dropped`` those that no worker of one had room for.
    """

    __slots__ = (
        "_decode",
        "delivered",
        "dropped",
        "failed",
        "gone",
        "handled",
        "lost",
        "patterns",
        "published",
        "route",
        "subscribers",
        "topic",
    )

    def __init__(self, route: Route, topic: Topic) -> None:
        self.bind(route, topic)
        self.gone = False
        self.subscribers: dict[str, dict[Member, None]] = {}
        self.patterns = 0
        self.published = 0
        self.delivered = 0
        self.handled = 0
        self.failed = 0
        self.lost = 0
        self.dropped = 0

    def bind(self, route: Route, topic: Topic) -> None:
        """Serve this from now on."""
        self.route = route
        self.topic = topic
        self._decode: Callable[[bytes], Any] | None = None

    def read(self, frame: bytes) -> bytes:
        """What a client wants to publish, as it goes on.

        Raises:
            FrameError: it is not a message of this topic.
        """
        names = [message.name for message in topic_messages(self.route, self.topic)]
        if self._decode is None:
            messages = [replace(each, origin="both") for each in self.route.messages if each.name in names]
            others = [replace(each, origin="handler") for each in self.route.messages if each.name not in names]
            open = self.route.open and not self.topic.messages
            self._decode = client_decoder(replace(self.route, messages=(*messages, *others), open=open))
        return read_frame(self._decode, frame, names)[1]

    @property
    def subscriptions(self) -> int:
        """How many there are, each name of each client counted."""
        return sum(len(members) for members in self.subscribers.values())

    def reached(self, name: str) -> Collection[Member]:
        """Everyone who gets what is published on ``name``, each once."""
        subscribers = self.subscribers
        if not self.patterns:
            return subscribers.get(name, ())
        found = [subscribers[each] for each in reaching(self.topic.name, name) if each in subscribers]
        if len(found) == 1:
            return found[0]
        everyone: dict[Member, None] = {}
        for members in found:
            everyone.update(members)
        return everyone

    def deliver(self, name: str, message: bytes, besides: Member | None = None) -> None:
        """Send an event to everyone that it reaches, but for one."""
        frame = header(1, len(message)) + message
        members = tuple(self.reached(name))
        if besides is not None:
            members = tuple(member for member in members if member is not besides)
        self.delivered += len(members)
        for member in members:
            if member.endpoint.reply_hook is None:
                member.send_whole(frame)
            else:
                member.deliver(message)


class Topics:
    """The live topics of one process, and what each member has subscribed to."""

    def __init__(self) -> None:
        self._live: dict[str, LiveTopic] = {}
        self._tree: TopicTree[LiveTopic] = TopicTree(())
        self._held: dict[Member, dict[str, LiveTopic]] = {}

    def __iter__(self) -> Iterator[LiveTopic]:
        return iter(self._live.values())

    def bind(self, routes: Iterable[Route]) -> None:
        """Serve the topics of these routes from now on. One that is not among them any more stays as long as somebody
        has subscribed to it."""
        declared = {form(topic.name): (route, topic) for route in routes for topic in route.topics}
        for key, live in list(self._live.items()):
            if key in declared:
                live.bind(*declared[key])
            live.gone = key not in declared
        for key, (route, topic) in declared.items():
            if key not in self._live:
                self._live[key] = LiveTopic(route, topic)
        self._grow()

    def _grow(self) -> None:
        self._live = {key: live for key, live in self._live.items() if live.subscribers or not live.gone}
        # of two that claim one name the one that is declared comes first
        ordered = sorted(self._live.values(), key=lambda live: live.gone)
        self._tree = TopicTree((live.topic.name, live) for live in ordered)

    def find(self, name: str) -> Found[LiveTopic] | None:
        """The topic that a name or a pattern belongs to."""
        return self._tree.find(name)

    def names(self, member: Member) -> Collection[str]:
        """What a member has subscribed to."""
        return self._held.get(member, {}).keys()

    def has(self, member: Member, live: LiveTopic, name: str) -> bool:
        """Whether a member gets what is published on a concrete ``name``."""
        held = self._held.get(member)
        return held is not None and any(each in held for each in reaching(live.topic.name, name))

    def subscribe(self, member: Member, live: LiveTopic, name: str) -> bool:
        """Let a member have what is published on a name, or on all that a pattern reaches; false if it does already."""
        held = self._held.setdefault(member, {})
        if name in held:
            return False
        held[name] = live
        members = live.subscribers.get(name)
        if members is None:
            members = live.subscribers[name] = {}
            live.patterns += is_pattern(name)
        members[member] = None
        return True

    def unsubscribe(self, member: Member, name: str) -> LiveTopic | None:
        """End a subscription; ``None`` if there is none."""
        held = self._held.get(member)
        live = held.pop(name, None) if held is not None else None
        if held is None or live is None:
            return None
        if not held:
            del self._held[member]
        members = live.subscribers[name]
        del members[member]
        if not members:
            del live.subscribers[name]
            live.patterns -= is_pattern(name)
            if live.gone:
                self._grow()
        return live
