"""Paths of every framework in one way of writing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routewright.scan.coverage import Coverage
from routewright.scan.templates import canonical, display, key, segments
from routewright.scan.texts import Hole, text
from routewright.scan.vocabulary import Syntax


@pytest.mark.parametrize(
    ("syntax", "path", "expected"),
    [
        ("braces", "/a/{b}/{c:int}", "/a/{b}/{c:int}"),
        ("braces", "/files/{path:path}", "/files/{path...}"),
        ("braces", r"/tail/{tail:.*}", "/tail/{tail...}"),
        ("braces", r"/{id:\d{2,4}}", "/{id:re}"),
        ("braces", "/{unclosed", "/{unclosed"),
        ("angles", "/<int:room>/<name>", "/{room:int}/{name}"),
        ("angles", "/<symbol:str>/<path:rest>", "/{symbol}/{rest...}"),
        ("angles", "/<string(length=2):lang>", "/{lang}"),
        ("regex", r"^chat/(?P<room>\w+)/$", "chat/{room}/"),
        ("regex", r"/a\.b/([0-9]+)/?$", "/a.b/{arg1:int}"),
        ("regex", r"/a/?", "/a"),
        ("regex", r"/kernels/(?P<id>\w+-\w+)/channels", "/kernels/{id:re}/channels"),
        ("regex", r"/(.*)", "/{arg1...}"),
        ("regex", r"/(?:ws|live)/x", "/{arg1:re}/x"),
        ("regex", r"/(?:ws)/x(?=y)", "/ws/x"),
        ("regex", r"/((((", "/(((("),
    ],
)
def test_a_path_is_written_in_one_way(syntax: Syntax, path: str, expected: str) -> None:
    assert canonical(text(path), syntax) == text(expected)


@given(st.text(max_size=60), st.sampled_from(["braces", "angles", "regex", "django"]))
def test_any_text_is_a_path(given_: str, syntax: Syntax) -> None:
    path = display(canonical(text(given_, Hole("x")), syntax))
    assert path
    assert len(segments(path)) == len(key(path))


SEGMENTS = st.sampled_from(["a", "b", "7", "{x}", "{n:int}", "{r:re}", ""])
PATHS = st.builds(
    lambda parts, tail: "/" + "/".join([*parts, *tail]),
    st.lists(SEGMENTS, max_size=4),
    st.sampled_from([[], ["{t...}"]]),
)


def pattern(path: str) -> "re.Pattern[str]":
    """What a path without undecided parameters fits."""
    kinds = {"str": "[^/]+", "int": "[0-9]+"}
    parts = [
        ".+" if each.tail else kinds[each.takes] if each.takes else re.escape(each.text) for each in segments(path)
    ]
    return re.compile("/" + "/".join(parts))


@given(st.lists(PATHS, max_size=6), st.lists(st.sampled_from(["a", "b", "7", "c"]), min_size=1, max_size=4))
def test_what_covers_a_literal_path_fits_it(paths: list[str], literal: list[str]) -> None:
    coverage: Coverage[str] = Coverage()
    for path in paths:
        coverage.add(path, path)
    asked = "/" + "/".join(literal)
    sure = [path for path in paths if ":re" not in path]
    expected = sorted(path for path in sure if pattern(path).fullmatch(asked))
    assert sorted(path for path in coverage.covering(asked) if path in sure) == expected
