"""A string of the spec stays inside the literal, docstring or comment that it is written to."""

import ast
import inspect
import io
import tokenize

import pytest
from hostile import texts
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routewright.codegen import RenderError, literals

bounded = settings(max_examples=200, deadline=None)


def assert_clean(source: str) -> None:
    """Nothing in the text can be mistaken by an editor, a terminal or a reviewer."""
    source.encode()
    assert all(c.isprintable() or c == "\n" for c in source)


@bounded
@given(texts())
def test_a_string_literal_is_the_string(text: str) -> None:
    source = literals.string(text)
    assert ast.literal_eval(source) == text
    assert_clean(source)
    assert "\n" not in source


@bounded
@given(texts())
@example(r"^\d+\Z")
@example('\\"')
@example("".join(map(chr, range(0x1F300, 0x1FB00))))
def test_a_pattern_literal_is_the_pattern(text: str) -> None:
    assert ast.literal_eval(literals.pattern(text)) == text
    assert_clean(literals.pattern(text))


def test_a_pattern_is_raw_where_that_reads_better() -> None:
    assert literals.pattern(r"^\d+\Z") == r'r"^\d+\Z"'
    assert literals.pattern("^[a-z]+$") == '"^[a-z]+$"'


@bounded
@given(texts(), st.sampled_from([0, 4]))
@example('\\"', 4)
@example('""""""', 4)
@example(">>> 1", 4)
@example('a\n    b\n  c"', 4)
@example("word " * 60, 4)
def test_a_docstring_is_nothing_but_one_string(text: str, indent: int) -> None:
    margin = " " * indent
    source = f"{'if 1:' if indent else ''}\n{margin}{literals.docstring(text, indent)}\n"
    tree = ast.parse(source)
    body = tree.body[0].body if isinstance(tree.body[0], ast.If) else tree.body  # type: ignore[attr-defined]
    assert len(body) == 1
    value = ast.literal_eval(body[0].value)
    words = inspect.cleandoc("\n".join(line.strip() for line in value.split("\n"))).split()
    # a prompt is broken, so that the text is no doctest
    assert " ".join(words).replace("> >>", ">>>") == " ".join(text.split()).replace("> >>", ">>>")
    assert_clean(source)


@bounded
@given(texts())
def test_a_comment_is_one_comment(text: str) -> None:
    tokens = list(tokenize.generate_tokens(io.StringIO(f"# {literals.comment(text)}\n").readline))
    assert [token.type for token in tokens] == [tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER]
    assert_clean(literals.comment(text))


@bounded
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_literal_is_the_number(value: float) -> None:
    assert ast.literal_eval(literals.number(value)) == value
    assert isinstance(ast.literal_eval(literals.number(value)), float)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_json_does_not_have_is_refused(value: float) -> None:
    with pytest.raises(RenderError):
        literals.number(value)


def test_an_emoji_newer_than_the_oldest_python_is_escaped_by_every_python() -> None:
    newest, later = "\U0001f6dd", "\U0001f6d8"
    assert literals.string(newest + later) == f'"{newest}\\U0001f6d8"'
    assert literals.pattern(rf"\d{later}") == r'"\\d\U0001f6d8"'


def test_people_can_read_their_own_language() -> None:
    assert literals.string("Größe 大小 🚀") == '"Größe 大小 🚀"'
    assert literals.string("right\u202eleft") == '"right\\u202eleft"'
    assert (
        literals.string("melting \U0001fae0, unassigned \U0001f6d8") == '"melting \U0001fae0, unassigned \\U0001f6d8"'
    )
