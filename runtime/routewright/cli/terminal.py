"""What the commands print: colour and tables on a terminal, plain text everywhere else.

Strategy: results go to stdout and everything about them to stderr. rich is imported only where a terminal is there to
show it.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

PROBLEMS = 1
"""Exit code where the command ran and found something wrong."""

USAGE = 2
"""Exit code where the command was called the wrong way."""


def is_rich(stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal that wants colour (``NO_COLOR`` and ``TERM=dumb`` say no)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def console(stream: TextIO) -> "Console":
    """A rich console on ``stream``."""
    from rich.console import Console

    return Console(file=stream, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """A line for the person at the terminal, on stderr."""
    sys.stdout.flush()
    print(text, file=sys.stderr)


def error(text: str, *, hint: str = "") -> None:
    """``error: text`` on stderr, with a hint below it."""
    if is_rich(sys.stderr):
        from rich.markup import escape

        console(sys.stderr).print(f"[bold red]error:[/] {escape(text)}")
        if hint:
            console(sys.stderr).print(f"[cyan]  hint:[/] {escape(hint)}")
        return
    note(f"error: {text}")
    if hint:
        note(f"  hint: {hint}")


def fail(text: str, *, hint: str = "", code: int = PROBLEMS) -> NoReturn:
    """Print an error and leave the command with ``code``."""
    error(text, hint=hint)
    raise typer.Exit(code)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under their columns, on stdout. A cell may have several lines."""
    if is_rich(sys.stdout):
        _rich_table(columns, rows)
        return
    lines = [[cell.split("\n") for cell in row] for row in ([column.upper() for column in columns], *rows)]
    widths = [max(len(part) for row in lines for part in row[at]) for at in range(len(columns))]
    for row in lines:
        for at in range(max(len(cell) for cell in row)):
            parts = [cell[at] if at < len(cell) else "" for cell in row]
            print("  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip())


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold", style="cyan" if column == columns[0] else None)
    for row in rows:
        shown.add_row(*(escape(cell) for cell in row))
    Console(highlight=False).print(shown)


def heading(text: str) -> None:
    """A line above what it names, on stdout."""
    if is_rich(sys.stdout):
        from rich.text import Text

        console(sys.stdout).print(Text(text, style="bold"))
    else:
        print(text)


def spans(*parts: tuple[str, str]) -> None:
    """A line on stdout made of texts with their styles, which only a terminal shows."""
    if is_rich(sys.stdout):
        from rich.text import Text

        console(sys.stdout).print(Text.assemble(*parts))
    else:
        print("".join(text for text, _ in parts))


def fields(rows: Sequence[tuple[str, str]]) -> None:
    """Labels and what they label, one below the other, on stdout; a label that repeats is printed once."""
    width = max(len(label) for label, _ in rows)
    before = ""
    for label, text in rows:
        shown = "" if label == before else label
        before = label
        if is_rich(sys.stdout):
            from rich.text import Text

            console(sys.stdout).print(Text.assemble("  ", (shown.ljust(width), "cyan"), "  ", text))
        else:
            print(f"  {shown.ljust(width)}  {text}")


def json_text(text: str) -> None:
    """A JSON document on stdout, coloured on a terminal."""
    if not is_rich(sys.stdout):
        print(text)
        return
    from rich.syntax import Syntax

    console(sys.stdout).print(Syntax(text, "json", background_color="default", word_wrap=True))


def diff_text(text: str) -> None:
    """A unified diff on stdout, coloured on a terminal."""
    if not is_rich(sys.stdout):
        print(text, end="" if text.endswith("\n") else "\n")
        return
    from rich.syntax import Syntax

    console(sys.stdout).print(Syntax(text, "diff", background_color="default", word_wrap=True))


def _spinner(text: str) -> "Live":
    from rich.live import Live
    from rich.spinner import Spinner

    shown = Spinner("dots", text)
    return Live(shown, console=console(sys.stderr), transient=True, redirect_stdout=False, redirect_stderr=False)


@contextlib.contextmanager
def progress(text: str, *, after: float = 1.0) -> Iterator[None]:
    """Tell what is going on with a spinner on stderr, on a terminal and if it takes longer than ``after`` seconds."""
    if not is_rich(sys.stderr):
        yield
        return
    with contextlib.ExitStack() as stack:
        lock = threading.Lock()
        over = False

        def show() -> None:
            with lock:
                if not over:
                    stack.enter_context(_spinner(text))

        timer = threading.Timer(after, show)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with lock:
                over = True
