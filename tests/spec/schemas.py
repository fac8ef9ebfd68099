"""Payload schemas that are valid, and values that may fit them, for Hypothesis."""

from typing import Any

from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 6) | st.sampled_from([0.5, 2.5, "", "a", "b", "ab", "abab", "é😀"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "kind", "more"]), inner, max_size=3)
    ),
    max_leaves=6,
)

_BOUNDS = {"minimum": st.integers(-3, 2), "maximum": st.integers(2, 6), "multipleOf": st.sampled_from([1, 2])}
_STRINGS = {
    "minLength": st.integers(0, 2),
    "maxLength": st.integers(2, 4),
    "pattern": st.sampled_from(["^a", "b$", "^(ab)+$", r"\w", "^[^a]*$"]),
}
_LEAVES: st.SearchStrategy[Any] = (
    st.fixed_dictionaries({"type": st.just("integer")}, optional=_BOUNDS)
    | st.fixed_dictionaries({"type": st.just("number")}, optional={**_BOUNDS, "exclusiveMaximum": st.just(5.5)})
    | st.fixed_dictionaries({"type": st.just("string")}, optional=_STRINGS)
    | st.sampled_from([{}, {"type": "boolean"}, {"type": "null"}, {"const": "a"}, {"enum": ["a", 1, None]}])
    | st.just({"type": ["string", "null"], "maxLength": 2})
    | st.sampled_from(["#", "#/$defs/a", "#/components/schemas/A"]).map(lambda to: {"$ref": to})
)


def _tagged(options: list[Any]) -> dict[str, Any]:
    """Objects that a constant tells apart, and null."""
    objects: list[dict[str, Any]] = [
        {"type": "object", "required": ["kind"], "properties": {"kind": {"const": kind}, "a": option}}
        for kind, option in zip("ab", options, strict=False)
    ]
    return {"oneOf": [*objects, {"type": "null"}]}


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)},
        optional={"additionalProperties": st.booleans()},
    )
    return (
        objects
        | objects.map(lambda schema: {**schema, "required": sorted(schema["properties"])})
        | objects.map(lambda schema: {"anyOf": [schema, {"type": "string"}, {"type": "integer"}]})
        | st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"maxItems": st.integers(0, 2)})
        | st.fixed_dictionaries(
            {"type": st.just("object"), "additionalProperties": inner}, optional={"minProperties": st.integers(0, 1)}
        )
        | st.lists(inner, min_size=2, max_size=2).map(_tagged)
        | st.tuples(objects, _beyond(inner)).map(_object_with)
        | _beyond(inner)
    )


def _object_with(both: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    """An object's schema, and of what msgspec cannot say all that may stand beside its type."""
    schema, more = both
    others = {"prefixItems", "contains", "uniqueItems", "unevaluatedItems", "format", "minimum", "enum"}
    return {**schema, **{key: value for key, value in more.items() if key not in others}}


def _beyond(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What msgspec cannot say: keywords for the value itself, for names, for items."""
    inside = inner | st.booleans() | st.just({"required": ["a"]}) | st.just({"properties": {"a": {"type": "string"}}})
    several = st.lists(inside, min_size=1, max_size=2)
    names = st.sampled_from("ab")
    optional: dict[str, st.SearchStrategy[Any]] = {
        "allOf": several,
        "anyOf": several,
        "oneOf": several,
        "not": inside,
        "if": inside,
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inside, min_size=1, max_size=2),
        "propertyNames": st.sampled_from([{"maxLength": 1}, {"pattern": "^[ab]"}, {"enum": ["a", "kind"]}]),
        "dependentRequired": st.dictionaries(names, st.lists(names, max_size=1), max_size=2),
        "dependentSchemas": st.dictionaries(names, inside, max_size=1),
        "prefixItems": several,
        "contains": inside,
        "uniqueItems": st.booleans(),
        "unevaluatedProperties": inside,
        "unevaluatedItems": inside,
        "enum": st.lists(VALUES, min_size=1, max_size=3, unique_by=repr),
        "format": st.sampled_from(["ipv4", "uuid"]),
        "minimum": st.integers(-1, 1),
    }
    chosen = st.lists(st.sampled_from(sorted(optional)), min_size=1, max_size=3, unique=True)
    return chosen.flatmap(lambda keys: st.fixed_dictionaries({key: optional[key] for key in keys})).map(_with_branches)


def _with_branches(schema: dict[str, Any]) -> dict[str, Any]:
    """``then`` and ``else`` of an ``if``."""
    return {**schema, "then": {"required": ["b"]}, "else": {"maxItems": 1}} if "if" in schema else schema


SCHEMAS: st.SearchStrategy[Any] = st.recursive(_LEAVES, _deeper, max_leaves=6)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A spec with one message; nearly always valid (recursion may lack an object in between)."""
    payload = {**draw(SCHEMAS), "$defs": {"a": draw(SCHEMAS)}}
    component = {**draw(SCHEMAS), "$defs": {"a": draw(SCHEMAS)}}
    route = {"path": "/ws/a", "pythonModule": "a", "messages": {"look": {"payload": payload}}}
    return {"components": {"schemas": {"A": component}}, "routes": [route]}
