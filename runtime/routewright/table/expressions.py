"""Whether a text is a regular expression of ECMA-262, with the ``u`` flag: the format ``regex``.

Strategy: one pass over the tokens with a stack of open groups, since the grammar nests nowhere else. What a name or a
number refers to is looked at when all groups are known.
"""

import re
from dataclasses import dataclass, field

from routewright.table.unicode_names import BINARY, CATEGORIES, SCRIPTS

_NAME = r"<((?:[^>\\]|\\u(?:[0-9A-Fa-f]{4}|\{[0-9A-Fa-f]+\}))+)>"
_PLAIN = re.compile(
    r"(?:(?:(?:[^\\^$*+?()\[\]{}|]|\\[dDsSwWtnvfr^$\\.*+?()\[\]{}|/])(?:[*+?]\??)?|[\^$|]|\\[bB])(?![*+?{]))+"
)
"""Any number of tokens of one character and their repetitions, up to one that needs a second look."""
_MEMBERS = re.compile(r"(?:(?:[^\\\]-]|\\[tnvfrb^$\\.*+?()\[\]{}|/dDsSwW-])(?!-))+")
"""Any number of members of a set that begin no range."""
_GROUP = re.compile(rf"\(\?(?:(:)|(=|!|<=|<!)|{_NAME})")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{([0-9]+)(?:,([0-9]*))?\})\??")
_CHARACTER = re.compile(
    r"\\(?:u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})"
    r"|u\{0*([0-9A-Fa-f]{1,6})\}|(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))|c([A-Za-z])|(0)(?![0-9])"
    r"|([\^$\\.*+?()\[\]{}|/])|([tnvfr]))"
)
_SET = re.compile(r"\\(?:[dDsSwW]|[pP]\{(?:(\w+)=)?(\w+)\})", re.ASCII)
_ASSERTION = re.compile(r"[\^$]|\\[bB]")
_REFERENCE = re.compile(rf"\\(?:k{_NAME}|([1-9][0-9]*))")
_CODE = re.compile(r"\\u\{?([0-9A-Fa-f]+)\}?")
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_LAST = 0x10FFFF


def is_regex(text: str) -> bool:
    """Whether ``new RegExp(text, "u")`` is one."""
    try:
        _Reader(text).read()
    except _WrongError:
        return False
    return True


class _WrongError(Exception):
    """The text is no regular expression."""


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    open: list[bool] = field(default_factory=list)
    """Of every open group, whether it may be repeated once it is closed."""
    groups: int = 0
    names: set[str] = field(default_factory=set)
    name_references: set[str] = field(default_factory=set)
    highest: int = 0

    def read(self) -> None:
        repeatable = False
        while self.at < len(self.text):
            repeatable = self.step(repeatable)
        if self.open or not self.name_references <= self.names or self.highest > self.groups:
            raise _WrongError

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def step(self, repeatable: bool) -> bool:
        """Read one token; whether it may be repeated."""
        letter = self.text[self.at]
        if letter == "(":
            self.group()
            return False
        if letter == ")":
            if not self.open:
                raise _WrongError
            self.at += 1
            return self.open.pop()
        if self.take(_PLAIN) or self.take(_ASSERTION):
            return False
        if letter in "*+?{":
            found = self.take(_QUANTIFIER)
            if found is None or not repeatable or (found[1] and found[2] and _number(found[2]) < _number(found[1])):
                raise _WrongError
            return False
        if letter == "\\":
            if not self.reference() and self.single() is None and not self.set():
                raise _WrongError
            return True
        self.at += 1
        if letter == "[":
            self.members()
        elif letter in "]}":
            raise _WrongError
        return letter != "|"

    def group(self) -> None:
        if not self.text.startswith("?", self.at + 1):
            self.at += 1
            self.groups += 1
            self.open.append(True)
            return
        found = self.take(_GROUP)
        if found is None:
            raise _WrongError
        self.open.append(found[2] is None)
        self.groups += found[1] is None and found[2] is None
        if found[3] is not None:
            name = _name(found[3])
            if name in self.names:
                raise _WrongError
            self.names.add(name)

    def reference(self) -> bool:
        found = self.take(_REFERENCE)
        if found is None:
            return False
        if found[1] is not None:
            self.name_references.add(_name(found[1]))
        else:
            self.highest = max(self.highest, int(found[2][:9]))
        return True

    def single(self) -> int | None:
        """The code of an escaped character, or ``None`` if none stands here."""
        found = self.take(_CHARACTER)
        if found is None:
            return None
        high, low, braced, code, byte, control, zero, syntax, letter = found.groups()
        if high:
            return 0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00
        if braced and int(braced, 16) > _LAST:
            raise _WrongError
        if braced or code or byte:
            return int(braced or code or byte, 16)
        if control:
            return ord(control) % 32
        return 0 if zero else ord(syntax) if syntax else _CONTROLS[letter]

    def set(self) -> bool:
        found = self.take(_SET)
        if found is None:
            return False
        if found[2] and not _is_property(found[1], found[2]):
            raise _WrongError
        return True

    def members(self) -> None:
        """The rest of a ``[...]``."""
        self.at += self.text.startswith("^", self.at)
        while not self.text.startswith("]", self.at):
            if self.take(_MEMBERS):
                continue
            low = self.member()
            if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
                self.at += 1
                high = self.member()
                if low is None or high is None or low > high:
                    raise _WrongError
        self.at += 1

    def member(self) -> int | None:
        """The code of one character of a set, or ``None`` for a set in the set."""
        letter = self.text[self.at : self.at + 1]
        if not letter:
            raise _WrongError
        if letter != "\\":
            self.at += 1
            return ord(letter)
        if self.text.startswith((r"\b", r"\-"), self.at):
            self.at += 2
            return 8 if self.text[self.at - 1] == "b" else ord("-")
        code = self.single()
        if code is None and not self.set():
            raise _WrongError
        return code


def _number(digits: str) -> tuple[int, str]:
    """What compares as the number does, however many digits it has."""
    digits = digits.lstrip("0")
    return len(digits), digits


def _name(text: str) -> str:
    name = _CODE.sub(lambda found: chr(min(int(found[1][-9:], 16), _LAST)), text)
    if not name[0].replace("$", "_").isidentifier():
        raise _WrongError
    if not name.replace("$", "_").replace("\u200c", "_").replace("\u200d", "_").isidentifier():
        raise _WrongError
    return name


def _is_property(name: str | None, value: str) -> bool:
    if name is None:
        return value in CATEGORIES or value in BINARY
    if name in ("gc", "General_Category"):
        return value in CATEGORIES
    return name in ("sc", "scx", "Script", "Script_Extensions") and value in SCRIPTS
