"""Which schemas accept all that others accept: by example, and against ``jsonschema`` with random schemas."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from routewright.table.schemas import Schema, losses

NAMES = ("a", "b", "c")


def lost(accepting: Any, refusing: Any, **options: bool) -> set[tuple[str, str]]:
    """Where and by which keyword something is refused; definitions stand in the schemas themselves."""
    sides = [Schema(each, each.get("$defs", {}) if isinstance(each, dict) else {}) for each in (accepting, refusing)]
    return {("/".join(loss.steps), loss.keyword) for loss in losses(*sides, **options)}


def an_object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
TREE = {
    "$ref": "#/$defs/Tree",
    "$defs": {"Tree": an_object("x", x=WHOLE, below={"type": "array", "items": {"$ref": "#/$defs/Tree"}})},
}
TALL_TREE = {
    "$ref": "#/$defs/T",
    "$defs": {"T": an_object("x", x={"type": "number"}, below={"type": "array", "items": {"$ref": "#/$defs/T"}})},
}
CIRCLE, SQUARE = an_object("kind", kind={"const": "circle"}), an_object("kind", kind={"const": "square"})


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (WHOLE, {"type": "number"}),
        (WHOLE, True),
        (False, TEXT),
        ({"type": "integer", "minimum": 1}, {"type": "integer", "exclusiveMinimum": 0}),
        ({"type": "number", "exclusiveMaximum": 3}, {"type": "number", "maximum": 3}),
        ({"type": "integer", "multipleOf": 6}, {"type": "number", "multipleOf": 3}),
        ({"type": "number", "multipleOf": 2}, WHOLE),
        ({"type": "string", "maxLength": 3}, {"type": "string", "maxLength": 4}),
        ({"type": "string", "pattern": "a"}, TEXT),
        ({"enum": ["a", "b"]}, {"enum": ["b", "a", "c"]}),
        ({"enum": ["a", "b"]}, {"type": "string", "maxLength": 1}),
        ({"const": 1.0}, {"enum": [1]}),
        ({"type": "boolean"}, {"enum": [True, False, None]}),
        ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}),
        ({"anyOf": [TEXT, {"type": "null"}]}, {"type": ["null", "string", "integer"]}),
        ({"oneOf": [CIRCLE, SQUARE]}, {"oneOf": [SQUARE, CIRCLE, an_object("kind", kind={"const": "dot"})]}),
        ({"oneOf": [CIRCLE, SQUARE]}, {"anyOf": [SQUARE, CIRCLE]}),
        (an_object("a", a=TEXT), an_object(a=TEXT)),
        (an_object(a=TEXT), an_object(a=TEXT, b=WHOLE)),
        ({**an_object(a=TEXT), "additionalProperties": False}, an_object(a=TEXT, b=WHOLE)),
        ({**an_object(a=WHOLE), "additionalProperties": False}, {"type": "object", "additionalProperties": WHOLE}),
        ({"type": "array", "items": WHOLE, "maxItems": 2}, {"type": "array", "items": {"type": "number"}}),
        ({"type": "array", "prefixItems": [TEXT], "items": False}, {"type": "array", "items": TEXT, "maxItems": 1}),
        (TREE, TALL_TREE),
        ({"allOf": [{"minimum": 2}, WHOLE]}, {"type": "integer", "minimum": 1}),
        ({"not": {"type": ["string", "null"]}}, {"not": {"type": "null"}}),
        (WHOLE, {"not": {"type": "null"}}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        (
            {"if": {"required": ["a"]}, "then": {"required": ["b"]}, **an_object(a=TEXT)},
            {"if": {"required": ["a"]}, "then": {"required": ["b"]}, **an_object(a=TEXT, c=TEXT)},
        ),
        (
            {"type": "array", "contains": WHOLE, "minContains": 3},
            {"type": "array", "contains": {"type": "number"}, "minContains": 2},
        ),
        ({"title": "A", **TEXT, "default": "x"}, {"description": "B", **TEXT}),
    ],
)  # fmt: skip
def test_what_is_wider_refuses_nothing(narrow: Any, wide: Any) -> None:
    assert lost(narrow, wide) == set()


@pytest.mark.parametrize(
    ("accepting", "refusing", "where"),
    [
        (TEXT, WHOLE, {("", "type")}),
        ({"type": "number"}, WHOLE, {("", "type")}),
        ({"type": "integer"}, {"type": "integer", "minimum": 0}, {("", "minimum")}),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, {("", "enum")}),
        (TEXT, {"enum": ["a"]}, {("", "enum")}),
        ({"type": "string", "pattern": "a"}, {"type": "string", "pattern": "b"}, {("", "pattern")}),
        (an_object(a=TEXT), an_object("a", a=TEXT), {("properties/a", "required")}),
        (an_object(a=TEXT, b=TEXT), an_object(a=TEXT), {("properties/b", "properties")}),
        (
            an_object(a=TEXT, b=TEXT),
            {**an_object(a=TEXT), "additionalProperties": False},
            {("properties/b", "additionalProperties"), ("", "additionalProperties")},
        ),
        ({"type": "object"}, an_object(a=TEXT), {("properties/a", "type")}),
        (an_object(a=an_object(b={"maximum": 3, **WHOLE})), an_object(a=an_object(b={"maximum": 2, **WHOLE})),
         {("properties/a/properties/b", "maximum")}),
        (TALL_TREE, TREE, {("properties/x", "type")}),
        ({"type": "array"}, {"type": "array", "uniqueItems": True}, {("", "uniqueItems")}),
        ({"oneOf": [CIRCLE, SQUARE]}, {"oneOf": [CIRCLE]}, {("", "oneOf")}),
        ({"$ref": "#/$defs/Nowhere"}, TEXT, {("", "")}),
        (
            {**an_object(a=TEXT, b=TEXT), "unevaluatedProperties": False},
            {**an_object(a=TEXT), "unevaluatedProperties": False},
            {("properties/b", "properties"), ("", "unevaluatedProperties")},
        ),
    ],
)  # fmt: skip
def test_what_is_narrower_is_told_with_its_place(accepting: Any, refusing: Any, where: set[tuple[str, str]]) -> None:
    assert lost(accepting, refusing) == where


def test_a_strict_comparison_counts_what_is_not_declared() -> None:
    before, after = an_object(a=TEXT), an_object(a=TEXT, b=WHOLE)
    assert lost(before, after) == set()
    assert lost(before, after, strict=True) == {("properties/b", "type")}


def test_a_circle_of_references_ends() -> None:
    circle = {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}
    assert lost(circle, TEXT) == {("", "")}


# Random schemas

scalars = st.sampled_from([None, True, False, 0, 1, 1.0, 1.5, 2, 3, -1, "", "a", "b", "abc"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from((*NAMES, "z")), inner, max_size=3),
    max_leaves=6,
)
small = st.integers(-1, 3)
count = st.integers(0, 3)


def some(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keywords)


def schemas(*, references: bool = True) -> st.SearchStrategy[Any]:
    types = st.sampled_from(["null", "boolean", "object", "array", "string", "integer", "number"])
    leaves = st.one_of(
        st.booleans(),
        types.map(lambda kind: {"type": kind}),
        st.lists(types, min_size=1, max_size=3, unique=True).map(lambda kinds: {"type": kinds}),
        st.lists(scalars, min_size=1, max_size=3).map(lambda values: {"enum": values}),
        scalars.map(lambda value: {"const": value}),
        some(
            minimum=small, maximum=small, exclusiveMinimum=small, exclusiveMaximum=small, multipleOf=st.integers(1, 3)
        ),
        some(minLength=count, maxLength=count, pattern=st.sampled_from(["^a", "b$"])),
        st.builds(lambda kind, bounds: {"type": kind, **bounds}, types, some(minimum=small, maximum=small)),
        st.just({"$ref": "#/$defs/Shared"}) if references else st.just({}),
    )

    def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        members = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
        names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
        objects = some(
            type=st.just("object"), properties=members, required=names, additionalProperties=inner,
            minProperties=count, maxProperties=count,
            patternProperties=st.dictionaries(st.sampled_from(["^a", "[bz]"]), inner, max_size=1),
            propertyNames=some(maxLength=st.just(1), enum=st.just(["a", "b"])),
            dependentRequired=st.dictionaries(st.sampled_from(NAMES), names, max_size=1),
            dependentSchemas=st.dictionaries(st.sampled_from(NAMES), inner, max_size=1),
        )  # fmt: skip
        arrays = some(
            type=st.just("array"), items=inner, prefixItems=st.lists(inner, min_size=1, max_size=2), minItems=count,
            maxItems=count, uniqueItems=st.booleans(), contains=inner, minContains=count, maxContains=count,
        )  # fmt: skip
        several = st.lists(inner, min_size=1, max_size=2)
        choices = some(anyOf=several, oneOf=several, allOf=several, **{"not": inner, "if": inner, "then": inner})
        return st.one_of(objects, arrays, choices)

    return st.recursive(leaves, nested, max_leaves=6)


def shareds() -> st.SearchStrategy[Any]:
    """What ``#/$defs/Shared`` may be: recursion passes through a property or the items, as it does in every spec."""
    below = {"$ref": "#/$defs/Shared"}
    plain = schemas(references=False)
    recursive = st.one_of(
        plain.map(lambda schema: {"type": "object", "properties": {"a": below, "b": schema}}),
        plain.map(lambda schema: {"prefixItems": [schema], "items": below}),
    )
    return plain | recursive


def standing(schema: Any, shared: Any) -> Any:
    return schema if isinstance(schema, bool) else {**schema, "$defs": {"Shared": shared}}


def accepts(schema: Any, value: Any) -> bool:
    return bool(Draft202012Validator(schema).is_valid(value))


pairs = st.tuples(schemas(), schemas()) | schemas().flatmap(lambda one: st.tuples(st.just(one), altered(one, schemas)))


def altered(schema: Any, others: Callable[[], st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """The same schema with one keyword changed or left out, which is more often comparable than any other."""
    if not isinstance(schema, dict) or not schema:
        return others()
    return st.builds(
        lambda key, more: {
            **{each: schema[each] for each in schema if each != key},
            **(more if isinstance(more, dict) else {}),
        },
        st.sampled_from(sorted(schema)),
        st.one_of(st.just({}), others()),
    )


@settings(max_examples=250, deadline=None)
@given(pairs, st.tuples(shareds(), shareds()), st.lists(values, min_size=1, max_size=12))
@example(({"minimum": 0}, {"type": "number", "minimum": 0}), (True, True), ["a"])
def test_what_is_proved_holds_for_every_value(pair: tuple[Any, Any], shared: tuple[Any, Any], tried: list[Any]) -> None:
    old, new = (standing(each, other) for each, other in zip(pair, shared, strict=True))
    if lost(old, new, strict=True):
        return
    for value in tried:
        assert accepts(new, value) or not accepts(old, value), value


def closed(schema: Any) -> Any:
    """The schema without leave for properties that it does not declare, where it declares any."""
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    if "properties" in found:
        found["properties"] = {name: closed(each) for name, each in found["properties"].items()}
        if found["properties"] and found.get("additionalProperties", True) is True:
            found["additionalProperties"] = False
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = closed(found["additionalProperties"])
    if "items" in found:
        found["items"] = closed(found["items"])
    return found


def plain_schemas() -> st.SearchStrategy[Any]:
    """What most payloads are made of."""
    leaves = st.one_of(
        st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "null"}, True]),
        st.lists(scalars, min_size=1, max_size=3).map(lambda values: {"enum": values}),
        st.builds(lambda bounds: {"type": "integer", **bounds}, some(minimum=small, maximum=small)),
    )

    def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        members = st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=3)
        names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
        objects = some(properties=members, required=names, additionalProperties=st.booleans() | inner)
        return st.one_of(
            objects.map(lambda keywords: {"type": "object", **keywords}),
            some(items=inner, minItems=count, maxItems=count).map(lambda keywords: {"type": "array", **keywords}),
        )

    return st.recursive(leaves, nested, max_leaves=6)


@settings(max_examples=150, deadline=None)
@given(plain_schemas(), plain_schemas(), st.lists(values, min_size=1, max_size=12), st.data())
def test_what_is_proved_holds_for_objects_that_keep_to_what_is_declared(
    old: Any, new: Any, tried: list[Any], data: st.DataObject
) -> None:
    if data.draw(st.booleans()):
        new = data.draw(altered(old, plain_schemas))
    if lost(old, new):
        return
    for value in tried:
        assert accepts(new, value) or not accepts(closed(old), value), value


@settings(max_examples=60, deadline=None)
@given(schemas(), shareds())
def test_every_schema_accepts_all_that_it_accepts(schema: Any, shared: Any) -> None:
    whole = standing(schema, shared)
    assert lost(whole, whole) == set()
