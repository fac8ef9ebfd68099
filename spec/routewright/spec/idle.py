"""Rules about keys that are given and do nothing, because of another key."""

from collections.abc import Iterator
from typing import Any

from routewright.spec import plain
from routewright.spec.credentials import ways
from routewright.spec.draft import Draft
from routewright.spec.fits import holds
from routewright.spec.node import Finding
from routewright.spec.plain import PlainRoute
from routewright.spec.quoting import quoted

_FROM = {"jwt": ("header", "subprotocol"), "apiKey": ("header",), "ticket": ("subprotocol", "query")}
_OF_RATE = ("window", "minimumCalls")


def batches(draft: Draft) -> Iterator[Finding]:
    """Frames are to travel together, and there are no clients that could ask for it."""
    for route in plain.routes(draft):
        delivery = plain.policy(draft, route, "delivery")
        batch = route.value.get("batch")
        if delivery is not None and delivery.value is False and batch not in (None, False):
            text = f'route {quoted(route.title())} keeps no sessions ("delivery": false): nobody can ask for batches'
            yield plain.node(draft, *route.keys, "batch").finding(text, 'leave it out, or give "delivery"', key=True)


def balance_keys(draft: Draft) -> Iterator[Finding]:
    """A key to balance by stands beside a policy that has none."""
    for keys, owner in _owners(draft):
        balance = owner.get("balance")
        if isinstance(balance, dict) and "key" in balance and _policy(draft, keys, balance) != "hash":
            text = '"key" says what "hash" keeps on one worker, and the policy is another'
            place = plain.node(draft, *keys, "balance", "key")
            yield place.finding(text, 'write "policy": "hash", or leave it out', key=True)


def places(draft: Draft) -> Iterator[Finding]:
    """A header or a parameter is named for a credential that is not looked for there."""
    for owner in draft.policies():
        listed = list(ways(owner))
        mints = any(way.value.get("kind") == "ticket" for way in listed)
        for way in listed:
            found = way.value.get("from", _FROM.get(str(way.value.get("kind")), ("header", "query")))
            # a ticket is got with a credential in a header, wherever else that may stand
            for key in ("query",) if mints else ("header", "query"):
                if key in way.value and isinstance(found, list | tuple) and key not in found:
                    text = f'"{key}" is never looked at: credentials are taken from {_listed(found)}'
                    yield way.below(key).finding(text, f'add "{key}" to "from", or leave it out', key=True)


def triggers(draft: Draft) -> Iterator[Finding]:
    """A circuit breaker that nothing opens, or that looks back for a rate that is not given."""
    for keys, owner in _owners(draft):
        given = owner.get("circuitBreaker")
        if not isinstance(given, dict):
            continue
        general = plain.section(draft, "defaults", "circuitBreaker") if keys[0] == "routes" else {}
        merged = {**general, **given}
        if "failureRate" in merged:
            continue
        node = plain.node(draft, *keys, "circuitBreaker")
        if merged.get("consecutiveFailures") is False:
            text = "no number of failures opens this breaker"
            yield node.finding(text, 'give "failureRate", or write "circuitBreaker": false')
        for key in _OF_RATE if keys[0] == "routes" or not _rates(draft) else ():
            if key in given:
                text = f'"{key}" is about "failureRate", and there is none'
                yield node.below(key).finding(text, 'give "failureRate", or leave it out', key=True)


def conflation_keys(draft: Draft) -> Iterator[Finding]:
    """Events are conflated by a property that none of them has."""
    for route in plain.routes(draft):
        policy, key = (plain.part(draft, route, "slowConsumer", each) for each in ("policy", "key"))
        if policy is None or policy.value != "conflate" or key is None or not isinstance(key.value, str):
            continue
        replies = {_reply(message) for message in route.messages.values()}
        events = [
            name
            for name, message in route.messages.items()
            if message.get("from", "client") != "client" and name not in replies
        ]
        if (
            events
            and route.value.get("open") is not True
            and not any(_has(draft, route, each, key.value) for each in events)
        ):
            text = f"no event of route {quoted(route.title())} declares {quoted(key.value)}: none is conflated"
            yield plain.node(draft, *key.keys).finding(text, "name a property of their payloads, or leave it out")


def caches(draft: Draft) -> Iterator[Finding]:
    """A route has a cache, and no message whose reply it could keep."""
    for route in plain.routes(draft):
        cache = route.value.get("cache")
        if cache in (None, False) or any(map(_is_kept, route.messages.values())):
            continue
        text = f"route {quoted(route.title())} has a cache and no message that is idempotent and has a whole reply"
        hint = 'write "idempotent": true at what only asks, or leave the cache out'
        yield plain.node(draft, *route.keys, "cache").finding(text, hint, key=True)


def _owners(draft: Draft) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """The keys and the value of whatever holds policies."""
    yield ("defaults",), plain.section(draft, "defaults")
    for route in plain.routes(draft):
        yield route.keys, route.value


def _policy(draft: Draft, keys: tuple[str | int, ...], balance: dict[str, Any]) -> Any:
    """The policy that a key stands beside; one among the defaults may be there for routes with another policy."""
    if keys[0] == "routes":
        return balance.get("policy", plain.section(draft, "defaults", "balance").get("policy"))
    listed = [route.value.get("balance") for route in plain.routes(draft)]
    wanted = any(isinstance(each, dict) and each.get("policy") == "hash" for each in listed)
    return "hash" if wanted else balance.get("policy")


def _rates(draft: Draft) -> bool:
    listed = [route.value.get("circuitBreaker") for route in plain.routes(draft)]
    return any(isinstance(each, dict) and "failureRate" in each for each in listed)


def _reply(message: dict[str, Any]) -> str | None:
    reply = message.get("reply")
    found = reply.get("message") if isinstance(reply, dict) else reply
    return found if isinstance(found, str) else None


def _is_kept(message: dict[str, Any]) -> bool:
    """Whether a message may have a cache; one that has its own is looked at by itself."""
    reply = message.get("reply")
    whole = reply is not None and not (isinstance(reply, dict) and reply.get("stream") is True)
    return message.get("cache") not in (None, False) or (message.get("idempotent") is True and whole)


def _has(draft: Draft, route: PlainRoute, name: str, key: str) -> bool:
    if "payload" not in route.messages[name]:
        return False
    shape = draft.shapes.get(plain.node(draft, *route.keys, "messages", name, "payload").pointer)
    return shape is None or holds(shape, [key], draft.payloads.components)


def _listed(words: Any) -> str:
    return " and ".join(f'"{each}"' for each in words)
