"""Regular expressions of ECMA-262 as Python's."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.spec.ecma import PatternError, python
from routewright.spec.spending import spend


def found(pattern: str, text: str) -> bool:
    return re.search(python(pattern), text) is not None


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("^a$", ["a"], ["a\n", "b", "aa"]),
        ("a", ["xax"], ["x"]),
        (r"^\d+$", ["12"], ["\u0661", "a", ""]),
        (r"^\w$", ["a", "_", "9"], ["é", "-"]),
        (r"^\W$", ["é", "-"], ["a"]),
        (r"^\D$", ["\u0661"], ["1"]),
        (r"^\s$", [" ", "\u00a0", "\ufeff", "\u2028"], ["a", "\u200b"]),
        (r"^\S$", ["a"], [" "]),
        ("^.$", ["a", "😀"], ["\n", "\u2028", "\r"]),
        (r"\bfoo\b", ["a foo b", "éfoo"], ["foot"]),
        (r"o\B", ["oo"], ["o"]),
        ("^[a-c]$", ["b"], ["d"]),
        ("^[^a-c]$", ["d", "\n"], ["b"]),
        (r"^[\d-]$", ["-", "1"], ["a"]),
        (r"^[\w.-]+$", ["a.b-c"], ["a b"]),
        (r"^[^\W_]$", ["a"], ["_", "-"]),
        ("^[]$", [], ["", "a"]),
        ("^[^]$", ["a", "\n"], [""]),
        (r"^[\]\[\\^-]$", ["]", "[", "\\", "^", "-"], ["a"]),
        (r"^[\b]$", ["\b"], ["b"]),
        (r"^\x41\u0042\u{43}$", ["ABC"], ["abc"]),
        (r"^\cJ\t\0$", ["\n\t\0"], [""]),
        (r"^\u{1F600}$", ["😀"], [""]),
        ("^(?:a|bc){2}$", ["abc", "aa"], ["a", "ab"]),
        ("^(?<year>[0-9]{4})$", ["2024"], ["24"]),
        ("^(a|b)c|d$", ["acx", "d"], ["c"]),
        ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]),
        ("^a{2,}?$", ["aaaa"], ["a"]),
        ("^(?=.*1)(?!.*2).*$", ["a1"], ["a", "12"]),
        ("(?<=a)b(?<!c)", ["ab"], ["b"]),
        (r"^a\/b\-c\.d$", ["a/b-c.d"], ["a/b-cxd"]),
        ("^[a-z0-9]+(?:-[a-z0-9]+)*$", ["a-b-c"], ["a--b"]),
        (r"^(\d{1,3}\.){3}\d{1,3}$", ["10.0.0.1"], ["10.0.0"]),
        ("^(a?){3}$", ["aa"], ["aaaa"]),
        ("^$", [""], ["\n", "a"]),
        ("", ["", "a"], []),
        (r"^\ud83d\ude00$", ["😀"], ["\ud83d"]),
        (r"^[\ud83d\ude00-\u{1f602}]$", ["😀", "😁"], ["😃"]),
        (r"^\p{L}+$", ["aéЖ漢"], ["1", "a b", "_"]),
        (r"^\p{Lu}\p{Lowercase_Letter}*$", ["Éa", "Ж"], ["éa", "ÉA"]),
        (r"^[\p{gc=Nd}_]\P{General_Category=Number}$", ["1a", "٣_"], ["a1", "11"]),
        (r"^\p{Any}\p{ASCII}$", ["\na"], ["aé"]),
        (r"\s+$", ["a ", " ", "a  \t"], ["a", " a", ""]),
        (r"[a-z]+\d|x*y{3}", ["ab1", "1yyy", "xxyyy"], ["ab", "1", "xyy"]),
    ],
)
def test_a_pattern_means_what_ecma_262_says(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not found(pattern, text)] == []
    assert [text for text in no if found(pattern, text)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(",
            ")",
            "a)",
            "[",
            "[a",
            "]",
            "{",
            "}",
            "a{",
            "a{1",
            "*",
            "+",
            "?",
            "a**",
            "a+*",
            "a{2}{3}",
            "^*",
            "(?=a)*",
        ),
        *("[z-a]", r"[\d-z]", "a{2,1}", "a{1001}", "(?i)a", "(?P<a>b)", "(?#c)", "(?>a)", "a++", "(?<1>a)"),
        *(
            r"(a)\1",
            r"(?<n>a)\k<n>",
            r"\p{Script=Greek}",
            r"\p{Emoji}",
            r"[\p{Foo}]",
            r"\p",
            r"\a",
            r"\A",
            r"\Z",
            r"\e",
            r"\u12",
            r"\x1",
        ),
        *("(?<n>a)(?<n>b)", r"\p{Any=L}", r"\ude00"),
        *("\\", r"\u{110000}", r"\ud800", r"\01", "(?<=a+)b", "(" * 30 + ")" * 30, "a" * 1001),
    ],
)
def test_what_has_no_equal_in_python_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        python(pattern)


EXPONENTIAL = [
    *(
        "(a+)+$",
        "(a*)*$",
        "(a+)*b",
        "(a|a)*$",
        "(a|aa)+$",
        "(.*)*x",
        "(.*a){12}$",
        r"(\w+\s?)+$",
        "(a?b?)*$",
        "((a*)b?)*c",
    ),
    *("^(([a-z])+.)+[A-Z]([a-z])+$", r"([a-z0-9]+)*$", "(a{1,50}){1,50}$", "(?=(a+)+b)", "(a|[a-c])*$", "([^x]+)*x"),
    *("(?:" + "|".join("a" * 400) + ")*$", "(" + "a?" * 300 + ")*$"),
]
POLYNOMIAL = [
    "a*a*$",
    r"^\s*(.*?)\s*$",
    "foo.*bar",
    "(x+y)*z",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "(?=.*1)a",
    "[0-9a-f]{128}$",
]


@pytest.mark.parametrize("pattern", [*EXPONENTIAL, *POLYNOMIAL])
def test_what_can_take_long_is_refused_where_nothing_bounds_the_text(pattern: str) -> None:
    python(pattern)
    with pytest.raises(PatternError, match="it can take"):
        spend(pattern)


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_what_can_take_exponential_time_is_refused_for_short_texts_too(pattern: str) -> None:
    with pytest.raises(PatternError, match="it can take"):
        spend(pattern, 100)


@pytest.mark.parametrize("pattern", POLYNOMIAL)
def test_what_can_take_long_is_taken_where_the_text_is_short(pattern: str) -> None:
    spend(pattern, 100)


def test_many_short_texts_share_what_one_may_take() -> None:
    spend("foo.*bar", 500)
    with pytest.raises(PatternError, match="microseconds are allowed"):
        spend("foo.*bar", 500, many=True)
    with pytest.raises(PatternError, match="67108864 characters"):
        spend("^a+$", message=64 * 2**20)


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("^foo.*bar.*baz", 'give "maxLength", at most 500'),
        ("a{50}b", 'give "maxLength", at most 20000, or begin it with "^"'),
        ("a{500}b{500}", 'give "maxLength", at most 1000, or begin it with "^"'),
        ("^(a|b|ab)*c$", 'give "maxLength", at most 20'),
        ("^(?:a?){30}$", "let no repetition be able to go on with what follows it"),
    ],
)
def test_a_hint_says_what_would_do(pattern: str, hint: str) -> None:
    with pytest.raises(PatternError) as caught:
        spend(pattern)
    assert caught.value.args[1] == hint


@pytest.mark.parametrize(
    "pattern",
    [
        *("a*a*", "(a|b)*", "(ab|cd)*", r"^(\d+,)*\d+", r"^(\w+\.)*\w+$", "(a{1,3}){1,3}", r"\s+$", r"^\s+|\s+$"),
        *("(?:[a-z]+ )*", "^#([0-9a-f]{3}){1,2}$", "^(x+y)*z", "([ab][cd])+", "^(/[a-z]+)+/?$", r"[\w-]+\.(png|gif)$"),
        r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        r"^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$",
        r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
        r"^(?=.*[a-z])(?=.*[A-Z])(?=.*\d).{8,64}$",
        r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    ],
)
def test_everyday_patterns_are_taken(pattern: str) -> None:
    spend(pattern)


@given(pattern=st.text(alphabet="ab01()[]{}|*+?^$.\\,-=!<>:dwsbkpux\n é", max_size=30))
@settings(max_examples=400, deadline=None)
def test_any_pattern_is_taken_or_refused(pattern: str) -> None:
    try:
        text = python(pattern)
    except PatternError:
        return
    re.search(text, "ab01")


@given(letters=st.text(min_size=1, max_size=8), negated=st.booleans(), probe=st.characters())
@settings(max_examples=200, deadline=None)
def test_a_set_of_any_characters_holds_exactly_these(letters: str, negated: bool, probe: str) -> None:
    escaped = "".join(f"\\u{{{ord(letter):x}}}" for letter in letters)
    pattern = f"^[{'^' if negated else ''}{escaped}]$"
    for letter in {*letters, probe}:
        assert found(pattern, letter) == ((letter in letters) != negated)
