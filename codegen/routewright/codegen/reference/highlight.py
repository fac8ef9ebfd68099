"""JSON as text, and as HTML that is easy on the eye."""

import html
import json
import re
from typing import Any

from markupsafe import Markup

from routewright.codegen.literals import visible

LONGEST = 16_000
"""Characters of a JSON document that are shown."""

SHORT = 88
"""Columns of a document that may stand on one line."""

_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|(\btrue\b|\bfalse\b|\bnull\b)')


def json_text(value: Any, *, flat: bool = False) -> str:
    """A JSON value as text: on one line where it is short or ``flat``, otherwise indented. What cannot be seen is
    escaped."""
    try:
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > SHORT and not flat:
            text = json.dumps(value, ensure_ascii=False, indent=2)
    except (TypeError, ValueError, RecursionError):
        return "…"
    return text if text.isascii() else "".join(map(_seen, text))


def highlighted(value: Any, *, flat: bool = False) -> Markup:
    """A JSON value with its keys, strings, numbers and words told apart; a very long one is cut."""
    return colored(shortened(json_text(value, flat=flat)))


def shortened(text: str, longest: int = LONGEST) -> str:
    """At most so many characters of a text."""
    return text if len(text) <= longest else f"{text[:longest]}\n… ({len(text) - longest} more characters)"


def colored(text: str) -> Markup:
    """JSON text with its tokens told apart."""
    parts: list[str] = []
    at = 0
    for found in _TOKEN.finditer(text):
        string, colon, number, _ = found.groups()
        kind = "k" if colon else "s" if string else "n" if number else "w"
        between, token = html.escape(text[at : found.start()]), html.escape(string or found[0])
        parts.append(f'{between}<span class="{kind}">{token}</span>{colon or ""}')
        at = found.end()
    parts.append(html.escape(text[at:]))
    return Markup("".join(parts))  # noqa: S704 - every part of the text has been escaped


def _seen(character: str) -> str:
    if character == "\n" or visible(character) or character in "\u200d\ufe0f":
        return character
    return json.dumps(character)[1:-1]
