"""Messages as a route's models: which type a model is sent as, and what a payload that came is decoded to.

Strategy: without a table everything is plain JSON values. With one, a model says its own type, and payloads of declared
messages become their models.
"""

from typing import Any, NamedTuple, TypeVar

import msgspec

from routewright.client.errors import UnexpectedMessage
from routewright.client.frames import ABSENT, DECODE_ERRORS
from routewright.table import MessageType, Route
from routewright.table.frames import client_messages, handler_messages
from routewright.table.topics import TopicTree, covers

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


class Outgoing(NamedTuple):
    """A message to be sent. ``declared`` is what the table says of it, where there is one that does."""

    type: str
    payload: msgspec.Raw | None
    declared: MessageType | None


class Models:
    """The messages of one route; of none: ``Models(None)``."""

    def __init__(self, route: Route | None) -> None:
        sent = client_messages(route) if route is not None else []
        received = handler_messages(route) if route is not None else []
        self.timeout = route.timeout if route is not None else 30.0
        self._declared = {message.name: message for message in sent}
        self._received = {message.name: message for message in received}
        self._named = _by_model(sent)
        self._heard = _by_model(received)
        self._topics = TopicTree((topic.name, topic.name) for topic in (route.topics if route is not None else ()))

    def outgoing(self, message: Any, payload: Any = None, *, published: bool = False) -> Outgoing:
        """A message by its type and payload, or by its model alone; ``published`` ones are those that handlers send.

        Raises:
            TypeError: it is neither.
        """
        if not isinstance(message, str):
            return self._outgoing(message, payload, self._heard if published else self._named)
        body = None if payload is None else msgspec.Raw(_encode(payload))
        return Outgoing(message, body, self._declared.get(message))

    def _outgoing(self, model: Any, payload: Any, named: dict[Any, list[MessageType]]) -> Outgoing:
        if payload is not None:
            raise TypeError("a model is its own payload: leave the payload out, or name the type as text")
        declared = _only(named.get(type(model), []), type(model))
        return Outgoing(declared.name, msgspec.Raw(_encode(model)), declared)

    def type_of(self, kind: str | type) -> str:
        """The type of the events that a model, or a name, stands for.

        Raises:
            TypeError: no message that a handler sends has this model, or several have.
        """
        return kind if isinstance(kind, str) else _only(self._heard.get(kind, []), kind).name

    def reaches(self, topic: str, name: str | None) -> bool:
        """Whether what is published on ``name`` is for those who have subscribed to ``topic``, a name or a pattern.

        Without a table a pattern also takes what the client gets from a topic that the spec lists by itself.
        """
        return name is not None and covers(topic, name) and self._topic(topic) == self._topic(name)

    def _topic(self, name: str) -> str | None:
        found = self._topics.find(name)
        return None if found is None else found.value

    def decode(self, type: str, payload: msgspec.Raw, model: Any = None) -> Any:
        """The payload of a message that came: as ``model``, or as the table declares it, or as plain JSON values.

        Raises:
            UnexpectedMessage: it does not fit.
        """
        declared = self._received.get(type)
        if model is None:
            model = Any if declared is None or declared.payload is None else declared.payload
        if payload is ABSENT:
            if declared is None or not declared.optional:
                return None
            payload = msgspec.Raw(b"{}")
        try:
            return msgspec.json.decode(payload, type=model)
        except DECODE_ERRORS as error:
            raise UnexpectedMessage(type, _plain(payload), str(error)) from None


def _by_model(messages: list[MessageType]) -> dict[Any, list[MessageType]]:
    found: dict[Any, list[MessageType]] = {}
    for message in messages:
        if isinstance(message.payload, type):
            found.setdefault(message.payload, []).append(message)
    return found


def _only(messages: list[MessageType], model: Any) -> MessageType:
    if len(messages) == 1:
        return messages[0]
    name = getattr(model, "__name__", repr(model))
    if messages:
        raise TypeError(f"{name} is the model of {', '.join(message.name for message in messages)}: name the type")
    raise TypeError(f"{name} is no model of this route: name the type, or give connect() the table of its spec")


def _plain(payload: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(payload)
    except DECODE_ERRORS:
        return None
