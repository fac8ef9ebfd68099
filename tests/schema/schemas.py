"""Random schemas over every keyword that is enforced, and values that nearly fit them.

Strategy: both are made from a seed by plain code, a hundred times as fast as strategies that draw strategies; the
shortest of many schemas that show a difference is as good as a shrunk one.
"""

import copy
from functools import partial
from random import Random
from typing import Any

NAMES = ["a", "b", "ab", "kind", "é"]
PATTERNS = ["^a", "b$", "^(ab)+$", "^[^a]*$", "^.{2}$", "😀"]
SCALARS: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 3, 5, 0.0, -0.0, 1.0, 2.0, 0.5, 1.5, 2.75, -1.5, 1e300, 2**53, 2**70, -(2**63)),
    *("", "a", "b", "ab", "abab", "é😀", "😀😀", "1", "true", "2026-11-22", "1.2.3.4", "::1"),
]
FORMATS = ["date", "ipv4", "ipv6", "regex"]

KINDS = ["null", "boolean", "integer", "number", "string", "array", "object"]
REFERENCES = ["#", "#/$defs/a", "#/$defs/b", "#/$defs/b/items", "#anchor"]
BOUNDS: dict[str, list[Any]] = {
    "minimum": [-1, 0, 0.5, 1],
    "maximum": [2, 2.5, 3, 5.0],
    "exclusiveMinimum": [-2, -1.5, 0],
    "exclusiveMaximum": [3, 3.5, 6],
    "multipleOf": [1, 2, 0.5, 1.5, 3],
}
LENGTHS: dict[str, list[Any]] = {"minLength": [0, 1], "maxLength": [1, 2, 3], "pattern": PATTERNS}
FIXED: list[Any] = [True, False, {}, {"type": "array"}, {"type": ["string", "null"]}, {"type": "object"}]


class Schemas:
    """Schemas that stand on their own."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def root(self) -> Any:
        schema = self.schema(3)
        if not isinstance(schema, dict):
            return schema
        anchored = self.schema(1)
        definitions = {
            "a": self.schema(2),
            "b": {"items": self.schema(1)},
            "c": {**(anchored if isinstance(anchored, dict) else {}), "$anchor": "anchor"},
        }
        return {**schema, "$defs": definitions}

    def schema(self, depth: int) -> Any:
        makers = (
            [self.leaf] if depth == 0 else [self.leaf, self.shape, self.shape, self.combined, self.both, self.counted]
        )
        return self.random.choice(makers)(depth - 1)

    def some(self, keywords: dict[str, Any], least: int = 0, most: int = 4) -> dict[str, Any]:
        """Some of these keywords, each with a value that is drawn from a list or made by a function."""
        count = self.random.randint(least, min(most, len(keywords)))
        return {
            key: keywords[key]() if callable(keywords[key]) else copy.deepcopy(self.random.choice(keywords[key]))
            for key in self.random.sample(sorted(keywords), count)
        }

    def leaf(self, depth: int) -> Any:
        del depth
        match self.random.randrange(10):
            case 0:
                return copy.deepcopy(self.random.choice(FIXED))
            case 1:
                return {"type": self.random.sample(KINDS, self.random.randint(1, 3))}
            case 2:
                return {"type": self.random.choice(["integer", "number"]), **self.some(BOUNDS)}
            case 3:
                return {"type": "string", **self.some(LENGTHS)}
            case 4:
                return self.some({**BOUNDS, **LENGTHS}, 1)
            case 5:
                return {"type": "string", "format": self.random.choice(FORMATS)}
            case 6:
                return {"const": self.value()}
            case 7:
                return {"enum": [self.value() for _ in range(self.random.randint(1, 4))]}
            case 8:
                return {"type": self.random.choice(KINDS)}
        return {"$ref": self.random.choice(REFERENCES)}

    def shape(self, depth: int) -> Any:
        objects, arrays = self.object_keywords(depth), self.array_keywords(depth)
        match self.random.randrange(4):
            case 0:
                return self.some({**objects, **arrays}, 1)
            case 1:
                return {"type": "array", **self.some(arrays)}
        return {"type": "object", **self.some(objects)}

    def combined(self, depth: int) -> Any:
        several = partial(self.several, depth)
        combining = {"allOf": several, "anyOf": several, "oneOf": several, "not": partial(self.schema, depth)}
        if self.random.random() < 0.7:
            return self.some(combining, 1, 2)
        return {"if": self.schema(depth), "then": self.schema(depth), "else": self.schema(depth)}

    def both(self, depth: int) -> Any:
        reference = {"$ref": self.random.choice(REFERENCES)}
        return {**self.shape(depth), **(reference if self.random.random() < 0.3 else self.combined(depth))}

    def counted(self, depth: int) -> Any:
        low = self.random.randrange(3)
        bounds = {"minContains": low, "maxContains": low + self.random.randrange(3)}
        return {"type": "array", "contains": self.schema(depth), **bounds}

    def several(self, depth: int) -> list[Any]:
        return [self.schema(depth) for _ in range(self.random.randint(1, 3))]

    def named(self, depth: int, names: list[str]) -> dict[str, Any]:
        return {name: self.schema(depth) for name in self.random.sample(names, self.random.randint(0, 3))}

    def names(self) -> list[str]:
        return self.random.sample(NAMES, self.random.randrange(3))

    def object_keywords(self, depth: int) -> dict[str, Any]:
        inner = partial(self.schema, depth)
        return {
            "properties": partial(self.named, depth, NAMES),
            "required": self.names,
            "additionalProperties": inner,
            "patternProperties": partial(self.named, depth, ["^a", "b$", "^.{2}$"]),
            "propertyNames": [{"maxLength": 1}, {"pattern": "^a"}, {"enum": ["a", "b"]}, True],
            "minProperties": [0, 1],
            "maxProperties": [1, 2, 3],
            "dependentRequired": lambda: {self.random.choice(NAMES): self.names()},
            "dependentSchemas": partial(self.named, depth, NAMES),
            "unevaluatedProperties": inner,
        }

    def array_keywords(self, depth: int) -> dict[str, Any]:
        inner = partial(self.schema, depth)
        return {
            "items": inner,
            "prefixItems": partial(self.several, depth),
            "minItems": [0, 1],
            "maxItems": [1, 2, 3],
            "uniqueItems": [True, True, False],
            "contains": inner,
            "unevaluatedItems": inner,
        }

    def value(self) -> Any:
        return Values(True, self.random).anything(2)


class Values:
    """Values that fit a schema, but for what random chance does to them."""

    def __init__(self, root: Any, random: Random) -> None:
        self.root = root
        self.random = random

    def value(self) -> Any:
        found = self.fitting(self.root, 5)
        return self.spoilt(found) if self.random.random() < 0.5 else found

    def anything(self, depth: int) -> Any:
        kind = self.random.randrange(6) if depth > 0 else 0
        if kind == 4:
            return [self.anything(depth - 1) for _ in range(self.random.randrange(4))]
        if kind == 5:
            return {name: self.anything(depth - 1) for name in self.random.sample(NAMES, self.random.randrange(3))}
        return copy.deepcopy(self.random.choice(SCALARS))

    def fitting(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or not schema or depth <= 0:
            return self.anything(depth)
        if "const" in schema:
            return copy.deepcopy(schema["const"])
        if "enum" in schema:
            return copy.deepcopy(self.random.choice(schema["enum"]))
        branches = [*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
        branches += [schema[key] for key in ("if", "then", "else") if key in schema]
        if "$ref" in schema:
            branches.append(self.target(schema["$ref"]))
        if branches and self.random.random() < 0.6:
            found = self.fitting(self.random.choice(branches), depth - 1)
            if isinstance(found, dict) and "properties" in schema:
                return {**self.members(schema, depth), **found}
            return found
        kinds = schema.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        return self.of_kind(schema, self.random.choice(kinds) if kinds else self.spoken(schema), depth)

    def spoken(self, schema: dict[str, Any]) -> str:
        if schema.keys() & {"properties", "required", "additionalProperties", "patternProperties", "propertyNames"}:
            return "object"
        if schema.keys() & {"items", "prefixItems", "contains", "uniqueItems", "minItems"}:
            return "array"
        return self.random.choice(["object", "array", "string", "number", "other"])

    def of_kind(self, schema: dict[str, Any], kind: str, depth: int) -> Any:
        if kind == "object":
            return self.members(schema, depth)
        if kind == "array":
            items = [self.fitting(each, depth - 1) for each in schema.get("prefixItems", ())]
            items = items[: self.random.randrange(len(items) + 1)] if self.random.random() < 0.3 else items
            rest = [schema[key] for key in ("items", "contains", "unevaluatedItems") if key in schema] or [True]
            return items + [self.fitting(self.random.choice(rest), depth - 1) for _ in range(self.random.randrange(4))]
        types: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
        fitting = [each for each in SCALARS if isinstance(each, types.get(kind, object))]
        return self.random.choice(fitting)

    def members(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        wanted = {*schema.get("required", ()), *(name for name in properties if self.random.random() < 0.6)}
        if self.random.random() < 0.5:
            wanted.add(self.random.choice(NAMES))
        others = [schema[key] for key in ("additionalProperties", "unevaluatedProperties") if key in schema] or [True]
        others += schema.get("patternProperties", {}).values()
        return {
            name: self.fitting(properties.get(name, self.random.choice(others)), depth - 1) for name in sorted(wanted)
        }

    def target(self, reference: str) -> Any:
        definitions = self.root.get("$defs", {})
        places = {"#": self.root, "#/$defs/a": definitions.get("a"), "#/$defs/b": definitions.get("b")}
        places |= {"#/$defs/b/items": (definitions.get("b") or {}).get("items"), "#anchor": definitions.get("c")}
        return places[reference]

    def spoilt(self, value: Any) -> Any:
        """The value with one thing changed, somewhere."""
        if isinstance(value, dict) and value and self.random.random() < 0.7:
            name = self.random.choice(sorted(value))
            if self.random.random() < 0.3:
                return {key: each for key, each in value.items() if key != name}
            return {**value, name: self.spoilt(value[name])}
        if isinstance(value, list) and value and self.random.random() < 0.7:
            at = self.random.randrange(len(value))
            if self.random.random() < 0.3:
                return [*value, copy.deepcopy(value[at])]
            return [*value[:at], self.spoilt(value[at]), *value[at + 1 :]]
        if isinstance(value, bool):
            return self.random.choice([int(value), float(value), not value, str(value).lower()])
        if isinstance(value, int) and abs(value) < 2**53:
            return self.random.choice([float(value), value + 1, value - 0.5, str(value), bool(value)])
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return int(value)
        if isinstance(value, str):
            return self.random.choice([f"{value}😀", value[1:], [value], value.upper()])
        return self.anything(2)
