"""A first route spec from the endpoints of a scan.

Strategy: one route a path. What else led to its handlers (a doubled prefix, a second registration) becomes an alias;
what cannot be said in a spec, or is not known, is kept under ``x-`` keys, so that nothing of the scan is lost.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from routewright.cli.project import GENERATED
from routewright.scan import Endpoint, Scan
from routewright.scan.templates import segments
from routewright.spec import names, paths

_RESERVED = frozenset({"error"})
_TYPES = {"int": "integer", "float": "number"}


@dataclass(slots=True)
class _Route:
    path: str
    parameters: dict[str, str]
    endpoints: list[Endpoint] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)


def draft(scan: Scan) -> str:
    """The text of a spec that ``check`` accepts, for every endpoint of a scan."""
    routes, unresolved = _routes(scan)
    taken: set[str] = set()
    document: dict[str, Any] = {
        "$schema": f"{GENERATED}/websocket-routes.schema.json",
        "version": "1",
        "x-drafted": "by `routewright scan`: give each route its pythonModule, then leave out the x- keys",
        "routes": [_document(route, taken) for route in routes],
    }
    if unresolved:
        document["x-unresolved"] = unresolved
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _routes(scan: Scan) -> tuple[list[_Route], list[dict[str, Any]]]:
    routes: dict[tuple[str, ...], _Route] = {}
    unresolved = []
    claims, claimed = paths.Claims(), list[str]()
    aside = {
        id(each.endpoints[0]): each.endpoints[1]
        for each in scan.conflicts
        if each.kind == "prefix" and each.endpoints[1:]
    }
    homes: dict[str, _Route] = {}
    for endpoint in sorted(scan.endpoints, key=lambda each: id(each) in aside):
        template = _template(endpoint) if endpoint.known and endpoint.path != "*" else None
        if template is None:
            unresolved.append(_unresolved(endpoint, ""))
            continue
        path, parameters = template
        key = tuple("{}" if "{" in part else part for part in path.split("/"))
        if key in routes:
            routes[key].endpoints.append(endpoint)
            continue
        rival = claims.claim(paths.parse(path))
        claimed.append(path)
        if rival is not None or path in paths.RESERVED:
            unresolved.append(_unresolved(endpoint, f"meets {path if rival is None else claimed[rival]}"))
            continue
        other = aside.get(id(endpoint))
        home = homes.get(other.handler if other is not None else endpoint.handler)
        if home is not None and list(home.parameters) == list(parameters):
            home.aliases.append(path)
            home.endpoints.append(endpoint)
            routes[key] = home
            continue
        routes[key] = _Route(path, parameters, [endpoint])
        homes.setdefault(endpoint.handler, routes[key])
    return list({id(route): route for route in routes.values()}.values()), unresolved


def _template(endpoint: Endpoint) -> tuple[str, dict[str, str]] | None:
    """The path as a spec writes it, and its parameters' types; ``None`` where no spec can say it."""
    parts, parameters = [], dict[str, str]()
    for segment in segments(endpoint.path.rstrip("/") or "/"):
        if not segment.takes:
            parts.append(segment.text)
            continue
        found = re.search(r"\{(\w+)", segment.text)
        name = found[1] if found is not None and re.fullmatch(r"[A-Za-z_]\w{0,90}", found[1], re.ASCII) else "part"
        while name in parameters:
            name += "_"
        parameters[name] = segment.takes
        parts.append(f"{{{name}...}}" if segment.tail else f"{{{name}}}")
    path = "/" + "/".join(parts)
    try:
        paths.parse(path)
    except paths.PathError:
        return None
    return path, parameters


def _unresolved(endpoint: Endpoint, reason: str) -> dict[str, Any]:
    found = {"path": endpoint.path or None, **_origin(endpoint)}
    if endpoint.dynamic:
        found["dynamic"] = list(endpoint.dynamic)
    return {**found, "reason": reason} if reason else found


def _origin(endpoint: Endpoint) -> dict[str, Any]:
    place = f"{endpoint.place.file}:{endpoint.place.line}"
    return {"handler": endpoint.handler, "framework": endpoint.framework, "at": place}


def _document(route: _Route, taken: set[str]) -> dict[str, Any]:
    default = names.default_route(paths.literals(paths.parse(route.path)))
    name = _name(default or "root", taken)
    document: dict[str, Any] = {"path": route.path}
    if name != default:
        document["name"] = name
    if route.aliases:
        document["aliases"] = route.aliases
    typed = {each: {"type": _TYPES[takes]} for each, takes in route.parameters.items() if takes in _TYPES}
    if typed:
        document["parameters"] = typed
    document |= {"pythonModule": f"handlers.{names.module(name)}", "open": True}
    messages, others = _messages(route.endpoints)
    if messages:
        document["messages"] = messages
    if others:
        document["x-messages"] = others
    document["x-from"] = [{"path": each.path, **_origin(each)} for each in route.endpoints]
    return document


def _name(wanted: str, taken: set[str]) -> str:
    wanted = wanted[: names.LENGTH - 10]
    name, count = wanted, 1
    while names.module(name) in taken or not names.is_free_module(names.module(name)):
        count += 1
        name = f"{wanted}_{count}"
    taken.add(names.module(name))
    return name


def _messages(endpoints: Iterable[Endpoint]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The messages that a spec can declare, and the other types that were seen, by the key that they stand under."""
    origins: dict[str, set[str]] = defaultdict(set)
    others: dict[str, list[str]] = defaultdict(list)
    models: dict[str, str] = {}
    for endpoint in endpoints:
        for seen in endpoint.messages:
            fit = seen.key == "type" and names.is_message(seen.name) and seen.name not in _RESERVED
            model = names.model(seen.name, "Message") if fit else ""
            if fit and models.setdefault(model, seen.name) == seen.name:
                origins[seen.name].add(seen.origin)
            elif seen.name not in others[seen.key]:
                others[seen.key].append(seen.name)
    declared = {name: {"from": "both" if len(found) > 1 else min(found)} for name, found in origins.items()}
    return declared, dict(others)
