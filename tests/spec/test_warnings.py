"""Warnings come where they are deserved, and nowhere else."""

from typing import Any

import pytest

from tests.spec.conftest import Check, with_payload


def codes(checked: Check, spec: Any, **files: Any) -> set[str]:
    return {problem.code for problem in checked(spec, **files).problems}


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "string"},
        {"type": ["string", "null"]},
        {"type": "string", "pattern": "^a+$"},
        {"type": "string", "pattern": "^a|b$"},
        {"type": "array", "items": {"type": "integer"}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"a": {"type": "array", "maxItems": 3, "items": {"type": "string"}}}},
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"$ref": "#/$defs/text", "$defs": {"text": {"type": "string"}}},
        {"$ref": "other.json#/text"},
    ],
)
def test_what_only_the_size_of_a_message_bounds(checked: Check, payload: dict[str, Any]) -> None:
    assert codes(checked, with_payload(payload), other={"text": {"type": "string"}}) == {"RW351"}
    from_handler = with_payload(payload)
    from_handler["routes"][0]["messages"]["look"]["from"] = "handler"
    assert codes(checked, from_handler, other={"text": {"type": "string"}}) == set()


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "string", "maxLength": 5},
        {"enum": ["a", "b"]},
        {"type": "string", "enum": ["a", "b"]},
        {"const": "a"},
        {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
        {"type": "string", "pattern": "^[+*|]{1,3}$"},
        {"type": "array", "maxItems": 5, "items": {"type": "integer"}},
        {"type": "object", "maxProperties": 5, "additionalProperties": {"type": "integer"}},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": "integer"}}},
        {},
        True,
    ],
)
def test_what_has_a_bound_of_its_own_or_no_length(checked: Check, payload: Any) -> None:
    assert codes(checked, with_payload(payload)) == set()


def test_a_shared_schema_is_found_once_and_where_it_stands(checked: Check) -> None:
    spec = with_payload({"$ref": "#/components/schemas/Text"}, {"Text": {"type": "string"}})
    spec["routes"][0]["messages"]["see"] = spec["routes"][0]["messages"]["look"]
    (problem,) = checked(spec).problems
    assert (problem.code, problem.pointer) == ("RW351", "/components/schemas/Text")
    assert '"look"' in problem.message


def test_what_is_reached_through_others_is_used(checked: Check) -> None:
    schemas: dict[str, Any] = {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}}},
        "B": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}}},
        "C": {"type": "object", "properties": {"c": {"$ref": "#/components/schemas/C"}}},
    }
    found = checked(with_payload({"$ref": "#/components/schemas/A"}, schemas)).problems
    assert [(problem.code, problem.pointer) for problem in found] == [("RW451", "/components/schemas/C")]


def test_nothing_is_called_unused_while_a_reference_leads_nowhere(checked: Check) -> None:
    found = codes(checked, with_payload({"$ref": "#/components/schemas/B"}, {"A": {"type": "null"}}))
    assert found == {"RW403"}


def with_settings(settings: Any, **more: Any) -> dict[str, Any]:
    plugin = {"name": "plugin", "settings": settings}
    return {"routes": [{"path": "/ws/a", "pythonModule": "a", "middleware": [plugin], **more}]}


@pytest.mark.parametrize(
    "settings",
    [
        {"password": "hunter"},
        {"dbPassword": "correct horse"},
        {"api_key": "k-123456"},
        {"list": [{"client-secret": "s3cr3t!"}]},
        {"value": "AKIA" + "ABCDEFGH12345678"},
        {"value": "Bearer ghp_" + "a1B2" * 9},
        {"value": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE"},
        {"value": "redis://:" + "x@host/0", "url": "amqp://user:" + "pa55word@host/"},
        {"seed": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
        {"seed": "Zm9vYmFyMTIzNDU2Nzg5MHF3ZXJ0eXVpb3A5OTg4"},
    ],
)
def test_secrets_are_seen_by_name_form_and_randomness(checked: Check, settings: Any) -> None:
    assert codes(checked, with_settings(settings)) == {"RW152"}
    assert codes(checked, {"routes": [], "x-ours": settings}) == {"RW152"}


@pytest.mark.parametrize(
    "settings",
    [
        {"passwordEnv": "DB_PASSWORD", "tokenFile": "run/token"},
        {"password": "${DB_PASSWORD}", "secret": "", "token": "<token>"},
        {"token": "X-Token", "header": "X-API-Key"},
        {"keys": [{"id": "web", "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}]},
        {"url": "https://example.com/a:b@c", "database": "postgres://db/app"},
        {"revision": "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"module": "plugins.very_long_names.that_go_on_and_on.and_never_end"},
        {"tokens": 5, "secret": True, "password": None},
    ],
)
def test_names_of_secrets_are_none(checked: Check, settings: Any) -> None:
    assert codes(checked, with_settings(settings)) == set()


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"routes": [{"path": "/ws/a", "pythonModule": "a"}]}, set()),
        ({"routes": [{"path": "/ws/a", "pythonModule": "a", "messages": {"say": {}}}]}, set()),
        (
            {"gateway": {"drainSeconds": 1}, "routes": [{"path": "/a", "pythonModule": "a", "messages": {"b": {}}}]},
            set(),
        ),
        ({"gateway": {"host": "::1"}, "routes": [{"path": "/ws/a", "pythonModule": "a"}]}, set()),
        ({"gateway": {"allowedOrigins": ["*"]}, "routes": [{"path": "/ws/a", "pythonModule": "a"}]}, {"RW252"}),
        (
            {
                "gateway": {"allowedOrigins": ["*"]},
                "defaults": {"middleware": ["api_key"]},
                "routes": [
                    {"path": "/ws/a", "pythonModule": "a"},
                    {"path": "/b", "pythonModule": "a", "middleware": []},
                ],
            },
            {"RW252"},
        ),
        (
            {
                "defaults": {"rateLimit": False},
                "routes": [{"path": "/ws/a", "pythonModule": "a", "rateLimit": {"burst": 5}}],
            },
            set(),
        ),
        ({"routes": [{"path": "/ws/a", "pythonModule": "a", "limits": False}]}, {"RW253"}),
        (
            {
                "gateway": {"limits": {"messageBytes": "2MiB"}},
                "routes": [
                    {"path": "/ws/a", "pythonModule": "a"},
                    {"path": "/b", "pythonModule": "a", "limits": {"inFlight": 8}},
                ],
            },
            {"RW253"},
        ),
        (
            {"routes": [{"path": "/ws/a", "aliases": ["/ws/A"], "pythonModule": "a"}]},
            set(),
        ),
    ],
)
def test_small_specs_stay_pleasant(checked: Check, spec: dict[str, Any], found: set[str]) -> None:
    assert codes(checked, spec) == found


PROPERTIES: dict[str, Any] = {"properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("payload", "pointer", "hint"),
    [
        (PROPERTIES, "/properties", '"object"'),
        ({"title": "A", "additionalProperties": False}, "/additionalProperties", '"object"'),
        ({"prefixItems": [{"type": "null"}]}, "/prefixItems", '"array"'),
        ({"pattern": "^a$"}, "/pattern", '"string"'),
        ({"format": "date"}, "/format", '"string"'),
        ({"multipleOf": 2}, "/multipleOf", '"number", or "integer"'),
        ({"maximum": 2, "maxLength": 3}, "/maximum", '["number", "string"]'),
        ({"type": "object", "properties": {"b": {"minimum": 1}}}, "/properties/b/minimum", '"number", or "integer"'),
        ({"type": "object", "patternProperties": {"^b": PROPERTIES}}, "/patternProperties/^b/properties", '"object"'),
        ({"type": "array", "maxItems": 2, "items": {"maxItems": 3}}, "/items/maxItems", '"array"'),
        ({"anyOf": [{"type": "null"}, PROPERTIES]}, "/anyOf/1/properties", '"object"'),
        ({**PROPERTIES, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, "/properties", '"object"'),
        ({**PROPERTIES, "allOf": [{"required": ["a"]}]}, "/properties", '"object"'),
        ({**PROPERTIES, "if": {"type": "object"}, "then": {"type": "object"}}, "/properties", '"object"'),
        ({"$ref": "#/$defs/a", "$defs": {"a": PROPERTIES}}, "/$defs/a/properties", '"object"'),
        ({"not": {"$ref": "#/$defs/a"}, "$ref": "#/$defs/a", "$defs": {"a": PROPERTIES}}, "/$defs/a/properties", ""),
        ({"$ref": "#/$defs/a", "not": {"$ref": "#/$defs/a"}, "$defs": {"a": PROPERTIES}}, "/$defs/a/properties", ""),
    ],
)
def test_a_type_that_keywords_only_hint_at(checked: Check, payload: dict[str, Any], pointer: str, hint: str) -> None:
    (problem,) = checked(with_payload(payload)).problems
    assert (problem.code, problem.pointer) == ("RW455", f"/routes/0/messages/look/payload{pointer}")
    assert problem.hint.endswith(hint)


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "object", **PROPERTIES},
        {"type": ["object", "null"], **PROPERTIES, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"type": "object", **PROPERTIES, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"type": "object", **PROPERTIES, "not": {"required": ["b"]}, "propertyNames": {"maxLength": 3}},
        {"type": "object", "dependentSchemas": {"a": {"properties": {"b": {"minimum": 3}}}}},
        {"type": "object", "if": PROPERTIES, "then": {"required": ["b"]}, "else": {"maxProperties": 1}},
        {"allOf": [{"type": "object"}, {"properties": {"a": {"minimum": 3}}}]},
        {"allOf": [{"$ref": "#/$defs/a"}, {"type": "object"}], "$defs": {"a": PROPERTIES}},
        {"type": "object", "$ref": "#/$defs/a", "$defs": {"a": PROPERTIES}},
        {**PROPERTIES, "$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
        {**PROPERTIES, "anyOf": [{"type": "object"}, {"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "object"}}},
        {"type": "array", "maxItems": 3, "contains": {"minimum": 3}, "items": {"type": "integer"}},
        {"enum": [1, 2, 3], "minimum": 2},
        {"const": {"a": 1}, "required": ["a"]},
        {},
    ],
)
def test_a_type_that_is_said_or_need_not_be(checked: Check, payload: dict[str, Any]) -> None:
    assert codes(checked, with_payload(payload)) == set()


def test_a_parameter_without_a_type_has_errors_enough(checked: Check) -> None:
    route = {"path": "/ws/{a}", "pythonModule": "a", "parameters": {"a": {"minLength": 2}}}
    assert codes(checked, {"routes": [route]}) == {"RW209", "RW401"}
