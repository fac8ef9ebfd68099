"""``routewright explain``: which route a path leads to, and why; what becomes of a frame there."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from routewright.cli.policies import cache_words, decision, policies, size
from routewright.cli.project import FILE, SpecOption, locate, table
from routewright.cli.routes import handler
from routewright.cli.terminal import PROBLEMS, USAGE, error, fail, fields, heading, progress

if TYPE_CHECKING:
    from routewright.hooks import RouteHooks
    from routewright.table import Route, Table
    from routewright.table.paths import Match

EPILOG = """Examples:

\b
  routewright explain /ws/greeter
  routewright explain /ws/greeter '{"type": "greet", "payload": {"name": "Ada"}}'
  routewright explain /ws/rooms/42 @frame.json --spec shop
"""


def explain(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A path, or a URL whose path counts.")],
    frame: Annotated[
        str | None, typer.Argument(metavar="FRAME", help="What a client sends: text, or @FILE, or - for stdin.")
    ] = None,
    spec: SpecOption = Path(FILE),
) -> None:
    """Tell which route answers a path, and why.

    With a frame, also how it decodes, or which error its client gets. Exit code 1 if the path or the frame is refused.
    """
    file = locate(spec)
    data = None if frame is None else _frame(frame)
    with progress(f"compiling {file}"):
        compiled = table(file)
    from routewright.table.paths import Matcher

    path = _path(path)
    matcher = Matcher(compiled.routes)
    match = matcher.match(path)
    if match is None:
        near = matcher.near(path)
        fail(f"no route answers {path}", hint=f"near: {', '.join(near)}" if near else "see `routewright routes`")
    ok = _explain_route(path, match, compiled, file.parent)
    if data is not None and not _explain_frame(match.route, data):
        ok = False
    if not ok:
        raise typer.Exit(PROBLEMS)


def _path(text: str) -> str:
    """The path of a URL, without its query."""
    if "://" in text:
        _, _, rest = text.partition("://")
        _, slash, path = rest.partition("/")
        text = slash + path or "/"
    return text.partition("?")[0].partition("#")[0]


def _frame(argument: str) -> bytes:
    try:
        if argument == "-":
            return sys.stdin.buffer.read()
        if argument.startswith("@"):
            return Path(argument[1:]).read_bytes()
    except OSError as reason:
        fail(f"FRAME cannot be read: {reason}", code=USAGE)
    return argument.encode(errors="surrogateescape")


def _explain_route(path: str, match: "Match", compiled: "Table", project: Path) -> bool:
    route, ok = match.route, True
    heading(f"{path} leads to route {route.name!r}")
    rows = [("why", _why(match)), *(("not", text) for text in _runners_up(path, match, compiled))]
    converted, problem = _parameters(match)
    rows += [("parameter", line) for line in converted]
    rows += [("handler", handler(route)), ("framing", _framing(route))]
    rows += [("policy", f"{key}: {text}") for key, text in policies(route).items()]
    if chosen := decision(route):
        rows.append(("worker", chosen))
    hooks, missing = _hooks(project, compiled, route)
    rows += [("hook", line) for line in hooks or ["none"]]
    fields(rows)
    if problem:
        error(f"the handshake is refused with 400: {problem}")
        ok = False
    if missing:
        error(f"the hooks cannot be loaded: {missing}")
        ok = False
    return ok


def _framing(route: "Route") -> str:
    if route.framing == "raw":
        return "raw: frames pass as they are"
    return "message, undeclared types too" if route.open else "message"


def _why(match: "Match") -> str:
    kind = max((_kind(segment) for segment in match.pattern.split("/")), key=_ORDER.index)
    what = {"literal": "literally", "parameter": "with its parameters", "tail": "with its tail"}[kind]
    role = "path" if match.pattern == match.route.path else f"alias (its path is {match.route.path})"
    return f"matches {match.pattern} {what}, the route's {role}"


_ORDER = ("literal", "parameter", "tail")


def _kind(segment: str) -> str:
    if segment.startswith("{"):
        return "tail" if segment.endswith("...}") else "parameter"
    return "literal"


def _runners_up(path: str, match: "Match", compiled: "Table") -> list[str]:
    """Every other pattern that this path would match, and what the chosen one has before it."""
    import msgspec

    from routewright.table.paths import Matcher

    found = []
    for route in compiled.routes:
        for pattern in (route.path, *route.aliases):
            alone = msgspec.structs.replace(route, path=pattern, aliases=())
            if pattern != match.pattern and Matcher([alone]).match(path) is not None:
                found.append(f"{pattern} of route {route.name!r}: {_difference(match.pattern, pattern)}")
    return found


def _difference(chosen: str, other: str) -> str:
    for ours, theirs in zip(chosen.split("/"), other.split("/"), strict=False):
        if _kind(ours) != _kind(theirs):
            return f"a {_kind(ours)} ({ours}) beats a {_kind(theirs)} ({theirs})"
    return "the other comes first"


def _parameters(match: "Match") -> tuple[list[str], str]:
    from routewright.table.paths import ParameterError, convert

    try:
        converted = convert(match.route, match.parameters)
    except ParameterError as problem:
        return [f"{name} = {text!r}" for name, text in match.parameters.items()], str(problem)
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in converted.items()], ""


def _hooks(project: Path, compiled: "Table", route: "Route") -> tuple[list[str], str]:
    """The plugins of each hook of a route, in their order; and why they cannot be loaded."""
    from routewright.hooks import PluginError, Plugins

    plugins = Plugins(project)
    try:
        plugins.load(compiled)
    except PluginError as problem:
        return [], str(problem)
    return _chains(plugins.route(route)), ""


def _chains(hooks: "RouteHooks") -> list[str]:
    return [f"{chain.hook.removeprefix('routewright_')}: {', then '.join(chain.plugins)}" for chain in hooks.chains()]


def _explain_frame(route: "Route", data: bytes) -> bool:
    """Say what becomes of a frame; false if it is refused."""
    limit = route.limits.message_bytes
    if len(data) > limit:
        error(f"the connection is closed with 1009: {len(data)} bytes are more than this route's {size(limit)}")
        return False
    if route.framing == "raw":
        heading(f"frame of {len(data)} bytes")
        whom = "upstream" if route.source == "proxy" else "handler"
        fields([("goes", f"to the {whom} as it is, and is answered by frames as they are")])
        return True
    from routewright.gateway.endpoint import client_decoder, read_frame
    from routewright.gateway.errors import Fault, error_frame
    from routewright.table.frames import FrameError, client_messages

    try:
        declared = [message.name for message in client_messages(route)]
        envelope, _ = read_frame(client_decoder(route), data, declared)
    except FrameError as reason:
        problem = reason
    else:
        _explain_envelope(route, envelope)
        return True
    heading("frame is refused, and its client is told:")
    print(
        "  " + error_frame(Fault(problem.code, problem.message, problem.id, problem.path, hint=problem.hint)).decode()
    )
    return False


def _explain_envelope(route: "Route", envelope: Any) -> None:
    import msgspec

    message = envelope.message
    shown = {"type": message.name if message else envelope.type}
    if envelope.id is not None:
        shown["id"] = envelope.id
    if message is None or message.payload is not None:
        shown["payload"] = envelope.payload
    decoded = msgspec.json.encode(shown).decode()
    if message is None:
        heading(f"frame of type {envelope.type!r}, which the route does not declare: it is open")
        fields([("decoded", decoded), ("timeout", f"{route.timeout:g}s")])
        return
    heading(f"frame of message {message.name!r}")
    reply = "none is declared" if message.reply is None else message.reply
    summary = [("summary", message.summary)] if message.summary else []
    answer = [("reply", f"{reply}, in parts" if message.stream else reply), ("timeout", f"{message.timeout:g}s")]
    scopes = [("scopes", " ".join(message.scopes))] if message.scopes else []
    kept = [("cache", cache_words(message.cache))] if message.cache else []
    fields([*summary, ("decoded", decoded), *scopes, *answer, *kept])
