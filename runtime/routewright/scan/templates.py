"""Paths in one way of writing: every framework's parameters and regular expressions as ``{name}``, ``{name:int}``,
``{name...}``.

Strategy: regular expressions are read, never run. What a parameter takes is known by a word (``int``, ``str``, ...), or
is ``re``: something that would have to be tried out.
"""

import re
from typing import NamedTuple

from routewright.scan.texts import Hole, Text, joined, shown, text
from routewright.scan.vocabulary import Syntax

_WORDS = {
    **dict.fromkeys((r"\d+", "[0-9]+", r"[\d]+"), "int"),
    **dict.fromkeys(("[^/]+", r"[^\/]+", r"\w+", r"[\w]+", r"[\w-]+", r"[-\w]+", r"[^{}/]+", r"\S+", r"[^/]*"), "str"),
    **dict.fromkeys((".*", ".+", r"[\s\S]*", ".*?", ".+?"), "path"),
}
_CONVERTERS = frozenset(
    {"int", "str", "string", "uuid", "slug", "path", "float", "decimal", "any", "alpha", "ymd", "strorempty", "ext"}
    | {"date", "datetime", "time", "timedelta"}
)
_ANGLE = re.compile(r"<(?:([^<>:()]+)(?:\([^<>]*\))?:)?([^<>]+)>")


class Segment(NamedTuple):
    """What stands between two slashes: ``takes`` is empty for a literal, otherwise the word for what a parameter
    takes. A literal's ``text`` is itself, a parameter's the whole of how it is written."""

    text: str
    takes: str = ""
    tail: bool = False


def canonical(given: Text, syntax: Syntax) -> Text:
    """A path as its framework writes it, in the one way of writing."""
    convert = {"braces": _from_braces, "angles": _from_angles, "django": _from_angles, "regex": _from_regex}[syntax]
    return joined((piece,) if isinstance(piece, Hole) else text(convert(piece)) for piece in given)


def _parameter(name: str, takes: str) -> str:
    name = re.sub(r"\W", "_", name) or "arg"
    name = f"arg{name}" if name[0].isdigit() else name
    if takes in ("str", "string", "any", ""):
        return f"{{{name}}}"
    return f"{{{name}...}}" if takes == "path" else f"{{{name}:{takes}}}"


def _word(pattern: str) -> str:
    return pattern if pattern in _CONVERTERS else _WORDS.get(pattern, "re")


def _from_braces(path: str) -> str:
    made, at = "", 0
    while at < len(path):
        end = _closing(path, at, "{", "}") if path[at] == "{" else at
        if end == at:
            made, at = made + path[at], at + 1
            continue
        name, _, takes = path[at + 1 : end].partition(":")
        if name.endswith("..."):
            name, takes = name[:-3], "path"
        made += _parameter(name.strip(), _word(takes.strip()) if takes else "str")
        at = end + 1
    return made


def _from_angles(path: str) -> str:
    def converted(found: "re.Match[str]") -> str:
        one, other = (found[1] or "").strip(), found[2].strip()
        if one in _CONVERTERS or not one:
            name, takes = other, one
        else:
            name, takes = (one, other) if _word(other) != "re" or not other.isidentifier() else (other, "re")
        return _parameter(name, _word(takes) if takes else "str")

    return _ANGLE.sub(converted, path)


def _from_regex(pattern: str) -> str:
    made, at, count = "", 0, 0
    while at < len(pattern):
        piece, end, takes = _token(pattern, at)
        quantifier = re.compile(r"[*+?]\??|\{\d*,?\d*\}\??").match(pattern, end)
        at = end if quantifier is None else quantifier.end()
        if takes:
            count += 1
            whole = pattern[end - 1] + quantifier[0] if quantifier and takes == "." else ""
            made += _parameter(piece or str(count), _WORDS.get(whole, "re") if takes in (".", "class") else takes)
        elif quantifier is None or quantifier[0][0] != "?":
            made += piece
    return made


def _token(pattern: str, at: int) -> tuple[str, int, str]:
    """One piece of a regular expression: its literal text or its name, where it ends, what it takes."""
    letter = pattern[at]
    if letter == "\\":
        escaped = pattern[at + 1 : at + 2]
        if escaped in "dDwWsS" and escaped:
            return "", at + 2, "int" if escaped == "d" else "str"
        return ("" if escaped in "ZzAbB" else escaped), at + 2, ""
    if letter in "^$":
        return "", at + 1, ""
    if letter == "(" and (end := _closing(pattern, at, "(", ")")) > at:
        return _group(pattern[at + 1 : end], end + 1)
    if letter == "[" and (end := pattern.find("]", at + 2)) > at:
        return "", end + 1, "re"
    if letter == "." and pattern[at + 1 : at + 2] in ("*", "+"):
        return "", at + 1, "."
    return letter, at + 1, ""


def _group(inside: str, end: int) -> tuple[str, int, str]:
    if inside.startswith(("?=", "?!", "?<=", "?<!", "?#")):
        return "", end, ""
    name, plain = "", inside
    if inside.startswith("?P<"):
        name, _, plain = inside[3:].partition(">")
    elif inside.startswith("?:"):
        plain = inside[2:]
        if re.fullmatch(r"[\w/-]*", plain):
            return plain, end, ""
    return name, end, _word(plain)


def _closing(given: str, at: int, opening: str, closing: str) -> int:
    """Where the bracket at a place is closed; that place itself where it is not."""
    depth, here = 0, at
    while here < len(given):
        if given[here] == "\\":
            here += 1
        elif given[here] == opening:
            depth += 1
        elif given[here] == closing:
            depth -= 1
            if depth == 0:
                return here
        here += 1
    return at


def segments(path: str) -> tuple[Segment, ...]:
    """The segments of a path in the one way of writing; the last one is an empty literal after a trailing slash."""
    return tuple(map(_segment, path.removeprefix("/").split("/")))


def _segment(part: str) -> Segment:
    if part.startswith("{") and part.endswith("}") and part.count("{") == 1:
        name, _, takes = part[1:-1].partition(":")
        return Segment(part, takes or "str", name.endswith("..."))
    return Segment(part, "re") if "{" in part else Segment(part)


def key(path: str) -> tuple[str, ...]:
    """What is equal for two paths that always fit the same requests: the names of parameters do not count."""
    return tuple(
        each.text if not each.takes else re.sub(r"\{\w*", "{", each.text) if each.takes == "re" else f"{{{each.takes}}}"
        for each in segments(path)
    )


def takes(one: Segment, other: Segment) -> bool:
    """Whether every request that fits the other segment certainly fits the one; of tails, neither."""
    if one.tail or other.tail:
        return False
    if not one.takes:
        return not other.takes and one.text == other.text
    if not other.takes:
        return bool(other.text) and (one.takes == "str" or (one.takes == "int" and other.text.isdecimal()))
    return one.takes == "str" or (one.takes == other.takes and one.takes != "re")


def display(path: Text) -> str:
    """A path as it is printed, beginning with a slash."""
    made = re.sub(r"/{2,}", "/", shown(path))
    return made if made.startswith(("/", "<", "*")) else f"/{made}"
