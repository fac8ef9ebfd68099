"""Rules about caches: what can be kept, and who may be served with it."""

from collections.abc import Iterator
from typing import Any

from routewright.spec import plain
from routewright.spec.draft import Draft
from routewright.spec.guards import asks
from routewright.spec.node import Finding
from routewright.spec.quoting import quoted

_PERSONAL = ("principal", "session")


def whole_reply(draft: Draft) -> Iterator[Finding]:
    """A message has a cache, and no reply that comes whole."""
    for route in plain.routes(draft):
        for name, message in route.messages.items():
            if message.get("cache") in (None, False):
                continue
            reply = message.get("reply")
            if reply is None:
                text, hint = "has a cache and no reply: there is nothing to keep", 'name its "reply"'
            elif isinstance(reply, dict) and reply.get("stream") is True:
                text, hint = "has a cache and a streamed reply: only a whole one is kept", 'leave "stream" out'
            else:
                continue
            place = plain.node(draft, *route.keys, "messages", name, "cache")
            yield place.finding(f"message {quoted(name)} {text}", f"{hint}, or leave the cache out", key=True)


def repeatable(draft: Draft) -> Iterator[Finding]:
    """A message that is not idempotent has a cache."""
    for route in plain.routes(draft):
        for name, message in route.messages.items():
            if message.get("cache") not in (None, False) and message.get("idempotent") is not True:
                place = plain.node(draft, *route.keys, "messages", name, "cache")
                text = f"message {quoted(name)} has a cache and is not idempotent: a hit keeps the handler from acting"
                yield place.finding(text, 'write "idempotent": true if it only asks, or leave the cache out', key=True)


def own_replies(draft: Draft) -> Iterator[Finding]:
    """Clients are told apart, and what one of them was answered is served to others."""
    for route in plain.routes(draft):
        if not asks(draft, route):
            continue
        general = plain.part(draft, route, "cache", "vary")
        written = [] if general is None else [general]
        for name, message in route.messages.items():
            cache = message.get("cache")
            if isinstance(cache, dict) and "vary" in cache:
                written.append(plain.Owner(cache["vary"], (*route.keys, "messages", name, "cache", "vary")))
        for vary in written:
            if not _personal(vary.value):
                text = (
                    f"route {quoted(route.title())} knows who its clients are, and serves the replies of one to others"
                )
                yield plain.node(draft, *vary.keys).finding(text, 'add "principal", unless they are the same for all')


def _personal(vary: Any) -> bool:
    return not isinstance(vary, list) or any(each in vary for each in _PERSONAL)
