"""The keywords of JSON Schema: which are enforced where, and why the others are refused.

Strategy: nothing that a schema says is ignored. A keyword is an annotation, or it is enforced at this place, or it is a
problem that says what to write instead.
"""

from typing import Any

from routewright.spec.nearest import nearest
from routewright.spec.quoting import quoted

ANNOTATIONS = frozenset(
    {"$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$defs"}
)

OF_TYPE: dict[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
    "array": ("items", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "boolean": (),
    "null": (),
}

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
    "format": 'formats are not checked; use "pattern", or say it in "description"',
    "uniqueItems": "let the handler check it",
    "contains": "let the handler check it",
    "minContains": "let the handler check it",
    "maxContains": "let the handler check it",
    "prefixItems": "use an object with named properties",
    "unevaluatedItems": "use an object with named properties",
    "additionalItems": "use an object with named properties",
    "patternProperties": 'use "additionalProperties" without "properties" for a map',
    "propertyNames": "let the handler check it",
    "unevaluatedProperties": 'use "additionalProperties"',
    "dependentRequired": 'use "oneOf" with a constant property for each case',
    "dependentSchemas": 'use "oneOf" with a constant property for each case',
    "dependencies": 'use "oneOf" with a constant property for each case',
    "if": 'use "oneOf" with a constant property for each case',
    "then": 'use "oneOf" with a constant property for each case',
    "else": 'use "oneOf" with a constant property for each case',
    "not": "say what is allowed instead",
    "allOf": "write the properties of all of them into one object",
    "definitions": 'use "$defs"',
    "nullable": 'use "type": ["string", "null"], or "anyOf" with {"type": "null"}',
    "discriminator": 'give each option a required property with a "const"',
    "$id": 'leave it out; a "$ref" is relative to its file',
    "id": 'leave it out; a "$ref" is relative to its file',
    "$anchor": 'use "$defs" and a JSON pointer',
    "$dynamicRef": 'use "$ref"',
    "$dynamicAnchor": 'use "$defs" and a JSON pointer',
    "$recursiveRef": 'use "$ref"',
    "$recursiveAnchor": 'use "$defs" and a JSON pointer',
    "$vocabulary": "leave it out",
    "$schema": "leave it out; schemas are those of JSON Schema 2020-12",
    "contentEncoding": 'say it in "description"',
    "contentMediaType": 'say it in "description"',
    "contentSchema": 'say it in "description"',
    "example": 'use "examples": [...]',
    "divisibleBy": 'use "multipleOf"',
    "extends": "write the properties of both into one object",
    "xml": 'use an "x-" key',
    "externalDocs": 'use an "x-" key',
}
"""Keywords of JSON Schema and OpenAPI that nothing enforces, and what to do instead."""

ENFORCED = frozenset(key for keys in OF_TYPE.values() for key in keys) | {
    "type",
    "enum",
    "const",
    "$ref",
    "anyOf",
    "oneOf",
}


def speaks_of_objects(schema: dict[str, Any]) -> bool:
    """Whether a schema without a type means an object, because it has an object's keywords."""
    others = ("type", "$ref", "enum", "const", "anyOf", "oneOf")
    return any(key in schema for key in OF_TYPE["object"]) and not any(key in schema for key in others)


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
