"""Rules about routes: their paths, names, parameters, capabilities and handlers."""

from collections.abc import Iterator

from routewright.spec import names, paths, plain
from routewright.spec.draft import Draft
from routewright.spec.fits import follow
from routewright.spec.language import keys
from routewright.spec.model import (
    BooleanShape,
    EnumShape,
    IntegerShape,
    NumberShape,
    Shape,
    StringShape,
)
from routewright.spec.nearest import nearest
from routewright.spec.node import Finding, Node
from routewright.spec.quoting import quoted

SOURCES = ("pythonModule", "worker", "proxy")


def one_claim(draft: Draft) -> Iterator[Finding]:
    """Two routes, aliases or patterns could claim one path."""
    claims, nodes = paths.Claims(), list[Node]()
    for node in draft.claims():
        if node.pointer in draft.segments:
            rival = claims.claim(draft.segments[node.pointer])
            nodes.append(node)
            if rival is not None:
                yield _clash(draft, node, nodes[rival])


def _clash(draft: Draft, node: Node, other: Node) -> Finding:
    if node.value == other.value:
        message = f"path {quoted(node.value)} is claimed at {other.where} already"
        return node.finding(message, "remove or rename one of them")
    both = paths.meeting(draft.segments[node.pointer], draft.segments[other.pointer])
    message = f"path {quoted(node.value)} and {quoted(other.value)} at {other.where} both fit {quoted(both)}"
    return node.finding(message, "no rule says which wins: let one have a literal where the other has a parameter")


def reserved_path(draft: Draft) -> Iterator[Finding]:
    """A route claims a path that the gateway itself answers: of the discovery document, or of tickets."""
    for node in draft.claims():
        if node.value in paths.RESERVED:
            yield node.finding(f"path {quoted(node.value)} is the gateway's own", "choose another path")


def safe_name(draft: Draft) -> Iterator[Finding]:
    """A route's name makes no safe Python module."""
    for route in draft.routes():
        given, name = route.get("name"), route.text("name")
        if given is None:
            path = route.get("path")
            derived = draft.name(route) if path is not None and path.pointer in draft.segments else None
            if path is not None and derived == "":
                yield path.finding(f"no name can be made of path {quoted(path.value)}", 'give the route a "name"')
            elif path is not None and derived and not names.is_free_module(names.module(derived)):
                message = f"path {quoted(path.value)} makes the name {quoted(derived)}, which is reserved"
                yield path.finding(message, 'give the route a "name"')
        elif name is not None and not names.is_route(name):
            hint = "begin with a-z, go on with a-z, 0-9, _ or -"
            yield given.finding(f"route name {quoted(name)} makes no safe identifier", hint)
        elif name is not None and not names.is_free_module(names.module(name)):
            yield given.finding(f"route name {quoted(name)} is reserved", f'for instance "{name}_route"')


def unique_name(draft: Draft) -> Iterator[Finding]:
    """Two routes have one name, or names that make one module."""
    seen: dict[str, Node] = {}
    for route in draft.routes():
        place = route.get("name") or route.get("path")
        name = draft.name(route) if isinstance(route.value, dict) else ""
        if not name or place is None:
            continue
        other = seen.setdefault(names.module(name), route)
        if other is not route:
            same = draft.name(other) == name
            what = "stands" if same else f"and {quoted(draft.name(other))} make one module; the latter stands"
            hint = "choose another name" if "name" in route.value else 'give one of them a "name"'
            yield place.finding(f"route name {quoted(name)} {what} at {other.where} already", hint)


def one_source(draft: Draft) -> Iterator[Finding]:
    """A route has not exactly one of pythonModule, worker and proxy."""
    for route in draft.routes():
        if not isinstance(route.value, dict):
            continue
        given = [key for key in SOURCES if key in route.value]
        misspelt = [key for key in route.value if key not in keys("route") and nearest(key, SOURCES)]
        if not given and not misspelt:
            hint = f"name one of {', '.join(SOURCES)}"
            yield route.finding("nothing answers this route", hint)
        for key in given[1:]:
            message = f'"{key}" stands beside "{given[0]}"'
            yield route.below(key).finding(message, f"keep one of {', '.join(SOURCES)}", key=True)


def module_name(draft: Draft) -> Iterator[Finding]:
    """A pythonModule is no dotted path of identifiers."""
    for route in draft.routes():
        text = route.text("pythonModule")
        if text is not None and not names.is_module(text):
            guess = text.removesuffix(".py").strip("./").replace("/", ".")
            hint = f'write "{guess}"' if names.is_module(guess) else 'write a module as "package.module"'
            yield route.below("pythonModule").finding(f"{quoted(text)} is no name of a Python module", hint)


def worker_name(draft: Draft) -> Iterator[Finding]:
    """A worker's name is unsafe, is a module's too, or has "workers" beside it."""
    modules = {route.text("pythonModule") for route in draft.routes()}
    for route in draft.routes():
        text = route.text("worker")
        if text is None:
            continue
        node = route.below("worker")
        if not names.is_worker(text):
            yield node.finding(f"{quoted(text)} is no name for a worker", "use letters, digits, _, - and .")
        elif text in modules:
            yield node.finding(f"{quoted(text)} is also the name of a pythonModule", "rename the worker")
        if "workers" in route.value:
            hint = "a named worker connects by itself: leave it out"
            yield route.below("workers").finding('"workers" only counts processes of a "pythonModule"', hint, key=True)


def parameters(draft: Draft) -> Iterator[Finding]:
    """An entry of "parameters" has no placeholder in the path, or is no scalar."""
    for route in draft.routes():
        path, declared = route.get("path"), route.get("parameters")
        if path is None or declared is None or path.pointer not in draft.segments:
            continue
        known = paths.parameters(draft.segments[path.pointer])
        for name, schema in declared.members():
            if name not in known:
                found = nearest(name, known)
                hint = f'did you mean "{found}"?' if found else f'write "{{{name}}}" into the path, or remove it'
                yield schema.finding(f"path {quoted(path.value)} has no parameter {quoted(name)}", hint, key=True)
            else:
                yield from _scalar(draft, name, schema, known[name])


def _scalar(draft: Draft, name: str, schema: Node, tail: bool) -> Iterator[Finding]:
    if not isinstance(schema.value, dict):
        return
    shape = follow(draft.shapes[schema.pointer], draft.payloads.components)
    if tail and not isinstance(shape, StringShape):
        yield schema.finding(f"tail parameter {quoted(name)} must be a string", 'write "type": "string"')
    elif not _is_text(shape):
        hint = 'write "type": "string", "integer", "number" or "boolean", or an "enum" of strings or of integers'
        yield schema.finding(f"path parameter {quoted(name)} must be a scalar", hint)


def _is_text(shape: Shape) -> bool:
    if isinstance(shape, EnumShape):
        return len({type(value) for value in shape.values}) == 1
    return isinstance(shape, StringShape | IntegerShape | NumberShape | BooleanShape)


def alias_parameters(draft: Draft) -> Iterator[Finding]:
    """An alias does not have the parameters of its route's path."""
    for route in draft.routes():
        path, aliases = route.get("path"), route.get("aliases")
        if path is None or aliases is None or path.pointer not in draft.segments:
            continue
        wanted = paths.parameters(draft.segments[path.pointer])
        for alias in aliases.items():
            segments = draft.segments.get(alias.pointer)
            if segments is not None and paths.parameters(segments) != wanted:
                listed = ", ".join(f'"{{{name}{"..." if tail else ""}}}"' for name, tail in wanted.items()) or "none"
                message = f"alias {quoted(alias.value)} has other parameters than path {quoted(path.value)}"
                yield alias.finding(message, f"parameters: {listed}")


def capabilities(draft: Draft) -> Iterator[Finding]:
    """A capability is no name, or stands twice."""
    for route in draft.routes():
        listed, seen = route.get("capabilities"), set[str]()
        for node in listed.items() if listed is not None else ():
            if not isinstance(node.value, str):
                continue
            if not names.is_capability(node.value):
                hint = "use letters, digits and . _ : / -, beginning with a letter or a digit"
                yield node.finding(f"{quoted(node.value)} is no name for a capability", hint)
            elif node.value in seen:
                yield node.finding(f"capability {quoted(node.value)} stands twice", "keep one of them")
            seen.add(node.value)


def raw_framing(draft: Draft) -> Iterator[Finding]:
    """A raw route declares messages, or whether it is open to others."""
    for route in draft.routes():
        if route.text("framing") == "raw":
            for key in ("messages", "open"):
                if key in route.value:
                    message = f'"{key}" has no meaning where "framing" is "raw"'
                    yield route.below(key).finding(message, "leave one of them out", key=True)


def raw_sessions(draft: Draft) -> Iterator[Finding]:
    """A raw route is to keep sessions, or to send the frames of a tick together."""
    for route in plain.routes(draft):
        for key in ("delivery", "batch") if route.value.get("framing") == "raw" else ():
            if route.value.get(key) not in (None, False):
                message = f"raw route {quoted(route.title())} keeps no sessions: its frames have no number and no id"
                place = plain.node(draft, *route.keys, key)
                yield place.finding(message, 'leave it out, or leave "framing" out', key=True)


def conflation(draft: Draft) -> Iterator[Finding]:
    """A slow consumer's key stands where nothing is conflated, or a raw route is to be conflated."""
    for route in plain.routes(draft):
        policy = plain.part(draft, route, "slowConsumer", "policy")
        key = plain.part(draft, route, "slowConsumer", "key")
        conflated = policy is not None and policy.value == "conflate"
        if key is not None and not conflated:
            message = '"key" says which events are conflated, and none are'
            yield plain.node(draft, *key.keys).finding(message, 'write "policy": "conflate", or leave it out', key=True)
        if policy is not None and conflated and route.value.get("framing") == "raw":
            message = f"the frames of raw route {quoted(route.title())} have no type and no payload to be conflated by"
            yield plain.node(draft, *policy.keys).finding(message, 'use "drop-oldest" or "disconnect"')


def middleware(draft: Draft) -> Iterator[Finding]:
    """A plugin's name is empty, or the plugin is named twice."""
    for owner in draft.policies():
        listed, seen = owner.get("middleware"), set[str]()
        for node in listed.items() if listed is not None else ():
            named = node if isinstance(node.value, str) else node.get("name")
            if named is None or not isinstance(named.value, str):
                continue
            if not names.is_capability(named.value):
                yield named.finding(f"{quoted(named.value)} is no name of a plugin", "an entry point or a module")
            elif named.value in seen:
                yield named.finding(f"plugin {quoted(named.value)} stands twice", "keep one of them")
            seen.add(named.value)
