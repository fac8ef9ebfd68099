"""Whether one JSON Schema accepts all that another accepts, and where it does not.

Strategy: subsumption by keyword. The refusing side is a conjunction of keywords, so each of them is compared apart with
all that the accepting side says together (`routewright.table.conjuncts`); a union on the accepting side is split, and a
finite list of values is tried. A pair that is met again inside itself is taken for granted, which makes recursion end.
Whatever cannot be decided counts as refused, so an empty answer is a proof.

An object that declares properties is taken at its word, unless the comparison is strict: it has the properties that it
declares, although further ones would be accepted. So a new optional property refuses nothing.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from routewright.table.conjuncts import ATOMS, Conjunct, Definitions, Together, atoms
from routewright.table.loss import Loss, bound_losses, finite, number_losses, string_losses
from routewright.table.sameness import Sameness
from routewright.table.validity import ANNOTATIONS, valid

_EFFORT = 20_000
"""Pairs of schemas that one comparison looks at; what is left over cannot be compared."""


class Schema(NamedTuple):
    """A schema, and the ``$defs`` that its references lead into."""

    schema: Any
    definitions: Mapping[str, Any]


def losses(accepting: Schema, refusing: Schema, *, strict: bool = False) -> tuple[Loss, ...]:
    """Where ``refusing`` refuses what ``accepting`` accepts; empty if it certainly does so nowhere.

    Args:
        strict: count properties that the accepting side does not declare, but does not refuse either.
    """
    comparison = _Comparison(Definitions(accepting.definitions), Definitions(refusing.definitions), strict)
    try:
        found = comparison.losses([_root(accepting)], _root(refusing), ())
    except (LookupError, RecursionError, TypeError, ValueError, AttributeError):
        # not what a checked spec says
        found = [Loss((), "", None, None, undecided=True)]
    return tuple({repr(each): each for each in found}.values())


def _root(side: Schema) -> Any:
    return _without(side.schema, "$defs") if isinstance(side.schema, dict) else side.schema


class _Comparison:
    def __init__(self, ours: Definitions, theirs: Definitions, strict: bool) -> None:
        self.ours = ours
        self.theirs = theirs
        self.strict = strict
        self.sameness = Sameness(ours, theirs)
        self.assumed: set[str] = set()
        self.left = _EFFORT

    def losses(self, schemas: list[Any], other: Any, steps: tuple[str, ...]) -> list[Loss]:
        """What all of ``schemas`` together accept and ``other`` refuses."""
        if other is True or (len(schemas) == 1 and self.sameness(schemas[0], other)):
            return []
        self.left -= 1
        if self.left < 0:
            return [Loss(steps, "", None, None, undecided=True)]
        if not _refers(other) and not any(map(_refers, schemas)):
            return self.compare(schemas, other, steps)
        key = json.dumps([schemas, other], sort_keys=True)
        if key in self.assumed:
            return []
        self.assumed.add(key)
        try:
            return self.compare(schemas, other, steps)
        finally:
            self.assumed.discard(key)

    def compare(self, schemas: list[Any], other: Any, steps: tuple[str, ...]) -> list[Loss]:
        conjuncts = self.ours.conjuncts(schemas)
        if conjuncts is None:
            return []
        together = Together(conjuncts, self.ours)
        if together.empty:
            return []
        if together.values is not None:
            return self.listed(together.values, other, steps)
        for at, each in enumerate(conjuncts):
            for keyword in ("anyOf", "oneOf"):
                if keyword in each:
                    rest = [*conjuncts[:at], _without(each, keyword), *conjuncts[at + 1 :]]
                    return [loss for option in each[keyword] for loss in self.losses([*rest, option], other, steps)]
        parts = self.theirs.conjuncts([other])
        if parts is None:
            return [Loss(steps, "false", None, False)]
        return [loss for part in parts for loss in self.part(together, part, steps)]

    def listed(self, values: list[Any], other: Any, steps: tuple[str, ...]) -> list[Loss]:
        """Every value that there can be, tried."""
        found = [(value, valid(value, other, self.theirs.resolve)) for value in values]
        refused = [value for value, answer in found if answer is False]
        unknown = [value for value, answer in found if answer is None]
        lost = [Loss(steps, "enum", refused, other)] if refused else []
        return lost + ([Loss(steps, "enum", unknown, other, undecided=True)] if unknown else [])

    def part(self, together: Together, part: Conjunct, steps: tuple[str, ...]) -> list[Loss]:
        """The keywords of one conjunct of the refusing side."""
        theirs = Together([part], self.theirs)
        found: list[Loss] = []
        kinds = atoms({"type": part["type"]}) if "type" in part else ATOMS
        if not together.atoms <= kinds:
            found.append(Loss(steps, "type", _types(together.atoms), _types(kinds)))
        elif theirs.values is not None:
            return [Loss(steps, "enum", None, theirs.values)]
        common = together.atoms & kinds
        if common & {"integer", "fraction"}:
            found += number_losses(together, part, steps)
        if "string" in common:
            found += string_losses(together, part, steps)
        if "array" in common:
            found += self.arrays(together, part, steps)
        if "object" in common:
            found += self.objects(together, part, steps)
        found += self.choices(together, part, steps)
        found += [
            Loss(steps, keyword, None, part[keyword], undecided=True)
            for keyword in part
            if keyword not in _KNOWN and not (keyword in _UNEVALUATED and part[keyword] is True)
        ]
        return found

    # Arrays

    def arrays(self, together: Together, part: Conjunct, steps: tuple[str, ...]) -> Iterable[Loss]:
        yield from bound_losses(together, part, "minItems", "maxItems", steps)
        most = together.most("maxItems")
        if part.get("uniqueItems") and most > 1 and True not in together.all("uniqueItems"):
            yield Loss(steps, "uniqueItems", None, True)
        prefix = part.get("prefixItems", [])
        count = max(len(prefix), together.prefix)
        for index in range(count):
            if index < most:
                other = prefix[index] if index < len(prefix) else part.get("items", True)
                yield from self.losses(together.item(index), other, (*steps, "prefixItems", str(index)))
        if count < most:
            yield from self.losses(together.item(count), part.get("items", True), (*steps, "items"))
        if "contains" in part:
            yield from self.contains(together, part, steps)

    def contains(self, together: Together, part: Conjunct, steps: tuple[str, ...]) -> Iterable[Loss]:
        least, most = part.get("minContains", 1), part.get("maxContains", math.inf)
        for each in together.conjuncts:
            if "contains" not in each:
                continue
            enough = least == 0 or (
                each.get("minContains", 1) >= least and not self.strictly([each["contains"]], part["contains"])
            )
            few = most == math.inf or (
                each.get("maxContains", math.inf) <= most and self.sameness(each["contains"], part["contains"])
            )
            if enough and few:
                return
        if least > 0 or most < together.most("maxItems"):
            yield Loss(steps, "contains", None, part["contains"], undecided=bool(together.all("contains")))

    # Objects

    def objects(self, together: Together, part: Conjunct, steps: tuple[str, ...]) -> Iterable[Loss]:
        required = together.required
        for name in part.get("required", ()):
            if name not in required:
                yield Loss((*steps, "properties", name), "required", name, name)
        for name, other in part.get("properties", {}).items():
            if not self.unsent(together, name):
                yield from self.losses(together.member(name), other, (*steps, "properties", name))
        for pattern, other in part.get("patternProperties", {}).items():
            yield from self.pattern(together, pattern, other, steps)
        yield from self.additional(together, part, steps)
        if "propertyNames" in part:
            yield from self.names(together, part["propertyNames"], steps)
        yield from self.counts(together, part, steps)
        yield from self.dependent(together, part, steps)

    def unsent(self, together: Together, name: str) -> bool:
        """Whether objects that keep to what is declared never have a property of that name."""
        schemas = together.member(name)
        return any(each is False for each in schemas) or (
            not self.strict
            and bool(together.named)
            and name not in together.named
            and not together.all("patternProperties")
            and all(each is True for each in schemas)
        )

    def bounded(self, together: Together) -> bool:
        """Whether objects only have properties that are named."""
        if together.all("patternProperties"):
            return False
        return any(each is False for each in together.all("additionalProperties")) or (
            not self.strict
            and bool(together.named)
            and all(each is True for each in together.all("additionalProperties"))
        )

    def pattern(self, together: Together, pattern: str, other: Any, steps: tuple[str, ...]) -> Iterable[Loss]:
        below = (*steps, "patternProperties", pattern)
        given = [each[pattern] for each in together.all("patternProperties") if pattern in each]
        if given:
            yield from self.losses(given, other, below)
        elif self.bounded(together):
            # which of the names match is not asked: all have to do
            for name in together.named:
                yield from self.losses(together.member(name), other, below)
        elif self.losses([True], other, below):
            yield Loss(below, "patternProperties", None, pattern, undecided=True)

    def additional(self, together: Together, part: Conjunct, steps: tuple[str, ...]) -> Iterable[Loss]:
        known = part.get("properties", {})
        patterns = part.get("patternProperties", {})
        other = part.get("additionalProperties", True)
        for name in together.named:
            if name in known or self.unsent(together, name):
                continue
            place = (*steps, "properties", name)
            if other is False:
                yield Loss(place, "additionalProperties", name, False, undecided=bool(patterns))
            elif other is not True:
                yield from self.losses(together.member(name), other, place)
            elif known and not patterns and not self.strict:
                yield Loss(place, "properties", name, None)
        if other is True:
            return
        free = [each.get("additionalProperties", True) for each in together.conjuncts]
        bare = [
            each.get("additionalProperties", True) for each in together.conjuncts if "patternProperties" not in each
        ]
        below = (*steps, "additionalProperties")
        rest = self.losses(free, other, below)
        if rest and other is False:
            rest = [Loss(steps, "additionalProperties", True, False)]
        yield from rest
        for each in together.all("patternProperties"):
            for pattern, schema in each.items():
                if pattern not in patterns:
                    yield from self.losses([schema, *bare], other, (*steps, "patternProperties", pattern))

    def names(self, together: Together, other: Any, steps: tuple[str, ...]) -> Iterable[Loss]:
        if any(not self.losses([each], other, steps) for each in together.all("propertyNames")):
            return
        given = next(iter(together.all("propertyNames")), None)
        if not self.bounded(together) or not all(
            valid(name, other, self.theirs.resolve) for name in together.named if not self.unsent(together, name)
        ):
            yield Loss(steps, "propertyNames", given, other, undecided=True)

    def counts(self, together: Together, part: Conjunct, steps: tuple[str, ...]) -> Iterable[Loss]:
        least = max(together.least("minProperties") or 0, len(together.required))
        if part.get("minProperties", 0) > least:
            yield Loss(steps, "minProperties", together.least("minProperties"), part["minProperties"])
        most = together.most("maxProperties")
        if self.bounded(together):
            most = min(most, len(together.named))
        if part.get("maxProperties", math.inf) < most:
            yield Loss(steps, "maxProperties", finite(together.most("maxProperties")), part["maxProperties"])

    def dependent(self, together: Together, part: Conjunct, steps: tuple[str, ...]) -> Iterable[Loss]:
        for name, wanted in part.get("dependentRequired", {}).items():
            given = {each for listed in together.all("dependentRequired") for each in listed.get(name, ())}
            if not self.unsent(together, name) and not set(wanted) <= given | together.required | {name}:
                yield Loss((*steps, "properties", name), "dependentRequired", sorted(given), wanted)
        for name, other in part.get("dependentSchemas", {}).items():
            more = [each[name] for each in together.all("dependentSchemas") if name in each]
            if not self.unsent(together, name) and self.losses([*together.conjuncts, *more], other, steps):
                yield Loss((*steps, "properties", name), "dependentSchemas", None, other, undecided=True)

    # Combinations

    def choices(self, together: Together, part: Conjunct, steps: tuple[str, ...]) -> Iterable[Loss]:
        if "anyOf" in part and not all(
            any(not self.losses(case, option, steps) for option in part["anyOf"]) for case in _cases(together)
        ):
            yield Loss(steps, "anyOf", None, part["anyOf"], undecided=len(part["anyOf"]) > 1)
        if "oneOf" in part and not all(self.exactly_one(case, part["oneOf"], steps) for case in _cases(together)):
            yield Loss(steps, "oneOf", None, part["oneOf"], undecided=True)
        if "not" in part and not (
            any(not self.reversed().strictly([part["not"]], each) for each in together.all("not"))
            or self.apart(list(together.conjuncts), part["not"])
        ):
            yield Loss(steps, "not", None, part["not"], undecided=True)
        if "if" in part and ("then" in part or "else" in part):
            three = ("if", "then", "else")
            if not any(all(self.sameness.keyword(each, part, key) for key in three) for each in together.conjuncts):
                yield Loss(steps, "if", None, part["if"], undecided=True)

    def exactly_one(self, case: list[Any], options: list[Any], steps: tuple[str, ...]) -> bool:
        return any(
            not self.losses(case, option, steps)
            and all(self.apart(case, other) for other in options if other is not option)
            for option in options
        )

    def apart(self, schemas: list[Any], other: Any) -> bool:
        """Whether nothing satisfies both: no type is common, or a required property can have no value."""
        ours, theirs = self.ours.conjuncts(schemas), self.theirs.conjuncts([other])
        if ours is None or theirs is None:
            return True
        for at, each in enumerate(theirs):
            for keyword in ("anyOf", "oneOf"):
                if keyword in each:
                    rest = {"allOf": [*theirs[:at], _without(each, keyword), *theirs[at + 1 :]]}
                    return all(self.apart(schemas, {"allOf": [rest, option]}) for option in each[keyword])
        left, right = Together(ours, self.ours), Together(theirs, self.theirs)
        if left.empty or right.empty or not left.atoms & right.atoms:
            return True
        if left.values is not None:
            return all(valid(value, other, self.theirs.resolve) is False for value in left.values)
        if left.atoms & right.atoms != {"object"}:
            return False
        return any(self.never(left.member(name), right.member(name)) for name in left.required | right.required)

    def never(self, ours: list[Any], theirs: list[Any]) -> bool:
        """Whether no value satisfies both, objects' members aside."""
        one, other = self.ours.conjuncts(ours), self.theirs.conjuncts(theirs)
        if one is None or other is None:
            return True
        left, right = Together(one, self.ours), Together(other, self.theirs)
        if left.empty or right.empty or not left.atoms & right.atoms:
            return True
        return left.values is not None and all(
            valid(value, {"allOf": theirs}, self.theirs.resolve) is False for value in left.values
        )

    def strictly(self, schemas: list[Any], other: Any) -> list[Loss]:
        """The same comparison, with every property that may be there."""
        strict = _Comparison(self.ours, self.theirs, strict=True)
        strict.left = self.left // 2
        return strict.losses(schemas, other, ())

    def reversed(self) -> "_Comparison":
        return _Comparison(self.theirs, self.ours, self.strict)


_KNOWN = frozenset(
    {
        "type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "format",
        "minItems", "maxItems", "uniqueItems", "items", "prefixItems", "contains", "minContains", "maxContains",
        "properties", "patternProperties", "additionalProperties", "propertyNames", "required",
        "minProperties", "maxProperties", "dependentRequired", "dependentSchemas",
    }
    | ANNOTATIONS
)  # fmt: skip
"""Keywords that are compared by their meaning; any other refuses, unless the whole schema is the same."""

_UNEVALUATED = frozenset({"unevaluatedItems", "unevaluatedProperties"})


def _refers(schema: Any) -> bool:
    """Whether a circle of references may pass through a schema."""
    return isinstance(schema, dict) and ("$ref" in schema or any(map(_refers, schema.get("allOf", ()))))


def _cases(together: Together) -> list[list[Any]]:
    """The same values, type by type."""
    kinds = sorted({"number" if each in ("integer", "fraction") else each for each in together.atoms})
    plain: list[Any] = list(together.conjuncts)
    if len(kinds) == 1:
        return [plain]
    return [[*plain, {"type": kind}] for kind in kinds]


def _types(left: frozenset[str]) -> list[str]:
    kinds = {"number" if each == "fraction" else each for each in left}
    return sorted(kinds - {"integer"} if "number" in kinds else kinds)


def _without(schema: Conjunct, keyword: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != keyword}
