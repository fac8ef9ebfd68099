"""What is decided about each message before the first one arrives: how to read it, who handles it, how to answer."""

from collections.abc import Callable
from typing import Any

import msgspec

from routewright.handlers.outgoing import Outgoing, decode_undeclared, envelopes
from routewright.handlers.registry import Registration
from routewright.handlers.signature import Mode, arguments, mode
from routewright.table import MessageType, Route, Topic
from routewright.table.frames import DECODE_ERRORS, Id, handler_messages, reader, topic_messages, with_integers

MESSAGE_ARGUMENTS = ("message", "context")
SESSION_ARGUMENTS = ("context",)


class Plan:
    """One handler for one message of one route (or for whatever the route does not declare).

    Attributes:
        decode: the frame's bytes -> its envelope; ``None`` on a raw route.
        whole: the handler receives the envelope as a dict instead of the payload.
        envelopes: the answer's envelope by the class of its model; the quick half of ``outgoing``.
        streamed: a single answer is the last part of a stream.
    """

    __slots__ = (
        "alone",
        "arguments",
        "decode",
        "envelopes",
        "function",
        "label",
        "mode",
        "name",
        "outgoing",
        "place",
        "plain",
        "raw",
        "route",
        "step",
        "streamed",
        "two",
        "whole",
    )

    def __init__(
        self,
        entry: Registration,
        route: Route,
        outgoing: Outgoing,
        *,
        name: str = "",
        message: MessageType | None = None,
        decode: Callable[[bytes], Any] | None = None,
        whole: bool = False,
        offered: tuple[str, ...] = MESSAGE_ARGUMENTS,
    ) -> None:
        """Raises TypeError: the function cannot be called that way."""
        self.name = name
        self.route = route
        self.function = entry.function
        self.label = f"{entry.module}.{entry.label}"
        self.place = f"{entry.file}:{entry.line}"
        self.mode = mode(entry.function)
        self.arguments = arguments(entry.function, offered)
        self.raw = decode is None and offered is MESSAGE_ARGUMENTS
        self.alone = self.arguments == MESSAGE_ARGUMENTS[:1]
        self.two = len(self.arguments) == 2
        self.step = self.mode is Mode.STEP
        self.decode: Any = decode
        self.plain = decode is not None and not whole
        self.whole = whole
        self.outgoing = outgoing
        self.envelopes = outgoing.envelopes
        self.streamed = self.mode in (Mode.STREAM, Mode.THREAD_STREAM) or (message is not None and message.stream)

    def read(self, frame: bytes, binary: bool) -> tuple[Any, Id]:
        """What the handler is given for this frame, and the client's id.

        Raises one of `routewright.table.frames.DECODE_ERRORS`.
        """
        if self.decode is None:
            return (frame if binary else frame.decode()), None
        try:
            envelope = self.decode(frame)
        except DECODE_ERRORS as error:
            whole = with_integers(frame, error)
            if whole is None:
                raise
            envelope = self.decode(whole)
        if self.whole:
            return {"type": envelope.type, "payload": envelope.payload}, envelope.id
        return envelope.payload, envelope.id

    def call(self, message: Any, context: Any) -> Any:
        """Call the handler with as much as it wants to know."""
        wanted = self.arguments
        if len(wanted) == 2:
            return self.function(message, context)
        if not wanted:
            return self.function()
        return self.function(message if wanted[0] == "message" else context)


class RoutePlan:
    """All handlers of one route."""

    __slots__ = ("_envelopes", "_handler_messages", "connect", "disconnect", "messages", "other", "outgoing", "route")

    def __init__(self, route: Route) -> None:
        self.route = route
        self._envelopes = envelopes(route)
        self._handler_messages = handler_messages(route)
        self.outgoing = Outgoing(self._handler_messages, self._envelopes, "a message of the handler's", route)
        self.messages: dict[str, Plan] = {}
        self.other: Plan | None = None
        self.connect: Plan | None = None
        self.disconnect: Plan | None = None

    def declared(self, entry: Registration, message: MessageType) -> Plan:
        """The plan of a declared message.

        Raises:
            TypeError: the function is not one that can answer it.
        """
        outgoing = self.outgoing
        if message.reply is not None:
            replies = [each for each in self._handler_messages if each.name == message.reply]
            outgoing = Outgoing(replies, self._envelopes, f"the declared reply of {message.name!r}", self.route)
            outgoing.open = False
        decode = msgspec.json.Decoder(self._envelopes[message.name]).decode
        plan = Plan(entry, self.route, outgoing, name=message.name, message=message, decode=decode)
        if message.reply is not None and not message.stream and plan.mode in (Mode.STREAM, Mode.THREAD_STREAM):
            raise TypeError(f"it is a generator, but the reply {message.reply!r} is not declared as a stream")
        return plan

    def undeclared(self, entry: Registration, name: str = "") -> Plan:
        """The plan of one undeclared type of an open route, or (without a name) of all the rest."""
        decode = None if self.route.framing == "raw" else decode_undeclared
        return Plan(entry, self.route, self.outgoing, name=name, decode=decode, whole=not name)

    def lifecycle(self, entry: Registration) -> Plan:
        """The plan of a connect or disconnect handler."""
        plan = Plan(entry, self.route, self.outgoing, name=entry.kind, offered=SESSION_ARGUMENTS)
        if plan.mode in (Mode.STREAM, Mode.THREAD_STREAM):
            raise TypeError("it is a generator; use context.send")
        return plan


def event_plan(entry: Registration, route: Route, topic: Topic) -> Plan:
    """The plan of a handler of a topic's events.

    Raises:
        TypeError: the function cannot be called that way.
    """
    nothing = Outgoing((), {}, "an answer to an event", route)
    nothing.open = False
    plan = Plan(entry, route, nothing, name=str(entry.message), decode=event_reader(route, topic))
    if plan.mode in (Mode.STREAM, Mode.THREAD_STREAM):
        raise TypeError("it is a generator, but nobody waits for an answer to an event; use context.publish")
    return plan


def event_reader(route: Route, topic: Topic) -> Callable[[bytes], Any]:
    """The frame of an event of this topic -> its envelope."""
    messages = topic_messages(route, topic)
    declared = reader(messages)
    if declared is None:
        return decode_undeclared
    if not route.open or topic.messages:
        return declared

    names = frozenset(message.name for message in messages)

    def read(frame: bytes) -> Any:
        envelope = decode_undeclared(frame)
        return declared(frame) if envelope.type in names else envelope

    return read
