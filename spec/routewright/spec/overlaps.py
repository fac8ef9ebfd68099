"""Rules about routes that get in each other's way, and routes that nothing can travel on."""

from collections.abc import Iterator
from typing import Any

from routewright.spec import plain
from routewright.spec.draft import Draft, holder
from routewright.spec.node import Finding, Node
from routewright.spec.quoting import quoted


def listed_values(draft: Draft) -> Iterator[Finding]:
    """A value that a path parameter lists is taken by a literal of another path."""
    literal: dict[tuple[str | None, ...], Node] = {}
    for claim in draft.claims():
        segments = draft.segments.get(claim.pointer, ())
        literal[tuple(each.text if each.kind == "literal" else None for each in segments)] = claim
    for route in plain.routes(draft):
        if not route.value.get("parameters"):
            continue
        path = plain.node(draft, *route.keys).get("path")
        segments = draft.segments.get(path.pointer, ()) if path is not None else ()
        key = tuple(each.text if each.kind == "literal" else None for each in segments)
        for at, segment in enumerate(segments):
            for value, place in _values(draft, route, segment.text) if segment.kind == "parameter" else ():
                other = literal.get((*key[:at], value, *key[at + 1 :]))
                if other is not None:
                    text = f"{quoted(value)} never gets here: {quoted(other.value)} at {other.where} takes it"
                    yield place.finding(text, f"leave it out of the values of {quoted(segment.text)}")


def _values(draft: Draft, route: plain.PlainRoute, name: str) -> Iterator[tuple[str, Node]]:
    """The values that a path parameter lists, as they stand in a path."""
    schema: Any = plain.node(draft, *route.keys).get("parameters", name)
    for keyword in ("enum", "const"):
        place = schema.get(keyword) if schema is not None else None
        for each in () if place is None else place.items() if keyword == "enum" else (place,):
            if isinstance(each.value, str | int) and not isinstance(each.value, bool):
                yield str(each.value), each


def alike_paths(draft: Draft) -> Iterator[Finding]:
    """The paths of two routes differ only in case, or in ``-`` and ``_``."""
    seen: dict[tuple[str | None, ...], Node] = {}
    for claim in draft.claims():
        if claim.pointer not in draft.segments:
            continue
        segments = draft.segments[claim.pointer]
        key = tuple(each.text.lower().replace("_", "-") if each.kind == "literal" else None for each in segments)
        other = seen.setdefault(key, claim)
        if other is not claim and other.value != claim.value and _literals(draft, other) != _literals(draft, claim):
            if holder(other) == holder(claim):
                continue
            text = f"path {quoted(claim.value)} looks like {quoted(other.value)} at {other.where}"
            yield claim.finding(text, "rename one of them, or make it an alias of the other route")


def _literals(draft: Draft, claim: Node) -> list[str]:
    return [each.text for each in draft.segments[claim.pointer] if each.kind == "literal"]


def something_travels(draft: Draft) -> Iterator[Finding]:
    """A route declares no message and takes no other."""
    for route in plain.routes(draft):
        if route.value.get("messages") == {} and route.value.get("open", False) is False:
            place = plain.node(draft, *route.keys, "messages")
            text = f"nothing can travel on route {quoted(route.title())}: it declares no message"
            yield place.finding(text, 'declare one, or leave "messages" out: then every message is accepted', key=True)


def one_count(draft: Draft) -> Iterator[Finding]:
    """Two routes of one module want different numbers of workers."""
    wanted: dict[str, tuple[int, plain.PlainRoute]] = {}
    for route in plain.routes(draft):
        module, count = route.value.get("pythonModule"), route.value.get("workers")
        if not isinstance(module, str) or not isinstance(count, int):
            continue
        other, first = wanted.setdefault(module, (count, route))
        if other != count:
            where = plain.node(draft, *first.keys, "workers").where
            text = (
                f"{quoted(module)} is to have {count} workers here and {other} at {where}: it gets {max(count, other)}"
            )
            yield plain.node(draft, *route.keys, "workers").finding(text, "write the number once")
