"""Which components check functions call, and which of these have to note what they evaluate."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routewright.spec.keywords import component, subschemas

UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
"""The keywords that ask what others have not evaluated."""


def tracking(function: str) -> str:
    """The name of the variant of a component's check function that notes what it evaluates."""
    return function.replace("check_", "track_", 1)


def refers(schema: Any) -> bool:
    """Whether a schema refers to components."""
    return any(True for _ in _references(schema, False))


def needed(schemas: Iterable[Any], components: Mapping[str, Any]) -> set[tuple[str, bool]]:
    """The components that check functions for these schemas call, with whether they have to note what they evaluate."""
    found: set[tuple[str, bool]] = set()
    ahead = [(schema, False) for schema in schemas]
    while ahead:
        schema, tracked = ahead.pop()
        for edge in _references(schema, tracked):
            if edge not in found:
                found.add(edge)
                ahead.append((components[edge[0]], edge[1]))
    return found


_IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"})


def _references(schema: Any, tracked: bool) -> Iterator[tuple[str, bool]]:
    ahead = [(schema, tracked)]
    while ahead:
        each_, noted = ahead.pop()
        if not isinstance(each_, dict):
            continue
        noted = noted or any(key in each_ for key in UNEVALUATED)
        if "$ref" in each_:
            yield component(each_["$ref"]), noted
        ahead += [(inner, noted and steps[0] in _IN_PLACE) for steps, inner in subschemas(each_) if steps[0] != "$defs"]
