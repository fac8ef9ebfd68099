"""Rules about topics: their names, what is published on them, and who may subscribe.

Strategy: the name of a topic is a template like a path, with dots for slashes, so the same trie finds two that could
claim one name.
"""

import re
from collections.abc import Iterator

from routewright.spec import guards, paths, plain
from routewright.spec.draft import Draft
from routewright.spec.nearest import suggestion
from routewright.spec.node import Finding, Node
from routewright.spec.paths import Segment
from routewright.spec.quoting import quoted

LONGEST = 200
"""Characters that a topic of the spec may have; what clients ask for may have a few more."""

PLACEHOLDERS = 4
"""Placeholders that a topic may have: subscribers may leave any of them open, and events are looked up for each."""

_LITERAL = re.compile(r"[A-Za-z0-9_:-]+")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,99})\}")


class TopicError(Exception):
    """The template is wrong; the first argument says how, the second what to do."""


def parse(name: str) -> tuple[Segment, ...]:
    """The segments of a topic.

    Raises:
        TopicError: it is none.
    """
    if len(name) > LONGEST:
        raise TopicError(f"topic has more than {LONGEST} characters", "shorten it")
    segments = tuple(_segment(name, part) for part in name.split("."))
    named = [segment.text for segment in segments if segment.kind == "parameter"]
    if len(named) > PLACEHOLDERS:
        raise TopicError(f"topic {quoted(name)} has more than {PLACEHOLDERS} placeholders", "use fewer")
    twice = next((each for each in named if named.count(each) > 1), None)
    if twice is not None:
        raise TopicError(f'topic {quoted(name)}: placeholder "{twice}" stands twice', "give each its own name")
    return segments


def _segment(name: str, part: str) -> Segment:
    if _LITERAL.fullmatch(part):
        return Segment("literal", part)
    found = _PLACEHOLDER.fullmatch(part)
    if found is None:
        what = f"segment {quoted(part)} is neither a word nor a placeholder" if part else "a segment is empty"
        hint = 'write words of ASCII letters, digits and _ : - between dots, and placeholders as "{name}"'
        raise TopicError(f"topic {quoted(name)}: {what}", hint)
    return Segment("parameter", found[1])


def _topics(draft: Draft) -> Iterator[tuple[plain.PlainRoute, str, dict[str, object]]]:
    for route in plain.routes(draft):
        declared = route.value.get("topics")
        for name, topic in declared.items() if isinstance(declared, dict) else ():
            yield route, name, topic if isinstance(topic, dict) else {}


def _node(draft: Draft, route: plain.PlainRoute, name: str, *keys: str | int) -> Node:
    return plain.node(draft, *route.keys, "topics", name, *keys)


def _parsed(name: str) -> tuple[Segment, ...] | None:
    try:
        return parse(name)
    except TopicError:
        return None


def templates(draft: Draft) -> Iterator[Finding]:
    """A topic's name is no template."""
    for route, name, _ in _topics(draft):
        try:
            parse(name)
        except TopicError as error:
            yield _node(draft, route, name).finding(*error.args, key=True)


def one_claim(draft: Draft) -> Iterator[Finding]:
    """Two topics could claim one name, or a topic has the name of a route."""
    claims, nodes = paths.Claims(), list[tuple[str, tuple[Segment, ...], Node]]()
    routes = {draft.name(each): each for each in draft.routes() if isinstance(each.value, dict)}
    for route, name, _ in _topics(draft):
        segments = _parsed(name)
        if segments is None:
            continue
        node = _node(draft, route, name)
        if name in routes:
            text = f"topic {quoted(name)} has the name of a route: what is published there goes to all of the route"
            yield node.finding(text, "choose another name", key=True)
        rival = claims.claim(segments)
        nodes.append((name, segments, node))
        if rival is not None:
            other, theirs, place = nodes[rival]
            both = paths.meeting(segments, theirs)[1:].replace("/", ".")
            text = f"topics {quoted(name)} and {quoted(other)} at {place.where} both fit {quoted(both)}"
            yield node.finding(text, "no rule says which wins: let one have a word where the other has none", key=True)


def declared_messages(draft: Draft) -> Iterator[Finding]:
    """A topic names a message that handlers of its route do not send, or twice; or its route is raw."""
    for route, name, topic in _topics(draft):
        if route.value.get("framing") == "raw" or "proxy" in route.value:
            kind = "proxy" if "proxy" in route.value else "raw"
            text = f"topic {quoted(name)}: clients of a {kind} route cannot subscribe"
            yield _node(draft, route, name).finding(text, "leave it out, or give it to another route", key=True)
            continue
        listed = topic.get("messages")
        sent = [each for each, message in route.messages.items() if message.get("from", "client") != "client"]
        seen = set[str]()
        for at, message in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(message, str):
                continue
            node = _node(draft, route, name, "messages", at)
            if message in seen:
                yield node.finding(f"topic {quoted(name)}: message {quoted(message)} stands twice", "keep one of them")
            elif message not in route.messages:
                text = f"topic {quoted(name)}: message {quoted(message)} is not declared"
                yield node.finding(text, suggestion(message, sent, "from handlers"))
            elif message not in sent:
                where = plain.node(draft, *route.keys, "messages", message).where
                text = f"topic {quoted(name)}: message {quoted(message)} is none that a handler sends"
                yield node.finding(text, f'write "from": "handler" at {where}')
            seen.add(message)


def publishable(draft: Draft) -> Iterator[Finding]:
    """Nothing can be published on a topic: it names no message, and handlers of its route send none."""
    for route, name, topic in _topics(draft):
        declared = route.value.get("messages")
        open = route.value.get("open", declared is None)
        sent = any(message.get("from", "client") != "client" for message in route.messages.values())
        if isinstance(declared, dict) and not open and not sent and not topic.get("messages"):
            text = (
                f"handlers of route {quoted(route.title())} send no message: nothing can be published on {quoted(name)}"
            )
            yield _node(draft, route, name).finding(text, 'declare one with "from": "handler"', key=True)


def authorized_parameters(draft: Draft) -> Iterator[Finding]:
    """What a placeholder must equal, or the placeholder, does not exist."""
    for route, name, topic in _topics(draft):
        authorize = topic.get("authorize")
        wanted = authorize.get("parameters") if isinstance(authorize, dict) else None
        segments = _parsed(name)
        if not isinstance(wanted, dict) or segments is None:
            continue
        known = list(paths.parameters(segments))
        path = plain.node(draft, *route.keys).get("path")
        own = paths.parameters(draft.segments.get(path.pointer, ())) if path is not None else {}
        for placeholder, source in wanted.items():
            node = _node(draft, route, name, "authorize", "parameters", placeholder)
            if placeholder not in known:
                text = f"topic {quoted(name)} has no placeholder {quoted(placeholder)}"
                yield node.finding(text, suggestion(placeholder, known, "placeholders"), key=True)
            kind, _, rest = source.partition(".") if isinstance(source, str) else ("", "", "")
            if kind == "parameters" and rest not in own:
                text = f"topic {quoted(name)}: the path has no parameter {quoted(rest)}"
                yield node.finding(text, suggestion(rest, own, "parameters"))


def known_subscribers(draft: Draft) -> Iterator[Finding]:
    """A topic asks for scopes or a principal where nobody is known, so nobody may subscribe."""
    for route, name, topic in _topics(draft):
        authorize = topic.get("authorize")
        if not isinstance(authorize, dict) or guards.asks(draft, route):
            continue
        sources = authorize.get("parameters")
        of_principals = isinstance(sources, dict) and any(
            isinstance(each, str) and each.startswith("principal.") for each in sources.values()
        )
        if authorize.get("scopes") or of_principals:
            text = f"route {quoted(route.title())} does not ask who connects: nobody may subscribe to {quoted(name)}"
            yield _node(draft, route, name, "authorize").finding(text, 'give the route "auth"', key=True)
