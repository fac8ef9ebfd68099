"""Who says what on which channel: AsyncAPI 2.x and 3.x as one.

Strategy: a document speaks as the gateway (what it *receives* in 3.x, what others *publish* in 2.x, comes from
clients), unless it is said to speak as the client.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal

from routewright.codegen.asyncapi import OWN
from routewright.codegen.importing.source import Place, Source

Origin = Literal["client", "handler", "both"]


@dataclass(slots=True)
class Said:
    """A message of a channel. ``reply`` is the pointer of the message that answers it."""

    name: str
    place: Place
    origin: Origin | None = None
    reply: str = ""
    stream: bool = False


@dataclass(slots=True)
class Channel:
    """A channel and its messages, by the pointers of their definitions."""

    key: str
    place: Place
    address: str
    parameters: list[tuple[str, Place]]
    messages: dict[str, Said] = field(default_factory=dict)

    def say(self, name: str, place: Place, origin: Origin | None) -> Said:
        """Add a message, or another side that sends it."""
        said = self.messages.setdefault(place.pointer, Said(name, place))
        if origin is not None:
            said.origin = origin if said.origin in (None, origin) else "both"
        return said


def channels(source: Source, *, as_client: bool) -> list[Channel]:
    """The channels of a document, in its order."""
    version = source.root.text("asyncapi")
    found = _new(source, as_client) if version.startswith("3.") else _old(source, as_client)
    return list(found)


def _new(source: Source, as_client: bool) -> list[Channel]:
    found: dict[str, Channel] = {}
    for key, place in source.members(source.root / "channels"):
        address = place.value.get("address", key) if isinstance(place.value, dict) else None
        parameters = source.members(place / "parameters")
        channel = Channel(key, place, address if isinstance(address, str) else "", parameters)
        for name, message in source.members(place / "messages"):
            channel.say(message.text("name") if message.text("name") == name else name, message, None)
        found[place.pointer] = channel
    for key, operation in source.members(source.root / "operations"):
        place = source.follow(operation / "channel")
        at = found.get(place.pointer)
        if at is None:
            source.note(f'operation "{key}" has no channel of this document and is left out', operation)
            continue
        received = (operation.text("action") == "receive") != as_client
        for message in _chosen(source, operation, at):
            said = _said(at, message, "client" if received else "handler")
            if received:
                _answer(source, operation, at, said)
        # where the channel itself says so in our words, once is enough
        _left_out(source, operation, ("security",) if f"{OWN}auth" in place.value else ())
    return list(found.values())


def _chosen(source: Source, operation: Place, channel: Channel) -> list[Place]:
    """The messages of an operation: those that it names, or all of its channel's."""
    named = source.items(operation / "messages")
    return named if named else [each.place for each in channel.messages.values()]


def _said(channel: Channel, message: Place, origin: Origin) -> Said:
    name = message.text("name") or message.pointer.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")
    return channel.say(name, message, origin)


def _answer(source: Source, operation: Place, channel: Channel, said: Said) -> None:
    """The reply of an operation, where it comes on the same connection."""
    reply = source.follow(operation / "reply")
    if reply.value is None:
        return
    elsewhere = reply / "channel"
    if elsewhere.value is not None and source.follow(elsewhere).pointer != channel.place.pointer:
        source.note("a reply on another channel is left out", reply)
        return
    answers = [each for each in source.items(reply / "messages") if each.text("name") != "error"]
    if not answers:
        source.note("a reply that names no message is left out", reply)
        return
    if len(answers) > 1:
        source.note("only the first of several replies is kept; the others are events", reply)
    for each in answers:
        _said(channel, each, "handler")
    said.reply = answers[0].pointer
    said.stream = bool((reply / f"{OWN}stream").value)


def _old(source: Source, as_client: bool) -> Iterator[Channel]:
    for key, place in source.members(source.root / "channels"):
        channel = Channel(key, place, key, source.members(place / "parameters"))
        for word, origin in (("publish", "client"), ("subscribe", "handler")):
            operation = source.follow(place / word)
            if operation.value is None:
                continue
            sender: Origin = "client" if (origin == "client") != as_client else "handler"
            for message in _alternatives(source, operation):
                name = message.text("name") or _component(message) or operation.text("operationId") or f"{key} {word}"
                said = channel.say(name, message, sender)
                answer = source.follow(message / "x-response")
                if answer.value is not None and sender == "client":
                    channel.say(answer.text("name") or _component(answer) or f"{name}_reply", answer, "handler")
                    said.reply = answer.pointer
            _left_out(source, operation)
        yield channel


def _alternatives(source: Source, operation: Place) -> list[Place]:
    message = source.follow(operation / "message")
    if isinstance(message.value, dict) and "oneOf" in message.value:
        return [each for each in source.items(message / "oneOf") if each.value]
    return [message] if message.value is not None else []


def _component(message: Place) -> str:
    """The key of a message that stands among the components."""
    head, _, last = message.pointer.rpartition("/")
    return last if head == "/components/messages" else message.text("messageId")


def _left_out(source: Source, operation: Place, but: Collection[str] = ()) -> None:
    for key in ("traits", "security", "bindings"):
        if key not in but and (operation / key).value:
            source.note(f'"{key}" of an operation is left out', operation)
