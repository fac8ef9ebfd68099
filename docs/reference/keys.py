"""The page of keys: the JSON Schema of the spec language as tables, one for each object."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from docs.reference.table import note, table
from routewright.spec import schema

_OBJECTS = (
    ("gateway", "`gateway`"),
    ("admin", "`gateway.admin`"),
    ("gatewayLimits", "`gateway.limits`"),
    ("tls", "`gateway.tls`"),
    ("bridge", "`gateway.bridge`"),
    ("fuzzy", "`gateway.fuzzy`"),
    ("info", "`info`"),
    ("defaults", "`defaults`"),
    ("components", "`components`"),
    ("route", "A route"),
    ("message", "A message"),
    ("reply", "`reply`, as an object"),
    ("proxy", "`proxy`, as an object"),
    ("topic", "A topic"),
    ("authWay", "A way of `auth`"),
    ("authorize", "`authorize`, of a topic"),
    ("payload", "A payload schema"),
)
_TITLES = dict(_OBJECTS)
_POLICIES = (
    "rateLimit",
    "limits",
    "slowConsumer",
    "middleware",
    "auth",
    "circuitBreaker",
    "retry",
    "cache",
    "balance",
    "batch",
    "compression",
    "delivery",
)
_WORDS = {"integer": "whole number", "boolean": "`true` or `false`", "array": "list"}
_SIMPLE = ("duration", "size", "rate", "host", "port", "variable", "curveKey", "scope")


def keys() -> Iterable[str]:
    """The parts of the page."""
    root = schema()
    definitions = root["$defs"]
    yield (
        "Keys that begin with `x-` are allowed everywhere and left alone, but for `x-allow` and `x-allow-reason`, "
        "which [silence a warning](../spec-author.md#warnings) where they stand. Any other unknown key is an error."
    )
    yield "## The spec"
    yield from _object(root, definitions)
    for name, title in _OBJECTS:
        yield f"## {title}"
        yield from _object(definitions[name], definitions)
    yield "## Policies"
    yield "On a route or under `defaults`. `false` switches a policy off."
    for name in _POLICIES:
        yield f"### `{name}`"
        yield from _policy(definitions[name], definitions)
    yield "## Forms"
    rows = [(each, _examples(definitions[each])) for each in _SIMPLE if "examples" in definitions[each]]
    yield table(("form", "examples"), rows)


def _anchor(title: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def undescribed() -> list[str]:
    """Definitions of the schema that no part of the page is for."""
    named = {*(name for name, _ in _OBJECTS), *_POLICIES, *_SIMPLE, "off", "type", "allow", "allowReason"}
    return sorted(set(schema()["$defs"]) - named)


def _object(definition: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    if "description" in definition:
        yield definition["description"]
    yield _properties(definition, definitions)


def _properties(definition: dict[str, Any], definitions: dict[str, Any]) -> str:
    required = definition.get("required", ())
    rows = []
    for key, value in definition.get("properties", {}).items():
        if key.startswith("x-"):
            continue
        whole = {**_target(value, definitions), **value}
        default = "required" if key in required else _json(whole["default"]) if "default" in whole else ""
        rows.append((f"`{key}`", _type(value, definitions), default, note(_meaning(whole))))
    return table(("key", "value", "default", "meaning"), rows)


def _policy(definition: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    yield definition.get("description", "")
    if "default" in definition:
        yield f"Default: {_json(definition['default'])}"
    for option in definition["anyOf"]:
        if option.get("properties"):
            yield _properties(option, definitions)


def _target(value: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    name = value.get("$ref", "").removeprefix("#/$defs/")
    found: dict[str, Any] = definitions.get(name, {})
    return found


def _type(value: Any, definitions: dict[str, Any]) -> str:
    if not isinstance(value, dict) or not value:
        return "any"
    name = value.get("$ref", "").removeprefix("#/$defs/")
    if name in _SIMPLE and name not in ("host", "port"):
        return str(name)
    if name in _POLICIES:
        return f"[policy](#{name.lower()})"
    if name in _TITLES:
        return f"[{'schema' if name == 'payload' else 'object'}](#{_anchor(_TITLES[name])})"
    if name == "type":
        return "the name of a type"
    whole = {**_target(value, definitions), **value}
    if "enum" in whole:
        return " or ".join(f"`{json.dumps(each)}`" for each in whole["enum"])
    if "anyOf" in whole:
        return " or ".join(str(each.get("title") or _type(each, definitions)) for each in whole["anyOf"])
    kind = whole.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array" and "items" in whole:
        return f"list of {_type(whole['items'], definitions)}"
    further = whole.get("additionalProperties")
    if kind == "object" and isinstance(further, dict):
        return f"{_type(further, definitions)} by name"
    return _WORDS.get(str(kind), str(kind))


def _meaning(whole: dict[str, Any]) -> str:
    text = str(whole.get("description", ""))
    least, most = whole.get("minimum"), whole.get("maximum")
    if least is not None and most is not None:
        text = f"{text} From {least} to {most}."
    return text


def _examples(definition: dict[str, Any]) -> str:
    return ", ".join(_json(each) for each in definition["examples"])


def _json(value: Any) -> str:
    return f"`{json.dumps(value)}`"
