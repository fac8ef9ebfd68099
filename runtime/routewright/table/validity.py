"""Whether one JSON value satisfies a schema, as far as that can be told cheaply.

Strategy: this is for the few values that an ``enum`` lists, when schemas are compared; frames are checked by generated
code. What would take a regular expression or a format is not told: the answer is then ``None``.
"""

from collections.abc import Callable, Iterable
from typing import Any

from routewright.table.json_values import equal, is_integer, is_multiple, is_number, unique

Resolve = Callable[[str], Any]
"""What a ``$ref`` leads to."""

ANNOTATIONS = frozenset(
    {
        "$schema", "$id", "$anchor", "$comment", "$defs", "title", "description", "default", "examples", "deprecated",
        "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "contentSchema",
    }
)  # fmt: skip
"""Keywords that refuse nothing."""

KINDS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": is_integer,
    "number": is_number,
}
"""The types of JSON Schema."""

_NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, bound: bool(value >= bound),
    "maximum": lambda value, bound: bool(value <= bound),
    "exclusiveMinimum": lambda value, bound: bool(value > bound),
    "exclusiveMaximum": lambda value, bound: bool(value < bound),
    "multipleOf": is_multiple,
}
_STRINGS: dict[str, Callable[[Any, Any], bool]] = {
    "minLength": lambda value, bound: len(value) >= bound,
    "maxLength": lambda value, bound: len(value) <= bound,
}
_ARRAYS: dict[str, Callable[[Any, Any], bool]] = {
    "minItems": lambda value, bound: len(value) >= bound,
    "maxItems": lambda value, bound: len(value) <= bound,
    "uniqueItems": lambda value, wanted: not wanted or unique(value),
}
_OBJECTS: dict[str, Callable[[Any, Any], bool]] = {
    "minProperties": lambda value, bound: len(value) >= bound,
    "maxProperties": lambda value, bound: len(value) <= bound,
    "required": lambda value, names: all(name in value for name in names),
}
_SCALARS = ((is_number, _NUMBERS), (KINDS["string"], _STRINGS), (KINDS["array"], _ARRAYS), (KINDS["object"], _OBJECTS))
_OPAQUE = {
    "pattern": "string",
    "format": "string",
    "patternProperties": "object",
    "propertyNames": "object",
    "dependentRequired": "object",
    "dependentSchemas": "object",
    "unevaluatedProperties": "object",
    "contains": "array",
    "unevaluatedItems": "array",
}
"""Keywords that are not looked into, and the type that they speak of."""
_LOOKED_INTO = {"type", "enum", "const", "allOf", "anyOf", "oneOf", "not", "$ref", "properties", "additionalProperties"}
_LOOKED_INTO |= {"items", "prefixItems", "minContains", "maxContains", *(key for _, table in _SCALARS for key in table)}


def valid(value: Any, schema: Any, resolve: Resolve) -> bool | None:
    """Whether the value satisfies the schema; ``None`` where that is not told."""
    if isinstance(schema, bool):
        return schema
    return _all(_answers(value, schema, resolve))


def _answers(value: Any, schema: dict[str, Any], resolve: Resolve) -> Iterable[bool | None]:
    for is_kind, table in _SCALARS:
        if is_kind(value):
            yield from (test(value, schema[key]) for key, test in table.items() if key in schema)
    for key, kind in _OPAQUE.items():
        if key in schema and KINDS[kind](value):
            yield None
    if not schema.keys() <= _LOOKED_INTO | _OPAQUE.keys() | ANNOTATIONS:
        yield None
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        yield any(KINDS[kind](value) for kind in kinds)
    if "enum" in schema:
        yield any(equal(value, each) for each in schema["enum"])
    if "const" in schema:
        yield equal(value, schema["const"])
    if "$ref" in schema:
        yield valid(value, resolve(schema["$ref"]), resolve)
    yield from (valid(value, each, resolve) for each in schema.get("allOf", ()))
    yield from _choices(value, schema, resolve)
    yield from _children(value, schema, resolve)


def _choices(value: Any, schema: dict[str, Any], resolve: Resolve) -> Iterable[bool | None]:
    if "anyOf" in schema:
        yield _not(_all(_not(valid(value, each, resolve)) for each in schema["anyOf"]))
    if "oneOf" in schema:
        found = [valid(value, each, resolve) for each in schema["oneOf"]]
        yield None if None in found else found.count(True) == 1
    if "not" in schema:
        yield _not(valid(value, schema["not"], resolve))


def _children(value: Any, schema: dict[str, Any], resolve: Resolve) -> Iterable[bool | None]:
    if isinstance(value, list):
        prefix = schema.get("prefixItems", [])
        for index, item in enumerate(value):
            yield valid(item, prefix[index] if index < len(prefix) else schema.get("items", True), resolve)
    elif isinstance(value, dict):
        named = schema.get("properties", {})
        for name, member in value.items():
            yield valid(member, named.get(name, schema.get("additionalProperties", True)), resolve)


def _all(answers: Iterable[bool | None]) -> bool | None:
    unknown = False
    for answer in answers:
        if answer is False:
            return False
        unknown |= answer is None
    return None if unknown else True


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer
