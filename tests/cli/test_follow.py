"""``routewright generate --watch``: at each change one line, until it is interrupted."""

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from .conftest import COMMAND, Run, environment

PATIENCE = 30.0


class Following:
    """A running ``generate --watch``, and what it has printed."""

    def __init__(self, project: Path) -> None:
        self.process = subprocess.Popen(
            [COMMAND, "generate", "--watch"],
            cwd=project,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: Queue[str] = Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def until(self, pattern: str) -> list[str]:
        """The lines up to the first that matches."""
        found: list[str] = []
        while not found or not re.fullmatch(pattern, found[-1]):
            found.append(self.lines.get(timeout=PATIENCE))
        return found

    def stop(self, number: signal.Signals) -> tuple[int, list[str]]:
        """Send a signal; the exit code, and what was printed after it."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code, list(self.lines.queue)


@contextmanager
def following(project: Path) -> Iterator[Following]:
    found = Following(project)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()
        found.reader.join(PATIENCE)
        assert found.process.stdout is not None
        found.process.stdout.close()


def save(file: Path, text: str, way: str) -> None:
    """Write a file in place, or as most editors do."""
    if way == "in place":
        file.write_text(text)
        return
    draft = file.with_name(f".{file.name}.tmp")
    draft.write_text(text)
    os.replace(draft, file)


PLUGIN = """\
from routewright.hooks import hookimpl


@hookimpl
def routewright_templates():
    return "templates"
"""


@pytest.mark.parametrize("way", ["in place", "by a rename"])
def test_whatever_the_spec_is_made_of_is_followed(tmp_path: Path, way: str) -> None:
    spec, shared = tmp_path / "websocket-routes.json", tmp_path / "schemas" / "text.json"
    template, plugin = tmp_path / "templates" / "notes.md.jinja", tmp_path / "plugins" / "notes.py"
    for file in (shared, template, plugin):
        file.parent.mkdir()
    messages = {"ask": {"payload": {"$ref": "schemas/text.json"}}}
    good = json.dumps(
        {"x-emitters": ["plugins.notes"], "routes": [{"path": "/ws/a", "pythonModule": "a", "messages": messages}]}
    )
    spec.write_text(good)
    shared.write_text('{"type": "string", "maxLength": 5}')
    template.write_text("one\n")
    plugin.write_text(PLUGIN)
    generated = tmp_path / "generated"
    with following(tmp_path) as found:
        (first,) = found.until(r"generated: .* \(in \d+ ms\)")
        assert "table.py" in first
        save(shared, '{"type": "string", "maxLength": 6}', way)
        (changed,) = found.until(r"generated: .*contracts\.json.* \(in \d+ ms\)")
        assert "notes.md" not in changed
        save(template, "two\n", way)
        found.until(r"generated: manifest\.json, notes\.md \(in \d+ ms\)")
        assert (generated / "notes.md").read_text() == "two\n"
        save(spec, good.replace("pythonModule", "pythonModul"), way)
        problems = found.until(r"generated stays as it was \(in \d+ ms\)")
        assert problems[0].startswith("websocket-routes.json:1:")
        assert (generated / "notes.md").read_text() == "two\n"
        save(template, "{{ nothing }}\n", way)
        save(spec, good, way)
        found.until(r"error: emitter 'plugins\.notes': .*notes\.md\.jinja:1: UndefinedError: 'nothing' is undefined")
        save(template, "three\n", way)
        found.until(r"generated: manifest\.json, notes\.md \(in \d+ ms\)")
        save(plugin, PLUGIN.replace('"templates"', '"schemas"'), way)
        found.until(r"generated: manifest\.json, notes\.md \(in \d+ ms\)")
        assert not (generated / "notes.md").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_quietly(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "websocket-routes.json").write_text('{"routes": [{"path": "/ws/a", "pythonModule": "a"}]}')
    with following(tmp_path) as found:
        found.until(r"generated: .*")
        assert found.stop(number) == (0, [])


def test_it_excludes_what_writes_nothing(run: Run, demo: Path) -> None:
    for flags in (("--watch", "--check"), ("--diff", "--watch"), ("--check", "--diff")):
        done = run("generate", *flags, cwd=demo)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "error: --check, --diff and --watch exclude each other\n"
