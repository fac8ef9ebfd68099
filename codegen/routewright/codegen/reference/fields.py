"""A JSON Schema as the rows of a table: one a field, nested ones below the one that holds them.

Strategy: one walk over the schema that yields rows. What a phrase can say (`routewright.codegen.reference.words`) needs
no row. References are links and are not followed, levels and rows have a bound, so whatever a schema nests or repeats
the table ends.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from markupsafe import Markup

from routewright.codegen.reference.highlight import json_text
from routewright.codegen.reference.prose import line, prose
from routewright.codegen.reference.words import CHOICES, DEEPEST, Words, code, constant, joined, mapping

ROWS = 400
"""Rows of one table; what is beyond stands in the JSON Schema."""

_NOTHING = Markup("")
_SENTENCES = {
    "oneOf": Markup("Exactly one of these holds{}:"),
    "anyOf": Markup("At least one of these holds{}:"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row: a field with its ``prefix`` (the objects that it is in), or a sentence about those below it."""

    sort: Literal["field", "sentence"]
    depth: int
    prefix: str = ""
    name: str = ""
    kind: Markup = _NOTHING
    remarks: list[Markup] = field(default_factory=list)
    description: Markup = _NOTHING
    required: bool = False
    deprecated: bool = False
    direction: str = ""
    default: str | None = None
    examples: list[Markup] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A whole schema: its kind, bounds and description, and the table of its fields. ``reference`` is the definition
    that it is."""

    kind: Markup
    remarks: list[Markup]
    title: Markup
    description: Markup
    rows: list[Row]
    default: str | None
    document: Any


class Fields:
    """The tables of one bundle."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.words = Words(definitions)

    def shape(self, schema: Any) -> Shape:
        """All there is to say of a schema. One that only refers to a definition shows that definition's fields."""
        found = self.words.target(schema) if isinstance(schema, dict) and set(schema) <= _ABOUT else schema
        rows = list(itertools.islice(self._inside(found, "", 0), ROWS + 1))
        if len(rows) > ROWS:
            rows[ROWS:] = [_sentence("There are more fields: see the JSON Schema.", 0)]
        about = schema if isinstance(schema, dict) else {}
        return Shape(
            kind=self.words.kind(schema),
            remarks=self.words.remarks(found),
            title=line(str(about.get("title", ""))),
            description=prose(str(about.get("description", ""))),
            rows=rows,
            default=_default(about),
            document={key: each for key, each in schema.items() if key != "$defs"} if about else schema,
        )

    def _inside(self, schema: Any, prefix: str, depth: int) -> Iterator[Row]:
        """The rows of what is inside a value."""
        if not isinstance(schema, dict):
            return
        if depth > DEEPEST:
            yield _sentence("It nests further: see the JSON Schema.", depth)
            return
        yield from self._named(schema, prefix, depth)
        yield from self._unnamed(schema, prefix, depth)
        yield from self._items(schema, prefix, depth)
        yield from self._conditions(schema, prefix, depth)
        for part in _schemas(schema, "allOf"):
            if isinstance(part, dict) and "$ref" in part:
                yield _sentence(Markup("All of {} holds as well.").format(self.words.kind(part)), depth)
            yield from self._inside(part, prefix, depth + 1 if isinstance(part, dict) and "allOf" in part else depth)
        for keyword in CHOICES:
            yield from self._options(schema, keyword, prefix, depth)

    def _field(self, name: str, schema: Any, prefix: str, depth: int, *, required: bool = False) -> Iterator[Row]:
        about = schema if isinstance(schema, dict) else {}
        target = self.words.target(schema)
        texts = [prose(str(about.get(key, ""))) for key in ("title", "description")]
        if not any(texts) and isinstance(target, dict):
            texts = [prose(str(target.get("description", "")))]
        kind, remarks = self.words.kind(schema), self.words.remarks(schema)
        yield Row(
            sort="field",
            depth=depth,
            prefix=prefix,
            name=name,
            kind=_NOTHING if remarks and kind == "any value" else kind,
            remarks=remarks,
            description=_NOTHING.join(texts),
            required=required,
            deprecated=about.get("deprecated") is True,
            direction="read only" if about.get("readOnly") else "write only" if about.get("writeOnly") else "",
            default=_default(about),
            examples=[constant(each) for each in about.get("examples", [])[:4]]
            if isinstance(about.get("examples"), list)
            else [],
        )
        yield from self._inside(schema, f"{prefix}{name}.", depth + 1)

    def _named(self, schema: dict[str, Any], prefix: str, depth: int) -> Iterator[Row]:
        properties = mapping(schema, "properties")
        required = schema.get("required", [])
        for name, each in properties.items():
            yield from self._field(name, each, prefix, depth, required=name in required)
        if "if" in schema or properties or "allOf" not in schema:
            for name in required:
                if name not in properties:
                    yield from self._field(name, True, prefix, depth, required=True)

    def _unnamed(self, schema: dict[str, Any], prefix: str, depth: int) -> Iterator[Row]:
        patterns = mapping(schema, "patternProperties")
        for pattern, each in patterns.items():
            yield _sentence(Markup("Each field whose name matches {}:").format(code(pattern)), depth)
            yield from self._field("*", each, prefix, depth)
        others = schema.get("additionalProperties")
        if isinstance(others, dict) and others:
            if patterns or "properties" in schema:
                yield _sentence("Each further field:", depth)
                yield from self._field("*", others, prefix, depth)
            else:
                yield from self._inside(others, f"{prefix}*.", depth + 1)
        rest = schema.get("unevaluatedProperties")
        if isinstance(rest, dict) and rest:
            yield _sentence("Each field that is not named elsewhere:", depth)
            yield from self._field("*", rest, prefix, depth)

    def _items(self, schema: dict[str, Any], prefix: str, depth: int) -> Iterator[Row]:
        at = prefix.removesuffix(".")
        first = _schemas(schema, "prefixItems")
        for index, each in enumerate(first):
            yield from self._field(f"[{index}]", each, at, depth)
        for keyword in ("items", "unevaluatedItems"):
            items = schema.get(keyword)
            if isinstance(items, dict) and items:
                if first or keyword == "unevaluatedItems":
                    yield from self._field(f"[{len(first)}…]", items, at, depth)
                else:
                    yield from self._inside(items, f"{at}[].", depth if depth else 1)
        contained = schema.get("contains")
        if isinstance(contained, dict) and not self.words.phrase(contained):
            yield _sentence("What it contains:", depth)
            yield from self._inside(contained, f"{at}[].", depth + 1)

    def _options(self, schema: dict[str, Any], keyword: str, prefix: str, depth: int) -> Iterator[Row]:
        options = _schemas(schema, keyword)
        if not any(_has_rows(each) or _is_linked(each) for each in options):
            return
        conditions = [self.words.condition(each) for each in options]
        if all(conditions):
            yield _sentence(_SENTENCES[keyword].format("") + " " + joined(conditions, "or") + ".", depth)
            return
        of = Markup(" for {}").format(code(prefix.removesuffix("."))) if prefix else ""
        yield _sentence(_SENTENCES[keyword].format(of), depth)
        for number, each in enumerate(options, start=1):
            yield _sentence(Markup("{}. {}").format(number, self._option(each)), depth + 1)
            if not conditions[number - 1]:
                yield from self._inside(each, prefix, depth + 1)

    def _option(self, schema: Any) -> Markup:
        """What an option is called: its title, and the constants that tell it apart."""
        if condition := self.words.condition(schema):
            return condition
        target = self.words.target(schema)
        about = target if isinstance(target, dict) else {}
        marks = [
            Markup("{} is {}").format(code(name), constant(each["const"]))
            for name, each in mapping(about, "properties").items()
            if isinstance(each, dict) and "const" in each
        ]
        parts = [line(str(about.get("title", ""))) or self.words.kind(schema), joined(marks, "and")]
        if _is_linked(schema) and about.get("title"):
            parts[0] = self.words.kind(schema)
        return Markup(": ").join(part for part in parts if part)

    def _conditions(self, schema: dict[str, Any], prefix: str, depth: int) -> Iterator[Row]:
        for name, needed in mapping(schema, "dependentRequired").items():
            names = joined([code(str(each)) for each in needed], "and")
            yield _sentence(Markup("With {} there must also be {}.").format(code(name), names), depth)
        for name, each in mapping(schema, "dependentSchemas").items():
            yield from self._clause(Markup("With {}").format(code(name)), each, prefix, depth)
        if "not" in schema and not self.words.phrase(schema["not"]):
            yield _sentence("It must not be:", depth)
            yield from self._inside(schema["not"], prefix, depth + 1)
        if "if" not in schema:
            return
        condition = self.words.phrase(schema["if"])
        if not condition:
            yield _sentence("The condition:", depth)
            yield from self._inside(schema["if"], prefix, depth + 1)
        lead = Markup("If {}").format(condition) if condition else Markup("If the condition holds")
        if "then" in schema:
            yield from self._clause(lead, schema["then"], prefix, depth)
        if "else" in schema:
            otherwise = Markup("Otherwise") if "then" in schema else Markup("Unless {}").format(condition or "it holds")
            yield from self._clause(otherwise, schema["else"], prefix, depth)

    def _clause(self, lead: Markup, schema: Any, prefix: str, depth: int) -> Iterator[Row]:
        if condition := self.words.condition(schema):
            yield _sentence(Markup("{}: {}.").format(lead, condition), depth)
            return
        remarks = self.words.remarks(schema)
        if isinstance(schema, dict) and "$ref" in schema:
            remarks.insert(0, self.words.kind(schema))
        if not _has_rows(schema) and not remarks:
            remarks.append(self.words.kind(schema))
        yield _sentence(Markup("{}: {}").format(lead, Markup("; ").join(remarks)) if remarks else lead + ":", depth)
        yield from self._inside(schema, prefix, depth + 1)


_ABOUT = {"$ref", "$defs", "title", "description", "default", "examples", "deprecated", "$comment", "type"}


_NAMING = {
    *("properties", "required", "patternProperties", "unevaluatedProperties", "prefixItems", "unevaluatedItems"),
    *("dependentRequired", "dependentSchemas", "if"),
}


def _has_rows(schema: Any, level: int = 0) -> bool:
    """Whether a phrase does not say all of a schema."""
    if not isinstance(schema, dict):
        return False
    if level > 3 or _NAMING & schema.keys():
        return True
    below = [schema.get(key) for key in ("items", "additionalProperties", "contains", "not")]
    for keyword in ("allOf", *CHOICES):
        below += _schemas(schema, keyword)
    return any(_has_rows(each, level + 1) for each in below)


def _is_linked(schema: Any) -> bool:
    return isinstance(schema, dict) and "$ref" in schema


def _sentence(text: str | Markup, depth: int) -> Row:
    return Row(sort="sentence", depth=depth, description=Markup("{}").format(text))


def _schemas(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    found = schema.get(keyword)
    return found if isinstance(found, list) else []


def _default(schema: Mapping[str, Any]) -> str | None:
    return json_text(schema["default"], flat=True) if "default" in schema else None
