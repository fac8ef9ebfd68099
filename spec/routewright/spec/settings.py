"""Rules about the gateway's settings and the ranges of policies."""

import ipaddress
import re
from collections.abc import Callable, Iterator

from routewright.spec import credentials, plain, units
from routewright.spec.draft import Draft
from routewright.spec.guards import is_loopback
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
    (("circuitBreaker", "window"), units.seconds, _TIME),
    (("circuitBreaker", "openFor"), units.seconds, _TIME),
    (("retry", "base"), units.seconds, _TIME),
    (("retry", "cap"), units.seconds, _TIME),
    (("cache", "ttl"), units.seconds, _TIME),
    (("cache", "staleFor"), units.seconds, _TIME),
    (("batch", "bytes"), units.size, _SIZE),
    (("compression", "threshold"), units.size, _SIZE),
    (("delivery", "window"), units.seconds, _TIME),
    (("delivery", "bytes"), units.size, _SIZE),
    (("proxy", "messageBytes"), units.size, _SIZE),
    (("proxy", "reconnect"), units.seconds, _TIME),
)
_MESSAGE_RANGES = tuple(each for each in _RANGES if each[0][0] in ("timeout", "cache"))
_GATEWAY_RANGES: tuple[tuple[tuple[str, ...], Callable[[str], float | None], tuple[str, str]], ...] = (
    (("limits", "handshake"), units.seconds, ("100ms", "10m")),
    (("limits", "messageBytes"), units.size, _SIZE),
    (("heartbeat",), units.seconds, ("1s", "10m")),
)


def in_range(draft: Draft) -> Iterator[Finding]:
    """A duration, size or rate is out of range."""
    for owner in draft.policies():
        yield from _out_of_range(owner, _RANGES)
    yield from credentials.out_of_range(draft)
    gateway = draft.root.get("gateway")
    if gateway is not None:
        yield from _out_of_range(gateway, _GATEWAY_RANGES)
    for route in plain.routes(draft):
        for name, message in route.messages.items():
            if "timeout" in message or "cache" in message:
                yield from _out_of_range(plain.node(draft, *route.keys, "messages", name), _MESSAGE_RANGES)


def _out_of_range(
    owner: Node, ranges: tuple[tuple[tuple[str, ...], Callable[[str], float | None], tuple[str, str]], ...]
) -> Iterator[Finding]:
    if not isinstance(owner.value, dict):
        return
    for keys, read, (least, most) in ranges:
        if keys[0] not in owner.value:
            continue
        text = owner.text(*keys)
        value = read(text) if text is not None else None
        node = owner.get(*keys)
        low, high = read(least), read(most)
        if node is None or value is None or low is None or high is None:
            continue
        if not low <= value <= high:
            yield node.finding(f'"{keys[-1]}" must be from {least} to {most}, not {quoted(text)}')


def admin_token(draft: Draft) -> Iterator[Finding]:
    """The admin listener is public and has no token."""
    admin = draft.root.get("gateway", "admin")
    host = admin.text("host") if admin is not None else None
    if admin is not None and host and not is_loopback(host) and "tokenEnv" not in admin.value:
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


def long_enough_drain(draft: Draft) -> Iterator[Finding]:
    """A stop or a reload waits for less than a request may take. Streams take their own time, and are left aside."""
    gateway = plain.section(draft, "gateway")
    drain = gateway.get("drainSeconds", 30)
    longest = 0.0
    place: plain.Owner | None = None
    for route in plain.routes(draft):
        for name, message in route.messages.items():
            reply = message.get("reply")
            if not plain.sent_by_clients(message) or (isinstance(reply, dict) and reply.get("stream") is True):
                continue
            keys = (*route.keys, "messages", name, "timeout")
            found = plain.Owner(message["timeout"], keys) if "timeout" in message else None
            timeout = found or plain.policy(draft, route, "timeout")
            length = units.seconds(timeout.value) if timeout and isinstance(timeout.value, str) else None
            if length is not None and length > longest:
                longest, place = length, timeout
    if place is not None and isinstance(drain, int | float) and longest > drain:
        where = plain.node(draft, *place.keys)
        text = f"a request may take {place.value} ({where.where}), and a stop waits {drain:g}s for it"
        own = "drainSeconds" in gateway
        found_at = plain.node(draft, "gateway", "drainSeconds") if own else where
        yield found_at.finding(text, f'write "drainSeconds": {longest:g}, or a shorter timeout')


def plain_origins(draft: Draft) -> Iterator[Finding]:
    """An allowed origin adds nothing: it stands twice, or beside "*"."""
    listed = list(_items(draft.root.get("gateway", "allowedOrigins")))
    seen: set[str] = set()
    for node in listed:
        if isinstance(node.value, str) and node.value != "*" and any(each.value == "*" for each in listed):
            yield node.finding(f'{quoted(node.value)} adds nothing: "*" allows every origin', "remove one of them")
        elif isinstance(node.value, str) and node.value in seen:
            yield node.finding(f"{quoted(node.value)} stands twice", "keep one of them")
        if isinstance(node.value, str):
            seen.add(node.value)


def few_proxies(draft: Draft) -> Iterator[Finding]:
    """A network of trusted proxies holds the whole internet."""
    for node in _items(draft.root.get("gateway", "trustedProxies")):
        try:
            network = ipaddress.ip_network(node.value) if isinstance(node.value, str) else None
        except ValueError:
            continue
        if network is not None and network.prefixlen < (8 if network.version == 4 else 16):
            text = f"with {quoted(node.value)} any client may give itself an address, and escape what counts by address"
            yield node.finding(text, "list the addresses of your proxies")


def encrypted(draft: Draft) -> Iterator[Finding]:
    """A public listener has neither TLS nor a proxy that has it."""
    gateway = plain.section(draft, "gateway")
    host = gateway.get("host")
    if not isinstance(host, str) or is_loopback(host) or "tls" in gateway or gateway.get("trustedProxies"):
        return
    hint = 'give "tls", or list the proxy that has it in "trustedProxies"'
    yield plain.node(draft, "gateway", "host").finding(
        f"what clients send to {quoted(host)} can be read on its way", hint
    )


def room_for_others(draft: Draft) -> Iterator[Finding]:
    """One client address may take all connections of the gateway."""
    limits = plain.section(draft, "gateway", "limits")
    most, one = limits.get("connections"), limits.get("connectionsPerAddress")
    if isinstance(most, int) and isinstance(one, int) and one >= most:
        text = f"one address may take all {most} connections"
        place = plain.node(draft, "gateway", "limits", "connectionsPerAddress")
        yield place.finding(text, 'let "connectionsPerAddress" be less than "connections"')


def _items(node: Node | None) -> Iterator[Node]:
    return node.items() if node is not None else iter(())
