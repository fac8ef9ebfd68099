"""``routewright routes``: what a spec serves, one line a route."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from routewright.cli.project import FILE, SpecArgument, locate, table
from routewright.cli.terminal import json_text, progress
from routewright.cli.terminal import table as print_table

if TYPE_CHECKING:
    from routewright.table import Auth, Balance, Cache, MessageType, Route

EPILOG = """Examples:

\b
  routewright routes
  routewright routes --format json
"""


class Format(StrEnum):
    """How the routes are printed."""

    table = "table"
    json = "json"


def routes(
    spec: SpecArgument = Path(FILE),
    format: Annotated[Format, typer.Option(help="A table to read, or a JSON list for machines.")] = Format.table,
) -> None:
    """List the routes of a spec."""
    file = locate(spec)
    with progress(f"compiling {file}"):
        compiled = table(file)
    if format is Format.json:
        json_text(json.dumps([_document(route) for route in compiled.routes], indent=2, ensure_ascii=False))
        return
    print_table(
        ("path", "name", "handler", "framing", "messages", "policies"), [_row(route) for route in compiled.routes]
    )


def policies(route: "Route") -> dict[str, str]:
    """What guards a route, in words, by the spec's own keys; a policy that is off says so."""
    rate, slow, limits = route.rate_limit, route.slow_consumer, route.limits
    connections = f", {limits.connections} connections" if limits.connections is not None else ""
    policy = "" if slow is None else f"{slow.policy} by {slow.key}" if slow.key else slow.policy
    found = {
        **({"auth": ", ".join(map(_way, route.auth))} if route.auth else {}),
        "rateLimit": f"{rate.rate:g}/s, burst {rate.burst}, per {rate.per}" if rate else "off",
        "limits": f"message {size(limits.message_bytes)}, {limits.in_flight} in flight{connections}",
        "timeout": f"{route.timeout:g}s",
        "slowConsumer": f"{policy} at {size(slow.backlog)} or {slow.after:g}s" if slow else "off",
    }
    if compression := route.compression:
        found["compression"] = f"from {size(compression.threshold)}, level {compression.level}"
    if route.topics:
        found["topics"] = ", ".join(topic.name for topic in route.topics)
    caches = {message.name: message.cache for message in route.messages if message.cache is not None}
    if caches:
        found["cache"] = "; ".join(f"{name} {cache_words(cache)}" for name, cache in caches.items())
    if route.balance.policy != "least-in-flight":
        found["balance"] = balance_words(route.balance)
    if route.middleware:
        found["middleware"] = ", ".join(middleware.name for middleware in route.middleware)
    return found


def _way(way: "Auth") -> str:
    """A way of authentication: its kind, where the credential may be, and the scopes that it asks for."""
    places = " or ".join(getattr(way, "sources", ()))
    asked = f" with {' '.join(way.scopes)}" if way.scopes else ""
    return f"{way.__struct_config__.tag}{f' by {places}' if places else ''}{asked}"


def cache_words(cache: "Cache") -> str:
    """How long replies are kept, how many, and for whom."""
    stale = f" and {cache.stale_for:g}s stale" if cache.stale_for else ""
    by = f" by {', '.join(cache.vary)}" if cache.vary else " for everybody"
    return f"{cache.ttl:g}s{stale}, {cache.entries} entries{by}"


def balance_words(balance: "Balance") -> str:
    """A balance policy, and what it hashes."""
    return f"{balance.policy} by {balance.key}" if balance.policy == "hash" else balance.policy


def size(count: int) -> str:
    """Bytes in the largest binary unit that divides them."""
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if count and count % unit == 0:
            return f"{count // unit}{name}"
    return f"{count}B"


def handler(route: "Route") -> str:
    """Who answers a route: a module with its number of processes, a named worker, or an upstream."""
    if route.source != "module":
        from routewright.table.change import answerer

        return answerer(route)
    return route.handler if route.workers == 1 else f"{route.handler} x{route.workers}"


def _arrow(message: "MessageType") -> str:
    if message.origin == "handler":
        return f"< {message.name}"
    if message.reply is None:
        return f"> {message.name}"
    return f"> {message.name} -> {message.reply}{'...' if message.stream else ''}"


def _row(route: "Route") -> tuple[str, ...]:
    replies = {message.reply for message in route.messages}
    shown = [
        _arrow(message) for message in route.messages if message.origin != "handler" or message.name not in replies
    ]
    if route.framing == "raw":
        shown.append("any frame")
    elif route.open:
        shown.append("> anything")
    return (
        "\n".join((route.path, *(f"  also {alias}" for alias in route.aliases))),
        route.name,
        handler(route),
        route.framing,
        "\n".join(shown),
        "\n".join(f"{key}: {text}" for key, text in policies(route).items()),
    )


def _document(route: "Route") -> dict[str, Any]:
    return {
        "path": route.path,
        "name": route.name,
        "aliases": list(route.aliases),
        "capabilities": list(route.capabilities),
        "source": route.source,
        "handler": route.handler,
        "workers": route.workers,
        "framing": route.framing,
        "open": route.open,
        "messages": [
            {
                "name": each.name,
                "from": each.origin,
                "reply": each.reply,
                "stream": each.stream,
                "timeout": each.timeout,
            }
            for each in route.messages
        ],
        "policies": policies(route),
    }
