"""The pages of a reference: an index, and one page a route.

Strategy: the views below hold all that the templates print, so that these only lay out. What one route's page costs
does not depend on how many others there are.
"""

import base64
import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from routewright.codegen.reference.anchors import anchor, page
from routewright.codegen.reference.fields import Fields, Shape
from routewright.codegen.reference.highlight import colored, highlighted, json_text
from routewright.codegen.reference.policies import duration, policies
from routewright.codegen.reference.prose import line, prose
from routewright.codegen.reference.snippets import Snippets, address, browser, snippets, terminal
from routewright.codegen.reference.topics import topics, ways
from routewright.codegen.reference.words import mapping, name_of
from routewright.codegen.rendering import MANIFEST
from routewright.spec.model import Message, Route, Spec

_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
"""Controls, characters that turn the direction of what follows, and half surrogate pairs: in no page."""

GENERATOR = "routewright docs"
"""How the manifest of a reference calls who made it."""

DIRECTIONS = {
    "client": "From the client",
    "both": "From either side",
    "handler": "From the gateway",
}


class Code(NamedTuple):
    """A code that a client may meet: what it means, what to do, and whether trying again makes sense."""

    code: str
    again: bool
    meaning: str
    advice: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as its part of the page shows it."""

    message: Message
    anchor: str
    shape: Shape | None
    examples: list[Markup]
    snippets: Snippets | None
    answers: list[str]
    own_timeout: str


def reference(spec: Spec, *, errors: Sequence[Code], closes: Sequence[Code], url: str = "") -> dict[str, str]:
    """The text of every page, by its path below the reference's folder.

    Args:
        errors: the codes of error frames.
        closes: the codes with which a connection closes.
        url: where clients reach the gateway (``wss://api.example.com``); the spec's own listener by default.
    """
    base = url or listener(spec)
    shared = {"spec": spec, "base": base, "title": spec.title or "WebSocket reference"}
    files = {"index.html": _page("index.html.jinja", root="", errors=errors, closes=closes, **shared)}
    around = [None, *spec.routes, None]
    for before, route, after in zip(around, spec.routes, around[2:], strict=False):
        view = _route(route, spec, base)
        files[page(route)] = _page("route.html.jinja", root="../", before=before, after=after, **view, **shared)
    files = dict(sorted(files.items()))
    return {**files, MANIFEST: _manifest(spec, files)}


def listener(spec: Spec) -> str:
    """The URL of the spec's own listener."""
    gateway = spec.gateway
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(gateway.host, gateway.host)  # noqa: S104 - it is replaced
    return f"{'wss' if gateway.tls else 'ws'}://{f'[{host}]' if ':' in host else host}:{gateway.port}"


def _route(route: Route, spec: Spec, base: str) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    for message in route.messages:
        definitions |= mapping(message.schema, "$defs")
    document = route.document if isinstance(route.document, Mapping) else {}
    definitions |= mapping(document, "$defs")
    fields = Fields(definitions)
    where = address(base, route)
    views = [_message(each, route, where, fields) for each in route.messages]
    declared = document.get("parameters")
    parameters = declared if isinstance(declared, Mapping) else {}
    return {
        "route": route,
        "address": where,
        "groups": [
            (origin, heading, found)
            for origin, heading in DIRECTIONS.items()
            if (found := [view for view in views if view.message.origin == origin])
        ],
        "parameters": [
            (each, fields.shape(parameters.get(each.name, {"type": "string"}))) for each in route.parameters
        ],
        "topics": topics(route),
        "ways": ways(route),
        "policies": policies(route, spec.gateway),
        "shapes": [(name, anchor("shape", name), fields.shape(each)) for name, each in sorted(definitions.items())],
    }


def _message(message: Message, route: Route, where: str, fields: Fields) -> MessageView:
    return MessageView(
        message=message,
        anchor=anchor("message", message.name),
        shape=None if message.payload is None and message.schema is None else fields.shape(message.schema),
        examples=[highlighted(each) for each in message.examples],
        snippets=None if message.origin == "handler" else snippets(message, where, fields.words),
        answers=[each.name for each in route.messages if each.reply == message.name],
        own_timeout="" if message.timeout == route.timeout else duration(message.timeout),
    )


def _manifest(spec: Spec, files: Mapping[str, str]) -> str:
    manifest = {
        "generator": {"name": GENERATOR},
        "spec": {"file": spec.file, "digest": spec.digest},
        "files": {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()},
    }
    return json.dumps(manifest, indent=2) + "\n"


def _page(template: str, **context: Any) -> str:
    text = _environment().get_template(template).render(context)
    return _UNFIT.sub("\ufffd", "\n".join(_tidy(text))) + "\n"


def _tidy(text: str) -> Iterator[str]:
    """The lines of a page without indentation, and without those that the template's own statements left behind."""
    inside = False
    for each in text.split("\n"):
        inside = inside or "<pre" in each
        if each.strip() or inside:
            yield each if inside else each.strip()
        inside = inside and "</pre>" not in each


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("routewright.codegen.reference"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    style, script = (_source(environment, name) for name in ("style.css", "script.js"))
    environment.globals |= {
        "style": Markup(style),  # noqa: S704 - a file of this package
        "script": Markup(script),  # noqa: S704 - a file of this package
        "style_hash": _hash(style),
        "script_hash": _hash(script),
    }
    environment.filters |= {
        "anchor": lambda name, kind: anchor(kind, name),
        "browser": browser,
        "colored": colored,
        "json": highlighted,
        "json_text": json_text,
        "line": line,
        "name": name_of,
        "page": page,
        "terminal": terminal,
        "prose": prose,
    }
    return environment


def _source(environment: jinja2.Environment, name: str) -> str:
    loader = environment.loader
    if loader is None:
        raise LookupError(name)
    return "\n".join(_tidy(loader.get_source(environment, name)[0]))


def _hash(text: str) -> str:
    """How a Content-Security-Policy names an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
