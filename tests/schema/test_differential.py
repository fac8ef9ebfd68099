"""Random schemas and values: the compiled decoder and jsonschema agree wherever the compiler takes the schema."""

import json
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from routewright.table.formats import FORMATS
from tests.schema.compiling import Refused, compiled
from tests.schema.schemas import Schemas, Values

VALUES = 12
"""Values that each schema is tried with."""


def formats() -> FormatChecker:
    """Our own formats: what they mean is tested elsewhere, here only that they are asked."""
    checker = FormatChecker(formats=())
    checker.checkers = {
        name: (lambda value, check=check: not isinstance(value, str) or check(value), ())
        for name, check in FORMATS.items()
    }
    return checker


def multiple(_: Any, step: float, value: Any, schema: Any) -> Iterator[ValidationError]:
    """``multipleOf`` of the numbers as they are written; jsonschema divides them as binary floats."""
    del schema
    if isinstance(value, int | float) and not isinstance(value, bool) and Fraction(repr(value)) % Fraction(repr(step)):
        yield ValidationError(f"{value} is no multiple of {step}")


CHECKER = formats()
Oracle = extend(Draft202012Validator, {"multipleOf": multiple})


def differences(schemas: list[Any], seed: int) -> tuple[list[str], int]:
    """Where the two do not agree, and how many schemas the compiler has taken."""
    found: list[str] = []
    taken = 0
    with tempfile.TemporaryDirectory() as folder:
        for schema, verdict in zip(schemas, compiled(schemas, Path(folder)), strict=True):
            if isinstance(verdict, Refused):
                continue
            taken += 1
            validator = Oracle(schema, format_checker=CHECKER)
            values = Values(schema, Random(seed))
            for value in (values.value() for _ in range(VALUES)):
                try:
                    expected = validator.is_valid(value)
                except RecursionError:
                    # a schema that refers to nothing but itself; the compiler must refuse it
                    found.append(f"{json.dumps(schema)} is endless")
                    break
                if verdict(value) != expected:
                    found.append(f"{json.dumps(schema)}\n  {json.dumps(value)} is {'valid' if expected else 'wrong'}")
    return found, taken


@given(seeds=st.lists(st.integers(0, 2**40), min_size=30, max_size=30))
@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_the_decoder_agrees_with_jsonschema(seeds: list[int]) -> None:
    found, _ = differences([Schemas(Random(seed)).root() for seed in seeds], seeds[0])
    assert min(found, key=len, default="") == ""


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        (
            {
                "patternProperties": {
                    "b$": {"type": "array"},
                    "^a": {"maxItems": 1, "unevaluatedItems": {"type": "null"}},
                }
            },
            [{"a": {"x": 1, "y": 2}}, {"a": [None]}, {"b": []}],
            [{"a": [None, None]}, {"a": [1]}, {"ab": {}}],
        ),
        ({"type": "number", "minimum": 0.5, "multipleOf": 3}, [3, 6.0, 3e23, 3e300], [1e300, 1.5, 0, 4]),
        ({"type": ["integer", "array"]}, [1e300, 2**70, [], -1.0], [0.5, "1", True]),
    ],
)
def test_what_random_schemas_have_found_stays_right(
    schema: Any, right: list[Any], wrong: list[Any], tmp_path: Path
) -> None:
    (verdict,) = compiled([schema], tmp_path)
    assert not isinstance(verdict, Refused)
    assert [value for value in right if not verdict(value)] == []
    assert [value for value in wrong if verdict(value)] == []


def test_most_random_schemas_are_taken() -> None:
    found, taken = differences([Schemas(Random(seed)).root() for seed in range(100)], 0)
    assert found == []
    assert taken >= 70
