"""The scanner: the same value as json.loads, and the place of every node."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.spec.lines import Lines
from routewright.spec.pointer import child, lookup
from routewright.spec.scanner import DEPTH, scan

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=25,
)
LAYOUTS = st.sampled_from([None, 0, 2, "\t"])


@given(value=JSON, indent=LAYOUTS, ascii_only=st.booleans())
@settings(max_examples=200, deadline=None)
def test_json_is_read_like_json_loads_and_every_place_is_its_nodes_first_character(
    value: Any, indent: int | str | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = scan(text)
    assert found.whole
    assert found.faults == []
    assert found.value == json.loads(text)
    assert set(found.places) == set(_pointers(value))
    for pointer, place in found.places.items():
        node, end = json.JSONDecoder().raw_decode(text, place.value)
        assert node == lookup(value, pointer)
        assert end <= len(text)
        if place.key >= 0:
            assert child(pointer.rpartition("/")[0], json.JSONDecoder().raw_decode(text, place.key)[0]) == pointer


def _pointers(value: Any, pointer: str = "") -> list[str]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [pointer, *(below for key, each in members for below in _pointers(each, child(pointer, key)))]


@given(text=st.text(alphabet='{}[]":,\\ \n\t-+.eE0123456789truefalsnu\x00é', max_size=40) | st.text(max_size=40))
@settings(max_examples=500, deadline=None)
def test_whatever_is_no_json_has_a_fault_inside_the_text(text: str) -> None:
    found = scan(text)
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError:
        assert not found.whole
    else:
        assert found.whole
    assert found.whole or found.faults
    assert all(0 <= fault.offset <= len(text) for fault in found.faults)


def _refuse(name: str) -> None:
    raise ValueError(name)


@given(text=st.text(alphabet="ab\n\r\u2028é😀"), data=st.data())
def test_lines_end_at_newlines_and_columns_count_code_points(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    before = text[:offset].split("\n")
    assert Lines(text).place(offset) == (len(before), len(before[-1]) + 1)


def test_a_duplicate_key_is_found_at_its_second_place_and_the_last_value_counts() -> None:
    found = scan('{"a": 1,\n "b": {"c": 1, "c": 2}, "a": 3}')
    assert found.value == {"a": 3, "b": {"c": 2}}
    assert [(fault.code, fault.offset, fault.pointer) for fault in found.faults] == [
        ("RW004", 24, "/b/c"),
        ("RW004", 33, "/a"),
    ]


def test_many_duplicate_keys_take_no_quadratic_time() -> None:
    found = scan("{" + ", ".join(['"key": 1\n'] * 20_000) + "}")
    assert len(found.faults) == 19_999


@pytest.mark.parametrize(
    ("text", "offset", "part"),
    [
        ("", 0, "empty"),
        ("[1, 2", 5, "too early"),
        ("[1 2]", 3, "expected"),
        ("[1,]", 2, "before"),
        ("{'a': 1}", 1, "double quotes"),
        ('{"a" 1}', 5, '":"'),
        ('{"a": 1, // no\n}', 9, "double quotes"),
        ("[01]", 1, "JSON value"),
        ("[1.]", 1, "JSON value"),
        ("[+1]", 1, "JSON value"),
        ("[NaN]", 1, "JSON value"),
        ("[-Infinity]", 1, "JSON value"),
        ("[True]", 1, "JSON value"),
        ('["a\nb"]', 1, "not closed"),
        ('["a\x01b"]', 3, "control character"),
        (r'["\x"]', 2, "escape"),
        ("[1] [2]", 4, "end of the file"),
    ],
)
def test_a_fault_is_placed_where_the_text_stops_being_json(text: str, offset: int, part: str) -> None:
    found = scan(text)
    assert not found.whole
    assert found.faults[-1].offset == offset
    assert part in found.faults[-1].message


def test_nesting_is_bounded() -> None:
    assert scan("[" * DEPTH + "0" + "]" * DEPTH).whole
    found = scan("[" * 1_000_000)
    assert [(fault.code, fault.offset) for fault in found.faults] == [("RW005", DEPTH + 1)]


def test_what_cannot_be_represented_is_noted_and_the_scan_goes_on() -> None:
    found = scan(r'{"a": 1e999, "b": "\ud800", "c": ' + "9" * 400 + ', "d": -1e400, "e": "\\ud83d\\ude00"}')
    assert found.whole
    assert [fault.pointer for fault in found.faults] == ["/a", "/b", "/c", "/d"]
    assert found.value["e"] == "😀"
