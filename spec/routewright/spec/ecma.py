"""Regular expressions of JSON Schema (ECMA-262, with the ``u`` flag) as Python's.

Strategy: parse into the parts of `routewright.spec.regex` and write those out again, every set of characters in full,
so that nothing depends on what Python takes ``\\d``, ``\\w``, ``.`` or ``$`` to mean. What has no equal in Python is
refused. A pattern that begins with a run, such as ``\\s+$``, is made to look only where runs begin if that saves time;
what then still takes long on a text that somebody may send is refused as well.
"""

import re
import sys
from functools import lru_cache
from unicodedata import ucd_3_2_0

from routewright.spec import properties, regex
from routewright.spec.backtracking import run, seconds
from routewright.spec.regex import Anchor, Characters, Choice, Look, Part, Ranges, Repeat, Sequence

LENGTH = 1000
"""Characters that a pattern may have."""

_LONG, _QUICK = 64 * 1024, 0.01
"""A pattern that takes more seconds on a text of so many characters is looked for where runs begin."""

_NESTING = 20
_REPEATS = 1000
_ESCAPES = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
_CLASSES = {"d": regex.DIGITS, "w": regex.WORD, "s": regex.SPACE}
_SYNTAX = "^$\\.*+?()[]{}|/"
_QUANTIFIER = re.compile(r"(?:([*+?])|\{([0-9]+)(,([0-9]*))?\})(\??)")
_HEX = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{0*([0-9a-fA-F]{1,6})\}|c([A-Za-z])")
_PAIR = re.compile(r"u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_PROPERTY = re.compile(r"[pP]\{(?:([A-Za-z_]+)=)?([A-Za-z0-9_]+)\}")
_GROUP = re.compile(r"\(\?(?:(:)|(=|!|<=|<!)|<([A-Za-z_$][A-Za-z0-9_$]*)>)")


class PatternError(Exception):
    """The pattern cannot be taken; the first argument says why, the second what to do."""


@lru_cache(maxsize=1024)
def python(pattern: str) -> str:
    """A pattern that `re.search` takes as JSON Schema takes this one.

    Raises:
        PatternError: it is wrong, or has no equal in Python. Whether it is slow, `routewright.spec.spending` knows.
    """
    options, runs = options_of(pattern)
    if runs:
        options = tuple(_where_runs_begin(option) for option in options)
    text = _write(Choice(options))
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(str(error), "") from None
    return text


@lru_cache(maxsize=1024)
def options_of(pattern: str) -> tuple[tuple[Part, ...], bool]:
    """What a pattern may be, and whether it is looked for only where runs begin.

    Raises:
        PatternError: it is wrong.
    """
    if len(pattern) > LENGTH:
        raise PatternError(f"longer than {LENGTH} characters", "split it")
    part = _Parser(pattern).parse()
    options = part.options if isinstance(part, Choice) else (part,)
    return options, any(map(run, options)) and seconds(options, _LONG, runs=False) > _QUICK


def _where_runs_begin(option: Part) -> Part:
    begun = run(option)
    return Sequence((Look("(?<!", Characters(begun)), option)) if begun else option


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0
        self.names: set[str] = set()

    def parse(self) -> Part:
        part = self.choice()
        if self.at < len(self.pattern):
            raise PatternError('a ")" closes nothing', r'write "\)" for the character')
        return part

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self, found: re.Match[str] | None) -> re.Match[str] | None:
        if found is not None:
            self.at = found.end()
        return found

    def choice(self) -> Part:
        options = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self) -> Part:
        parts: list[Part] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeat(self.atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeat(self, part: Part) -> Part:
        found = self.take(_QUANTIFIER.match(self.pattern, self.at))
        if found is None:
            return part
        if isinstance(part, Anchor | Look):
            raise PatternError(f'"{found[0]}" repeats nothing', "")
        least, most = _bounds(found)
        if self.peek() in ("*", "+", "?", "{"):
            raise PatternError(f'"{self.peek()}" repeats a repetition', "")
        return Repeat(part, least, most, bool(found[5]))

    def atom(self) -> Part:
        letter = self.peek()
        if letter == "(":
            return self.group()
        self.at += 1
        if letter == "[":
            return Characters(self.characters())
        if letter == "\\":
            return self.escape()
        if letter == ".":
            return Characters(regex.complement(regex.LINE_ENDS))
        if letter == "^":
            return Anchor("^")
        if letter == "$":
            return Anchor(r"\Z")
        if letter in "*+?":
            raise PatternError(f'"{letter}" repeats nothing', f'write "\\{letter}" for the character')
        if letter in "{}]":
            raise PatternError(f'a lone "{letter}"', f'write "\\{letter}" for the character')
        return Characters(regex.of(letter))

    def group(self) -> Part:
        found = _GROUP.match(self.pattern, self.at)
        if found is None and self.pattern.startswith("(?", self.at):
            raise PatternError(
                f'"{self.pattern[self.at : self.at + 4]}" is no group of ECMA-262', "write (...), (?:...) or (?=...)"
            )
        self.at = found.end() if found else self.at + 1
        if found and found[3]:
            if found[3] in self.names:
                raise PatternError(f'two groups of the name "{found[3]}"', "")
            self.names.add(found[3])
        self.depth += 1
        if self.depth > _NESTING:
            raise PatternError(f"groups nested deeper than {_NESTING} levels", "")
        part = self.choice()
        self.depth -= 1
        if self.peek() != ")":
            raise PatternError('a "(" is not closed', r'write "\(" for the character')
        self.at += 1
        return Look(f"(?{found[2]}", part) if found and found[2] else part

    def escape(self) -> Part:
        letter = self.peek()
        if letter == "b":
            self.at += 1
            return Anchor(_BOUNDARY)
        if letter == "B":
            self.at += 1
            return Anchor(_NO_BOUNDARY)
        if letter in tuple("123456789k"):
            raise PatternError("a reference back to a group", "write out what it may be")
        return Characters(self.escaped())

    def escaped(self) -> Ranges:
        """The characters that an escape stands for, inside a set and outside."""
        letter = self.peek()
        pair = self.take(_PAIR.match(self.pattern, self.at))
        if pair is not None:
            code = int.from_bytes(bytes.fromhex(pair[1] + pair[2]).decode("utf-16-be").encode("utf-32-be"))
            return ((code, code),)
        found = _HEX.match(self.pattern, self.at)
        if found is not None:
            self.at = found.end()
            code = ord(found[4]) % 32 if found[4] else int(found[1] or found[2] or found[3], 16)
            if code > regex.LAST or 0xD800 <= code <= 0xDFFF:
                raise PatternError(f'"\\{found[0]}" is no character', "")
            return ((code, code),)
        self.at += 1
        if letter.lower() in _CLASSES and letter:
            ranges = _CLASSES[letter.lower()]
            return ranges if letter.islower() else regex.complement(ranges)
        if letter in ("p", "P"):
            return self.property(letter)
        if letter == "0" and self.peek().isdigit():
            raise PatternError("an octal escape", r"write \xNN")
        if letter in _ESCAPES:
            return regex.of(_ESCAPES[letter])
        if letter and letter in _SYNTAX + "-":
            return regex.of(letter)
        raise PatternError(f'"\\{letter}" is no escape of ECMA-262', f'write "{letter}"' if letter else "")

    def property(self, letter: str) -> Ranges:
        found = self.take(_PROPERTY.match(self.pattern, self.at - 1))
        ranges = properties.ranges(found[1], found[2]) if found else None
        if found is None or ranges is None:
            text = f"\\{found[0]}" if found else f"\\{letter}"
            raise PatternError(
                f'the Unicode property "{text}" is not supported',
                r"use a general category such as \p{L} or \p{Lu}, or write the ranges, as in [a-z\u00e0-\u00ff]",
            )
        return ranges if letter == "p" else regex.complement(ranges)

    def characters(self) -> Ranges:
        """The set up to its ``]``."""
        negated = self.peek() == "^"
        self.at += negated
        sets: list[Ranges] = []
        while self.peek() != "]":
            low = self.member()
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.member()
                if not (_single(low) and _single(high) and low[0][0] <= high[0][0]):
                    raise PatternError("a wrong range in a set of characters", r'write "\-" for the character')
                low = ((low[0][0], high[0][0]),)
            sets.append(low)
        self.at += 1
        ranges = regex.union(*sets)
        return regex.complement(ranges) if negated else ranges

    def member(self) -> Ranges:
        letter = self.peek()
        if not letter:
            raise PatternError('a "[" is not closed', r'write "\[" for the character')
        self.at += 1
        if letter != "\\":
            return regex.of(letter)
        if self.peek() == "b":
            self.at += 1
            return regex.of("\b")
        return self.escaped()


def _bounds(found: re.Match[str]) -> tuple[int, int | None]:
    if found[1]:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[found[1]]
    least = int(found[2][:9])
    most = least if found[3] is None else (int(found[4][:9]) if found[4] else None)
    if most is not None and most < least:
        raise PatternError(f'"{found[0]}" is out of order', "")
    if max(least, most or 0) > _REPEATS:
        raise PatternError(f"more than {_REPEATS} repetitions", 'bound the text with "maxLength" instead')
    return least, most


def _single(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def _write(part: Part) -> str:
    match part:
        case Characters(ranges):
            return _set(ranges)
        case Sequence(parts):
            return "".join(f"(?:{_write(each)})" if isinstance(each, Choice) else _write(each) for each in parts)
        case Choice(options):
            return "|".join(_write(option) for option in options)
        case Look(opening, inner):
            return f"{opening}{_write(inner)})"
        case Anchor(text):
            return text
        case Repeat(inner, least, most, lazy):
            text = _write(inner) if isinstance(inner, Characters) else f"(?:{_write(inner)})"
            return f"{text}{_quantifier(least, most)}{'?' if lazy else ''}"
    raise AssertionError(part)


def _quantifier(least: int, most: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    if (least, most) in short:
        return short[least, most]
    if most is None:
        return f"{{{least},}}"
    return f"{{{least}}}" if least == most else f"{{{least},{most}}}"


def _set(ranges: Ranges) -> str:
    if not ranges:
        return "(?!)"
    if _single(ranges):
        code = ranges[0][0]
        return re.escape(chr(code)) if _prints(chr(code)) else _character(code)
    if ranges[-1][1] == sys.maxunicode and ranges[0][0] == 0:
        outside = regex.complement(ranges)
        return f"[^{_members(outside)}]" if outside else r"[\x00-\U0010ffff]"
    return f"[{_members(ranges)}]"


def _prints(letter: str) -> bool:
    """By one fixed version of Unicode, so that every Python writes the same pattern."""
    return letter == " " or ucd_3_2_0.category(letter)[0] in "LMNPS"


def _members(ranges: Ranges) -> str:
    return "".join(_character(low) if low == high else f"{_character(low)}-{_character(high)}" for low, high in ranges)


def _character(code: int) -> str:
    letter = chr(code)
    if letter.isascii() and (letter.isalnum() or letter in "_ "):
        return letter
    if letter.isascii() and letter.isprintable():
        return f"\\{letter}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


_WORD_SET = _set(regex.WORD)
_BOUNDARY = f"(?:(?<={_WORD_SET})(?!{_WORD_SET})|(?<!{_WORD_SET})(?={_WORD_SET}))"
_NO_BOUNDARY = f"(?:(?<={_WORD_SET})(?={_WORD_SET})|(?<!{_WORD_SET})(?!{_WORD_SET}))"
