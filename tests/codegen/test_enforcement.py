"""Every keyword that a payload schema may use is enforced, with jsonschema as the oracle."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.codegen import publish, render
from routewright.spec import check, report_text
from routewright.table import load
from routewright.table.frames import DECODE_ERRORS, decoder, reader, with_integers

Json = Any
Accepts = Callable[[Json], bool]


def accepting(schemas: list[Json], components: dict[str, Json] | None = None) -> list[Accepts]:
    """For each schema, whether the compiled decoder takes a payload."""
    messages = {f"m{index}": {"from": "client", "payload": schema} for index, schema in enumerate(schemas)}
    document = {
        "routes": [{"path": "/ws/x", "pythonModule": "x", "messages": messages}],
        "components": {"schemas": components or {}},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "websocket-routes.json"
        path.write_text(json.dumps(document))
        checked = check(path)
        assert checked.spec is not None, report_text(checked, carets=False)
        publish(render(checked.spec), Path(folder) / "generated")
        table = load(Path(folder) / "generated")
    decode = decoder(table.routes[0].messages)
    read = reader(table.routes[0].messages)
    assert decode is not None
    assert read is not None

    def accepts(name: str, payload: Json) -> bool:
        frame = msgspec.json.encode({"type": name, "payload": payload})
        verdict = taken(decode, frame)
        # whatever the gateway takes, a worker can read
        assert not verdict or taken(read, frame)
        return verdict

    return [lambda payload, name=name: accepts(name, payload) for name in messages]  # type: ignore[misc]


def taken(decode: Callable[[bytes], Any], frame: bytes) -> bool:
    """Whether the frame is decoded, at once or at the second look."""
    try:
        try:
            decode(frame)
        except DECODE_ERRORS as error:
            whole = with_integers(frame, error)
            if whole is None:
                return False
            decode(whole)
    except DECODE_ERRORS:
        return False
    return True


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
CASES: list[tuple[Json, list[Json], list[Json]]] = [
    (True, [None, 1, {}, []], []),
    ({"type": "string"}, ["", "é"], [1, None, [], {}, True]),
    ({"type": "integer"}, [0, -1, 2**53, 1.0, -3e2], ["1", 1.5, True, None]),
    ({"type": "number"}, [0, 1.5, -2], ["1", True, None]),
    ({"type": "boolean"}, [True, False], [0, 1, "true", None]),
    ({"type": "null"}, [None], [0, False, "", "null"]),
    ({"type": ["string", "null"]}, ["a", None], [1, False]),
    ({"type": ["integer", "boolean", "string"]}, [1, True, "a"], [None, 1.5, []]),
    ({"enum": ["a", 3, None]}, ["a", 3, None], ["b", 4, "3", False]),
    ({"const": "a"}, ["a"], ["b", None, 1]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "äöü", "😀😀"], ["a", "abcd", "😀"]),
    ({"type": "string", "pattern": "^[a-c]+$"}, ["a", "abc"], ["", "d", "abd", "a\n"]),
    ({"type": "string", "pattern": "b"}, ["abc"], ["ac"]),
    ({"type": "integer", "minimum": 1, "maximum": 3}, [1, 3], [0, 4]),
    ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 4}, [2, 3], [1, 4]),
    ({"type": "integer", "multipleOf": 3}, [0, 3, -6], [1, 4]),
    ({"type": "number", "minimum": 0.5, "maximum": 2}, [0.5, 1, 2], [0.25, 2.5]),
    ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, [0.5], [0, 1, 1.5]),
    ({"type": "number", "multipleOf": 0.25}, [0, 0.5, 3], [0.3]),
    ({"type": "array", "items": INTEGER}, [[], [1, 2]], [["a"], [1, None], {}, 1]),
    ({"type": "array", "items": STRING, "minItems": 1, "maxItems": 2}, [["a"], ["a", "b"]], [[], ["a", "b", "c"]]),
    ({"type": "object", "additionalProperties": NUMBER}, [{}, {"a": 1}], [{"a": "x"}, []]),
    (
        {"type": "object", "additionalProperties": True, "minProperties": 1, "maxProperties": 2},
        [{"a": 1}, {"a": 1, "b": None}],
        [{}, {"a": 1, "b": 2, "c": 3}],
    ),
    (
        {"type": "object", "properties": {"a": INTEGER, "b": STRING}, "required": ["a"]},
        [{"a": 1}, {"a": 1, "b": "x"}, {"a": 1, "c": None}],
        [{}, {"b": "x"}, {"a": "1"}, {"a": 1, "b": None}, []],
    ),
    (
        {"type": "object", "properties": {"a": INTEGER}, "additionalProperties": False},
        [{}, {"a": 1}],
        [{"b": 1}, {"a": 1, "b": 1}],
    ),
    (
        {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": INTEGER}, "required": ["b"]}}},
        [{}, {"a": {"b": 1}}],
        [{"a": {}}, {"a": None}],
    ),
    (
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3, "default": 5}}},
        [{}, {"a": 3}],
        [{"a": 2}, {"a": None}],
    ),
    (
        {
            "oneOf": [
                {"type": "object", "properties": {"k": {"const": "a"}, "x": INTEGER}, "required": ["k", "x"]},
                {"type": "object", "properties": {"k": {"const": "b"}}, "required": ["k"]},
                {"type": "null"},
            ]
        },
        [{"k": "a", "x": 1}, {"k": "b"}, None],
        [{"k": "a"}, {"k": "c"}, {}, {"x": 1}, 1],
    ),
    # what msgspec's types cannot say
    (False, [], [None, {}]),
    ({"minimum": 2, "maxLength": 1, "minItems": 1}, [2, "a", [0], None, {}], [1, "ab", []]),
    ({"const": {"a": [1, True]}}, [{"a": [1.0, True]}], [{"a": [1, 1]}, {}]),
    ({"enum": [1.5, False, [0]]}, [1.5, False, [0], [0.0]], [0, True, [False]]),
    ({"type": "string", "format": "ipv4"}, ["127.0.0.1"], ["127.0.0", 1]),
    ({"format": "uuid"}, [1, "2eb8aa08-aa98-11ea-b4aa-73b441d16380"], ["x"]),
    ({"type": "array", "uniqueItems": True}, [[], [1, True], ["a", "b"]], [[1, 1.0], [{"a": 1}, {"a": 1}]]),
    ({"prefixItems": [INTEGER, STRING], "items": False}, [[], [1], [1, "a"], {}], [["a"], [1, 1], [1, "a", 0]]),
    ({"contains": STRING, "minContains": 2, "maxContains": 2}, [["a", 1, "b"], 1], [["a"], ["a", "b", "c"], []]),
    (
        {"type": "object", "patternProperties": {"^a": INTEGER}, "additionalProperties": STRING},
        [{"ab": 1, "b": "c"}],
        [{"ab": "1"}, {"b": 1}],
    ),
    ({"propertyNames": {"maxLength": 2}}, [{"ab": 1}, {}, "abc"], [{"abc": 1}]),
    ({"dependentRequired": {"a": ["b"]}}, [{"a": 1, "b": 2}, {}, {"b": 1}], [{"a": 1}]),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, [{"a": 1, "b": 2}, {}], [{"a": 1}]),
    (
        {
            "allOf": [
                {"type": "object", "properties": {"a": INTEGER}, "required": ["a"]},
                {"properties": {"b": STRING}},
            ]
        },
        [{"a": 1}, {"a": 1, "b": "x"}],
        [{}, {"a": 1, "b": 1}, 1],
    ),
    ({"anyOf": [{"minLength": 2}, {"type": "string", "pattern": "^x"}]}, ["ab", "x", 1], ["a"]),
    ({"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}, [2, 3, 9], [6, 5, "a"]),
    ({"not": {"type": "integer"}}, [1.5, "a"], [1, 1.0]),
    ({"if": {"minimum": 5}, "then": {"multipleOf": 5}, "else": INTEGER}, [10, 3, "a"], [6, 1.5]),
    (
        {"allOf": [{"properties": {"a": INTEGER}}], "unevaluatedProperties": False},
        [{"a": 1}, {}, 1],
        [{"a": 1, "b": 1}],
    ),
    ({"anyOf": [{"prefixItems": [INTEGER]}, True], "unevaluatedItems": STRING}, [[1, "a"], ["a"]], [[1, 2], [None]]),
    (
        {"type": "object", "properties": {"a": INTEGER}, "minProperties": 1, "maxProperties": 1},
        [{"a": 1}, {"b": 1}],
        [{}, {"a": 1, "b": 1}],
    ),
    ({"anyOf": [{"type": "integer"}, {"type": "number", "minimum": 5}]}, [1, 5.5, 2.0], [1.5]),
    ({"type": ["integer", "number"]}, [1, 1.5], ["1", True]),
    ({"type": "object", "properties": {'"': INTEGER, "\n": STRING}}, [{'"': 1}], [{'"': "1"}, {"\n": 1}]),
]


@pytest.fixture(scope="module")
def cases() -> list[Accepts]:
    return accepting([schema for schema, _, _ in CASES])


@pytest.mark.parametrize("index", range(len(CASES)))
def test_a_keyword_is_enforced(cases: list[Accepts], index: int) -> None:
    schema, right, wrong = CASES[index]
    oracle = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    for payload in right:
        assert oracle.is_valid(payload)
        assert cases[index](payload), payload
    for payload in wrong:
        assert payload == "a\n" or not oracle.is_valid(payload)
        assert not cases[index](payload), payload


def test_a_step_is_the_decimal_that_was_written() -> None:
    (accepts,) = accepting([{"type": "number", "multipleOf": 0.01}])
    assert all(map(accepts, [0.07, 19.99, 3, -0.29, 1e300]))
    assert not any(map(accepts, [0.075, 1e-3, 3.001]))


def test_references_and_recursion_are_enforced() -> None:
    tree = {
        "type": "object",
        "required": ["label"],
        "properties": {
            "label": {"type": "string", "maxLength": 3},
            "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}, "maxItems": 2},
            "next": {"anyOf": [{"$ref": "#/components/schemas/Tree"}, {"type": "null"}]},
        },
    }
    (accepts,) = accepting([{"$ref": "#/components/schemas/Tree"}], {"Tree": tree})
    assert accepts({"label": "a", "children": [{"label": "b", "next": {"label": "c", "next": None}}]})
    assert not accepts({"label": "a", "children": [{"label": "b", "next": {"label": "long"}}]})
    assert not accepts({"label": "a", "children": [{"label": "b"}] * 3})
    assert not accepts({"label": "a", "next": {"children": []}})


def test_options_that_recur_look_at_each_value_once() -> None:
    again = {"properties": {"a": {"$ref": "#/components/schemas/Again"}}}
    options = [{**again, "required": ["a"]}, {**again, "required": ["b"]}]
    schemas = {
        "Again": {"type": "object", "oneOf": options},
        "Seen": {"anyOf": [{"properties": {"a": {"$ref": "#/components/schemas/Seen"}}}] * 2},
    }
    schemas["Seen"]["unevaluatedProperties"] = {"type": "integer"}
    once, seen = accepting([{"$ref": f"#/components/schemas/{name}"} for name in schemas], schemas)
    right: Json = {"b": 1}
    wrong: Json = {"b": ""}
    for _ in range(80):
        right, wrong = {"a": right}, {"a": wrong}
    assert once(right)
    assert once(wrong)
    assert not once({"a": {"a": {}}})
    assert seen(right)
    assert not seen(wrong)


def test_a_check_remembers_nothing_of_another_value() -> None:
    schema = {"type": "array", "items": {"anyOf": [{"$ref": "#/components/schemas/Tree"}, {"type": "null"}]}}
    (accepts,) = accepting([{"$ref": "#/components/schemas/Tree"}], {"Tree": schema})
    for depth in range(50):
        value: Json = [] if depth % 2 else [0]
        for _ in range(depth):
            value = [value, None]
        assert accepts(value) == bool(depth % 2)


bounds = st.integers(-3, 3)
letters = st.text("ab", max_size=3)


def bounded(type_: str, **bounds_: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Schemas of a scalar, with any of these keywords."""
    return st.fixed_dictionaries({"type": st.just(type_)}, optional=bounds_)


constants = letters | st.integers(-2, 2) | st.none()
leaves = st.one_of(
    bounded("string", minLength=st.integers(0, 3), pattern=st.sampled_from(["^a", "b$", "[ab]{2}"])),
    bounded("string", maxLength=st.integers(0, 3)),
    bounded("integer", minimum=bounds, exclusiveMinimum=bounds),
    bounded("integer", exclusiveMaximum=bounds, multipleOf=st.integers(1, 3)),
    bounded("number", minimum=bounds, exclusiveMinimum=bounds),
    bounded("number", maximum=bounds, exclusiveMaximum=bounds),
    st.just({"type": "boolean"}),
    st.just({"type": ["integer", "null"]}),
    st.just(True),
    st.lists(constants, min_size=1, max_size=4, unique=True).map(lambda values: {"enum": values}),
)


def objects(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Schemas of objects with a few properties."""
    properties = st.dictionaries(st.sampled_from(["a", "b", "c-d", "from"]), inner, min_size=1, max_size=3)
    return properties.flatmap(
        lambda named: st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.just(named)},
            optional={
                "required": st.lists(st.sampled_from(sorted(named)), unique=True),
                "additionalProperties": st.booleans(),
            },
        )
    )


schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        objects(inner),
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": inner},
            optional={"minItems": st.integers(0, 2), "maxItems": st.integers(2, 3)},
        ),
        st.fixed_dictionaries({"type": st.just("object"), "additionalProperties": inner}),
    ),
    max_leaves=4,
)
scalars = st.none() | st.booleans() | st.integers(-4, 4) | st.sampled_from([0.5, -1.5, 2.25]) | letters


def instances(schema: Json) -> st.SearchStrategy[Json]:
    """Payloads that are right or nearly so."""
    if schema is True:
        return scalars
    kind = schema.get("type")
    if kind == "object":
        named = {name: instances(each) for name, each in schema.get("properties", {}).items()}
        values = schema.get("additionalProperties")
        others = instances(values) if isinstance(values, dict) else scalars
        some = st.fixed_dictionaries({}, optional={**named, "z": others})
        return st.fixed_dictionaries(named) | some | scalars
    if kind == "array":
        return st.lists(instances(schema["items"]), max_size=4) | scalars
    return scalars | (st.sampled_from(schema["enum"]) if "enum" in schema else st.nothing())


def with_instances(drawn: list[Json]) -> st.SearchStrategy[tuple[list[Json], tuple[list[Json], ...]]]:
    """The schemas, and payloads for each."""
    return st.tuples(st.just(drawn), st.tuples(*(st.lists(instances(schema), max_size=8) for schema in drawn)))


@settings(max_examples=60, deadline=None)
@given(st.lists(schemas, min_size=1, max_size=6).flatmap(with_instances))
def test_compiled_decoders_agree_with_jsonschema(drawn: tuple[list[Json], tuple[list[Json], ...]]) -> None:
    found, payloads = drawn
    for schema, accepts, given_ in zip(found, accepting(found), payloads, strict=True):
        oracle = jsonschema.Draft202012Validator(schema)
        for payload in given_:
            assert accepts(payload) == oracle.is_valid(payload), (schema, payload)
