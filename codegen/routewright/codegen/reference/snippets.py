"""What to paste into a terminal or a browser to try a message.

Strategy: the payload is the spec's own first example. Where there is none and the message needs one, a value is made
from the schema, but only as far as that is certain; otherwise the place is left open for the reader.
"""

import json
import shlex
from typing import Any, NamedTuple

from routewright.codegen.reference.highlight import json_text
from routewright.codegen.reference.words import DEEPEST, Words
from routewright.spec.model import Message, Route

SCALARS: dict[str, Any] = {"string": "text", "boolean": True, "null": None}
UNSURE = {
    "pattern", "format", "multipleOf", "exclusiveMinimum", "exclusiveMaximum", "allOf", "anyOf", "oneOf", "not", "if",
    "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "contains", "uniqueItems",
    "minProperties", "prefixItems", "unevaluatedProperties", "unevaluatedItems",
}  # fmt: skip
"""Keywords that a made value might break."""


class Snippets(NamedTuple):
    """How to send one message in a terminal and in a browser. ``made``: the payload is no example of the spec."""

    terminal: str
    browser: str
    made: bool


class UnsureError(Exception):
    """No value can be made with certainty."""


def snippets(message: Message, url: str, words: Words) -> Snippets | None:
    """How to send a message; ``None`` where nobody can tell what its payload might be."""
    frame: dict[str, Any] = {"type": message.name, "id": 1}
    made = False
    if message.examples:
        frame["payload"] = message.examples[0]
    elif message.schema is not None and not message.optional:
        try:
            frame["payload"] = value(message.schema, words)
        except UnsureError:
            return None
        made = True
    try:
        json.dumps(frame)
    except (ValueError, RecursionError):
        return None
    sent = shlex.quote(json_text(frame, flat=True))
    return Snippets(f"{terminal(url)} --execute {sent} --wait 5", browser(url, frame), made)


def terminal(url: str) -> str:
    """A command that connects."""
    return f"wscat --connect {shlex.quote(url)}"


def browser(url: str, frame: dict[str, Any] | None = None, *, raw: bool = False) -> str:
    """JavaScript that connects, prints what comes and, if there is a frame, sends it."""
    lines = [
        f"const socket = new WebSocket({json_text(url, flat=True)});",
        f"socket.onmessage = ({{ data }}) => console.log({'data' if raw else 'JSON.parse(data)'});",
    ]
    if frame is not None:
        lines.append(f"socket.onopen = () => socket.send(JSON.stringify({json_text(frame)}));")
    return "\n".join(lines)


def value(schema: Any, words: Words, depth: int = 0) -> Any:
    """A small value that fits a schema.

    Raises:
        UnsureError: the schema says more than can be met without trying.
    """
    if depth > DEEPEST or schema is False:
        raise UnsureError
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        found = words.target(schema)
        if found is schema:
            raise UnsureError
        return value(found, words, depth + 1)
    for known in (schema.get("examples"), [schema["const"]] if "const" in schema else None, schema.get("enum")):
        if isinstance(known, list) and known:
            return known[0]
    if "default" in schema:
        return schema["default"]
    if UNSURE & schema.keys():
        raise UnsureError
    types = schema.get("type", "object" if "properties" in schema else "null")
    return _typed(types[0] if isinstance(types, list) and types else types, schema, words, depth)


def _typed(name: Any, schema: dict[str, Any], words: Words, depth: int) -> Any:
    match name:
        case "integer" | "number":
            low, high = schema.get("minimum"), schema.get("maximum")
            found = low if low is not None else 1 if high is None or high >= 1 else high
            if name == "integer" and found != int(found):
                raise UnsureError
            return found
        case "string":
            low, high = schema.get("minLength", 0), schema.get("maxLength")
            text = "text" if high is None else "text"[:high]
            if low > 40:
                raise UnsureError
            return text.ljust(low, "x") if low > len(text) else text
        case "array":
            count = schema.get("minItems", 0)
            if count > 4:
                raise UnsureError
            return [value(schema.get("items", True), words, depth + 1) for _ in range(count)]
        case "object":
            properties = schema.get("properties", {})
            return {
                key: value(properties.get(key, schema.get("additionalProperties", True)), words, depth + 1)
                for key in schema.get("required", [])
            }
    if name in SCALARS:
        return SCALARS[name]
    raise UnsureError


def address(base: str, route: Route) -> str:
    """The URL of a route; a parameter stands as ``{name}`` for the reader to fill in."""
    return base.rstrip("/") + route.path
