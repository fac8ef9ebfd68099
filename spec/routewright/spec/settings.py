"""Rules about the gateway's settings and the ranges of policies, and the keys that are not built yet."""

import ipaddress
import re
from collections.abc import Callable, Iterator

from routewright.spec import units
from routewright.spec.draft import Draft
from routewright.spec.node import Finding, Node
from routewright.spec.quoting import quoted

_ORIGIN = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")

_TIME = ("1ms", "24h")
_SIZE = ("1B", "1GiB")
_RANGES: tuple[tuple[tuple[str, ...], Callable[[str], float | None], tuple[str, str]], ...] = (
    (("timeout",), units.seconds, _TIME),
    (("rateLimit", "rate"), units.rate, ("1/h", "1000000/s")),
    (("limits", "messageBytes"), units.size, _SIZE),
    (("slowConsumer", "backlog"), units.size, _SIZE),
    (("slowConsumer", "after"), units.seconds, _TIME),
)
_GATEWAY_RANGES: tuple[tuple[tuple[str, ...], Callable[[str], float | None], tuple[str, str]], ...] = (
    (("limits", "handshake"), units.seconds, ("100ms", "10m")),
    (("limits", "messageBytes"), units.size, _SIZE),
)

POLICIES_TO_COME = (
    "auth",
    "circuitBreaker",
    "retry",
    "cache",
    "balance",
    "batch",
    "compression",
    "delivery",
)
KEYS_TO_COME = ("proxy", "topics")


def in_range(draft: Draft) -> Iterator[Finding]:
    """A duration, size or rate is out of range."""
    for owner in draft.policies():
        yield from _out_of_range(owner, _RANGES)
    gateway = draft.root.get("gateway")
    if gateway is not None:
        yield from _out_of_range(gateway, _GATEWAY_RANGES)
    for route in draft.routes():
        for _, message in draft.messages(route):
            yield from _out_of_range(message, _RANGES[:1])


def _out_of_range(
    owner: Node, ranges: tuple[tuple[tuple[str, ...], Callable[[str], float | None], tuple[str, str]], ...]
) -> Iterator[Finding]:
    for keys, read, (least, most) in ranges:
        text = owner.text(*keys)
        value = read(text) if text is not None else None
        node = owner.get(*keys)
        low, high = read(least), read(most)
        if node is None or value is None or low is None or high is None:
            continue
        if not low <= value <= high:
            yield node.finding(f'"{keys[-1]}" must be from {least} to {most}, not {quoted(text)}')


def supported(draft: Draft) -> Iterator[Finding]:
    """A key whose behaviour is not built yet."""
    owners = [*draft.policies(), *(message for route in draft.routes() for _, message in draft.messages(route))]
    for owner in owners:
        for key in POLICIES_TO_COME:
            node = owner.get(key)
            if node is not None and node.value is not False:
                hint = f'leave it out, or write "{key}": false'
                yield node.finding(f'"{key}" is not supported yet', hint, key=True)
        policy = owner.get("slowConsumer", "policy")
        if policy is not None and policy.value in ("drop-oldest", "conflate"):
            yield policy.finding(
                f"slow consumer policy {quoted(policy.value)} is not supported yet", 'use "disconnect"'
            )
    for route in draft.routes():
        for key in KEYS_TO_COME:
            node = route.get(key)
            if node is not None:
                hint = 'use "pythonModule" or "worker"' if key == "proxy" else "leave it out"
                yield node.finding(f'"{key}" is not supported yet', hint, key=True)


def admin_token(draft: Draft) -> Iterator[Finding]:
    """The admin listener is public and has no token."""
    admin = draft.root.get("gateway", "admin")
    host = admin.text("host") if admin is not None else None
    if admin is not None and host and not _is_loopback(host) and "tokenEnv" not in admin.value:
        message = f"the admin listener on {quoted(host)} is public and has no token"
        yield admin.below("host").finding(message, 'give "tokenEnv", or listen on 127.0.0.1')


def two_ports(draft: Draft) -> Iterator[Finding]:
    """The public and the admin listener have one port."""
    gateway = draft.root.get("gateway")
    if gateway is None:
        return
    port, admin = gateway.get("port"), gateway.get("admin", "port")
    if (port or admin) and (port.value if port else 8001) == (admin.value if admin else 8002) != 0:
        node = admin or port
        if node is not None:
            yield node.finding(f"the public and the admin listener both have port {node.value}", "choose another one")


def curve_keys(draft: Draft) -> Iterator[Finding]:
    """A bridge over TCP without CURVE keys."""
    bridge = draft.root.get("gateway", "bridge")
    endpoint = bridge.text("endpoint") if bridge is not None else None
    if bridge is None or endpoint is None or not endpoint.startswith("tcp://"):
        return
    missing = [f'"{key}"' for key in ("publicKey", "secretKeyEnv", "clientKeys") if not bridge.value.get(key)]
    if missing:
        message = f"bridge endpoint {quoted(endpoint)} has no {' and no '.join(missing)}"
        yield bridge.below("endpoint").finding(message, "a bridge over TCP needs CURVE keys; ipc:// does not")


def origins(draft: Draft) -> Iterator[Finding]:
    """An allowed origin is none."""
    for node in _items(draft.root.get("gateway", "allowedOrigins")):
        if isinstance(node.value, str) and node.value != "*" and not _ORIGIN.fullmatch(node.value):
            hint = 'write scheme, host and port alone, as in "https://app.example.com"'
            yield node.finding(f"{quoted(node.value)} is no origin", hint)


def proxies(draft: Draft) -> Iterator[Finding]:
    """A trusted proxy is no address and no network."""
    for node in _items(draft.root.get("gateway", "trustedProxies")):
        if isinstance(node.value, str):
            try:
                ipaddress.ip_network(node.value)
            except ValueError as error:
                hint = f"{error}; write an address or a network such as 10.0.0.0/8"
                yield node.finding(f"{quoted(node.value)} is no address", hint)


def _items(node: Node | None) -> Iterator[Node]:
    return node.items() if node is not None else iter(())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
