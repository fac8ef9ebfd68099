"""What a page says of a route's topics, and of the ways to prove who one is there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from routewright.codegen.asyncapi_topics import published
from routewright.spec.model import Authorize, Route, Topic
from routewright.spec.policies import ApiKey, Auth, Jwt, Plugin, Source, Ticket

_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_CREDENTIALS = {Jwt: ("A token (JWT)", "Bearer"), ApiKey: ("An API key", "ApiKey"), Ticket: ("A ticket", "Ticket")}
_SOURCES = {
    "principal.id": "the client's own id",
    "principal.claims.": "the client's claim {}",
    "parameters.": "{} of the path",
}


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic as its row shows it: ``messages`` are names, ``rules`` sentences, ``subscribe`` an example of a frame."""

    topic: Topic
    messages: list[str]
    rules: list[str]
    subscribe: dict[str, Any]


class Way(NamedTuple):
    """One place for a credential: what it is, ``places`` where it goes, and the scopes that are asked of it."""

    credential: str
    places: list[str]
    scopes: str


def topics(route: Route) -> list[TopicView]:
    """The topics of a route."""
    return [_topic(route, topic) for topic in route.topics]


def ways(route: Route) -> list[Way]:
    """The ways to prove who one is, in the order in which they are tried."""
    return [_way(way) for way in route.auth]


def _topic(route: Route, topic: Topic) -> TopicView:
    example = {"type": "$subscribe", "id": 1, "payload": {"topic": _PLACEHOLDER.sub("7", topic.name)}}
    return TopicView(topic, [each.name for each in published(route, topic)], list(_rules(topic)), example)


def _rules(topic: Topic) -> Iterator[str]:
    if topic.authorize is not None:
        yield from _asked(topic.authorize)
    if topic.retain:
        yield "The last event of each name comes right after subscribing."
    if topic.presence:
        yield "Subscribers see who else is there: $who, $join and $leave."
    if topic.publish == "clients":
        yield "Subscribers may publish, too: $publish."


def _asked(authorize: Authorize) -> Iterator[str]:
    if authorize.scopes:
        yield f"Asks for the scopes {' '.join(authorize.scopes)}."
    for placeholder, source in authorize.parameters.items():
        start = next((each for each in _SOURCES if source.startswith(each)), "")
        words = _SOURCES.get(start, "{}").format(source.removeprefix(start))
        yield f"{placeholder} must be {words}, so no pattern fits it."


def _way(way: Auth) -> Way:
    scopes = " ".join(way.scopes)
    if isinstance(way, Plugin):
        return Way("Whatever a plugin asks for", [], scopes)
    name, _ = _CREDENTIALS[type(way)]
    return Way(name, [_place(way, source) for source in way.sources], scopes)


def _place(way: Jwt | ApiKey | Ticket, source: Source) -> str:
    match source:
        case "header":
            if way.header is not None and way.header.lower() != "authorization":
                return f"the header {way.header}: CREDENTIAL"
            own = " or X-API-Key: CREDENTIAL" if isinstance(way, ApiKey) and way.header is None else ""
            return f"the header Authorization: {_CREDENTIALS[type(way)][1]} CREDENTIAL{own}"
        case "subprotocol":
            return "the subprotocol routewright.auth.CREDENTIAL, offered beside another one"
        case "query":
            return f"the URL: ?{way.query}=CREDENTIAL"
        case "message":
            return 'the first frame: {"type": "$auth", "payload": {"token": "CREDENTIAL"}}'
