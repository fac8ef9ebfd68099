"""Path templates, and which of them claim one path."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.spec.paths import Claims, PathError, Segment, literals, meeting, parameters, parse

RANK = {"literal": 0, "parameter": 1, "tail": 2}


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("/", ()),
        ("/ws", (Segment("literal", "ws"),)),
        ("/ws/{room}", (Segment("literal", "ws"), Segment("parameter", "room"))),
        ("/ws/{path...}", (Segment("literal", "ws"), Segment("tail", "path"))),
        ("/a.b/c~d", (Segment("literal", "a.b"), Segment("literal", "c~d"))),
    ],
)
def test_a_template_is_made_of_literals_parameters_and_a_tail(text: str, segments: tuple[Segment, ...]) -> None:
    assert parse(text) == segments


@pytest.mark.parametrize(
    "text",
    [
        *("", "ws", "//", "/ws/", "/ws//a", "/.", "/..", "/ws/../a", "/{", "/}", "/{}", "/{a", "/a}", "/{a}b", "/x{a}"),
        *("/{a...}/b", "/{a}/{a}", "/{a}/{a...}", "/{1a}", "/{a b}", "/a b", "/a%20b", "/a?b", "/a#b", "/a\\b", "/é"),
        *("/a\nb", "/{a....}", "/{...}", "/{a}{b}", "/{ü}", "/" + "a/" * 40 + "a"),
    ],
)
def test_whatever_else_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        parse(text)


def test_literals_and_parameters_of_a_template() -> None:
    segments = parse("/ws/{owner}/files/{path...}")
    assert literals(segments) == ["ws", "files"]
    assert parameters(segments) == {"owner": False, "path": True}


@pytest.mark.parametrize(
    ("one", "other", "conflict"),
    [
        ("/ws/rooms", "/ws/rooms", True),
        ("/ws/rooms", "/ws/{x}", False),
        ("/ws/{a}", "/ws/{b}", True),
        ("/ws/{a}/x", "/ws/y/{b}", True),
        ("/ws/{a}/x", "/ws/{b}/y", False),
        ("/ws/{a}/x", "/ws/{b}/{c}", False),
        ("/ws/{a...}", "/ws/{b}", False),
        ("/ws/{a...}", "/ws/{b...}", True),
        ("/ws/files/{p...}", "/ws/{x}/y", True),
        ("/ws/{p...}", "/ws/{x}/y", False),
        ("/ws/{p...}", "/ws", False),
        ("/ws/a/{p...}", "/ws/{x}/{q...}", False),
        ("/ws/a/{p...}", "/ws/{x}", False),
        ("/{a}/b/{c...}", "/a/{b}/c/d", True),
        ("/WS", "/ws", False),
        ("/", "/{a...}", False),
    ],
)
def test_two_templates_conflict_where_neither_is_the_better_one_throughout(
    one: str, other: str, conflict: bool
) -> None:
    for pair in ((one, other), (other, one)):
        claims = Claims()
        assert claims.claim(parse(pair[0])) is None
        assert claims.claim(parse(pair[1])) == (0 if conflict else None)


TEMPLATES = st.lists(st.sampled_from(["a", "b", "{p}"]).map(str), min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from([parts, [*parts, "{t...}"]])
)


@given(templates=st.lists(TEMPLATES, min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_the_trie_finds_what_comparing_every_two_templates_finds(templates: list[list[str]]) -> None:
    parsed = [
        parse("/" + "/".join(part.replace("{p}", f"{{p{index}}}") for index, part in enumerate(parts)))
        for parts in templates
    ]
    claims = Claims()
    for number, segments in enumerate(parsed):
        rival = claims.claim(segments)
        rivals = [index for index in range(number) if _conflict(parsed[index], segments)]
        assert (rival is None) == (not rivals)
        if rival is not None:
            assert rival in rivals
            both = parse(meeting(parsed[rival], segments))
            assert _fits(both, parsed[rival])
            assert _fits(both, segments)


def _conflict(one: tuple[Segment, ...], other: tuple[Segment, ...]) -> bool:
    """By trying every path of the letters at hand."""
    for length in range(1, 6):
        for path in itertools.product("abc", repeat=length):
            if _matches(path, one) and _matches(path, other):
                pairs = [
                    (RANK[one[min(index, len(one) - 1)].kind], RANK[other[min(index, len(other) - 1)].kind])
                    for index in range(max(len(one), len(other)))
                ]
                better = any(mine < yours for mine, yours in pairs)
                worse = any(mine > yours for mine, yours in pairs)
                if better == worse:
                    return True
    return False


def _matches(path: tuple[str, ...], segments: tuple[Segment, ...]) -> bool:
    tail = bool(segments) and segments[-1].kind == "tail"
    if len(path) < len(segments) or (len(path) > len(segments) and not tail):
        return False
    return all(each.kind != "literal" or each.text == part for each, part in zip(segments, path, strict=False))


def _fits(path: tuple[Segment, ...], segments: tuple[Segment, ...]) -> bool:
    return _matches(tuple(segment.text for segment in path), segments)
