"""Patterns that are taken mean what they mean to a real engine of ECMA-262: Node's, with the ``u`` flag."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routewright.spec.ecma import PatternError, python
from routewright.table.formats import is_regex

PROGRAM = """
require("readline").createInterface({input: process.stdin}).on("line", line => {
  console.log(JSON.stringify(JSON.parse(line).map(([pattern, texts]) => {
    try {
      const expression = new RegExp(pattern, "u");
      return texts.map(text => expression.test(text));
    } catch (error) {
      return null;
    }
  })));
});
"""


class Engine:
    """A process that tells of patterns in which texts they occur, or ``None`` for what is no pattern."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def __call__(self, cases: list[tuple[str, list[str]]]) -> list[list[bool] | None]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(cases) + "\n")
        self.process.stdin.flush()
        answer: list[list[bool] | None] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", "-e", PROGRAM], stdin=pipe, stdout=pipe, text=True) as process:
        yield Engine(process)
        assert process.stdin is not None
        process.stdin.close()


CHARACTERS = ["a", "b", "Z", "0", "9", "_", "-", " ", "\n", "\r", "\u2028", "\u00a0", "\ufeff", "é", "ß", "İ", "ſ", "٣"]
CHARACTERS += ["漢", "😀", "😁", "\u200d", "\x00", "\x1f", "\x85", "/", ".", "]", "^", "\\"]
ESCAPES = [*(f"\\{letter}" for letter in "dDwWsStnvfr0^$\\.*+?()[]{}|/"), r"\cJ", r"\x41", r"\u00e9", r"\u{1f600}"]
ESCAPES += [r"\ud83d\ude00", r"\p{L}", r"\P{L}", r"\p{Lu}", r"\p{gc=Nd}", r"\p{ASCII}", r"\p{Any}", r"\P{Zs}"]
RANGES = ["a-z", "0-9", "A-Za-z", r"\x00-\x1f", "é-漢", r"\u{1f600}-\u{1f64f}", r"\ud83d\ude00-\u{1f602}", r"\b", r"\-"]
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{2,}", "{0}", "{0,1}", "*?", "+?", "??", "{1,2}?"]
GROUPS = ["(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?<name>"]

plain = st.sampled_from([character for character in CHARACTERS if character not in "./]^\\"])
members = st.lists(st.sampled_from(RANGES) | plain | st.sampled_from(ESCAPES[:14]), max_size=3)
sets = st.builds(lambda negated, inner: f"[{'^' if negated else ''}{''.join(inner)}]", st.booleans(), members)
atoms = plain | sets | st.sampled_from([*ESCAPES, ".", "^", "$", r"\b", r"\B"])


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.lists(inner, min_size=1, max_size=4).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map("|".join)
        | st.builds("{}{})".format, st.sampled_from(GROUPS), inner)
        | st.builds("(?:{}){}".format, inner, st.sampled_from(QUANTIFIERS))
        | st.builds("{}{}".format, plain | sets, st.sampled_from(QUANTIFIERS))
    )


PATTERNS = st.recursive(atoms, deeper, max_leaves=10)
TEXTS = st.lists(st.text(st.sampled_from(CHARACTERS), max_size=6), min_size=1, max_size=6)


@given(cases=st.lists(st.tuples(PATTERNS, TEXTS), min_size=20, max_size=40))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_pattern_occurs_where_it_occurs_to_node(engine: Engine, cases: list[tuple[str, list[str]]]) -> None:
    for (pattern, texts), expected in zip(cases, engine(cases), strict=True):
        try:
            search = re.compile(python(pattern)).search
        except PatternError:
            continue
        assert expected is not None, pattern
        assert [search(text) is not None for text in texts] == expected, (pattern, texts)


TOKENS = [
    *ESCAPES,
    *RANGES,
    *QUANTIFIERS,
    *GROUPS,
    *"ab()[]{}|^$.-,1",
    "[^",
    r"\1",
    r"\2",
    r"\k<name>",
    r"\a",
    r"\c",
    "\\",
]
TOKENS += [r"\u12", r"\u{110000}", r"\ud83d", r"\p{Foo}", r"\p{Script=Greek}", r"\p{sc=Foo}", "{2,1}", "(?<b>", "(?i:"]


@given(patterns=st.lists(st.lists(st.sampled_from(TOKENS), max_size=6).map("".join), min_size=50, max_size=100))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_a_pattern_is_one_to_node(engine: Engine, patterns: list[str]) -> None:
    answers: list[Any] = engine([(pattern, []) for pattern in patterns])
    for pattern, answer in zip(patterns, answers, strict=True):
        assert is_regex(pattern) is (answer is not None), pattern


def test_a_character_newer_than_some_python_is_escaped_by_every_python() -> None:
    assert python("^\U0001f6d8é$") == r"^\U0001f6d8é\Z"
