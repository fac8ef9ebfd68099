"""JSON Schema 2020-12 as AsyncAPI's own schemas, which are those of draft 7.

Strategy: one walk. What 2020-12 renamed gets its older name; a ``$ref`` beside other keywords, which draft 7 would
ignore, goes into an ``allOf``; keywords that draft 7 does not have stay as they are, as annotations. Every schema below
a named one gets a name too, from its place: tools that make types of the document would otherwise number them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from routewright.spec.keywords import SCHEMA_LISTS, SCHEMA_MAPS, SCHEMA_VALUES, component

NAME = "x-parser-schema-id"
"""The key that AsyncAPI's tools take a schema's name from."""

_DEPENDENT = frozenset({"dependentRequired", "dependentSchemas"})
_WALKED = SCHEMA_VALUES | SCHEMA_LISTS | SCHEMA_MAPS | _DEPENDENT | {"$ref", "enum"}


def referred(name: str) -> dict[str, str]:
    """A reference to a named schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def inline(name: str, **keywords: Any) -> dict[str, Any]:
    """A schema of the document's own, with the name that tools are to call it by."""
    return {**keywords, NAME: name}


def named(schema: Any, name: str) -> Any:
    """A schema that stands below ``components.schemas`` under ``name``."""
    if not isinstance(schema, Mapping):
        return {"not": {NAME: f"{name}.not"}} if schema is False else {}
    return _keywords(schema, name)


def _inner(schema: Any, name: str) -> Any:
    """A schema somewhere in another one; ``name`` tells where."""
    if not isinstance(schema, Mapping):
        return schema
    if len(schema) == 1 and "$ref" in schema:
        return {"$ref": _target(schema["$ref"])}
    found = _keywords(schema, name)
    found[NAME] = name
    return found


def _keywords(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    if _WALKED.isdisjoint(schema):
        return dict(schema)
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$defs" or (key == "items" and "prefixItems" in schema):
            continue
        if key == "$ref":
            found["allOf"] = [{"$ref": _target(value)}, *found.get("allOf", [])]
        elif key == "prefixItems":
            found["items"] = _all(value, f"{name}.items")
            if "items" in schema:
                found["additionalItems"] = _inner(schema["items"], f"{name}.additionalItems")
        elif key in _DEPENDENT:
            found["dependencies"] = _dependencies(schema, f"{name}.dependencies")
        elif key == "enum":
            found[key] = _distinct(value)
        elif key in SCHEMA_VALUES:
            found[key] = _inner(value, f"{name}.{key}")
        elif key in SCHEMA_LISTS:
            first = 1 if key == "allOf" and "$ref" in schema else 0
            found[key] = found.get(key, []) + _all(value, f"{name}.{key}", first)
        elif key in SCHEMA_MAPS:
            found[key] = {each: _inner(member, f"{name}.{each}") for each, member in value.items()}
        else:
            found[key] = value
    return found


def _dependencies(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One keyword of draft 7 for two."""
    required: Mapping[str, Any] = schema.get("dependentRequired", {})
    schemas: Mapping[str, Any] = schema.get("dependentSchemas", {})
    found: dict[str, Any] = {key: list(value) for key, value in required.items()}
    for key, value in schemas.items():
        both = {"allOf": [{"required": found[key]}, value]} if key in found else value
        found[key] = _inner(both, f"{name}.{key}")
    return found


def _distinct(values: Sequence[Any]) -> list[Any]:
    """Each value once, as draft 7 wants it."""
    return list({json.dumps(each, sort_keys=True): each for each in values}.values())


def _all(schemas: Sequence[Any], name: str, first: int = 0) -> list[Any]:
    return [_inner(each, f"{name}.{number}") for number, each in enumerate(schemas, first)]


def _target(reference: str) -> str:
    return f"#/components/schemas/{component(reference)}"
