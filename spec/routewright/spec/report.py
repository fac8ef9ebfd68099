"""Problems as text for people, as JSON for programs, and as annotations for GitHub.

Strategy: whatever a spec holds, the output holds no control character of it and no invisible one; so a spec cannot move
the cursor, forge a line or hide text.
"""

import json
import unicodedata
from dataclasses import asdict

from routewright.spec.checked import Checked
from routewright.spec.problem import Problem

_WIDTH = 110


def report_text(checked: Checked, *, carets: bool) -> str:
    """``file:line:column: code message`` (``code warning: message`` where it is one) and an indented hint for each
    problem; with ``carets`` also the line of the source and a caret below the place. No line end at the end, and ``""``
    for no problems."""
    lines: list[str] = []
    sources = {path: text.split("\n") for path, text in checked.source.items()}
    for each in checked.problems:
        code = each.code if each.severity == "error" else f"{each.code} {each.severity}:"
        lines.append(f"{visible(each.path)}:{each.line}:{each.column}: {code} {visible(each.message)}")
        if carets:
            lines += _caret(each, sources.get(each.path, []))
        if each.hint:
            lines.append(f"  hint: {visible(each.hint)}")
    return "\n".join(lines)


def report_json(checked: Checked) -> str:
    """A JSON list of the problems, with the fields of `Problem`."""
    return json.dumps([asdict(each) for each in checked.problems], indent=2)


def report_github(checked: Checked) -> str:
    """A workflow command for each problem, which GitHub shows beside the line."""
    return "\n".join(_annotation(each) for each in checked.problems)


def visible(text: str) -> str:
    """The text, with every character that is not printable written as its escape."""
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(letter)
    return short.get(letter) or (f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")


def _caret(problem: Problem, lines: list[str]) -> list[str]:
    if problem.line > len(lines):
        return []
    line, at = lines[problem.line - 1].removesuffix("\r").replace("\t", " "), problem.column - 1
    start = max(0, min(at - _WIDTH // 2, len(line) - _WIDTH))
    end = start + _WIDTH
    before = ("..." if start else "") + visible(line[start:at])
    after = visible(line[at:end]) + ("..." if end < len(line) else "")
    return [f"  {before}{after}".rstrip(), f"  {' ' * _columns(before)}^"]


def _columns(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _annotation(problem: Problem) -> str:
    message = _data(problem.message) + (f"%0Ahint: {_data(problem.hint)}" if problem.hint else "")
    place = f"file={_property(problem.path)},line={problem.line},col={problem.column}"
    return f"::{problem.severity} {place},title={problem.code}::{message}"


def _data(text: str) -> str:
    return visible(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
