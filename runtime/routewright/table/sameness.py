"""Whether two schemas say the same in the same words, annotations aside."""

from typing import Any, final

from routewright.table.conjuncts import Conjunct, Definitions
from routewright.table.json_values import equal
from routewright.table.validity import ANNOTATIONS

_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS = frozenset(
    {
        "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames",
        "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip


@final
class Sameness:
    """Compares schemas of two sides; a reference means what it leads to."""

    def __init__(self, ours: Definitions, theirs: Definitions) -> None:
        self._ours = ours
        self._theirs = theirs

    def __call__(self, ours: Any, theirs: Any) -> bool:
        """Whether two schemas are the same."""
        return self._same(ours, theirs, frozenset())

    def keyword(self, ours: Conjunct, theirs: Conjunct, keyword: str) -> bool:
        """Whether two schemas have the same of one keyword, or both nothing."""
        return self._same(_only(ours, keyword), _only(theirs, keyword), frozenset())

    def _same(self, ours: Any, theirs: Any, seen: frozenset[tuple[str, str]]) -> bool:
        if isinstance(ours, bool) or isinstance(theirs, bool):
            return ours is theirs
        keys = ours.keys() - ANNOTATIONS
        if keys != theirs.keys() - ANNOTATIONS:
            return False
        return all(self._member(key, ours[key], theirs[key], seen) for key in keys)

    def _member(self, key: str, ours: Any, theirs: Any, seen: frozenset[tuple[str, str]]) -> bool:
        if key == "$ref":
            pair = (ours, theirs)
            return pair in seen or self._same(self._ours.resolve(ours), self._theirs.resolve(theirs), seen | {pair})
        if key in _SCHEMAS:
            return self._same(ours, theirs, seen)
        if key in _MAPS:
            return ours.keys() == theirs.keys() and all(self._same(ours[each], theirs[each], seen) for each in ours)
        if key in _LISTS:
            return len(ours) == len(theirs) and all(
                self._same(one, other, seen) for one, other in zip(ours, theirs, strict=True)
            )
        if key == "required":
            return set(ours) == set(theirs)
        return equal(ours, theirs)


def _only(schema: Conjunct, keyword: str) -> dict[str, Any]:
    return {keyword: schema[keyword]} if keyword in schema else {}
