"""Payload schemas become shapes."""

from collections.abc import Callable
from typing import Any

import pytest

from routewright.spec.model import (
    AnyShape,
    ArrayShape,
    BooleanShape,
    EnumShape,
    IntegerShape,
    MapShape,
    Message,
    NullShape,
    NumberShape,
    ObjectShape,
    Property,
    ReferenceShape,
    Shape,
    Spec,
    StringShape,
    UnionShape,
)
from tests.spec.conftest import with_payload

Build = Callable[..., Shape]
Codes = Callable[..., list[str]]
Valid = Callable[..., Spec]

STRING, NULL = StringShape(), NullShape()


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (True, AnyShape()),
        ({}, AnyShape()),
        ({"description": "anything"}, AnyShape(description="anything")),
        ({"type": "null"}, NULL),
        ({"type": "boolean", "title": "Flag"}, BooleanShape(title="Flag")),
        ({"type": "integer"}, IntegerShape()),
        (
            {"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 2},
            IntegerShape(minimum=1, maximum=9, multiple_of=2),
        ),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10}, IntegerShape(minimum=1, maximum=9)),
        ({"type": "integer", "minimum": 0.5, "maximum": 2.5}, IntegerShape(minimum=1, maximum=2)),
        ({"type": "integer", "minimum": 3.0, "exclusiveMinimum": 3}, IntegerShape(minimum=4)),
        (
            {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
            IntegerShape(minimum=-(2**63), maximum=2**63 - 1),
        ),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, NumberShape(minimum=0.0, exclusive_maximum=1.0)),
        ({"type": "number", "multipleOf": 0.25}, NumberShape(multiple_of=0.25)),
        ({"type": "string", "minLength": 1, "maxLength": 2.0}, StringShape(min_length=1, max_length=2)),
        ({"type": "string", "pattern": "^a$"}, StringShape(pattern=r"^a\Z")),
        ({"enum": ["a", 1, None]}, EnumShape(values=("a", 1, None))),
        ({"type": "string", "enum": ["a", "b"]}, EnumShape(values=("a", "b"))),
        ({"const": "a"}, EnumShape(values=("a",))),
        ({"const": None}, NULL),
        ({"type": "array"}, ArrayShape(items=AnyShape())),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
            ArrayShape(items=STRING, min_items=1, max_items=3),
        ),
        ({"type": "object"}, MapShape(values=AnyShape())),
        ({"type": "object", "additionalProperties": True}, MapShape(values=AnyShape())),
        (
            {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1, "maxProperties": 2},
            MapShape(values=STRING, min_properties=1, max_properties=2),
        ),
        ({"type": "object", "additionalProperties": False}, ObjectShape(closed=True)),
        ({"type": "object", "properties": {}, "additionalProperties": {}}, ObjectShape()),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"default": 1}},
                "required": ["a"],
                "x-note": 1,
            },
            ObjectShape(
                properties=(
                    Property(name="a", shape=STRING, required=True),
                    Property(name="b", shape=AnyShape(), has_default=True, default=1),
                )
            ),
        ),
        ({"type": ["string", "null"], "maxLength": 5}, UnionShape(options=(StringShape(max_length=5), NULL))),
        ({"type": ["string"]}, STRING),
        ({"anyOf": [{"type": "string"}]}, STRING),
        (
            {"oneOf": [{"type": "string"}, {"type": "null"}], "title": "T"},
            UnionShape(options=(STRING, NULL), title="T"),
        ),
        (
            {"anyOf": [{"enum": ["a", None]}, {"type": "integer"}, {"type": "array"}, {"type": "object"}]},
            UnionShape(
                options=(
                    EnumShape(values=("a", None)),
                    IntegerShape(),
                    ArrayShape(items=AnyShape()),
                    MapShape(values=AnyShape()),
                )
            ),
        ),
    ],
)
def test_a_schema_becomes_a_shape(shape: Build, payload: Any, expected: Shape) -> None:
    assert shape(payload) == expected


@pytest.mark.parametrize("name", ["\U0001f6d8", "größe", "a\u00a0b"])
def test_a_property_may_have_any_name_that_json_need_not_escape(shape: Build, name: str) -> None:
    found = shape({"type": "object", "properties": {name: {}}})
    assert found == ObjectShape(properties=(Property(name=name, shape=AnyShape()),))


def test_objects_of_a_union_carry_the_constant_that_tells_them_apart(shape: Build) -> None:
    def option(kind: str) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["v", "kind"],
            "properties": {"v": {"const": "1"}, "kind": {"enum": [kind]}},
        }

    found = shape({"oneOf": [option("circle"), option("square"), {"type": "null"}]})
    assert isinstance(found, UnionShape)
    tags = [each.tag if isinstance(each, ObjectShape) else None for each in found.options]
    assert tags == [("kind", "circle"), ("kind", "square"), None]
    first = found.options[0]
    assert isinstance(first, ObjectShape)
    assert [each.name for each in first.properties] == ["v", "kind"]


def test_one_object_in_a_union_needs_no_constant(shape: Build) -> None:
    found = shape({"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "null"}]})
    assert isinstance(found, UnionShape)
    assert found.options[0] == ObjectShape(properties=(Property(name="a", shape=AnyShape()),))


def test_a_reference_leads_to_a_component(valid: Valid) -> None:
    payload = {"$ref": "#/components/schemas/chat-line", "description": "The line."}
    spec = valid(with_payload(payload, {"chat-line": {"type": "string"}, "Unused": {"type": "null"}}))
    assert spec.routes[0].messages[0].payload == ReferenceShape(component="ChatLine", description="The line.")
    assert {name: each.shape for name, each in spec.components.items()} == {"ChatLine": STRING, "Unused": NULL}
    assert all(each.name == name for name, each in spec.components.items())


def test_a_union_of_components_tags_the_components(valid: Valid) -> None:
    schemas = {
        name: {"type": "object", "required": ["kind"], "properties": {"kind": {"const": name.lower()}}}
        for name in ("Circle", "Square")
    }
    payload = {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in schemas]}
    spec = valid(with_payload(payload, schemas))
    tags = {name: each.shape.tag for name, each in spec.components.items() if isinstance(each.shape, ObjectShape)}
    assert tags == {"Circle": ("kind", "circle"), "Square": ("kind", "square")}


def test_definitions_of_the_payload_itself(valid: Valid) -> None:
    payload = {
        "properties": {"tree": {"$ref": "#/$defs/Node"}},
        "$defs": {
            "Node": {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}}
        },
    }
    spec = valid(with_payload(payload))
    reference = ReferenceShape(component="Node")
    children = Property(name="children", shape=ArrayShape(items=reference))
    assert spec.components["Node"].shape == ObjectShape(properties=(children,))


def test_definitions_of_two_payloads_keep_apart(valid: Valid) -> None:
    def payload(kind: str) -> dict[str, Any]:
        return {"properties": {"a": {"$ref": "#/$defs/Part"}}, "$defs": {"Part": {"type": kind}}}

    spec = with_payload(payload("string"))
    spec["routes"][0]["messages"]["see"] = {"payload": payload("null")}
    resolved = valid(spec)
    assert {name: each.shape for name, each in resolved.components.items()} == {"Part": STRING, "Part2": NULL}


def test_a_payload_that_refers_to_itself_is_a_component(message: Callable[..., Message]) -> None:
    found = message({"type": "object", "properties": {"next": {"$ref": "#"}}})
    assert found.payload == ReferenceShape(component="LookPayload")
    assert found.optional


@pytest.mark.parametrize(
    ("keyword", "shape", "optional"),
    [
        ("additionalProperties", MapShape(values=AnyShape(), max_properties=2), True),
        ("items", ArrayShape(items=AnyShape(), max_items=2), False),
    ],
)
def test_a_map_or_list_of_itself_stays_one(valid: Valid, keyword: str, shape: Shape, optional: bool) -> None:
    kind, most = ("array", "maxItems") if keyword == "items" else ("object", "maxProperties")
    spec = valid(with_payload({"type": kind, keyword: {"$ref": "#"}, most: 2}))
    (found,) = spec.routes[0].messages
    assert found.payload == ReferenceShape(component="LookPayload")
    assert spec.components["LookPayload"].shape == shape
    assert (found.checked, found.optional) == (True, optional)


def test_references_to_other_files(valid: Valid) -> None:
    spec = valid(
        with_payload({"properties": {"p": {"$ref": "shapes.json#/Point"}, "n": {"$ref": "name.json"}}}),
        shapes={"Point": {"type": "object", "properties": {"x": {"$ref": "#/Number"}}}, "Number": {"type": "number"}},
        name={"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string"},
    )
    assert {name: each.shape for name, each in spec.components.items()} == {
        "Point": ObjectShape(properties=(Property(name="x", shape=ReferenceShape(component="Number")),)),
        "Number": NumberShape(),
        "Name": STRING,
    }


def test_a_link_that_leaves_the_folder_is_refused(codes: Codes, tmp_path: Any) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.json"
    outside.write_text('{"type": "string"}', encoding="utf-8")
    (tmp_path / "link.json").symlink_to(outside)
    assert codes({"$ref": "link.json"}) == ["RW404"]
    assert codes({"$ref": f"../{outside.name}"}) == ["RW404"]
    assert codes({"$ref": str(outside)}) == ["RW404"]
    assert codes({"$ref": f"file://{outside}"}) == ["RW404"]


@pytest.mark.parametrize(
    ("payload", "optional"),
    [
        ({"type": "object", "properties": {"a": {}}}, True),
        ({"properties": {"a": {}}}, False),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, False),
        ({"type": "object", "allOf": [{"properties": {"a": {}}, "required": ["a"]}]}, False),
        ({"type": "object", "patternProperties": {"a": {}}, "required": ["a"]}, False),
        ({"type": "object", "properties": {"a": {"format": "date"}}}, True),
        ({"type": "object"}, True),
        ({"type": "object", "minProperties": 1}, False),
        ({}, False),
        ({"type": "string"}, False),
        ({"type": ["object", "null"], "properties": {}}, False),
        ({"$ref": "#/components/schemas/A"}, True),
    ],
)
def test_an_object_that_requires_nothing_may_be_left_out(
    message: Callable[..., Message], payload: Any, optional: bool
) -> None:
    assert message(payload, {"A": {"type": "object", "properties": {"a": {}}}}).optional is optional


def test_the_schema_of_a_message_stands_on_its_own(message: Callable[..., Message]) -> None:
    found = message(
        {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}, "$defs": {"Unused": {}}},
        {"A": {"type": "object", "properties": {"b": {"$ref": "b.json#/x"}, "$ref": {"const": "$ref"}}}},
        b={"x": {"type": "string", "examples": ["text"]}},
    )
    assert found.schema == {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {
            "A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/X"}, "$ref": {"const": "$ref"}}},
            "X": {"type": "string", "examples": ["text"]},
        },
    }


@pytest.mark.parametrize("value", [None, 5, "string", [], [{}]])
def test_a_schema_is_an_object_or_a_boolean(codes: Codes, value: Any) -> None:
    assert codes(value) == ["RW402"]
    assert codes({"properties": {"a": value}}) == ["RW402"]
    assert codes({"$defs": {"a": value}}) == ["RW402"]


@pytest.mark.parametrize(
    "key", ["properties", "$defs", "required", "type", "enum", "anyOf", "oneOf", "title", "examples"]
)
def test_a_keyword_whose_value_has_the_wrong_type_is_refused(codes: Codes, key: str) -> None:
    assert codes({key: 5}) == ["RW402"]


def test_unused_definitions_are_checked_too(codes: Codes) -> None:
    assert codes({"$defs": {"a": {"format": "day"}}}) == ["RW401"]
    assert codes({}, {"A": {"format": "day"}}) == ["RW401"]


def test_defaults_and_examples_are_checked_through_references(codes: Codes) -> None:
    schemas = {"A": {"type": "array", "items": {"oneOf": [{"type": "integer"}, {"enum": ["x"]}]}}}
    assert codes({"properties": {"a": {"$ref": "#/components/schemas/A", "default": [1, "x"]}}}, schemas) == []
    assert codes({"properties": {"a": {"$ref": "#/components/schemas/A", "default": [1, "y"]}}}, schemas) == ["RW408"]
    assert codes({"$ref": "#/components/schemas/A", "examples": [[1], [1.0], 1]}, schemas) == ["RW408"]


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"$ref": "#here", "$defs": {"A": {"$anchor": "here", "type": "string"}}}, "A"),
        ({"$ref": "other.json#there"}, "Inner"),
        ({"$id": "https://a.example/b/", "$ref": "c", "$defs": {"C": {"$id": "c", "type": "string"}}}, "C"),
        ({"$ref": "https://a.example/d#/$defs/E"}, "E"),
        ({"$ref": "https://a.example/d#f"}, "F"),
    ],
)
def test_references_by_identifier_and_anchor(valid: Valid, payload: Any, name: str) -> None:
    inside = {"E": {"type": "string"}, "F": {"$anchor": "f", "type": "string"}}
    schemas = {"D": {"$id": "https://a.example/d", "type": "boolean", "$defs": inside}}
    spec = valid(with_payload(payload, schemas), other={"$defs": {"Inner": {"$anchor": "there", "type": "string"}}})
    assert spec.routes[0].messages[0].payload == ReferenceShape(component=name)
    assert spec.components[name].shape == STRING


@pytest.mark.parametrize("beside", [{"const": "a"}, {"type": "string"}, {"maxLength": 3}, {"not": {"const": 1}}])
def test_a_reference_counts_beside_other_keywords(message: Callable[..., Message], beside: dict[str, Any]) -> None:
    found = message({"$ref": "#/components/schemas/A", **beside}, {"A": {"type": "string"}})
    assert found.checked
    assert found.schema == {"$ref": "#/$defs/A", **beside, "$defs": {"A": {"type": "string"}}}


@pytest.mark.parametrize("address", ["http://[", "a#b"])
def test_an_identifier_is_an_address_without_fragment(codes: Codes, address: str) -> None:
    assert codes({"$id": address}) == ["RW401"]
    assert codes({"$ref": "http://["}) == ["RW403"]


@pytest.mark.parametrize(
    "payload",
    [
        {"$ref": "#nowhere"},
        {"$ref": "https://a.example/nothing"},
        {"$id": "https://a.example/", "$defs": {"A": {"$id": "a"}}, "$ref": "a#/no"},
        {"enum": [{"$anchor": "no", "$id": "no"}], "$defs": {"A": {"$ref": "#no"}}},
    ],
)
def test_a_reference_by_a_name_that_nothing_has_is_refused(codes: Codes, payload: Any) -> None:
    assert codes(payload)[0] in ("RW403", "RW404")
