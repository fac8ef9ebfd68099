"""Path matching against a slow, plain reading of its rules, and path parameters against their types."""

import itertools
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routewright.table import Parameter, Route
from routewright.table.paths import Matcher, ParameterError, convert


def a_route(number: int, path: str, *aliases: str, parameters: tuple[Parameter, ...] = ()) -> Route:
    name = f"r{number}"
    return Route(
        name=name, path=path, aliases=aliases, handler="app", digest=name, contract=name, parameters=parameters
    )


# The slow reference


def kind(segment: str) -> int:
    """How specific a segment of a pattern is: a literal beats a parameter beats a tail."""
    return 2 if segment.endswith("...}") else 1 if segment.startswith("{") else 0


def fits(pattern: str, segments: list[str]) -> dict[str, str] | None:
    """The parameters of a path that a pattern fits."""
    wanted = pattern.split("/")[1:]
    values: dict[str, str] = {}
    for at, segment in enumerate(wanted):
        if kind(segment) == 2:
            rest = segments[at:]
            return {**values, segment[1:-4]: "/".join(rest)} if any(rest) else None
        if at >= len(segments):
            return None
        if kind(segment) == 1:
            if not segments[at]:
                return None
            values[segment[1:-1]] = segments[at]
        elif segment != segments[at]:
            return None
    return values if len(wanted) == len(segments) else None


def slowly(patterns: list[str], path: str) -> tuple[str, dict[str, str]] | None:
    """The most specific pattern that fits, segment by segment from the left."""
    if not path.startswith("/") or len(path) > 2048:
        return None
    try:
        segments = [unquote(segment, errors="strict") for segment in path.split("/")[1:]]
    except UnicodeDecodeError:
        return None
    text = "/".join(segments)
    if not text.isprintable() or any(part in (".", "..") for part in text.split("/")):
        return None
    found = [(pattern, values) for pattern in patterns if (values := fits(pattern, segments)) is not None]
    return min(found, key=lambda each: [kind(segment) for segment in each[0].split("/")[1:]], default=None)


LITERAL = st.sampled_from(["a", "b", "ab", "ws", "é", "x.y", "-"])
PATTERN = st.builds(
    lambda segments, tail: "/" + "/".join([*segments, *tail]),
    st.lists(st.one_of(LITERAL, st.just("{}")), min_size=1, max_size=4),
    st.sampled_from([[], [], ["{rest...}"]]),
)
PLAIN = ["a", "b", "ab", "ws", "é", "x.y", "-", ".", "..", "{}", "%", "%zz"]
ENCODED = ["%C3%A9", "%61", "%2e", "%2E.", "a%2Fb", "..%2f", "%ff", "%00", "%20", "%25"]
PATH = st.one_of(
    st.lists(st.sampled_from(["", *PLAIN, *ENCODED]), max_size=6).map(lambda segments: "/" + "/".join(segments)),
    st.text(max_size=30),
    st.text(max_size=30).map(lambda text: "/" + text),
)


def named(patterns: list[str]) -> list[str]:
    """Patterns of which no two claim the same paths, with names for their parameters."""
    unlike = {tuple(kind(segment) or segment for segment in pattern.split("/")): pattern for pattern in patterns}
    numbers = itertools.count()
    return [
        "/".join(f"{{p{next(numbers)}}}" if part == "{}" else part for part in pattern.split("/"))
        for pattern in unlike.values()
    ]


@settings(max_examples=400, deadline=None)
@given(st.lists(PATTERN, min_size=1, max_size=8), st.lists(PATH, min_size=1, max_size=8))
@example(["/a/{}/c", "/a/b/{rest...}"], ["/a/b/c", "/a/b/", "/a/x/c"])
@example(["/a/b/ab", "/a/{}/b"], ["/a/b/b"])
def test_a_matcher_finds_what_the_rules_say(patterns: list[str], paths: list[str]) -> None:
    known = named(patterns)
    matcher = Matcher(a_route(number, pattern) for number, pattern in enumerate(known))
    for path in paths:
        match = matcher.match(path)
        assert (match and (match.pattern, match.parameters)) == slowly(known, path)
        if match is not None:
            assert match.route.path == match.pattern


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3))
def test_a_parameter_survives_the_way_over_the_wire(values: list[str]) -> None:
    path = "/ws" + "".join(f"/{quote(value, safe='')}" for value in values) if all(map(_sendable, values)) else ""
    matcher = Matcher([a_route(number, "/ws" + _slots(number)) for number in range(1, 4)])
    match = matcher.match(path)
    sound = all(
        _sendable(value) and value.isprintable() and not {".", ".."} & set(value.split("/")) for value in values
    )
    assert (match is not None) == sound
    if match is not None:
        assert list(match.parameters.values()) == values


def _sendable(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _slots(count: int) -> str:
    return "".join(f"/{{p{at}}}" for at in range(count))


# Examples


ROUTES = [
    a_route(0, "/ws", "/", "/old/{id}"),
    a_route(1, "/ws/rooms/{room}"),
    a_route(2, "/ws/rooms/lobby"),
    a_route(3, "/ws/files/{path...}"),
]


@pytest.mark.parametrize(
    ("path", "route", "pattern"),
    [
        ("/ws", 0, "/ws"),
        ("/", 0, "/"),
        ("/old/7", 0, "/old/{id}"),
        ("/ws/rooms/lobby", 2, "/ws/rooms/lobby"),
        ("/ws/rooms/l", 1, "/ws/rooms/{room}"),
        ("/ws/files/a/b", 3, "/ws/files/{path...}"),
    ],
)
def test_a_match_says_which_pattern_it_was(path: str, route: int, pattern: str) -> None:
    match = Matcher(ROUTES).match(path)
    assert match is not None
    assert (match.route, match.pattern) == (ROUTES[route], pattern)


@pytest.mark.parametrize("path", ["", "ws", "*", "//", "/ws/", "/ws/rooms", "/old/", "/ws/files/", "/" + "x" * 2048])
def test_what_leads_nowhere(path: str) -> None:
    assert Matcher(ROUTES).match(path) is None


def test_near_paths_are_the_nearest_first_and_few() -> None:
    matcher = Matcher(ROUTES)
    assert matcher.near("/ws/room/lobby")[0] == "/ws/rooms/lobby"
    assert len(matcher.near("/ws/rooms/lobb", limit=1)) == 1
    assert matcher.near("zzz") == []
    assert matcher.near("/ws/rooms/lobb" + "y" * 10_000) == matcher.near("/ws/rooms/lobb" + "y" * 186)
    assert Matcher(()).near("/ws") == []


# Parameters

Side = Literal["left", "right"]
TYPED = a_route(
    0,
    "/{number}/{share}/{flag}/{side}/{word}/{rest...}",
    parameters=(
        Parameter(name="number", type=Annotated[int, msgspec.Meta(ge=1, le=9)]),
        Parameter(name="share", type=float),
        Parameter(name="flag", type=bool),
        Parameter(name="side", type=Side),
        Parameter(name="word", type=Annotated[str, msgspec.Meta(max_length=3)]),
        Parameter(name="rest", tail=True),
    ),
)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"number": "7"}, {"number": 7}),
        ({"share": "0.5"}, {"share": 0.5}),
        ({"flag": "true"}, {"flag": True}),
        ({"side": "left"}, {"side": "left"}),
        ({"word": "123"}, {"word": "123"}),
        ({"rest": "7/8"}, {"rest": "7/8"}),
        ({"other": "7"}, {"other": "7"}),
        ({}, {}),
    ],
)
def test_a_parameter_becomes_what_its_schema_says(given: dict[str, str], wanted: dict[str, Any]) -> None:
    found = convert(TYPED, given)
    assert found == wanted
    assert [type(value) for value in found.values()] == [type(value) for value in wanted.values()]


@pytest.mark.parametrize(
    "given",
    [
        {"number": "0"}, {"number": "10"}, {"number": "x"}, {"number": "1.5"}, {"number": ""}, {"number": "null"},
        {"share": "x"}, {"flag": "maybe"}, {"side": "Left"}, {"word": "1234"},
    ],
)  # fmt: skip
def test_a_parameter_that_its_schema_refuses_is_named(given: dict[str, str]) -> None:
    (name,) = given
    with pytest.raises(ParameterError, match=f"^path parameter '{name}': "):
        convert(TYPED, given)


@given(st.integers() | st.floats() | st.text() | st.booleans())
def test_any_text_is_converted_or_refused(value: Any) -> None:
    for name in ("number", "share", "flag", "side", "word"):
        try:
            (found,) = convert(TYPED, {name: str(value)}).values()
        except ParameterError:
            continue
        assert isinstance(found, int | float | bool | str)
