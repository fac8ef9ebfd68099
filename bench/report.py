"""What a run leaves behind: the tables on the terminal, the same as JSON and Markdown, and a plot."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import plot
from bench.section import Section

try:
    from rich.console import Console
    from rich.table import Table
except ImportError:
    Console = None  # type: ignore[assignment,misc]


def show(section: Section) -> None:
    """Print a section: by rich on a terminal, as plain columns otherwise."""
    if not section.rows:
        print(f"\n{section.title}: nothing measured")
    elif Console is not None and (console := Console()).is_terminal:
        table = Table(title=section.title, title_justify="left")
        for index, column in enumerate(section.columns):
            table.add_column(column, justify="right" if index else "left", no_wrap=bool(index))
        for row in section.rows:
            table.add_row(*row, style="bold" if row[0].startswith("Routewright") else None)
        console.print(table)
    else:
        print(f"\n{section.title}")
        print(plain(section.columns, section.rows))
    for target in section.targets:
        figure, value, bound, verdict = target.cells()
        print(f"  {verdict:<12} {figure}: {value} (to reach: {bound})")
    for note in section.notes:
        print(f"  {note}")


def plain(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under each other, the first to the left, figures to the right."""
    widths = [max(len(row[index]) for row in (columns, *rows)) for index in range(len(columns))]
    lines = []
    for row in (columns, ["-" * width for width in widths], *rows):
        cells = [
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def write(folder: Path, facts: dict[str, Any], sections: Sequence[Section]) -> list[Path]:
    """Write JSON, Markdown and, where messages were measured, the plot; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    document = {"at": stamp, "machine": facts, "sections": {section.name: _json(section) for section in sections}}
    files = [folder / f"{stamp}.json", folder / f"{stamp}.md"]
    files[0].write_text(json.dumps(document, indent=2) + "\n")
    files[1].write_text("\n\n".join(markdown(section) for section in sections) + "\n")
    for section in sections:
        if section.name == "messages" and section.rows:
            files.append(folder / f"{stamp}.svg")
            files[-1].write_text(plot.bars(section.data["titles"], section.data["medians"], facts))
    return files


def markdown(section: Section) -> str:
    """A section as docs/performance.md shows it."""
    lines = [f"### {section.title}", ""]
    if section.rows:
        rule = ["---", *["---:"] * (len(section.columns) - 1)]
        lines += [f"| {' | '.join(row)} |" for row in (section.columns, rule, *section.rows)]
        lines.append("")
    if section.targets:
        lines += ["| figure | measured | to reach | |", "|---|---:|---:|---|"]
        lines += [f"| {' | '.join(target.cells())} |" for target in section.targets]
        lines.append("")
    lines += [f"- {note.splitlines()[0]}" for note in section.notes if note]
    return "\n".join(lines).rstrip()


def _json(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "columns": section.columns,
        "rows": section.rows,
        "targets": [
            {"figure": target.figure, "value": target.value, "bound": target.bound, "reached": target.reached}
            for target in section.targets
        ],
        "notes": section.notes,
        **section.data,
    }
