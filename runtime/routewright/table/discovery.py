"""The discovery document: what a client may know of a table, to find its way."""

from typing import Any

from routewright.table.auth import Auth, Plugin
from routewright.table.frames import topic_messages
from routewright.table.message import MessageType
from routewright.table.route import Route
from routewright.table.table import Table
from routewright.table.topic import Topic

SUBPROTOCOL = "routewright.v1"
"""Of reliable clients: their session outlives the connection."""


def subprotocols(route: Route) -> tuple[str, ...]:
    """What a client of this route may ask for at the handshake."""
    reliable = route.framing == "message" and route.source != "proxy" and route.delivery is not None
    return (SUBPROTOCOL,) if reliable else ()


def describe(table: Table) -> dict[str, Any]:
    """The document of ``GET /.well-known/websocket-routes``, as plain JSON values.

    Its ``spec`` is the table's digest; policies, handlers and settings stay inside.
    """
    return {
        "spec": table.digest,
        "title": table.title,
        "version": table.version,
        "routes": [describe_route(route) for route in table.routes],
    }


def describe_route(route: Route) -> dict[str, Any]:
    """One entry of the document's ``routes``."""
    return {
        "name": route.name,
        "path": route.path,
        "aliases": list(route.aliases),
        "capabilities": list(route.capabilities),
        "framing": route.framing,
        "subprotocols": list(subprotocols(route)),
        **({"auth": [_describe_way(way) for way in route.auth]} if route.auth else {}),
        "messages": [_describe_message(message) for message in route.messages],
        **({"topics": [_describe_topic(route, topic) for topic in route.topics]} if route.topics else {}),
    }


def _describe_topic(route: Route, topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.name,
        "messages": [message.name for message in topic_messages(route, topic)],
        "publish": topic.publish,
        "retain": topic.retain,
        "presence": topic.presence,
    }


def _describe_way(way: Auth) -> dict[str, Any]:
    """What a client has to know to prove who it is; how that is checked stays inside."""
    kind = {"kind": str(way.__struct_config__.tag)}
    if isinstance(way, Plugin):
        return kind
    named = {"header": way.header} if way.header is not None else {}
    return {**kind, "from": list(way.sources), **named, "query": way.query}


def _describe_message(message: MessageType) -> dict[str, Any]:
    return {
        "name": message.name,
        "from": message.origin,
        "reply": message.reply,
        "stream": message.stream,
        "summary": message.summary,
    }
