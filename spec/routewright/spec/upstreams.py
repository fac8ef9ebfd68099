"""Rules about routes whose frames go to an upstream WebSocket (``proxy``).

Strategy: the gateway looks into no frame of such a route, so whatever would need that is refused rather than ignored.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from routewright.spec import paths, plain
from routewright.spec.draft import Draft
from routewright.spec.nearest import nearest
from routewright.spec.node import Finding, Node
from routewright.spec.quoting import quoted

HANDLED = (
    *("messages", "open", "topics", "workers", "timeout"),
    *("retry", "cache", "balance", "batch", "delivery", "compression"),
)
"""Keys of a route that only mean something to handlers, or to whoever may touch frames."""

OWN_HEADERS = frozenset(
    {"host", "connection", "upgrade", "keep-alive", "te", "trailer", "transfer-encoding", "content-length"}
    | {"expect", "proxy-authorization", "proxy-connection", "forwarded", "user-agent"}
)
"""Headers of one hop, or that the gateway writes itself; and all that begin with ``Sec-WebSocket-`` or ``X-Forwarded-``
(RFC 9110, 7.6.1; RFC 6455, 4.1)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_URL = re.compile(r"[\x21-\x7e]+")


def urls(draft: Draft) -> Iterator[Finding]:
    """The URL of an upstream is none, or has parts that mean nothing to it."""
    for route in draft.routes():
        node = _url(route)
        if node is None:
            continue
        problem = _problem(node.value)
        if problem is not None:
            yield node.finding(*problem)
            continue
        path = route.get("path")
        if path is None or path.pointer not in draft.segments:
            continue
        known = paths.parameters(draft.segments[path.pointer])
        for found in _PLACEHOLDER.findall(node.value):
            name = found.removesuffix("...")
            if name not in known:
                near = nearest(name, known)
                hint = f'did you mean "{{{near}}}"?' if near else f'write "{{{name}}}" into the path too'
                yield node.finding(f"path {quoted(path.value)} has no parameter {quoted(name)}", hint)


def _url(route: Node) -> Node | None:
    """Where the URL of a route's upstream is written."""
    for node in (route.get("proxy"), route.get("proxy", "url")):
        if node is not None and isinstance(node.value, str):
            return node
    return None


def _problem(url: str) -> tuple[str, str] | None:
    """What is wrong with an upstream's URL, and what to do."""
    shape = 'write scheme, host, port and path, as in "ws://127.0.0.1:9000/ws"'
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"{quoted(url)} is no URL", shape
    if parts.scheme in ("http", "https") and parts.netloc:
        better = f"ws{url[4:]}"
        return f"{quoted(url)} is no WebSocket URL", f"write {quoted(better)}"
    if parts.scheme not in ("ws", "wss") or not parts.hostname or port == 0 or _URL.fullmatch(url) is None:
        return f"{quoted(url)} is no WebSocket URL", shape
    if "@" in parts.netloc:
        return "the upstream's URL holds a user or a password", "a spec is no place for secrets"
    if "#" in url:
        return f"{quoted(url)} has a fragment, which is never sent", "leave it out"
    if "{" in parts.netloc or "}" in parts.netloc:
        return "a client must not choose the upstream's host", "parameters stand in the URL's path and query"
    rest = _PLACEHOLDER.sub("", url)
    if "{" in rest or "}" in rest:
        return f"{quoted(url)} has a brace without its other half", 'a parameter is written as "{name}"'
    return None


def untouched(draft: Draft) -> Iterator[Finding]:
    """A proxy route has a key that takes a handler, or changes frames."""
    for route in plain.routes(draft):
        if "proxy" not in route.value:
            continue
        node = plain.node(draft, *route.keys)
        for key in HANDLED:
            if key in route.value and route.value[key] is not False:
                text = f'"{key}" has no meaning beside "proxy": the frames go to the upstream as they are'
                yield node.below(key).finding(text, "leave one of them out", key=True)
        if route.value.get("framing") == "message":
            text = "the gateway does not look into the frames of a proxy route"
            yield node.below("framing").finding(text, 'leave "framing" out')


def headers(draft: Draft) -> Iterator[Finding]:
    """A header to pass on is none, is the gateway's own, or stands twice."""
    for route in draft.routes():
        listed, seen = route.get("proxy", "headers"), set[str]()
        for node in listed.items() if listed is not None else ():
            if not isinstance(node.value, str):
                continue
            name = node.value.lower()
            if _TOKEN.fullmatch(name) is None:
                yield node.finding(f"{quoted(node.value)} is no name of a header", 'as in "Accept-Language"')
            elif name in OWN_HEADERS or name.startswith(("sec-websocket-", "x-forwarded-")):
                yield node.finding(f"the gateway writes the header {quoted(node.value)} itself", "leave it out")
            elif name in seen:
                yield node.finding(f"header {quoted(node.value)} stands twice", "keep one of them")
            seen.add(name)
