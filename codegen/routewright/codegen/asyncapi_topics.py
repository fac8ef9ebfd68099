"""What clients may ask of the gateway itself, and the topics that they may subscribe to, as AsyncAPI says it.

Strategy: all of it travels on the route's own channel, so a topic is no channel: it is an operation that sends, and
the commands about topics are messages like any other. Which names there are is a schema of the route's own.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from routewright.codegen.asyncapi_auth import takes_frames
from routewright.codegen.asyncapi_schemas import NAME, inline, referred
from routewright.spec.model import Message, Route, Topic

TOKEN = "$auth"  # noqa: S105 - a type of message

_ID = "routewright-id"
_SUMMARIES = {
    TOKEN: "Prove who one is: in the first frame, or again before that ends",
    "$subscribe": "Have the events of a topic, or of all that a pattern stands for",
    "$unsubscribe": "Have them no more",
    "$publish": "Publish an event on a topic that one has subscribed to",
    "$who": "Ask who has subscribed to a topic",
    "$join": "Somebody has subscribed to the topic",
    "$leave": "Somebody has left the topic",
}


def commands(route: Route) -> dict[str, str]:
    """The commands that make sense on a route, and the key of the message that answers each."""
    found = {TOKEN: f"{TOKEN}.ok"} if takes_frames(route) else {}
    if route.topics:
        found |= {"$subscribe": "$topic.ok", "$unsubscribe": "$topic.ok"}
    if any(topic.publish == "clients" for topic in route.topics):
        found["$publish"] = "$topic.ok"
    if _present(route):
        found["$who"] = "$who.ok"
    return found


def messages(route: Route) -> Iterator[tuple[str, Any]]:
    """The commands, what answers them, and who comes and goes."""
    asked = commands(route)
    if TOKEN in asked:
        yield TOKEN, {"$ref": f"#/components/messages/{TOKEN}"}
    for name in asked:
        if name != TOKEN:
            yield name, _command(name, route)
    for answer in dict.fromkeys(asked.values()):
        yield answer, {"$ref": f"#/components/messages/{answer}"}
    if _present(route):
        for name in ("$join", "$leave"):
            yield name, {"$ref": f"#/components/messages/{name}"}


def topics(route: Route) -> Iterator[tuple[Topic, list[str]]]:
    """The topics of a route, and the messages that come of each."""
    for topic in route.topics:
        declared = [each.name for each in published(route, topic)]
        others = ["$undeclared"] if route.open and not topic.messages else []
        yield topic, [*declared, *others, *(["$join", "$leave"] if topic.presence else [])]


def published(route: Route, topic: Topic) -> list[Message]:
    """The declared messages that may be published on a topic: those it names, or all that handlers send."""
    sent = [each for each in route.messages if each.origin != "client"]
    return [each for each in sent if each.name in topic.messages] if topic.messages else sent


def on_topics(route: Route) -> frozenset[str]:
    """The names of the messages that come as events of topics."""
    return frozenset(each.name for topic in route.topics for each in published(route, topic))


def schemas(route: Route) -> dict[str, Any]:
    """What the names of a route's topics look like: one, and one or a pattern of several."""
    if not route.topics:
        return {}
    names = [topic.name for topic in route.topics]
    return {
        name_of(route): {
            "description": "The name of a topic.",
            "type": "string",
            "maxLength": 255,
            "pattern": _pattern(names, r"[^.*{}\s]+"),
        },
        _wanted(route): {
            "description": "The name of a topic, or with * in the place of its placeholders a pattern of them.",
            "type": "string",
            "maxLength": 255,
            "pattern": _pattern(names, r"(\*|[^.*{}\s]+)"),
        },
    }


def name_of(route: Route) -> str:
    """The schema of a topic's name; no message's is called like it: theirs have a capital."""
    return f"{route.module}.topic"


def _wanted(route: Route) -> str:
    return f"{route.module}.topics"


def _present(route: Route) -> bool:
    return any(topic.presence for topic in route.topics)


def _pattern(names: Sequence[str], placeholder: str) -> str:
    each = [
        r"\.".join(placeholder if part.startswith("{") else re.escape(part) for part in name.split(".")).replace(
            r"\-", "-"
        )
        for name in names
    ]
    return f"^({'|'.join(each)})$"


def _command(name: str, route: Route) -> dict[str, Any]:
    """A command about topics."""
    place = f"{route.module}.{name}.frame"
    properties: dict[str, Any] = {"topic": referred(_wanted(route) if "subscribe" in name else name_of(route))}
    required, more = ["topic"], {}
    if name == "$publish":
        free = [topic for topic in route.topics if topic.publish == "clients"]
        events = {each.name: each for topic in free for each in published(route, topic)}
        open = route.open and any(not topic.messages for topic in free)
        properties["type"] = inline(f"{place}.payload.type", type="string", **({} if open else {"enum": list(events)}))
        properties["payload"] = inline(f"{place}.payload.payload")
        required.append("type")
        if events and not open:
            more = {"oneOf": [_event(each, route, place) for each in events.values()]}
    payload = inline(f"{place}.payload", type="object", required=required, properties=properties, **more)
    return _message(name, place, payload)


def _event(message: Message, route: Route, place: str) -> dict[str, Any]:
    """What a client publishes, where it is this message."""
    place = f"{place}.payload.{message.model}"
    properties: dict[str, Any] = {"type": inline(f"{place}.type", const=message.name)}
    if message.payload is None:
        return inline(place, properties=properties)
    properties["payload"] = referred(f"{route.module}.{message.model}")
    return inline(place, **({} if message.optional else {"required": ["payload"]}), properties=properties)


def _message(name: str, place: str, payload: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {"type": inline(f"{place}.type", const=name), "id": referred(_ID), **more}
    required = ["type", *more]
    if payload is not None:
        properties["payload"] = payload
        required.append("payload")
    about = {"summary": _SUMMARIES[name]} if name in _SUMMARIES else {}
    frame = {"type": "object", "required": required, "properties": properties, NAME: place}
    return {"name": name, **about, "payload": frame}


def _object(place: str, optional: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    required = [each for each in properties if each not in optional]
    return inline(place, type="object", required=required, properties=properties)


def _text(place: str, description: str) -> dict[str, Any]:
    return inline(place, type="string", description=description)


def _answer(key: str, summary: str, *optional: str, **properties: Any) -> dict[str, Any]:
    place = f"routewright-{key}.frame"
    found = _message("$ok", place, _object(f"{place}.payload", optional, **properties))
    return {"name": "$ok", "summary": summary, "payload": found["payload"]}


_MEMBER = "routewright-member"
_TOPIC = "routewright-topic"
_SCOPE = inline("routewright-auth.scope", type="string")

SHARED_SCHEMAS: dict[str, Any] = {
    _TOPIC: {"description": "The name of a topic.", "type": "string", "maxLength": 255},
    _MEMBER: {
        "description": "Somebody who has subscribed to a topic.",
        "type": "object",
        "required": ["member", "since"],
        "properties": {
            "member": _text(f"{_MEMBER}.member", "A name for as long as the connection lasts."),
            "since": inline(f"{_MEMBER}.since", type="number", description="Seconds since 1970."),
            "principal": _text(f"{_MEMBER}.principal", "Who it is, where that is known."),
        },
    },
}
"""What the messages below are made of."""

SHARED_MESSAGES: dict[str, Any] = {
    TOKEN: _message(
        TOKEN,
        "routewright-auth.frame",
        _object(
            "routewright-auth.frame.payload",
            token=_text("routewright-auth.frame.payload.token", "The credential."),
        ),
    ),
    f"{TOKEN}.ok": _answer(
        "auth.ok",
        "The credential holds",
        principal=_text("routewright-auth.ok.principal", "Who it is."),
        scopes=inline("routewright-auth.ok.scopes", type="array", items=_SCOPE),
        expires=inline(
            "routewright-auth.ok.expires",
            type=["number", "null"],
            description="When it ends, in seconds since 1970.",
        ),
    ),
    "$topic.ok": _answer(
        "topic.ok",
        "It is done",
        "member",
        topic=referred(_TOPIC),
        member=_text("routewright-topic.ok.member", "What others call oneself there."),
    ),
    "$who.ok": _answer(
        "who.ok",
        "Who has subscribed to the topic",
        topic=referred(_TOPIC),
        members=inline("routewright-who.ok.members", type="array", items=referred(_MEMBER)),
        count=inline("routewright-who.ok.count", type="integer", description="How many there are in all."),
    ),
    **{
        name: _message(name, f"routewright-{name[1:]}.frame", referred(_MEMBER), topic=referred(_TOPIC))
        for name in ("$join", "$leave")
    },
}
"""The messages that are the same on every route."""
