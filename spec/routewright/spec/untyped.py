"""Schemas that speak of values of one type and do not say the type, so that any value of another one fits.

Strategy: only the schema itself is looked at, and the keys of its branches; what looks as if it might say a type counts
as if it did.
"""

from typing import Any

from routewright.spec.keywords import OF_TYPE

PLURALS = {"object": "objects", "array": "arrays", "string": "strings", "number": "numbers"}
"""The types that have keywords of their own, and what values of them are called."""

KINDS = {keyword: kind for kind in PLURALS for keyword in OF_TYPE[kind]}
"""The type that a keyword speaks of."""

_VALUES = ("type", "enum", "const")
_SAYING = frozenset((*_VALUES, "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf"))


def untyped(schema: dict[str, Any]) -> str:
    """The first keyword for values of one type, where nothing says the type; else ``""``."""
    if "type" in schema:
        return ""
    first = next((key for key in schema if key in KINDS), "")
    return "" if not first or _says(schema) else first


def kinds(schema: dict[str, Any]) -> list[str]:
    """The types that the keywords of a schema speak of."""
    return list(dict.fromkeys(KINDS[key] for key in schema if key in KINDS))


def leaves_open(schema: dict[str, Any], keyword: str) -> bool:
    """Whether a schema leaves its type to what stands below its ``$ref``, ``anyOf`` or ``oneOf``; to its ``allOf``,
    which adds to a schema, it never does."""
    if keyword == "allOf" or any(key in schema for key in _VALUES):
        return False
    return keyword == "$ref" or ("$ref" not in schema and "allOf" not in schema and not untyped(schema))


def _says(schema: dict[str, Any]) -> bool:
    if any(key in schema for key in ("enum", "const", "$ref", "$dynamicRef")):
        return True
    return any(map(_may_say, _branches(schema, "allOf"))) or any(
        branches and all(map(_may_say, branches)) for branches in (_branches(schema, key) for key in ("anyOf", "oneOf"))
    )


def _branches(schema: dict[str, Any], key: str) -> list[Any]:
    branches = schema.get(key)
    return branches if isinstance(branches, list) else []


def _may_say(branch: Any) -> bool:
    return not isinstance(branch, dict) or not _SAYING.isdisjoint(branch)
