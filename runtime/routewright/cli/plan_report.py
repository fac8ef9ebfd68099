"""A plan as text for people, as JSON for programs, and as Markdown for a pull request.

Strategy: whatever comes from a spec is printed without control characters, and in Markdown inside code spans, so that
no name can forge a line, end a table or call somebody.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from routewright.cli.places import Place
from routewright.cli.terminal import is_rich, spans
from routewright.spec.report import visible
from routewright.table.change import CLIENTS, COMPATIBLE, HANDLERS, POLICY, Change, Kind
from routewright.table.plan import CODES, Connections

KINDS = (CLIENTS, HANDLERS, COMPATIBLE, POLICY)
_STYLES: dict[Kind, str] = {CLIENTS: "bold red", HANDLERS: "yellow", COMPATIBLE: "green", POLICY: "cyan"}
_WIDTH = max(map(len, KINDS))


class Placed(NamedTuple):
    """A change and where it stands."""

    change: Change
    place: Place


class Section(NamedTuple):
    """The changes of one route (``name`` ``""``: of the gateway itself), and what becomes of its connections."""

    name: str
    path: str
    connections: Connections
    changes: tuple[Placed, ...]


class Report(NamedTuple):
    """A plan, ready to be printed. ``drain`` is in seconds."""

    spec: str
    against: str
    drain: float
    sections: tuple[Section, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many changes there are of each kind."""
        return Counter(each.change.kind for section in self.sections for each in section.changes)

    @property
    def changed(self) -> list[Section]:
        """Sections in which anything has changed, even if it is nothing that a plan names."""
        return [each for each in self.sections if each.changes or each.connections not in ("unchanged", "new")]

    @property
    def headline(self) -> str:
        """All kinds with their counts."""
        count = self.counts
        if not count:
            return "no changes"
        return ", ".join(f"{count[kind]} {kind}" for kind in KINDS if count[kind])


def said(connections: Connections, drain: float) -> str:
    """What becomes of a route's open connections, in words."""
    window = f"until they leave or {drain:g}s are over, then close with {CODES[connections]}"
    return {
        "new": "nobody is connected yet",
        "unchanged": "open connections notice nothing",
        "continue": "open connections go on with the new route",
        "drain": f"open connections stay on the old route {window}",
        "removed": f"open connections stay on the old route {window}",
    }[connections]


def print_text(report: Report) -> None:
    """The plan on stdout, coloured on a terminal."""
    print(visible(f"{report.spec} against {report.against}: {report.headline}"))
    for section in report.changed:
        print()
        spans((visible(section.name or "gateway"), "bold"), (visible(f"  {section.path}".rstrip()), ""))
        if section.name:
            print(f"  {said(section.connections, report.drain)}")
        for change, place in section.changes:
            indent = " " * (_WIDTH + 4)
            spans((f"  {change.kind.ljust(_WIDTH)}  ", _STYLES[change.kind]), (visible(_what(change)), ""))
            spans((f"{indent}{change.reason}", "dim" if is_rich(sys.stdout) else ""))
            spans((f"{indent}{visible(str(place))}", "dim" if is_rich(sys.stdout) else ""))


def json_report(report: Report) -> str:
    """The plan as a JSON document."""
    count = report.counts
    document = {
        "spec": report.spec,
        "against": report.against,
        "counts": {kind: count[kind] for kind in KINDS},
        "drainSeconds": report.drain,
        "gateway": [found for section in report.sections if not section.name for found in _documents(section)],
        "routes": [
            {
                "route": section.name,
                "path": section.path,
                "connections": section.connections,
                "code": CODES[section.connections],
                "changes": list(_documents(section)),
            }
            for section in report.sections
            if section.name
        ],
    }
    return json.dumps(document, indent=2)


def _documents(section: Section) -> Iterator[dict[str, Any]]:
    for change, place in section.changes:
        yield {
            "kind": change.kind,
            "message": change.message,
            "what": change.what,
            "reason": change.reason,
            **place._asdict(),
        }


def markdown(report: Report) -> str:
    """The plan as Markdown: a table of changes, and one of connections."""
    lines = [f"**Plan of {_code(report.spec)} against {_code(report.against)}**: {report.headline}"]
    rows = [
        f"| {_strong(change.kind)} | {_code(section.name or 'gateway')} | {_code(_what(change))} | {change.reason} "
        f"| {_code(str(place))} |"
        for section in report.changed
        for change, place in section.changes
    ]
    if rows:
        lines += ["", "| | route | change | why | place |", "|---|---|---|---|---|", *rows]
    reloads = [
        f"| {_code(section.name)} | {said(section.connections, report.drain)} |"
        for section in report.changed
        if section.name
    ]
    if reloads:
        lines += ["", "| route | at a reload |", "|---|---|", *reloads]
    return "\n".join(lines)


def _strong(kind: str) -> str:
    return f"**{kind}**" if kind in (CLIENTS, HANDLERS) else kind


def _what(change: Change) -> str:
    return f"{change.message}: {change.what}" if change.message else change.what


def _code(text: str) -> str:
    """A code span in a table's cell: nothing inside it is markup, and nothing inside it ends it."""
    shown = visible(text)
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[:1] in ("`", "") or shown[-1:] == "`" else ""
    # a table's cell ends at a bar even in a code span, and backslashes before it would undo its escape
    cell = re.sub(r"\\*\|", r"\\|", shown)
    return f"{fence}{pad}{cell}{pad}{fence}"
