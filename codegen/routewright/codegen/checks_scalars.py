"""Check functions for what a schema says of a value that has no parts: types, constants, bounds, patterns, formats."""

from collections.abc import Mapping
from typing import Any

from routewright.codegen import literals
from routewright.codegen.checks_vocabulary import Path, Vocabulary
from routewright.codegen.defaults import json_value
from routewright.codegen.statements import Statement, when

_TYPES = {
    "object": ("object", "dict"),
    "array": ("array", "list"),
    "string": ("str", "str"),
    "boolean": ("bool", "bool"),
    "null": ("null", ""),
    "integer": ("int", ""),
    "number": ("float", ""),
}
"""How a type is called in messages, and the class that its values have."""


def of_type(vocabulary: Vocabulary, kinds: list[str], value: str, path: Path) -> list[Statement]:
    """The value is of one of these types."""
    if not kinds:
        return []
    classes = [_TYPES[kind][1] for kind in kinds if _TYPES[kind][1]]
    tests = [f"isinstance({value}, {' | '.join(classes)})"] if classes else []
    tests += [is_kind(vocabulary, kind, value) for kind in kinds if not _TYPES[kind][1]]
    if tests == [f"{value} is None"]:
        condition = f"{value} is not None"
    else:
        condition = f"not {tests[0]}" if len(tests) == 1 else f"not ({' or '.join(tests)})"
    expected = " | ".join(_TYPES[kind][0] for kind in kinds)
    return when(condition, [vocabulary.fail(f"Expected `{expected}`", path)])


def is_kind(vocabulary: Vocabulary, kind: str, value: str) -> str:
    """The condition that the value is of a type, as source text."""
    if kind == "null":
        return f"{value} is None"
    if kind in ("integer", "number"):
        return f"{vocabulary.local(f'is_{kind}')}({value})"
    return f"isinstance({value}, {_TYPES[kind][1]})"


def enumerated(vocabulary: Vocabulary, schema: Mapping[str, Any], value: str, path: Path) -> list[Statement]:
    """The value is one of the constants of ``enum`` and ``const``."""
    found: list[Statement] = []
    for keyword in ("enum", "const"):
        if keyword not in schema:
            continue
        constants = schema[keyword] if keyword == "enum" else [schema[keyword]]
        fail = vocabulary.fail(
            "Expected the constant" if len(constants) == 1 else "Expected one of the constants", path
        )
        if len(constants) == 1:
            found += when(_differs(vocabulary, constants[0], value), [fail])
        elif all(isinstance(each, str) for each in constants):
            found += when(f"{value} not in {vocabulary.texts(constants)}", [fail])
        else:
            listed = vocabulary.constant("VALUES", json_value(constants))
            found += when(f"not any({vocabulary.local('equal')}({value}, constant) for constant in {listed})", [fail])
    return found


def _differs(vocabulary: Vocabulary, constant: Any, value: str) -> str:
    if constant is None:
        return f"{value} is not None"
    if isinstance(constant, bool):
        return f"{value} is not {constant}"
    if isinstance(constant, str):
        return f"{value} != {vocabulary.text(constant)}"
    written = vocabulary.constant("VALUE", json_value(constant)) if isinstance(constant, dict | list) else None
    return f"not {vocabulary.local('equal')}({value}, {written or _number(constant)})"


def number(vocabulary: Vocabulary, schema: Mapping[str, Any], value: str, path: Path) -> list[Statement]:
    """What a schema says of numbers."""
    statements: list[Statement] = []
    for keyword, against, words in (
        ("minimum", "<", ">="),
        ("exclusiveMinimum", "<=", ">"),
        ("maximum", ">", "<="),
        ("exclusiveMaximum", ">=", "<"),
    ):
        if keyword in schema:
            bound = _number(schema[keyword])
            statements += when(
                f"{value} {against} {bound}", [vocabulary.fail(f"Expected a number {words} {bound}", path)]
            )
    if "multipleOf" in schema:
        step = _number(schema["multipleOf"])
        fail = vocabulary.fail(f"Expected a number that is a multiple of {step}", path)
        statements += when(f"not {vocabulary.local('is_multiple')}({value}, {step})", [fail])
    return statements


def string(vocabulary: Vocabulary, schema: Mapping[str, Any], value: str, path: Path) -> list[Statement]:
    """What a schema says of strings."""
    statements = length(vocabulary, schema, "minLength", "maxLength", "str", value, path)
    if "pattern" in schema:
        found = f"{vocabulary.pattern(schema['pattern'])}({value}) is None"
        statements += when(found, [vocabulary.fail("Expected `str` matching the pattern", path)])
    if "format" in schema:
        format_ = schema["format"]
        test = vocabulary.local(f"is_{format_.replace('-', '_')}")
        statements += when(f"not {test}({value})", [vocabulary.fail(f"Expected `str` in the format {format_}", path)])
    return statements


def length(
    vocabulary: Vocabulary, schema: Mapping[str, Any], least: str, most: str, type_: str, value: str, path: Path
) -> list[Statement]:
    """Bounds of a length: the keywords ``least`` and ``most``, and what is measured."""
    statements: list[Statement] = []
    for keyword, against, words in ((least, "<", ">="), (most, ">", "<=")):
        if keyword in schema and (keyword == most or schema[keyword] > 0):
            fail = vocabulary.fail(f"Expected `{type_}` of length {words} {int(schema[keyword])}", path)
            statements += when(f"len({value}) {against} {int(schema[keyword])}", [fail])
    return statements


def _number(value: int | float) -> str:
    return literals.number(value) if isinstance(value, float) else repr(int(value))
