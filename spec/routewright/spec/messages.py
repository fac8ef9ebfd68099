"""Rules about messages: their names, replies and examples."""

from collections.abc import Iterator
from typing import Any

from routewright.spec import names, plain, units
from routewright.spec.draft import Draft
from routewright.spec.nearest import suggestion
from routewright.spec.node import Finding, Node
from routewright.spec.quoting import quoted

SILENCE = 60.0
"""Seconds after which proxies and load balancers take a connection without traffic for dead, where nobody has told
them otherwise."""

_SENDERS = {"client": ("client", "both"), "handler": ("handler", "both")}


def safe_name(draft: Draft) -> Iterator[Finding]:
    """A message's name is reserved, or makes no safe Python class."""
    for route in plain.routes(draft):
        for name in route.messages:
            if name.startswith("$") or name == "error":
                place = plain.node(draft, *route.keys, "messages", name)
                yield place.finding(f"message type {quoted(name)} is reserved", "choose another name", key=True)
            elif not names.is_message(name):
                place = plain.node(draft, *route.keys, "messages", name)
                hint = "begin with a letter, go on with letters, digits and . _ : / -, in ASCII"
                yield place.finding(f"message type {quoted(name)} makes no safe identifier", hint, key=True)


def unique_model(draft: Draft) -> Iterator[Finding]:
    """Two messages of a route make one class."""
    for route in plain.routes(draft):
        seen: dict[str, str] = {}
        for name in route.messages:
            if not names.is_message(name):
                continue
            model = names.model(name, "Message")
            other = seen.setdefault(model, name)
            if other is not name:
                where = plain.node(draft, *route.keys, "messages", other).where
                text = f"message types {quoted(name)} and {quoted(other)} ({where}) make one class, {model}"
                place = plain.node(draft, *route.keys, "messages", name)
                yield place.finding(text, "rename one of them", key=True)


def component_name(draft: Draft) -> Iterator[Finding]:
    """A component's name makes no safe Python class, or the same one as another's."""
    components = draft.root.get("components", "schemas")
    seen: dict[str, tuple[str, Node]] = {}
    for name, schema in components.members() if components is not None else ():
        if not names.is_message(name):
            hint = "begin with a letter, go on with letters, digits and . _ : / -, in ASCII"
            yield schema.finding(f"schema name {quoted(name)} makes no safe identifier", hint, key=True)
            continue
        model = names.model(name, "Schema")
        other, node = seen.setdefault(model, (name, schema))
        if node is not schema:
            text = f"schema names {quoted(name)} and {quoted(other)} ({node.where}) make one class, {model}"
            yield schema.finding(text, "rename one of them", key=True)


def declared_reply(draft: Draft) -> Iterator[Finding]:
    """A reply names a message that the route does not declare."""
    for route in plain.routes(draft):
        declared = route.value.get("messages", ())
        for name, message in route.messages.items():
            keys = _reply(message)
            if keys and _value(message, keys) not in declared:
                reply = plain.node(draft, *route.keys, "messages", name, *keys)
                hint = suggestion(reply.value, [each for each in declared if each != name], "declared")
                yield reply.finding(f"message {quoted(name)}: reply {quoted(reply.value)} is not declared", hint)


def sent_reply(draft: Draft) -> Iterator[Finding]:
    """A reply names a message that no handler sends."""
    for route in plain.routes(draft):
        for name, message in route.messages.items():
            keys = _reply(message)
            answer = route.messages.get(_value(message, keys)) if keys else None
            if answer is not None and not _sends(answer, "handler"):
                reply = plain.node(draft, *route.keys, "messages", name, *keys)
                where = plain.node(draft, *route.keys, "messages", reply.value).where
                text = f"message {quoted(name)}: reply {quoted(reply.value)} is no message that a handler sends"
                yield reply.finding(text, f'write "from": "handler" at {where}')


def request_keys(draft: Draft) -> Iterator[Finding]:
    """A key of requests stands at a message that no client sends."""
    for route in plain.routes(draft):
        for name, message in route.messages.items():
            for key in () if _sends(message, "client") else ("reply", "timeout", "idempotent", "scopes"):
                if key in message:
                    text = f'message {quoted(name)}: "{key}" only means something for what a client sends'
                    hint = 'leave it out, or write "from": "client" or "both"'
                    yield plain.node(draft, *route.keys, "messages", name, key).finding(text, hint, key=True)


def example_payload(draft: Draft) -> Iterator[Finding]:
    """A message has examples but no payload."""
    for route in plain.routes(draft):
        for name, message in route.messages.items():
            if message.get("examples") and "payload" not in message:
                text = f'message {quoted(name)} has "examples" but no "payload"'
                place = plain.node(draft, *route.keys, "messages", name, "examples")
                yield place.finding(text, 'declare a "payload"', key=True)


def no_silence(draft: Draft) -> Iterator[Finding]:
    """A timeout is longer than a connection without traffic lives, and heartbeats are too rare to help."""
    heartbeat = plain.section(draft, "gateway").get("heartbeat", "25s")
    if not isinstance(heartbeat, str) or (units.seconds(heartbeat) or 0) <= SILENCE:
        return
    owners: list[tuple[tuple[str | int, ...], dict[str, Any]]] = [(("defaults",), plain.section(draft, "defaults"))]
    for route in plain.routes(draft):
        owners.append((route.keys, route.value))
        owners += [((*route.keys, "messages", name), message) for name, message in route.messages.items()]
    for keys, owner in owners:
        text = owner.get("timeout")
        if text is not None and isinstance(text, str) and (units.seconds(text) or 0) > SILENCE:
            message = f"in {quoted(text)} without traffic, clients and proxies give a connection up ({SILENCE:g}s)"
            hint = 'let "heartbeat" of "gateway" be shorter, or reply with a stream, whose parts are traffic'
            yield plain.node(draft, *keys, "timeout").finding(message, hint)


def current_reply(draft: Draft) -> Iterator[Finding]:
    """A message that is not deprecated is answered with one that is."""
    for route in plain.routes(draft):
        deprecated = {name for name, message in route.messages.items() if message.get("deprecated") is True}
        for name in route.messages if deprecated else ():
            keys = _reply(route.messages[name])
            if keys and name not in deprecated and _value(route.messages[name], keys) in deprecated:
                reply = plain.node(draft, *route.keys, "messages", name, *keys)
                text = f"message {quoted(name)}: reply {quoted(reply.value)} is deprecated"
                yield reply.finding(text, "reply with its successor, or deprecate both")


def repeatable_retry(draft: Draft) -> Iterator[Finding]:
    """A route has retries, and no message that may be repeated."""
    for route in plain.routes(draft):
        if route.value.get("retry") not in (None, False) and not any(
            message.get("idempotent") is True for message in route.messages.values()
        ):
            place = plain.node(draft, *route.keys, "retry")
            text = f"route {quoted(route.title())} has retries and no message that is idempotent: nothing is repeated"
            yield place.finding(text, 'write "idempotent": true where handling twice is the same', key=True)


def _reply(message: dict[str, Any]) -> tuple[str, ...]:
    """The keys below a message that lead to the name of its reply; none where it has no reply."""
    reply = message.get("reply")
    if isinstance(reply, dict) and isinstance(reply.get("message"), str):
        return "reply", "message"
    return ("reply",) if isinstance(reply, str) else ()


def _value(message: dict[str, Any], keys: tuple[str, ...]) -> str:
    value: Any = message
    for key in keys:
        value = value[key]
    return str(value)


def _sends(message: dict[str, Any], who: str) -> bool:
    """Whether this side sends the message; true where ``from`` is wrong, which is reported elsewhere."""
    origin = message.get("from", "client")
    return origin not in ("client", "handler", "both") or origin in _SENDERS[who]
