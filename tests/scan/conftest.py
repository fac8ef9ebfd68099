"""The command in this process, and small trees of sources."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest
from typer.testing import CliRunner

from routewright.cli.app import build


class Done(NamedTuple):
    """What a command printed, and how it ended."""

    code: int
    stdout: str
    stderr: str


Write: TypeAlias = Callable[[Mapping[str, str]], Path]


def run(*arguments: str) -> Done:
    """``routewright scan`` with some arguments."""
    done = CliRunner().invoke(build(["scan"]), ["scan", *arguments], catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write files below a folder that becomes the current one."""
    monkeypatch.chdir(tmp_path)

    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path

    return write
