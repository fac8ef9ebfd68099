"""Whatever is in the file, checking it gives problems with places or a spec, never an exception."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routewright.spec import check, report_github, report_json, report_text, schema
from routewright.spec.keywords import (
    ANNOTATIONS,
    ENFORCED,
    OF_TYPE,
    REFUSED,
    SCHEMA_LISTS,
    SCHEMA_MAPS,
    SCHEMA_VALUES,
)

SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["/ws/a", "/ws/{a}", "/{b...}", "10s", "64KiB", "10/s", "a.b", "client", "handler", "both", "raw"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)
REFERENCES = st.sampled_from(
    [
        "#",
        "#/$defs/a",
        "#/components/schemas/A",
        "#/components/schemas/B",
        "#/x",
        "#a",
        "a.json",
        "../a",
        "http://a",
        "%",
    ]
)
KEYWORDS = st.sampled_from(sorted(ENFORCED | ANNOTATIONS | REFUSED.keys()))


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from(["a", "b", "kind", "$ref", "é\n"]), inner, max_size=3)
    listed = st.lists(inner, max_size=3)
    return (
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(sorted(OF_TYPE)) | st.lists(st.sampled_from(sorted(OF_TYPE)), max_size=3),
                "properties": named,
                "$defs": named,
                "required": st.lists(st.sampled_from(["a", "b", "kind"]), max_size=2),
                "items": inner,
                "additionalProperties": inner,
                "anyOf": listed,
                "oneOf": listed,
                "$ref": REFERENCES,
                "const": SCALARS,
                "enum": st.lists(SCALARS, max_size=3),
                "default": VALUES,
                "examples": st.lists(VALUES, max_size=2),
                "pattern": st.text(alphabet="ab()[]*+?{}\\d$^|1,", max_size=12),
                "minimum": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
                "maximum": st.integers(),
                "minLength": st.integers(-1, 5),
                "maxLength": st.integers(-1, 5),
                "multipleOf": st.sampled_from([0, 1, 0.5, 3, -1, 0.1, 1e300]),
            },
        )
        | st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(sorted(OF_TYPE)),
                "properties": named,
                **dict.fromkeys(sorted(SCHEMA_VALUES), inner | st.booleans() | SCALARS),
                **dict.fromkeys(sorted(SCHEMA_LISTS), listed),
                **dict.fromkeys(sorted(SCHEMA_MAPS - {"properties"}), named),
                "dependentRequired": st.dictionaries(st.sampled_from("ab"), st.lists(SCALARS, max_size=2), max_size=2),
                "format": st.sampled_from(["date", "iri", 5]),
                "uniqueItems": SCALARS,
                "minContains": SCALARS,
                "$ref": REFERENCES,
                "$id": st.sampled_from(["a", "http://a/", "#x", "urn:a:b", "//", "http://[", 5]),
                "$anchor": st.sampled_from(["a", "", 5]),
                "default": VALUES,
            },
        )
        | st.dictionaries(KEYWORDS, VALUES, max_size=3)
    )


SCHEMAS = st.recursive(REFERENCES.map(lambda to: {"$ref": to}) | st.just({}), _schemas, max_leaves=5)
NAMES = st.sampled_from(["a", "b", "B", "a-b", "a_b", "error", "$x", "class", "", "é", "\n"])
KEYS = {name: sorted(part["properties"]) for name, part in schema()["$defs"].items() if "properties" in part}


def _object(definition: str, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object of the spec, some of its values as they should be, some not."""
    others = st.dictionaries(st.sampled_from(KEYS[definition]) | st.text(max_size=8), VALUES, max_size=2)
    fitting = st.fixed_dictionaries({}, optional=known)
    return st.tuples(others, fitting).map(lambda both: {**both[0], **both[1]}) | VALUES


MESSAGES = _object(
    "message",
    **{"from": st.sampled_from(["client", "handler", "both"])},
    payload=SCHEMAS,
    reply=NAMES | st.fixed_dictionaries({"message": NAMES}),
    examples=st.lists(VALUES, max_size=2),
)
ROUTES = _object(
    "route",
    path=st.sampled_from(["/ws", "/ws/{a}", "/ws/{a}/b", "/ws/c/{d}", "/{p...}", "ws", "/é"]),
    aliases=st.lists(st.sampled_from(["/x", "/ws", "/{a}", "//"]), max_size=2),
    name=NAMES,
    pythonModule=st.sampled_from(["a.b", "class", "a/b.py"]),
    parameters=st.dictionaries(NAMES, SCHEMAS, max_size=2),
    messages=st.dictionaries(NAMES, MESSAGES, max_size=3),
    framing=st.sampled_from(["message", "raw"]),
)
SPECS = st.fixed_dictionaries(
    {"routes": st.lists(ROUTES, max_size=3) | VALUES},
    optional={
        "components": st.fixed_dictionaries({"schemas": st.dictionaries(st.sampled_from("AB"), SCHEMAS, max_size=2)}),
        "gateway": _object("gateway", admin=_object("admin", host=st.sampled_from(["::1", "0.0.0.0", "x"]))),
        "defaults": _object("defaults"),
        "info": VALUES,
    },
)


def _check(folder: Path, data: bytes) -> None:
    path = folder / "websocket-routes.json"
    path.write_bytes(data)
    checked = check(path)
    assert (checked.spec is None) == bool(checked.errors)
    for problem in checked.problems:
        lines = checked.source[problem.path].split("\n")
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.message
    text = report_text(checked, carets=True)
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert len(json.loads(report_json(checked))) == len(checked.problems)
    assert len(report_github(checked).splitlines()) == len(checked.problems)


@given(data=st.binary(max_size=60))
@SETTINGS
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    _check(tmp_path, data)


@given(text=st.text(max_size=60) | st.text(alphabet='{}[]":, routesinfo\n', max_size=60))
@SETTINGS
def test_any_text(tmp_path: Path, text: str) -> None:
    _check(tmp_path, text.encode("utf-8"))


@given(spec=SPECS, escaped=st.booleans())
@settings(SETTINGS, max_examples=120)
def test_any_spec(tmp_path: Path, spec: Any, escaped: bool) -> None:
    _check(tmp_path, json.dumps(spec, ensure_ascii=escaped, indent=1).encode("utf-8", "surrogatepass"))


@given(payload=SCHEMAS, schemas=st.dictionaries(st.sampled_from("AB"), SCHEMAS, max_size=2))
@settings(SETTINGS, max_examples=200)
def test_any_payload(tmp_path: Path, payload: Any, schemas: Any) -> None:
    route = {"path": "/ws/a", "pythonModule": "a", "messages": {"look": {"payload": payload}}}
    _check(tmp_path, json.dumps({"components": {"schemas": schemas}, "routes": [route]}).encode())


def test_a_long_chain_of_references_needs_no_deep_stack(tmp_path: Path) -> None:
    schemas: dict[str, Any] = {f"S{index}": {"$ref": f"#/components/schemas/S{index + 1}"} for index in range(5000)}
    schemas["S5000"] = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/S0"}}}
    _check(tmp_path, json.dumps({"components": {"schemas": schemas}, "routes": []}).encode())


def test_references_that_double_at_every_step_stay_small(tmp_path: Path) -> None:
    schemas: dict[str, Any] = {
        f"S{index}": {
            "type": "object",
            "properties": {key: {"$ref": f"#/components/schemas/S{index + 1}"} for key in "ab"},
        }
        for index in range(60)
    }
    schemas["S60"] = {"type": "string"}
    route = {
        "path": "/ws/a",
        "pythonModule": "a",
        "messages": {"look": {"payload": {"$ref": "#/components/schemas/S0"}}},
    }
    _check(tmp_path, json.dumps({"components": {"schemas": schemas}, "routes": [route]}).encode())
