"""JSON's equality, uniqueness and numbers, against what a slow and plain reading of JSON Schema says."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.table.json_values import equal, is_integer, is_multiple, is_number, unique

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2.0**53, 1e23, 1e308]),
    st.sampled_from([2**53, 2**53 + 1, 10**23, 10**400]),
    st.sampled_from(["", "1", "true", "a", "😀", "1;", '1"a']),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["", "a", "b"]), inner, max_size=3),
    max_leaves=6,
)


def plainly_equal(one: Any, other: Any) -> bool:
    """Two values are equal where they are of one JSON type and all their parts are."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(plainly_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(plainly_equal(one[key], other[key]) for key in one)
    return isinstance(one, bool) == isinstance(other, bool) and one == other


@given(one=VALUES, other=VALUES)
@settings(max_examples=500, deadline=None)
def test_values_are_equal_as_json_has_it(one: Any, other: Any) -> None:
    assert equal(one, other) == plainly_equal(one, other)
    assert equal(one, one)


@given(items=st.lists(VALUES, max_size=6))
@settings(max_examples=500, deadline=None)
def test_items_are_unique_where_no_two_are_equal(items: list[Any]) -> None:
    assert unique(items) == (not any(plainly_equal(one, other) for at, one in enumerate(items) for other in items[:at]))


def test_truth_is_no_number_and_a_whole_float_is_an_integer() -> None:
    assert equal([1, {"a": 1.0}], [1.0, {"a": 1}])
    assert not equal(True, 1)
    assert not equal([0], [False])
    assert unique([1, True, "1", [1], [True], None, 0, False, {}, []])
    assert not unique([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}])
    assert [is_integer(value) for value in (1, 1.0, -0.0, 1.5, True, "1", 1e300)] == [
        *(True, True, True, False, False, False, True)
    ]
    assert [is_number(value) for value in (1, 1.5, False, None, "1")] == [True, True, False, False, False]


def test_what_is_nested_deeper_than_python_recurses_is_compared() -> None:
    deep: list[Any] = []
    other: list[Any] = []
    for _ in range(20_000):
        deep, other = [deep], [other]
    assert equal(deep, other)
    assert not unique([deep, other, 1])
    assert unique([deep, other[0], 1])


@pytest.mark.parametrize("wrap", [lambda number: number, lambda number: [number], lambda number: {"a": number}])
def test_numbers_whose_hashes_agree_are_told_apart(wrap: Any) -> None:
    items = [wrap(number * (2**61 - 1)) for number in range(1, 2000)]
    assert unique(items)
    assert not unique([*items, items[1000]])


@pytest.mark.parametrize(
    ("value", "divisor", "verdict"),
    [
        *((0.3, 0.1, True), (0.30000000000000004, 0.1, False), (19.99, 0.01, True), (19.995, 0.01, False)),
        *((0.0075, 0.0001, True), (0.00751, 0.0001, False), (4.5, 1.5, True), (35, 1.5, False), (0, 7, True)),
        *((7.0, 7, True), (7.5, 7, False), (-9, 3, True), (1e308, 0.5, True), (1e308, 0.123456789, False)),
        *((1e308, 5e-324, True), (5e-324, 1e308, False), (1e23, 10**22, True), (10**400, 0.5, True)),
        *((float("inf"), 1, False), (float("-inf"), 0.5, False), (float("nan"), 1, False)),
    ],
)
def test_multiples_are_those_of_the_decimals(value: float, divisor: float, verdict: bool) -> None:
    assert is_multiple(value, divisor) is verdict


def test_a_number_longer_than_python_writes_has_multiples_too() -> None:
    assert is_multiple(7 * 10**5000, 0.7)
    assert not is_multiple(10**5000, 0.7)


@given(
    times=st.integers(-(10**6), 10**6),
    digits=st.integers(1, 10**6),
    exponent=st.integers(-12, 3),
    off=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_a_decimal_times_a_whole_number_is_its_multiple(times: int, digits: int, exponent: int, off: bool) -> None:
    step = Decimal(digits).scaleb(exponent)
    value = step * times + (step / 2 if off else 0)
    assert is_multiple(json.loads(str(value)), json.loads(str(step))) is not off
