"""A JSON parser that remembers where every node stands.

Strategy: one pass with a few regular expressions. A fault that leaves the text readable (a duplicate key, a number or a
string that nothing can represent) is noted and the scan goes on; any other ends it. Nesting is bounded, so that nothing
that walks the value later can run out of stack.
"""

import json
import math
import re
from functools import cached_property
from typing import Any, NamedTuple, NoReturn

from routewright.spec.lines import Lines
from routewright.spec.pointer import child
from routewright.spec.quoting import quoted

DEPTH = 64
"""Levels of nesting that a document may have."""


class Place(NamedTuple):
    """Offsets, in code points, of a node's first character and of its key's; ``key`` is -1 where it has none."""

    value: int
    key: int


class Fault(NamedTuple):
    """Something wrong with the text at ``offset``."""

    code: str
    offset: int
    message: str
    hint: str = ""
    pointer: str = ""


class Scan(NamedTuple):
    """``whole``: the text is JSON and ``value`` what it says, as `json.loads` would. ``places`` is by JSON pointer."""

    whole: bool
    value: Any
    places: dict[str, Place]
    faults: list[Fault]


def scan(text: str) -> Scan:
    """Parse a JSON text; never raises."""
    scanner = _Scanner(text)
    try:
        value = scanner.document()
    except _Stopped:
        return Scan(False, None, scanner.places, scanner.faults)
    return Scan(True, value, scanner.places, scanner.faults)


class _Stopped(Exception):
    """The rest of the text cannot be read."""


_SPACE = re.compile(r"[ \t\n\r]*").match
_NEXT = re.compile(r"[ \t\n\r]*([,\]}]?)[ \t\n\r]*").match
_PLAIN_KEY = re.compile(r'"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*').match
_OPEN_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*').match
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?(?![0-9A-Za-z.+_-])").match
_WORD = re.compile(r"[-+]?[0-9A-Za-z_.$]+").match
_SURROGATE = re.compile(r"[\ud800-\udfff]").search
_CONSTANTS = {"true": True, "false": False, "null": None}


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.places: dict[str, Place] = {}
        self.faults: list[Fault] = []

    def document(self) -> Any:
        at = self.space(0)
        if at == len(self.text):
            self.stop("RW001", 0, "the file is empty", 'the smallest spec is {"routes": []}')
        value, at = self.value(at, "", -1, 0)
        at = self.space(at)
        if at < len(self.text):
            self.unexpected(at, "the end of the file", "a file holds one JSON value")
        return value

    def value(self, at: int, pointer: str, key: int, depth: int) -> tuple[Any, int]:
        if depth > DEPTH:
            self.stop(
                "RW005", at, f"nested deeper than {DEPTH} levels", "move inner parts to components.schemas", pointer
            )
        self.places[pointer] = Place(at, key)
        first = self.text[at : at + 1]
        if first == "{":
            return self.object(at, pointer, depth)
        if first == "[":
            return self.array(at, pointer, depth)
        if first == '"':
            return self.string(at, pointer)
        return self.scalar(at, pointer)

    def object(self, at: int, pointer: str, depth: int) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        opened, at = at, self.space(at + 1)
        if self.text[at : at + 1] == "}":
            return members, at + 1
        while True:
            key_at = at
            key, at = self.key(at, pointer, opened)
            below = child(pointer, key)
            if key in members:
                first = self.line(self.places[below].key)
                message = f"key {quoted(key)} stands twice; first on line {first}"
                self.faults.append(Fault("RW004", key_at, message, "keep one of them", below))
            members[key], at = self.value(at, below, key_at, depth + 1)
            at, ended = self.next(at, "}", opened)
            if ended:
                return members, at

    def key(self, at: int, pointer: str, opened: int) -> tuple[str, int]:
        """The key at ``at``, and where its value begins."""
        found = _PLAIN_KEY(self.text, at)
        if found is not None:
            return found[1], found.end()
        if self.text[at : at + 1] != '"':
            self.unexpected(at, "a key in double quotes", self.key_hint(at), opened)
        key, at = self.string(at, pointer)
        at = self.space(at)
        if self.text[at : at + 1] != ":":
            self.unexpected(at, '":"', 'a key and its value are written "key": value', opened)
        return key, self.space(at + 1)

    def array(self, at: int, pointer: str, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        opened, at = at, self.space(at + 1)
        if self.text[at : at + 1] == "]":
            return items, at + 1
        while True:
            item, at = self.value(at, child(pointer, len(items)), -1, depth + 1)
            items.append(item)
            at, ended = self.next(at, "]", opened)
            if ended:
                return items, at

    def next(self, at: int, closing: str, opened: int) -> tuple[int, bool]:
        """Past the comma or the closing bracket after a member or an item, and whether it was the bracket."""
        found = _NEXT(self.text, at)
        sign, at = (found[1], found.start(1)) if found else ("", at)
        if sign == closing:
            return at + 1, True
        if sign != ",":
            self.unexpected(at, f'"," or "{closing}"', "a comma is missing before this", opened)
        after = found.end() if found else at
        if self.text[after : after + 1] == closing:
            self.stop("RW003", at, f'"," before "{closing}"', "JSON has no trailing commas: remove it")
        return after, False

    def string(self, at: int, pointer: str) -> tuple[str, int]:
        found = _OPEN_STRING(self.text, at)
        end = found.end() if found else at
        last = self.text[end : end + 1]
        if last == '"':
            text = self.text[at : end + 1]
            if "\\" not in text:
                return text[1:-1], end + 1
            value: str = json.loads(text)
            if _SURROGATE(value):
                self.faults.append(Fault("RW006", at, "a string with half a surrogate pair", "", pointer))
            return value, end + 1
        if last == "\\":
            self.stop("RW003", end, "a wrong escape in a string", r"JSON knows \" \\ \/ \b \f \n \r \t and \uXXXX")
        if last in ("", "\n", "\r"):
            self.stop("RW003", at, "a string that is not closed", 'end it with " on its own line')
        return self.stop(
            "RW003", end, f"a control character (U+{ord(last):04X}) in a string", f"write \\u{ord(last):04x}"
        )

    def scalar(self, at: int, pointer: str) -> tuple[Any, int]:
        number = _NUMBER(self.text, at)
        if number is not None:
            return self.number(number, pointer), number.end()
        found = _WORD(self.text, at)
        word = found.group() if found else ""
        if word in _CONSTANTS:
            return _CONSTANTS[word], at + len(word)
        return self.unexpected(at, "a JSON value", self.value_hint(at, word))

    def number(self, found: re.Match[str], pointer: str) -> int | float:
        text = found.group()
        if math.isinf(float(text)):
            hint = "use a number below 1.8e308"
            self.faults.append(Fault("RW006", found.start(), "a number that is too large", hint, pointer))
            return 0
        return int(text) if found.group(1) is None and found.group(2) is None else float(text)

    def space(self, at: int) -> int:
        found = _SPACE(self.text, at)
        return found.end() if found else at

    def line(self, offset: int) -> int:
        return self.lines.place(offset)[0]

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.text)

    def key_hint(self, at: int) -> str:
        if self.text[at : at + 1] == "'":
            return "JSON strings stand in double quotes"
        return self.comment_hint(at) or "keys are written in double quotes"

    def value_hint(self, at: int, word: str) -> str:
        if word.lstrip("-+").lower() in ("nan", "infinity", "inf"):
            return "JSON has no NaN and no Infinity"
        if word.lower() in ("true", "false", "null", "none"):
            return f"write {word.lower().replace('none', 'null')}"
        if word[:1] in tuple("0123456789.+-"):
            return "a JSON number is written 12, -3.5 or 1e6, without leading zeros"
        if self.text[at : at + 1] == "'":
            return "JSON strings stand in double quotes"
        return self.comment_hint(at) or ("strings stand in double quotes" if word else "")

    def comment_hint(self, at: int) -> str:
        if self.text[at : at + 2] in ("//", "/*") or self.text[at : at + 1] == "#":
            return 'JSON has no comments; use a "description" or an "x-" key'
        return ""

    def unexpected(self, at: int, wanted: str, hint: str, opened: int | None = None) -> NoReturn:
        if at >= len(self.text):
            what = "the file ends too early"
            if opened is not None:
                hint = f'"{self.text[opened]}" on line {self.line(opened)} is not closed'
            self.stop("RW003", at, f"{what}: expected {wanted}", hint)
        self.stop("RW003", at, f"expected {wanted}, found {quoted(self.text[at])}", hint)

    def stop(self, code: str, at: int, message: str, hint: str = "", pointer: str = "") -> NoReturn:
        self.faults.append(Fault(code, at, message, hint, pointer))
        raise _Stopped
