"""The keywords of JSON Schema: which are enforced where, and why the others are refused.

Strategy: nothing that a schema says is ignored. A keyword is an annotation, or it is enforced at this place, or it is a
problem that says what to write instead.
"""

from collections.abc import Callable, Iterator
from typing import Any

from routewright.spec.nearest import nearest
from routewright.spec.quoting import quoted

ANNOTATIONS = frozenset(
    {
        "$comment",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "contentEncoding",
        "contentMediaType",
        "$defs",
        "$anchor",
    }
)
"""Keywords that demand nothing of a value."""

_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")

SIMPLE: dict[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
    "array": ("items", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern"),
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "boolean": (),
    "null": (),
}
"""The keywords that speak of values of one type, and that a decoder can enforce on its way."""

OF_TYPE: dict[str, tuple[str, ...]] = {
    **SIMPLE,
    "object": (
        *SIMPLE["object"],
        "patternProperties",
        "propertyNames",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
    ),
    "array": (
        *SIMPLE["array"],
        "prefixItems",
        "contains",
        "minContains",
        "maxContains",
        "uniqueItems",
        "unevaluatedItems",
    ),
    "string": (*SIMPLE["string"], "format"),
}
"""All keywords that speak of values of one type."""

COMBINING = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
"""Keywords that hold schemas for the value itself, beside ``$ref`` and ``dependentSchemas``."""

SCHEMA_VALUES = frozenset(
    {
        "items",
        "additionalProperties",
        "contains",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
        "not",
        "if",
        "then",
        "else",
    }
)
SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
"""Where schemas stand inside a schema."""

NEEDS = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}
"""Keywords that demand nothing without another."""

FORMATS = (
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "regex",
    "time",
    "uri",
    "uuid",
)
"""The formats that are enforced; see `routewright.table.formats`."""

TYPE_WORDS = {
    "str": "string",
    "text": "string",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "bool": "boolean",
    "dict": "object",
    "map": "object",
    "list": "array",
    "none": "null",
    "nil": "null",
}
"""What people write for a type."""

REFUSED: dict[str, str] = {
    "additionalItems": 'use "items" beside "prefixItems"',
    "dependencies": 'use "dependentRequired" or "dependentSchemas"',
    "definitions": 'use "$defs"',
    "nullable": 'use "type": ["string", "null"], or "anyOf" with {"type": "null"}',
    "discriminator": 'give each option a required property with a "const"',
    "$id": 'write an address without "#"; "$anchor" names a part of a schema',
    "id": 'leave it out; a "$ref" is relative to its file',
    "$dynamicRef": 'use "$ref"',
    "$dynamicAnchor": 'use "$anchor", or "$defs" and a JSON pointer',
    "$recursiveRef": 'use "$ref"',
    "$recursiveAnchor": 'use "$anchor", or "$defs" and a JSON pointer',
    "$vocabulary": "leave it out",
    "$schema": "leave it out; schemas are those of JSON Schema 2020-12",
    "contentSchema": 'send the content as JSON, or say it in "description"',
    "example": 'use "examples": [...]',
    "divisibleBy": 'use "multipleOf"',
    "extends": 'use "allOf"',
    "xml": 'use an "x-" key',
    "externalDocs": 'use an "x-" key',
}
"""Keywords of JSON Schema and OpenAPI that nothing enforces, and what to do instead."""

ENFORCED = frozenset(key for keys in OF_TYPE.values() for key in keys) | {"type", "enum", "const", "$ref", *COMBINING}


def subschemas(schema: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The schemas directly inside a schema, with the steps that lead to them."""
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key in SCHEMA_VALUES:
            yield (key,), value
        elif key in SCHEMA_LISTS and isinstance(value, list):
            yield from (((key, index), each) for index, each in enumerate(value))
        elif key in SCHEMA_MAPS and isinstance(value, dict):
            yield from (((key, name), each) for name, each in value.items())


def component(reference: str) -> str:
    """The component that a ``$ref`` of a schema that stands on its own leads to."""
    return reference.removeprefix("#/$defs/")


def with_schemas(key: str, value: Any, inner: Callable[[Any], Any]) -> Any:
    """The value of a keyword, with what ``inner`` makes of each schema directly inside it."""
    if key in SCHEMA_VALUES:
        return inner(value)
    if key in SCHEMA_LISTS:
        return [inner(each) for each in value]
    if key in SCHEMA_MAPS:
        return {name: inner(each) for name, each in value.items()}
    return value


def is_model(schema: dict[str, Any]) -> bool:
    """Whether an object's schema is best read as a class: its properties are named, and the rest does not matter."""
    properties = schema.get("properties", {})
    named = "properties" in schema or schema.get("additionalProperties") is False
    return named and isinstance(properties, dict) and not keeps_rest(schema) and all(map(_writable, properties))


def keeps_rest(schema: dict[str, Any]) -> bool:
    """Whether an object's schema says what the properties are like that it does not name."""
    rest = (schema.get("additionalProperties"), schema.get("unevaluatedProperties"))
    return "patternProperties" in schema or any(isinstance(each, dict) and each for each in rest)


def _writable(name: str) -> bool:
    """Whether msgspec can write the name of a property: it does so as it is, without escaping anything."""
    return not any(letter in '"\\' or letter < " " for letter in name)


def refusal(keyword: str, place: str) -> tuple[str, str]:
    """Message and hint for a keyword that is not enforced; ``place`` says where, as in ``on an integer``."""
    if keyword in ENFORCED:
        return f'"{keyword}" is not enforced {place}', _move(keyword)
    if keyword in REFUSED:
        return f'"{keyword}" is not supported: it would not be enforced', REFUSED[keyword]
    found = nearest(keyword, ENFORCED | ANNOTATIONS)
    return f"unknown keyword {quoted(keyword)}", f'did you mean "{found}"?' if found else "an own key begins with x-"


def _move(keyword: str) -> str:
    types = [kind for kind, keys in OF_TYPE.items() if keyword in keys]
    return f"it belongs to {_article(types[0])}" if types else "move it into a schema of its own"


def _article(kind: str) -> str:
    return f'"type": "{kind}"'
