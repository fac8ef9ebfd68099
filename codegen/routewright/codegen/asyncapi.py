"""A spec as an AsyncAPI document: ``asyncapi.json``.

Strategy: what stands on the wire is described as it is, so a message's payload is the whole frame: ``type``, ``id`` and
the ``payload`` of the spec, which is a schema with a name of its own. The document speaks as the gateway: it *receives*
what clients send. What AsyncAPI has no word for stands under keys that begin with ``x-routewright-``.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from routewright.codegen import asyncapi_topics as topical
from routewright.codegen.asyncapi_auth import schemes, ways
from routewright.codegen.asyncapi_schemas import NAME, inline, named, referred
from routewright.codegen.memory import remembered
from routewright.spec.keywords import component
from routewright.spec.model import Message, Parameter, Route, Spec, Topic

ASYNCAPI = "asyncapi.json"
"""The file's name."""

VERSION = "3.1.0"
"""The version of AsyncAPI that the document is written in."""

OWN = "x-routewright-"
"""How the keys begin that AsyncAPI does not know."""

_SOURCES = {"module": "handler", "worker": "worker", "proxy": "proxy"}

UNDECLARED = "$undeclared"
"""The message that stands for whatever an open route does not declare."""

_ID, _TYPE, _FINAL, _ERROR, _FRAME = (f"routewright-{each}" for each in ("id", "type", "final", "error", "frame"))
_EXTENSION = re.compile(r"x-[\w.-]+", re.ASCII)
_POLICIES = (
    *("timeout", "rateLimit", "limits", "slowConsumer", "circuitBreaker", "retry", "cache", "balance"),
    *("batch", "compression", "delivery"),
)
_CODES = """
    cancelled circuit_open forbidden handler_error invalid_json invalid_message not_subscribed overloaded rate_limited
    timeout too_large unauthorized unknown_type worker_lost
"""


def asyncapi(spec: Spec) -> str:
    """The AsyncAPI document of a spec, as JSON."""
    tags = dict.fromkeys(each for route in spec.routes for each in route.capabilities)
    parts = [_part(route) for route in spec.routes]
    security = {key: scheme for part in parts for key, scheme in part.security.items()}
    shared = {key for part in parts for key in part.shared}
    document = {
        "asyncapi": VERSION,
        "info": {
            "title": spec.title or "WebSocket routes",
            "version": spec.version or "0.0.0",
            **_texts("description", spec.description),
            **({"tags": _tags(tags)} if tags else {}),
        },
        "defaultContentType": "application/json",
        "servers": {"gateway": _server(spec)},
        "channels": {route.name: part.channel for route, part in zip(spec.routes, parts, strict=True)},
        "operations": {key: operation for part in parts for key, operation in part.operations.items()},
        "components": {
            "schemas": _schemas(spec, parts),
            "messages": {
                **_SHARED_MESSAGES,
                **{key: message for key, message in topical.SHARED_MESSAGES.items() if key in shared},
            },
            **({"securitySchemes": security} if security else {}),
        },
        **_extensions(spec.extensions),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


class _Part(NamedTuple):
    """What a document says because of one route.

    Attributes:
        definitions: the components that its messages lead to, as the spec has them.
        shared: keys of the messages that it has in common with other routes.
    """

    channel: dict[str, Any]
    operations: dict[str, Any]
    payloads: dict[str, Any]
    definitions: dict[str, Any]
    security: dict[str, Any]
    shared: frozenset[str]


@remembered
def _part(route: Route) -> _Part:
    payloads: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for message in route.messages:
        if message.payload is not None:
            schema = message.schema if message.schema is not None else True
            name = _schema_name(message, route)
            payloads[name] = named(schema, name)
            if isinstance(schema, dict) and "$defs" in schema:
                definitions.update(schema["$defs"])
    return _Part(
        channel=_channel(route),
        operations=dict(_operations(route)),
        payloads=payloads | topical.schemas(route),
        definitions=definitions,
        security=schemes(route),
        shared=frozenset(key for key, _ in topical.messages(route)),
    )


def _server(spec: Spec) -> dict[str, Any]:
    host = f"[{spec.gateway.host}]" if ":" in spec.gateway.host else spec.gateway.host
    return {"host": f"{host}:{spec.gateway.port}", "protocol": "ws" if spec.gateway.tls is None else "wss"}


def _channel(route: Route) -> dict[str, Any]:
    parameters = {each.name: _parameter(each, route) for each in route.parameters}
    address = route.path.replace("...}", "}")
    found: dict[str, Any] = {
        "address": address,
        **_texts("summary", route.summary),
        **_texts("description", route.description),
        "messages": dict(_messages(route)),
        **({"parameters": parameters} if parameters else {}),
        **({"tags": _tags(route.capabilities)} if route.capabilities else {}),
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
        f"{OWN}{_SOURCES[route.source]}": route.handler or "PYTHON_BACKEND_URL",
        f"{OWN}framing": route.framing,
        f"{OWN}open": route.open,
    }
    if route.auth:
        found[f"{OWN}auth"] = ways(route)
    if route.aliases:
        found[f"{OWN}aliases"] = list(route.aliases)
    if route.source == "module" and route.workers != 1:
        found[f"{OWN}workers"] = route.workers
    document = route.document if isinstance(route.document, dict) else {}
    if policies := {key: document[key] for key in _POLICIES if key in document}:
        found[f"{OWN}policies"] = policies
    if route.topics:
        found[f"{OWN}topics"] = {topic.name: _topic(topic) for topic in route.topics}
    return found | _extensions(route.extensions)


def _topic(topic: Topic) -> dict[str, Any]:
    """A topic in the words of the spec."""
    found: dict[str, Any] = {
        "messages": list(topic.messages),
        "retain": topic.retain,
        "presence": topic.presence,
        "publish": topic.publish if topic.publish != "handlers" else None,
    }
    if topic.authorize is not None:
        asked = {"scopes": list(topic.authorize.scopes), "parameters": topic.authorize.parameters}
        found["authorize"] = {key: value for key, value in asked.items() if value}
    return {key: value for key, value in found.items() if value}


def _parameter(parameter: Parameter, route: Route) -> dict[str, Any]:
    """A path parameter: always text for AsyncAPI; its schema is kept beside that."""
    document = route.document if isinstance(route.document, dict) else {}
    schema = document.get("parameters", {}).get(parameter.name)
    found: dict[str, Any] = {}
    while isinstance(schema, dict) and set(schema) == {"$ref"}:
        schema = document["$defs"][component(schema["$ref"])]
    if isinstance(schema, dict):
        found |= _texts("description", schema.get("description", ""))
        values = [schema["const"]] if "const" in schema else schema.get("enum", [])
        if values and all(isinstance(each, str) for each in values):
            found["enum"] = values
        found[f"{OWN}schema"] = schema
    if parameter.tail:
        found[f"{OWN}tail"] = True
    return found


def _messages(route: Route) -> Iterator[tuple[str, Any]]:
    if route.framing == "raw":
        yield "frame", {"$ref": "#/components/messages/frame"}
        return
    streamed = {each.reply for each in route.messages if each.stream}
    events = topical.on_topics(route)
    for message in route.messages:
        yield message.name, _message(message, route, message.name in streamed, message.name in events)
    if route.open:
        yield UNDECLARED, {"$ref": f"#/components/messages/{UNDECLARED}"}
    yield from topical.messages(route)
    yield "error", {"$ref": "#/components/messages/error"}


def _message(message: Message, route: Route, streamed: bool, event: bool) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if message.origin != "handler":
        own = {
            "idempotent": message.idempotent or None,
            "timeout": _timeout(message, route),
            "scopes": list(message.scopes) or None,
            "cache": _written(message, route).get("cache"),
        }
    found = {
        "name": message.name,
        **_texts("summary", message.summary),
        **_texts("description", message.description),
        "payload": _frame(message, route, streamed, event),
        f"{OWN}from": message.origin,
        **{f"{OWN}{key}": value for key, value in own.items() if value is not None},
    }
    if message.examples:
        found["examples"] = [{"payload": {"type": message.name, "payload": each}} for each in message.examples]
    return found


def _written(message: Message, route: Route) -> dict[str, Any]:
    """The message as the spec has it."""
    document = route.document if isinstance(route.document, dict) else {}
    found: dict[str, Any] = document.get("messages", {}).get(message.name, {})
    return found


def _frame(message: Message, route: Route, streamed: bool, event: bool) -> dict[str, Any]:
    """The schema of the message's frames. The last one of a stream may have no payload, and events name their topic."""
    name = f"{_schema_name(message, route)}.frame"
    properties: dict[str, Any] = {
        "type": {"const": message.name, NAME: f"{name}.type"},
        "id": referred(_ID),
    }
    required = ["type"]
    if message.payload is not None:
        properties["payload"] = referred(_schema_name(message, route))
        if not message.optional and not streamed:
            required.append("payload")
    if event:
        properties["topic"] = referred(topical.name_of(route))
    if streamed:
        properties["final"] = referred(_FINAL)
    found = {"type": "object", "required": required, "properties": properties, NAME: name}
    return {**found, "deprecated": True} if message.deprecated else found


def _operations(route: Route) -> Iterator[tuple[str, Any]]:
    """What the gateway receives and sends on a route, with the credentials that it asks for."""
    security = [{"$ref": f"#/components/securitySchemes/{key}"} for key in schemes(route)]
    for name, operation in _exchanges(route):
        yield name, {**operation, "security": security} if security else operation


def _exchanges(route: Route) -> Iterator[tuple[str, Any]]:
    channel = {"$ref": f"#/channels/{route.name}"}
    if route.framing == "raw":
        for action in ("receive", "send"):
            yield f"{route.name}.{action}.frame", _operation(action, channel, ["frame"])
        return
    replies = {each.reply for each in route.messages}
    for message in route.messages:
        if message.origin != "handler":
            found = _operation("receive", channel, [message.name])
            if message.reply is not None:
                found["reply"] = {"channel": channel, "messages": _choices(channel, [message.reply, "error"])}
                if message.stream:
                    found["reply"][f"{OWN}stream"] = True
            yield f"{route.name}.receive.{message.name}", found
        if message.origin == "both" or (message.origin == "handler" and message.name not in replies):
            yield f"{route.name}.send.{message.name}", _operation("send", channel, [message.name])
    if route.open:
        for action in ("receive", "send"):
            yield f"{route.name}.{action}.{UNDECLARED}", _operation(action, channel, [UNDECLARED])
    for name, answer in topical.commands(route).items():
        reply = {"channel": channel, "messages": _choices(channel, [answer, "error"])}
        yield f"{route.name}.receive.{name}", {**_operation("receive", channel, [name]), "reply": reply}
    for topic, names in topical.topics(route):
        if names:
            found = {"title": topic.name, **_operation("send", channel, names), f"{OWN}topic": topic.name}
            yield f"{route.name}.send.$topic.{topic.name}", found
    yield f"{route.name}.send.error", _operation("send", channel, ["error"])


def _operation(action: str, channel: dict[str, str], messages: Sequence[str]) -> dict[str, Any]:
    return {"action": action, "channel": channel, "messages": _choices(channel, messages)}


def _choices(channel: dict[str, str], messages: Sequence[str]) -> list[dict[str, str]]:
    return [{"$ref": f"{channel['$ref']}/messages/{_pointed(each)}"} for each in messages]


def _pointed(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _schemas(spec: Spec, parts: Sequence[_Part]) -> dict[str, Any]:
    """The payload of each message, the components, and what all frames are made of."""
    components = {key: each for part in parts for key, each in part.definitions.items()}
    shared = {key: named(components[key], key) for key in sorted(components)}
    payloads = {key: each for part in parts for key, each in part.payloads.items()}
    members = topical.SHARED_SCHEMAS if any(route.topics for route in spec.routes) else {}
    return {**shared, **payloads, **_SHARED_SCHEMAS, **members}


def _schema_name(message: Message, route: Route) -> str:
    """No component is called like it: theirs have no dot."""
    return f"{route.module}.{message.model}"


def _timeout(message: Message, route: Route) -> str | None:
    return None if message.timeout == route.timeout else f"{message.timeout * 1000:g}ms"


def _texts(key: str, text: str) -> dict[str, str]:
    return {key: text} if text else {}


def _tags(names: Any) -> list[dict[str, str]]:
    return [{"name": each} for each in names]


def _extensions(found: dict[str, Any]) -> dict[str, Any]:
    """The spec's own keys, but those whose names AsyncAPI does not take."""
    return {key: value for key, value in found.items() if _EXTENSION.fullmatch(key) and not key.startswith(OWN)}


_SHARED_SCHEMAS: dict[str, Any] = {
    _ID: {"description": "Ties a reply or an error to its request.", "type": ["integer", "string"]},
    _TYPE: {"description": "Which message it is.", "type": "string"},
    _FINAL: {"description": "Whether a streamed reply ends here; then the payload may be absent.", "type": "boolean"},
    _FRAME: {"description": "A text or binary frame, as it is."},
    _ERROR: {
        "type": "object",
        "required": ["code", "message", "retryable"],
        "properties": {
            "code": inline(
                f"{_ERROR}.code",
                description="One of the gateway's codes, or one of the application's own.",
                type="string",
                examples=_CODES.split(),
            ),
            "message": inline(f"{_ERROR}.message", description="For people; may change.", type="string"),
            "path": inline(f"{_ERROR}.path", description="Where in the frame, as $.payload.depth.", type="string"),
            "retryable": inline(
                f"{_ERROR}.retryable", description="Whether the same request may succeed later.", type="boolean"
            ),
            "retryAfter": inline(f"{_ERROR}.retryAfter", description="Seconds to wait.", type="number"),
            "hint": inline(f"{_ERROR}.hint", description="For people; may change.", type="string"),
        },
    },
}

_SHARED_MESSAGES: dict[str, Any] = {
    "error": {
        "name": "error",
        "summary": "The answer to a frame that is wrong or cannot be answered",
        "payload": inline(
            f"{_ERROR}.frame",
            type="object",
            required=["type", "error"],
            properties={
                "type": inline(f"{_ERROR}.frame.type", const="error"),
                "id": referred(_ID),
                "error": referred(_ERROR),
            },
        ),
    },
    UNDECLARED: {
        "name": UNDECLARED,
        "summary": "A message that the route does not declare",
        "payload": inline(
            f"{_TYPE}.frame",
            type="object",
            required=["type"],
            properties={
                "type": referred(_TYPE),
                "id": referred(_ID),
                "payload": inline(f"{_TYPE}.frame.payload"),
                "final": referred(_FINAL),
            },
        ),
    },
    "frame": {
        "name": "frame",
        "summary": "A frame as it is",
        "contentType": "application/octet-stream",
        "payload": referred(_FRAME),
    },
}
