"""The quick way through a JSON text: it agrees with the scanner wherever it does not leave the text to it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.spec.decoding import Unsound, decode
from routewright.spec.places import Places
from routewright.spec.scanner import DEPTH, scan
from tests.spec.test_scanner import JSON, LAYOUTS


@given(value=JSON, indent=LAYOUTS, ascii_only=st.booleans())
@settings(max_examples=200, deadline=None)
def test_places_are_those_of_the_scanner(value: Any, indent: int | str | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = scan(text)
    places = Places(text)
    assert {pointer: places.get(pointer) for pointer in found.places} == found.places


@given(
    text=st.text(alphabet='{}[]":,\\ \n\t-+.eE0123456789truefalsnu\x00é', max_size=40)
    | st.builds(json.dumps, JSON)
    | st.text(max_size=40)
)
@settings(max_examples=500, deadline=None)
def test_what_is_decoded_has_no_fault(text: str) -> None:
    found = scan(text)
    try:
        value = decode(text)
    except Unsound:
        return
    assert found.whole
    assert found.faults == []
    assert repr(value) == repr(found.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        r'["\ud800"]',
        "[1e999]",
        f"[{'9' * 400}]",
        "[NaN]",
        "[-Infinity]",
        "[1] 2",
        "[" * (DEPTH + 1) + "0" + "]" * (DEPTH + 1),
        '{"a":' * (DEPTH + 1) + "0" + "}" * (DEPTH + 1),
        "[" * 1_000_000,
    ],
)
def test_what_may_have_a_fault_is_left_to_the_scanner(text: str) -> None:
    with pytest.raises(Unsound):
        decode(text)


def test_nesting_up_to_the_bound_is_decoded() -> None:
    text = "[" * DEPTH + "0" + "]" * DEPTH
    assert decode(text) == json.loads(text)


@pytest.mark.parametrize("pointer", ["/b", "/a/2", "/a/0/x", "/a/-1"])
def test_a_pointer_that_leads_nowhere_has_no_place(pointer: str) -> None:
    assert Places('{"a": [1, 2]}').get(pointer) is None
