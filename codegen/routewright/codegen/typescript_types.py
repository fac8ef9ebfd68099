"""JSON Schema as TypeScript types.

Strategy: a type says what its language can say of a schema, and forbids nothing that the schema allows, but for one
thing: an object that is silent about further properties has no index signature, so that a misspelled one is an error
(it would be left out on the other side). What a type cannot say (bounds, patterns, ``not``, ``if``) is named in the
comment, because the gateway checks it. Every name and every constant passes through JSON.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from routewright.codegen.jsdoc import escaped, jsdoc

Schema = Mapping[str, Any] | bool


class Type(NamedTuple):
    """A type expression; ``rank`` tells what binds it: 0 nothing (an atom), 1 ``&``, 2 ``|``."""

    text: str
    rank: int = 0


UNKNOWN: Final = Type("unknown")
NEVER: Final = Type("never")
TEXT = Type("string")

TUPLE = 6
"""An array of one fixed length up to this is a tuple."""

_SCALARS = {
    "string": TEXT,
    "integer": Type("number"),
    "number": Type("number"),
    "boolean": Type("boolean"),
    "null": Type("null"),
}
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list, tuple),
    "object": (dict,),
}
_OBJECT = ("properties", "required", "additionalProperties", "patternProperties")
_ARRAY = ("items", "prefixItems")
_IN_PLACE = frozenset({"$ref", "allOf", "anyOf", "oneOf"})
_BOUNDS = {
    "format": "format",
    "minimum": "minimum",
    "exclusiveMinimum": "more than",
    "maximum": "maximum",
    "exclusiveMaximum": "less than",
    "multipleOf": "multiple of",
    "minLength": "min length",
    "maxLength": "max length",
    "pattern": "pattern",
    "minItems": "min items",
    "maxItems": "max items",
    "minProperties": "min properties",
    "maxProperties": "max properties",
    "default": "default",
}
_CHECKED = {
    "uniqueItems",
    "contains",
    "propertyNames",
    "patternProperties",
    "dependentRequired",
    "dependentSchemas",
    "not",
    "if",
    "unevaluatedItems",
    "unevaluatedProperties",
}
_NOTED = frozenset(_BOUNDS) | _CHECKED | {"title", "description", "deprecated", "examples"}
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=True, allow_nan=False).encode


def name(text: str) -> str:
    """A property's name as it stands in a type."""
    return text if _IDENTIFIER.fullmatch(text) else _encode(text)


def literal(value: Any) -> str:
    """The type of one JSON value."""
    if isinstance(value, dict):
        return "{ " + "".join(f"{name(key)}: {literal(each)}; " for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    return _encode(value)


def union(types: Iterable[Type]) -> Type:
    """Any of these."""
    found = dict.fromkeys(types)
    if UNKNOWN in found:
        return UNKNOWN
    found.pop(NEVER, None)
    if len(found) < 2:
        return next(iter(found), NEVER)
    return Type(" | ".join([each.text for each in found]), 2)


def intersection(types: Iterable[Type]) -> Type:
    """All of these at once."""
    found = dict.fromkeys(types)
    if NEVER in found:
        return NEVER
    found.pop(UNKNOWN, None)
    if len(found) < 2:
        return next(iter(found), UNKNOWN)
    return Type(" & ".join([f"({each.text})" if each.rank == 2 else each.text for each in found]), 1)


def documentation(schema: Schema, indent: str, *texts: str, tags: Iterable[str] = ()) -> str:
    """The comment above what ``schema`` describes; ``texts`` come first."""
    if isinstance(schema, bool) or _NOTED.isdisjoint(schema):
        return jsdoc(texts, (*tags,), indent) if texts or tags else ""
    said = [*texts]
    for key in ("title", "description"):
        text = schema.get(key)
        if isinstance(text, str) and text not in said:
            said.append(text)
    if note := _note(schema):
        said = [*said[:-1], f"{said[-1].rstrip()} ({note})"] if said else [f"({note})"]
    marks = [*tags]
    if schema.get("deprecated") is True:
        marks.append("@deprecated")
    marks += [f"@example {escaped(_encode(each))}" for each in schema.get("examples") or ()]
    return jsdoc(said, marks, indent)


def _note(schema: Mapping[str, Any]) -> str:
    """What the type cannot say, in a few words."""
    notes = [f"{_BOUNDS[key]} {_brief(value)}" for key, value in schema.items() if key in _BOUNDS]
    checked = [key for key, value in schema.items() if key in _CHECKED and value is not False]
    if checked:
        notes.append(f"also checked: {', '.join(checked)}")
    return ", ".join(notes)


def _brief(value: Any) -> str:
    if type(value) is int:
        return str(value)
    text = escaped(value if isinstance(value, str) and value else _encode(value))
    return text if len(text) <= 100 else f"{text[:97]}..."


class Types:
    """Types of the schemas of one spec. ``components`` collects the ``$defs`` that are met, by name."""

    def __init__(self, components: Mapping[str, Schema], reference: Callable[[str], str]) -> None:
        self._components = components
        self._reference = reference
        self._met: dict[str, Type] = {}

    def expression(self, schema: Schema, indent: str = "") -> Type:
        """The type of what fits ``schema``; its lines after the first stand ``indent`` in."""
        if isinstance(schema, bool):
            return UNKNOWN if schema else NEVER
        parts = []
        if "$ref" in schema:
            parts.append(self._referred(schema["$ref"]))
        if "const" in schema:
            parts.append(Type(literal(schema["const"])))
        elif "enum" in schema:
            parts.append(_enumeration(schema["enum"], schema.get("type")))
        elif (own := self._own(schema, indent)) is not None:
            parts.append(own)
        if "allOf" in schema:
            parts += [self.expression(each, indent) for each in schema["allOf"]]
        for key in ("anyOf", "oneOf"):
            if key in schema:
                parts.append(union([self.expression(each, indent) for each in schema[key]]))
        if not parts:
            return UNKNOWN
        found = parts[0] if len(parts) == 1 else intersection(parts)
        return union((found, _SCALARS["null"])) if schema.get("nullable") is True else found

    def is_interface(self, schema: Schema) -> bool:
        """Whether the schema is one plain object, which an ``interface`` reads best for."""
        others = ("$ref", "const", "enum", "allOf", "anyOf", "oneOf", "nullable")
        return (
            not isinstance(schema, bool) and schema.get("type") == "object" and not any(key in schema for key in others)
        )

    def _own(self, schema: Mapping[str, Any], indent: str) -> Type | None:
        """What ``type`` and the keywords of objects and arrays say."""
        given = schema.get("type")
        if isinstance(given, str):
            return self._kind(given, schema, indent)
        if given is not None:
            return union([self._kind(each, schema, indent) for each in given])
        if any(key in schema for key in _OBJECT):
            return self.object(schema, indent)
        if any(key in schema for key in _ARRAY):
            return self._array(schema, indent)
        return None

    def _kind(self, kind: str, schema: Mapping[str, Any], indent: str) -> Type:
        if kind == "object":
            return self.object(schema, indent)
        if kind == "array":
            return self._array(schema, indent)
        return _SCALARS.get(kind, UNKNOWN)

    def object(self, schema: Mapping[str, Any], indent: str) -> Type:
        """The type of an object, one property a line."""
        inner = indent + "  "
        properties: Mapping[str, Schema] = schema.get("properties", {})
        required = schema.get("required", ())
        lines, types, optional = [], [], False
        for key, each in properties.items():
            found = self.expression(each, inner)
            types.append(found)
            mark = "" if key in required else "?"
            optional = optional or bool(mark)
            lines.append(f"{documentation(each, inner)}{inner}{name(key)}{mark}: {found.text};\n")
        for key in required:
            if key not in properties:
                types.append(UNKNOWN)
                lines.append(f"{inner}{name(key)}: unknown;\n")
        rest = self._rest(schema, inner, bool(lines))
        if not lines and rest is not None and "additionalProperties" not in schema and _IN_PLACE.intersection(schema):
            return UNKNOWN  # only the other parts of the intersection say anything
        if rest is not None:
            undefined = [Type("undefined")] if optional else []
            index = union([rest, *types, *undefined] if rest != NEVER else [NEVER])
            lines.append(f"{inner}[key: string]: {index.text};\n")
        return Type("{\n" + "".join(lines) + indent + "}")

    def _rest(self, schema: Mapping[str, Any], indent: str, named: bool) -> Type | None:
        """The type of the properties that have no name in the schema; ``None`` for no index signature."""
        patterns = [self.expression(each, indent) for each in schema.get("patternProperties", {}).values()]
        others = schema.get("additionalProperties")
        if others is None and not _IN_PLACE.intersection(schema):
            others = schema.get("unevaluatedProperties")
        if others is None:
            return None if named and not patterns else UNKNOWN
        if others is False:
            return union(patterns) if patterns else None if named else NEVER
        return union([*patterns, self.expression(others, indent)])

    def _array(self, schema: Mapping[str, Any], indent: str) -> Type:
        items: Schema = schema.get("items", schema.get("unevaluatedItems", True))
        prefix = schema.get("prefixItems", ())
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        rest = self.expression(items, indent)
        if not prefix:
            if most is not None and least == most <= TUPLE:
                return Type(f"[{', '.join([rest.text] * int(most))}]")
            return Type(f"({rest.text})[]" if rest.rank else f"{rest.text}[]")
        places = [self.expression(each, indent) for each in prefix[: None if most is None else int(most)]]
        found = [_place(each, number < least) for number, each in enumerate(places)]
        if rest != NEVER and (most is None or most > len(places)):
            found.append(f"...({rest.text})[]" if rest.rank else f"...{rest.text}[]")
        return Type(f"[{', '.join(found)}]")

    def _referred(self, reference: str) -> Type:
        key = referred(reference)
        if key not in self._met:
            self._met[key] = Type(self._reference(key)) if key in self._components else UNKNOWN
        return self._met[key]


def referred(reference: str) -> str:
    """The component that a ``$ref`` of a bundle leads to."""
    return reference.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")


def _place(given: Type, present: bool) -> str:
    if present:
        return given.text
    return f"({given.text})?" if given.rank else f"{given.text}?"


def _enumeration(values: Iterable[Any], given: Any) -> Type:
    kinds = [given] if isinstance(given, str) else given
    if kinds is not None:
        allowed = tuple(each for kind in kinds for each in _PYTHON_TYPES.get(kind, ()))
        values = [
            each for each in values if isinstance(each, allowed) and (not isinstance(each, bool) or "boolean" in kinds)
        ]
    return union([Type(literal(each)) for each in values])
