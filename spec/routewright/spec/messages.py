"""Rules about messages: their names, replies and examples."""

from collections.abc import Iterator

from routewright.spec import names
from routewright.spec.draft import Draft
from routewright.spec.nearest import suggestion
from routewright.spec.node import Finding, Node
from routewright.spec.quoting import quoted

_SENDERS = {"client": ("client", "both"), "handler": ("handler", "both")}


def safe_name(draft: Draft) -> Iterator[Finding]:
    """A message's name is reserved, or makes no safe Python class."""
    for _, name, message in _all(draft):
        if name.startswith("$") or name == "error":
            yield message.finding(f"message type {quoted(name)} is reserved", "choose another name", key=True)
        elif not names.is_message(name):
            hint = "begin with a letter, go on with letters, digits and . _ : / -, in ASCII"
            yield message.finding(f"message type {quoted(name)} makes no safe identifier", hint, key=True)


def unique_model(draft: Draft) -> Iterator[Finding]:
    """Two messages of a route make one class."""
    for route in draft.routes():
        seen: dict[str, tuple[str, Node]] = {}
        for name, message in draft.messages(route):
            model = names.model(name, "Message")
            if not names.is_message(name):
                continue
            other, node = seen.setdefault(model, (name, message))
            if node is not message:
                text = f"message types {quoted(name)} and {quoted(other)} ({node.where}) make one class, {model}"
                yield message.finding(text, "rename one of them", key=True)


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
    for route, name, message in _all(draft):
        reply = _reply(message)
        declared = dict(draft.messages(route))
        if reply is not None and reply.value not in declared:
            hint = suggestion(reply.value, [each for each in declared if each != name], "declared")
            yield reply.finding(f"message {quoted(name)}: reply {quoted(reply.value)} is not declared", hint)


def sent_reply(draft: Draft) -> Iterator[Finding]:
    """A reply names a message that no handler sends."""
    for route, name, message in _all(draft):
        reply = _reply(message)
        answer = dict(draft.messages(route)).get(reply.value) if reply is not None else None
        if reply is not None and answer is not None and not _sends(answer, "handler"):
            text = f"message {quoted(name)}: reply {quoted(reply.value)} is no message that a handler sends"
            yield reply.finding(text, f'write "from": "handler" at {answer.where}')


def request_keys(draft: Draft) -> Iterator[Finding]:
    """A key of requests stands at a message that no client sends."""
    for _, name, message in _all(draft):
        for key in ("reply", "timeout", "idempotent"):
            if key in message.value and not _sends(message, "client"):
                text = f'message {quoted(name)}: "{key}" only means something for what a client sends'
                yield message.below(key).finding(text, 'leave it out, or write "from": "client" or "both"', key=True)


def example_payload(draft: Draft) -> Iterator[Finding]:
    """A message has examples but no payload."""
    for _, name, message in _all(draft):
        if message.value.get("examples") and "payload" not in message.value:
            text = f'message {quoted(name)} has "examples" but no "payload"'
            yield message.below("examples").finding(text, 'declare a "payload"', key=True)


def _all(draft: Draft) -> Iterator[tuple[Node, str, Node]]:
    for route in draft.routes():
        for name, message in draft.messages(route):
            if isinstance(message.value, dict):
                yield route, name, message


def _reply(message: Node) -> Node | None:
    reply = message.get("reply")
    if reply is not None and isinstance(reply.value, dict):
        reply = reply.get("message")
    return reply if reply is not None and isinstance(reply.value, str) else None


def _sends(message: Node, who: str) -> bool:
    """Whether this side sends the message; true where ``from`` is wrong, which is reported elsewhere."""
    origin = message.value.get("from", "client") if isinstance(message.value, dict) else None
    return origin not in ("client", "handler", "both") or origin in _SENDERS[who]
