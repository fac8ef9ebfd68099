"""Texts of a spec as JSDoc comments.

Strategy: the only way from a spec's text into a TypeScript comment. Nothing can end the comment early, begin a tag of
its own, or stand in it unseen: ``*/`` and a leading ``@`` get a backslash, and controls and bidirectional characters
are written as escapes.
"""

import re
import textwrap
from collections.abc import Sequence

from routewright.codegen.literals import visible

WIDTH = 120
"""Columns that a line may have."""

_LINE_ENDS = re.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_PLAIN = re.compile(r"[ A-Za-z0-9,.;:()'\"_$#%&+=<>?!|\[\]{}`^~-]*")
"""Texts in which there is nothing to escape."""


def jsdoc(texts: Sequence[str], tags: Sequence[str] = (), indent: str = "") -> str:
    """A comment of some paragraphs and some lines that begin with a tag, ready to stand above a declaration; ``""``
    where there is nothing to say. ``tags`` are our own, their texts must have passed `escaped`."""
    room = WIDTH - len(indent) - 3
    if len(texts) == 1 and not tags and len(texts[0]) <= room - 5 and _PLAIN.fullmatch(texts[0]):
        text = texts[0].strip()
        return f"{indent}/** {text} */\n" if text else ""
    paragraphs = [lines for text in texts if (lines := _lines(text, room))]
    body = [line for number, lines in enumerate(paragraphs) for line in ([""] if number else []) + lines]
    if len(body) + len(tags) == 1 and len((body + list(tags))[0]) <= room - 5:
        return f"{indent}/** {(body + list(tags))[0]} */\n"
    body += ["", *tags] if body and tags else tags
    if not body:
        return ""
    return f"{indent}/**\n" + "".join(f"{indent} * {line}".rstrip() + "\n" for line in body) + f"{indent} */\n"


def escaped(text: str) -> str:
    """``text`` on one line, harmless in a comment."""
    if _PLAIN.fullmatch(text):
        return text
    kept = "".join(each if visible(each) else _escape(each) for each in text)
    return kept.replace("*/", "*\\/")


def _lines(text: str, room: int) -> list[str]:
    found: list[str] = []
    for line in _LINE_ENDS.split(text.strip()):
        kept = escaped(line.replace("\t", "    ").rstrip())
        if kept.lstrip().startswith("@"):
            kept = kept.replace("@", "\\@", 1)
        margin = " " * (len(kept) - len(kept.lstrip()))
        found += (
            textwrap.wrap(kept, room, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)
            if len(kept) > room
            else [kept]
        )
    return [line if not line.lstrip().startswith("@") else line.replace("@", "\\@", 1) for line in found]


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\u{{{code:x}}}"
