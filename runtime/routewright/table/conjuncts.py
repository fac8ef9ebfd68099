"""What several schemas say together of one value.

Strategy: ``$ref`` and ``allOf`` are only ways to say several things at once, so a schema is taken apart into plain
objects that all hold, the *conjuncts*. What they say of types, values, bounds, members and items is then read off all
of them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from routewright.table.json_values import equal
from routewright.table.validity import KINDS, valid

ATOMS = frozenset({"null", "boolean", "object", "array", "string", "integer", "fraction"})
"""The types of JSON Schema, made disjoint: a number is an integer or has a fraction."""

_OF_TYPE = {atom: frozenset({atom}) for atom in ATOMS} | {"number": frozenset({"integer", "fraction"})}

_DEPTH = 64
"""``$ref`` after ``$ref`` at one place; more is a circle."""

Conjunct = Mapping[str, Any]


class Definitions:
    """The ``$defs`` that the schemas of one side refer to."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def resolve(self, reference: str) -> Any:
        """The schema that ``#/$defs/NAME`` leads to.

        Raises:
            LookupError: nothing, or the reference is of another form.
        """
        head, _, name = reference.partition("#/$defs/")
        if head or name.replace("~1", "/").replace("~0", "~") not in self._definitions:
            raise LookupError(reference)
        return self._definitions[name.replace("~1", "/").replace("~0", "~")]

    def conjuncts(self, schemas: Iterable[Any], depth: int = 0) -> "list[Conjunct] | None":
        """The conjuncts of schemas that all hold; ``None`` where one is ``false``."""
        if depth > _DEPTH:
            raise LookupError("a $ref that leads to itself")
        found: list[Conjunct] = []
        for schema in schemas:
            if schema is False:
                return None
            if schema is True:
                continue
            inner = [*([self.resolve(schema["$ref"])] if "$ref" in schema else ()), *schema.get("allOf", ())]
            if inner:
                more = self.conjuncts(inner, depth + 1)
                if more is None:
                    return None
                found += more
                schema = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
            if schema:
                found.append(schema)
        return found


class Together:
    """Some conjuncts, and what follows from all of them."""

    def __init__(self, conjuncts: Sequence[Conjunct], definitions: Definitions) -> None:
        self.conjuncts = conjuncts
        self.definitions = definitions
        self.atoms = frozenset.intersection(ATOMS, *(atoms(each) for each in conjuncts))
        self.values = self._values()

    def _values(self) -> list[Any] | None:
        """All values that there can be, where they are finitely many."""
        listed = [values for each in self.conjuncts if (values := listed_values(each)) is not None]
        if not listed:
            if not self.atoms <= {"null", "boolean"}:
                return None
            listed = [[value for atom, value in _FEW if atom in self.atoms]]
        return [
            value
            for value in listed[0]
            if all(valid(value, dict(each), self.definitions.resolve) is not False for each in self.conjuncts)
        ]

    @property
    def empty(self) -> bool:
        """Whether there is certainly no such value."""
        if not self.atoms or self.values == []:
            return True
        if self.atoms <= {"integer", "fraction"}:
            (low, low_open), (high, high_open) = self.lower(), self.upper()
            return low > high or (low == high and (low_open or high_open))
        if self.atoms == {"string"}:
            return bool((self.least("minLength") or 0) > self.most("maxLength"))
        if self.atoms == {"array"}:
            return bool((self.least("minItems") or 0) > self.most("maxItems"))
        return False

    def lower(self) -> tuple[float, bool]:
        """The lower bound of numbers, and whether it is excluded."""
        bounds = [(each["minimum"], False) for each in self.conjuncts if "minimum" in each]
        bounds += [(each["exclusiveMinimum"], True) for each in self.conjuncts if "exclusiveMinimum" in each]
        bound, excluded = max(bounds, default=(-math.inf, False))
        if "fraction" in self.atoms or math.isinf(bound):
            return bound, excluded
        return (math.floor(bound) + 1, False) if excluded else (math.ceil(bound), False)

    def upper(self) -> tuple[float, bool]:
        """The upper bound of numbers, and whether it is excluded."""
        bounds = [(each["maximum"], True) for each in self.conjuncts if "maximum" in each]
        bounds += [(each["exclusiveMaximum"], False) for each in self.conjuncts if "exclusiveMaximum" in each]
        bound, included = min(bounds, default=(math.inf, True))
        if "fraction" in self.atoms or math.isinf(bound):
            return bound, not included
        return (math.floor(bound), False) if included else (math.ceil(bound) - 1, False)

    def least(self, keyword: str) -> Any:
        """The largest value of a keyword that is a lower bound, ``None`` where it stands nowhere."""
        return max((each[keyword] for each in self.conjuncts if keyword in each), default=None)

    def most(self, keyword: str) -> Any:
        """The smallest value of a keyword that is an upper bound, infinity where it stands nowhere."""
        bounds = [each[keyword] for each in self.conjuncts if keyword in each]
        if keyword == "maxItems":
            bounds += [len(each.get("prefixItems", ())) for each in self.conjuncts if each.get("items") is False]
        return min(bounds, default=math.inf)

    def all(self, keyword: str) -> list[Any]:
        """Every value of a keyword."""
        return [each[keyword] for each in self.conjuncts if keyword in each]

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of properties that are always there."""
        return frozenset(name for names in self.all("required") for name in names)

    @cached_property
    def named(self) -> list[str]:
        """Names of declared properties, in their order."""
        return list(dict.fromkeys(name for named in self.all("properties") for name in named))

    def member(self, name: str) -> list[Any]:
        """The schemas that a property of that name satisfies, as far as is known without matching patterns."""
        found = []
        for each in self.conjuncts:
            if name in each.get("properties", {}):
                found.append(each["properties"][name])
            elif "patternProperties" not in each:
                found.append(each.get("additionalProperties", True))
        return found

    def item(self, index: int) -> list[Any]:
        """The schemas that the item at an index satisfies."""
        found = []
        for each in self.conjuncts:
            prefix = each.get("prefixItems", [])
            found.append(prefix[index] if index < len(prefix) else each.get("items", True))
        return found

    @property
    def prefix(self) -> int:
        """How many items have schemas of their own."""
        return max((len(each) for each in self.all("prefixItems")), default=0)


_FEW: tuple[tuple[str, Any], ...] = (("null", None), ("boolean", False), ("boolean", True))


def atoms(conjunct: Conjunct) -> frozenset[str]:
    """The types that one conjunct leaves."""
    found = ATOMS
    if "type" in conjunct:
        kinds = conjunct["type"]
        found = _OF_TYPE[kinds] if isinstance(kinds, str) else frozenset().union(*(_OF_TYPE[kind] for kind in kinds))
    listed = listed_values(conjunct)
    if listed is not None:
        found &= {_atom(value) for value in listed}
    divisor = conjunct.get("multipleOf")
    return found - {"fraction"} if divisor is not None and KINDS["integer"](divisor) else found


def _atom(value: Any) -> str:
    for kind, is_kind in KINDS.items():
        if is_kind(value):
            return "fraction" if kind == "number" else kind
    raise TypeError(f"{value!r} is no JSON value")


def listed_values(conjunct: Conjunct) -> list[Any] | None:
    """The values of ``const`` and ``enum``, ``None`` where neither is there."""
    if "const" in conjunct:
        others = conjunct.get("enum", [conjunct["const"]])
        return [value for value in [conjunct["const"]] if any(equal(value, each) for each in others)]
    return list(conjunct["enum"]) if "enum" in conjunct else None
