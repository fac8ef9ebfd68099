"""A JSON Schema in words: what kind of value, and within which bounds.

Strategy: `Words` turns one schema into a short phrase and a list of remarks; what has parts of its own is left to
`routewright.codegen.reference.fields`. A reference becomes a link, so recursion ends at once.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from routewright.codegen.reference.anchors import anchor
from routewright.codegen.reference.highlight import json_text, shortened
from routewright.spec.keywords import component

DEEPEST = 8
"""Levels of nested schemas that are told; what is deeper stands in the JSON Schema."""

CONSTANTS = 24
"""Constants of an ``enum`` that are listed."""

LONG = 200
"""Characters of a constant, default or pattern that are shown among the words."""

SCALARS = ("string", "integer", "number", "boolean", "null")
"""Types whose values have no parts."""

OF_OBJECTS = ("properties", "required", "patternProperties", "additionalProperties", "propertyNames", "minProperties")
OF_ARRAYS = ("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems")
CHOICES = {"oneOf": "exactly one of", "anyOf": "at least one of"}


_JOINTS = re.compile(r"(?<=[_./:-])(?=[^_./:-])|(?<=[a-z0-9])(?=[A-Z])")


_BREAK = Markup("<wbr>")
_CODE = Markup("<code>%s</code>")


def code(text: str) -> Markup:
    """A piece of code."""
    return _CODE % shortened(text, LONG)


def name_of(text: str) -> Markup:
    """A name, with places where a line may break."""
    return _BREAK.join(part for part in _JOINTS.split(text) if part)


def constant(value: Any) -> Markup:
    """A JSON value among words."""
    return code(json_text(value, flat=True))


def joined(parts: list[Markup], last: str) -> Markup:
    """``a, b or c``."""
    if len(parts) < 2:
        return Markup("").join(parts)
    return Markup("{} {} {}").format(Markup(", ").join(parts[:-1]), last, parts[-1])


class Words:
    """The words for schemas of one bundle, whose ``$defs`` are ``definitions``."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.definitions = definitions

    def target(self, schema: Any) -> Any:
        """What a schema that only refers to a definition finally leads to; the schema itself where it does not."""
        seen: set[str] = set()
        while isinstance(schema, dict) and (name := referred(schema)) in self.definitions and name not in seen:
            seen.add(name)
            schema = self.definitions[name]
        return schema

    def link(self, name: str) -> Markup:
        """A link to a definition."""
        if name not in self.definitions:
            return code(name)
        return Markup('<a class="shape" href="#{}">{}</a>').format(anchor("shape", name), name_of(name))

    def kind(self, schema: Any, depth: int = 0) -> Markup:
        """What kind of value, as a phrase."""
        if schema is False:
            return Markup("nothing: never valid")
        if not isinstance(schema, dict):
            return Markup("any value")
        if "$ref" in schema:
            return self._reference(schema, depth)
        if "const" in schema:
            return constant(schema["const"])
        if isinstance(schema.get("enum"), list):
            return self._constants(schema["enum"])
        if depth > DEEPEST:
            return Markup("a nested value")
        types = _types(schema)
        if types:
            return joined([self._typed(each, schema, depth) for each in types], "or")
        for keyword in CHOICES:
            if isinstance(schema.get(keyword), list):
                return self._options(schema[keyword], depth)
        return self._untyped(schema, depth)

    def _reference(self, schema: dict[str, Any], depth: int) -> Markup:
        name = referred(schema)
        if not name:
            return code(str(schema["$ref"]))
        found = self.target(schema)
        if depth <= DEEPEST and isinstance(found, dict) and not _has_parts(found):
            types = _types(found)
            if types and not {"enum", "const"} & found.keys() and all(each in SCALARS for each in types):
                return Markup("{} ({})").format(self.link(name), self.kind(found, depth + 1))
        return self.link(name)

    def _constants(self, values: list[Any]) -> Markup:
        shown = [constant(value) for value in values[:CONSTANTS]]
        more = len(values) - len(shown)
        if len(shown) == 1 and not more:
            return shown[0]
        listed = joined(shown, "or") if not more else Markup(", ").join(shown)
        return Markup("one of {}{}").format(listed, f" and {more} more" if more else "")

    def _typed(self, name: str, schema: dict[str, Any], depth: int) -> Markup:
        if name == "array" and "prefixItems" not in schema and schema.get("items") not in (None, True):
            return Markup("array of {}").format(self.kind(schema["items"], depth + 1))
        if name == "object" and "properties" not in schema and "patternProperties" not in schema:
            values = schema.get("additionalProperties")
            if isinstance(values, dict) and values:
                return Markup("map of string to {}").format(self.kind(values, depth + 1))
            if values is False:
                return Markup("empty object")
        return Markup("{}").format(name)

    def _options(self, options: list[Any], depth: int) -> Markup:
        found = list(dict.fromkeys(self.kind(each, depth + 1) for each in options[:CONSTANTS]))
        more = len(options) - CONSTANTS
        return Markup("{}{}").format(joined(found, "or"), f" and {more} more" if more > 0 else "")

    def _untyped(self, schema: dict[str, Any], depth: int) -> Markup:
        parts = schema.get("allOf")
        if isinstance(parts, list) and parts:
            told = [each for each in parts if isinstance(each, dict) and ("$ref" in each or _types(each))]
            kinds = list(dict.fromkeys(self.kind(each, depth + 1) for each in told))
            if kinds:
                return joined(kinds, "and")
        if any(key in schema for key in OF_OBJECTS):
            return Markup("object")
        if any(key in schema for key in OF_ARRAYS):
            return Markup("array")
        return Markup("any value")

    def remarks(self, schema: Any, depth: int = 0) -> list[Markup]:
        """The bounds of a schema, those of what it refers to included, where that is a scalar."""
        if not isinstance(schema, dict) or depth > DEEPEST:
            return []
        found = list(self._remarks(schema, depth))
        if "$ref" in schema:
            target = self.target(schema)
            if isinstance(target, dict) and target is not schema and not _has_parts(target):
                if "const" in target or "enum" in target:
                    found.append(self.kind(target))
                found += self._remarks(target, depth)
        for part in schema.get("allOf", ()) if isinstance(schema.get("allOf"), list) else ():
            if not (isinstance(part, dict) and "$ref" in part):
                found += self.remarks(part, depth + 1)
        return list(dict.fromkeys(found))

    def _remarks(self, schema: dict[str, Any], depth: int) -> Iterator[Markup]:
        yield from _numbers(schema)
        yield from _lengths(schema)
        items = schema.get("items")
        if isinstance(items, dict) and (each := self.remarks(items, depth + 1)):
            yield Markup("each item {}").format(Markup("; ").join(each))
        if items is False:
            yield Markup("no further items")
        values = schema.get("additionalProperties")
        if isinstance(values, dict) and (each := self.remarks(values, depth + 1)):
            yield Markup("each value {}").format(Markup("; ").join(each))
        if isinstance(names := schema.get("propertyNames"), dict) and (each := self.remarks(names, depth + 1)):
            yield Markup("each name {}").format(Markup("; ").join(each))
        if "contains" in schema:
            yield self._contains(schema, depth)
        for key, more in (("additionalProperties", "properties"), ("unevaluatedProperties", "")):
            if schema.get(key) is False and (not more or more in schema or "patternProperties" in schema):
                yield Markup("no further fields")
        if schema.get("unevaluatedItems") is False:
            yield Markup("no further items")
        if "not" in schema and (refused := self.phrase(schema["not"], depth + 1)):
            yield Markup("not: {}").format(refused)

    def _contains(self, schema: dict[str, Any], depth: int) -> Markup:
        count = _range(schema.get("minContains", 1), schema.get("maxContains"), "item", "items")
        return Markup("contains {} that are {}").format(
            count or "any number of items", self.phrase(schema["contains"], depth + 1) or "as told below"
        )

    def phrase(self, schema: Any, depth: int = 0) -> Markup:
        """Kind and bounds as one phrase; empty where a phrase does not say all."""
        conditions = self.condition(schema)
        if conditions:
            return conditions
        if isinstance(schema, dict) and _has_parts(schema):
            return Markup("")
        return Markup(", ").join([self.kind(schema, depth), *self.remarks(schema, depth)])

    def condition(self, schema: Any) -> Markup:
        """What a schema asks of an object's fields as one phrase, where it asks only for presence and constants;
        otherwise empty."""
        if not isinstance(schema, dict) or not schema or set(schema) - {"type", "properties", "required", "title"}:
            return Markup("")
        properties, required = schema.get("properties", {}), schema.get("required", [])
        parts: list[Markup] = []
        for name, each in properties.items():
            if not isinstance(each, dict) or not {"const", "enum"} & each.keys():
                return Markup("")
            parts.append(Markup("{} is {}").format(code(name), self.kind(each)))
        parts += [Markup("{} is there").format(code(name)) for name in required if name not in properties]
        return joined(parts, "and")


def mapping(schema: Any, keyword: str) -> dict[str, Any]:
    """The object under a keyword; empty where there is none."""
    found = schema.get(keyword) if isinstance(schema, Mapping) else None
    return found if isinstance(found, dict) else {}


def referred(schema: Mapping[str, Any]) -> str:
    """The definition that a schema refers to, or nothing."""
    reference = schema.get("$ref")
    return component(reference) if isinstance(reference, str) and reference.startswith("#/$defs/") else ""


def _types(schema: Mapping[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else [each for each in types if isinstance(each, str)]


def _has_parts(schema: Mapping[str, Any]) -> bool:
    """Whether a schema describes parts of its value."""
    parts = (*OF_OBJECTS, *OF_ARRAYS, *CHOICES, "allOf", "not", "if", "dependentSchemas", "dependentRequired")
    return any(key in schema for key in parts)


def _numbers(schema: Mapping[str, Any]) -> Iterator[Markup]:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        yield Markup("from {} to {}").format(json_text(low), json_text(high))
    elif low is not None:
        yield Markup("at least {}").format(json_text(low))
    elif high is not None:
        yield Markup("at most {}").format(json_text(high))
    if above is not None:
        yield Markup("more than {}").format(json_text(above))
    if below is not None:
        yield Markup("less than {}").format(json_text(below))
    if "multipleOf" in schema:
        yield Markup("a multiple of {}").format(json_text(schema["multipleOf"]))


def _lengths(schema: Mapping[str, Any]) -> Iterator[Markup]:
    for name, one, many in (
        ("Length", "character", "characters"),
        ("Items", "item", "items"),
        ("Properties", "field", "fields"),
    ):
        told = _range(schema.get(f"min{name}"), schema.get(f"max{name}"), one, many)
        if told:
            yield Markup("{}").format(told)
    if schema.get("uniqueItems") is True:
        yield Markup("no item twice")
    if "format" in schema:
        yield Markup("format {}").format(code(str(schema["format"])))
    if "pattern" in schema:
        yield Markup("matches {}").format(code(str(schema["pattern"])))
    if "contentEncoding" in schema:
        yield Markup("encoded as {}").format(code(str(schema["contentEncoding"])))
    if "contentMediaType" in schema:
        yield Markup("holds {}").format(code(str(schema["contentMediaType"])))


def _range(low: Any, high: Any, one: str, many: str) -> str:
    unit = one if (low == 1 and high in (None, 1)) or (high == 1 and low in (None, 0)) else many
    if low and high is not None:
        return f"{low} {unit}" if low == high else f"{low} to {high} {many}"
    if high is not None:
        return f"at most {high} {unit}" if high else f"no {many}"
    return f"at least {low} {unit}" if low else ""
