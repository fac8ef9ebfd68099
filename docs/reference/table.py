"""Markdown tables."""

from collections.abc import Iterable, Sequence


def note(text: str) -> str:
    """A text as the cell of a table."""
    return text.replace("\n", " ").replace("|", "\\|").strip()


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows below their columns."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)
