"""Rules about ``balance``: whether there is something to choose from, and something to choose by."""

from collections.abc import Iterator

from routewright.spec import plain
from routewright.spec.draft import Draft
from routewright.spec.fits import holds
from routewright.spec.node import Finding
from routewright.spec.quoting import quoted

_DEFAULT = "least-in-flight"


def a_choice(draft: Draft) -> Iterator[Finding]:
    """A route says how its worker is chosen, and has one."""
    most: dict[str, int] = {}
    for route in plain.routes(draft):
        module, count = route.value.get("pythonModule"), route.value.get("workers", 1)
        if isinstance(module, str) and isinstance(count, int):
            most[module] = max(count, most.get(module, 1))
    for route in plain.routes(draft):
        balance, module = route.value.get("balance"), route.value.get("pythonModule")
        if isinstance(module, str) and most.get(module) == 1 and _policy(balance) != _DEFAULT:
            text = f"{quoted(module)} has one worker: there is nothing to choose from"
            place = plain.node(draft, *route.keys, "balance")
            yield place.finding(text, 'give "workers", or leave "balance" out', key=True)


def declared_key(draft: Draft) -> Iterator[Finding]:
    """Requests are spread by a field that some of them do not have."""
    for route in plain.routes(draft):
        balance, key = plain.part(draft, route, "balance", "policy"), plain.part(draft, route, "balance", "key")
        if balance is None or balance.value != "hash" or key is None or not isinstance(key.value, str):
            continue
        first, *names = key.value.split(".")
        if first != "payload":
            continue
        for name, message in route.messages.items():
            if plain.sent_by_clients(message) and not _declares(draft, route, name, names):
                text = f"message {quoted(name)} declares no {quoted(key.value)}: nothing keeps it on one worker"
                yield plain.node(draft, *key.keys).finding(text, "it goes to whoever has the fewest in flight")
                break


def _policy(balance: object) -> object:
    return balance.get("policy", _DEFAULT) if isinstance(balance, dict) else _DEFAULT


def _declares(draft: Draft, route: plain.PlainRoute, name: str, names: list[str]) -> bool:
    if "payload" not in route.messages[name]:
        return False
    shape = draft.shapes.get(plain.node(draft, *route.keys, "messages", name, "payload").pointer)
    return shape is None or holds(shape, names, draft.payloads.components)
