"""Types of schemas: a table over the vocabulary, and whatever else a spec may hold."""

from pathlib import Path
from typing import Any

import pytest

from routewright.codegen.typescript import typescript
from routewright.codegen.typescript_types import Types, documentation
from tests.emit.node import COMPILERS, compiled
from tests.emit.schemas import RANDOM, many

COLOR = {"$ref": "#/$defs/Color"}
NUMBER = {"type": "integer"}
TEXT = {"type": "string"}

CASES: list[tuple[Any, str]] = [
    (True, "unknown"),
    (False, "never"),
    ({}, "unknown"),
    ({"minimum": 3}, "unknown"),
    (NUMBER, "number"),
    ({"type": ["string", "null"]}, "string | null"),
    ({"type": "string", "nullable": True}, "string | null"),
    ({"const": "a\"b\n"}, '"a\\"b\\n"'),
    ({"const": {"a": [1, None], "b-c": True}}, '{ a: [1, null]; "b-c": true; }'),
    ({"enum": ["a", 1, None, 1.5, True]}, '"a" | 1 | null | 1.5 | true'),
    ({"type": "string", "enum": ["a", 1]}, '"a"'),
    ({"type": "integer", "enum": [1, True]}, "1"),
    (COLOR, "components.Color"),
    ({"$ref": "#/$defs/Gone"}, "unknown"),
    ({**COLOR, "description": "Of the wall."}, "components.Color"),
    ({"type": "array"}, "unknown[]"),
    ({"type": "array", "items": {"type": ["string", "null"]}}, "(string | null)[]"),
    ({"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}, "[number, number]"),
    ({"prefixItems": [NUMBER, TEXT]}, "[number?, string?, ...unknown[]]"),
    ({"type": "array", "prefixItems": [NUMBER, TEXT], "minItems": 1, "items": False}, "[number, string?]"),
    ({"type": "array", "prefixItems": [NUMBER], "minItems": 1, "items": TEXT, "maxItems": 3}, "[number, ...string[]]"),
    ({"type": "array", "prefixItems": [NUMBER, TEXT], "maxItems": 1}, "[number?]"),
    ({"anyOf": [NUMBER, TEXT, NUMBER]}, "number | string"),
    ({"oneOf": [NUMBER, True]}, "unknown"),
    ({"oneOf": [NUMBER, False]}, "number"),
    ({"allOf": [COLOR, {"anyOf": [NUMBER, TEXT]}]}, "components.Color & (number | string)"),
    ({"not": NUMBER, "if": NUMBER, "then": False}, "unknown"),
    ({"type": "object"}, "{\n  [key: string]: unknown;\n}"),
    ({"type": "object", "additionalProperties": NUMBER}, "{\n  [key: string]: number;\n}"),
    ({"type": "object", "additionalProperties": False}, "{\n  [key: string]: never;\n}"),
    (
        {"type": "object", "patternProperties": {"^x": NUMBER}, "additionalProperties": False},
        "{\n  [key: string]: number;\n}",
    ),
    ({"required": ["a"]}, "{\n  a: unknown;\n}"),
    (
        {"type": "object", "required": ["-"], "properties": {"a": NUMBER, "-": TEXT}, "additionalProperties": False},
        '{\n  a?: number;\n  "-": string;\n}',
    ),
    (
        {"type": "object", "properties": {"a": NUMBER}, "additionalProperties": {"type": "boolean"}},
        "{\n  a?: number;\n  [key: string]: boolean | number | undefined;\n}",
    ),
    ({"type": "object", "allOf": [COLOR], "unevaluatedProperties": False}, "components.Color"),
    (
        {"type": "object", "properties": {"a": NUMBER}, "anyOf": [{"required": ["a"]}, COLOR]},
        "{\n  a?: number;\n} & ({\n  a: unknown;\n} | components.Color)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "expected"), CASES)
def test_a_schema_has_its_type(schema: Any, expected: str) -> None:
    assert Types({"Color": TEXT}, lambda key: f"components.{key}").expression(schema).text == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, ""),
        ({"description": "A */ b"}, "/** A *\\/ b */\n"),
        ({"minimum": 1, "default": 2}, "/** (minimum 1, default 2) */\n"),
        ({"description": "How many.", "maxItems": 3}, "/** How many. (max items 3) */\n"),
        ({"description": "x", "not": {}}, "/** x (also checked: not) */\n"),
        ({"title": "@deprecated", "deprecated": True}, "/**\n * \\@deprecated\n *\n * @deprecated\n */\n"),
        ({"examples": ["*/", {"a": 1}]}, '/**\n * @example "*\\/"\n * @example {"a": 1}\n */\n'),
        ({"description": "a\nb\u2028c\0"}, "/**\n * a\n * b\n * c\\u0000\n */\n"),
    ],
)
def test_what_a_type_cannot_say_stands_in_its_comment(schema: Any, expected: str) -> None:
    assert documentation(schema, "") == expected


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the types of many random specs."""
    folder = tmp_path_factory.mktemp("types")
    for number, spec in enumerate(many(RANDOM)):
        (folder / f"spec{number}.d.ts").write_text(typescript(spec), encoding="utf-8")
    return folder


@pytest.mark.parametrize("compiler", COMPILERS)
def test_whatever_a_spec_holds_its_types_compile(compiler: str, hostile: Path) -> None:
    files = sorted(path.name for path in hostile.iterdir())
    assert len(files) >= RANDOM
    errors = compiled(hostile, files, compiler, "--lib", "es2022")
    assert errors == [], "\n".join(
        f"{each}\n{(hostile / each.file).read_text(encoding='utf-8').split(chr(10))[each.line - 1]}" for each in errors
    )
