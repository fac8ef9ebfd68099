"""Values of a spec as Python source text.

Strategy: this module is the only way from a spec's string to generated Python. Each function returns text that stays
inside its literal, docstring or comment whatever the string holds: quotes, line ends, control and bidirectional
characters. What is escaped depends on fixed versions of Unicode, so that every Python writes the same bytes. Half a
surrogate pair is refused with a `RenderError`, because no frame and no file can hold it.
"""

import math
import re
import textwrap
from collections.abc import Sequence
from unicodedata import ucd_3_2_0

from routewright.codegen.errors import RenderError

INT64 = range(-(2**63), 2**63)
"""The integers that msgspec can hold as a bound or a constant."""

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CLOSING = re.compile(r'\A"|"(?=""|\Z)')
"""Quotes that could end a docstring, or begin it one quote too early."""
_PROMPT = re.compile(r"\A(\s*)>>>")
"""What makes a line an example that doctest runs."""

_EMOJI = (
    *(range(0x1F300, 0x1F6D8), range(0x1F6DD, 0x1F6ED), range(0x1F6F0, 0x1F6FD), range(0x1F7E0, 0x1F7EC)),
    *(range(0x1F900, 0x1FA54), range(0x1FA70, 0x1FA75), range(0x1FA78, 0x1FA7D), range(0x1FA80, 0x1FA87)),
    *(range(0x1FA90, 0x1FAAD), range(0x1FAB0, 0x1FABB), range(0x1FAC0, 0x1FAC6), range(0x1FAD0, 0x1FADA)),
    *(range(0x1FAE0, 0x1FAE8), range(0x1FAF0, 0x1FAF7)),
)
"""Those of Unicode 14, which the oldest Python knows that this runs on."""
_UNSEEN = frozenset(map(chr, (0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x180E), 0x3164, 0xFFA0)))
_SURROGATES = range(0xD800, 0xE000)
_SELECTORS = range(0xFE00, 0xFE10)


def visible(character: str) -> bool:
    """Whether the character can stand in source text as itself: ASCII that prints, or assigned in Unicode 3.2 (an
    emoji: in Unicode 14) and neither a control, a format, a surrogate, a space nor otherwise not to be seen."""
    if character.isascii():
        return character.isprintable()
    if character in _UNSEEN or ord(character) in _SELECTORS:
        return False
    return ucd_3_2_0.category(character)[0] in "LMNPS" or any(ord(character) in each for each in _EMOJI)


def string(text: str) -> str:
    """A string literal of ``text``."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + _escaped(text).replace(quote, "\\" + quote) + quote


def pattern(text: str) -> str:
    """A string literal of a regular expression: raw where that reads better and is safe."""
    raw = "\\" in text and '"' not in text and not text.endswith("\\") and all(visible(c) for c in text)
    return f'r"{text}"' if raw else string(text)


def integer(value: int) -> str:
    """A literal of an integer of at most 64 bits.

    Raises:
        RenderError: it has more.
    """
    if value not in INT64:
        raise RenderError("", "an integer of more than 64 bits")
    return repr(int(value))


def number(value: float) -> str:
    """A ``float`` literal.

    Raises:
        RenderError: it is infinite or not a number.
    """
    if not math.isfinite(value):
        raise RenderError("", f"{value!r} is no JSON number")
    return repr(float(value)).replace("e+", "e")


def comment(text: str) -> str:
    """``text`` on one line, to stand behind a ``#``."""
    return _escaped(text)


def docstring(text: str, indent: int = 0, width: int = 120, examples: Sequence[str] = ()) -> str:
    """A docstring of ``text`` for a body that is ``indent`` columns in: its lines are kept, long ones are wrapped.

    The lines of ``examples`` are a doctest that follows the text. Nothing in the text itself is one, whatever it holds.
    """
    margin = " " * indent
    lines = [_PROMPT.sub(r"\1> >>", line) for line in _wrapped(_clean(text), width - indent)]
    if examples:
        lines += ["", *examples]
    body = "\n".join(margin + line if line else "" for line in lines).strip()
    source = _CLOSING.sub(r'\\"', "\n".join(_escaped(line) for line in body.split("\n")))
    return f'"""{source}\n{margin}"""' if "\n" in body else f'"""{source}"""'


def _escaped(text: str) -> str:
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(_escaped_character(c) for c in text)


def _escaped_character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if visible(character):
        return character
    code = ord(character)
    if code in _SURROGATES:
        raise RenderError("", f"a text has half of a surrogate pair (U+{code:04X})")
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _clean(text: str) -> list[str]:
    """The lines of a text without its common margin, trailing spaces, tabs, or empty lines at its ends."""
    lines = [line.rstrip() for line in re.split(r"\r\n|\r|\n", text.expandtabs(4))]
    first, rest = lines[0].lstrip(), textwrap.dedent("\n".join(lines[1:])).split("\n")
    return "\n".join([first, *rest]).strip().split("\n")


def _wrapped(lines: list[str], width: int) -> list[str]:
    """Lines of at most ``width`` columns; the first leaves room for the opening quotes."""
    wrapped: list[str] = []
    for line in lines:
        margin = " " * (len(line) - len(line.lstrip()))
        room = width - (0 if wrapped else 6)
        wrapped += (
            textwrap.wrap(line, room, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)
            if len(line) > room
            else [line]
        )
    return wrapped
