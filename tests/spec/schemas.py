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
    )


SCHEMAS: st.SearchStrategy[Any] = st.recursive(_LEAVES, _deeper, max_leaves=6)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A spec with one message; nearly always valid (recursion may lack an object in between)."""
    payload = {**draw(SCHEMAS), "$defs": {"a": draw(SCHEMAS)}}
    component = {**draw(SCHEMAS), "$defs": {"a": draw(SCHEMAS)}}
    route = {"path": "/ws/a", "pythonModule": "a", "messages": {"look": {"payload": payload}}}
    return {"components": {"schemas": {"A": component}}, "routes": [route]}
