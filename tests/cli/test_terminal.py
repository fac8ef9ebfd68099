"""Colour on a terminal, plain text everywhere else."""

import io
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from routewright.cli import terminal

from .conftest import COMMAND, environment


def on_a_terminal(*arguments: str, cwd: Path, **variables: str) -> str:
    """What the command prints to a terminal, its stderr included."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as reader:
        process = subprocess.Popen(
            [COMMAND, *arguments],
            cwd=cwd,
            env=environment(TERM="xterm") | variables,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        printed = b""
        try:
            while data := reader.read(4096):
                printed += data
        except OSError:
            # Linux ends a terminal whose other side is closed with EIPE
            pass
        process.wait(30)
    return printed.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ("routes",),
        ("routes", "--format", "json"),
        ("explain", "/ws/greeter", "{}"),
        ("check", "nosuch.json"),
    ],
    ids=" ".join,
)
def test_colour_on_a_terminal_unless_it_is_not_wanted(demo: Path, arguments: tuple[str, ...]) -> None:
    assert "\x1b[" in on_a_terminal(*arguments, cwd=demo)
    plain = on_a_terminal(*arguments, cwd=demo, NO_COLOR="1")
    assert plain
    assert "\x1b" not in plain


def test_a_spec_shows_its_carets_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text('{"routes": [{"path": "x", "pythonModule": "x"}]}')
    printed = on_a_terminal("check", cwd=tmp_path)
    assert any(line.strip() == "^" for line in printed.splitlines())


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and when it is first written to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        self.written.set()
        return super().write(text)


def test_progress_shows_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with terminal.progress("compiling", after=0.0):
        assert stream.written.wait(10)
    assert "compiling" in stream.getvalue()


def test_progress_is_silent_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with terminal.progress("compiling", after=0.0):
        assert threading.active_count() >= 1
    assert stream.getvalue() == ""
