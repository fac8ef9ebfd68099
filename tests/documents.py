"""The documents: their pages, the blocks in them, and a terminal to type their commands into."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.error import HTTPError
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
BINARIES = Path(sys.executable).parent
PATIENCE = 60.0

_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, its title (a file's name or what it is), and its text."""

    language: str
    title: str
    text: str


class Page:
    """One document."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self.text = path.read_text(encoding="utf-8")
        self.blocks = [Block(*found) for found in _FENCE.findall(self.text)]

    def titled(self, title: str) -> list[str]:
        """The texts of the blocks of that title."""
        return [block.text for block in self.blocks if block.title == title]

    def one(self, title: str) -> str:
        """The text of the only block of that title."""
        (text,) = self.titled(title)
        return text

    def following(self, text: str) -> Block:
        """The block after the one with this text."""
        at = next(at for at, block in enumerate(self.blocks) if text in block.text)
        return self.blocks[at + 1]

    def commands(self) -> list[str]:
        """Every line of every block that is to be typed."""
        return [line for block in self.blocks if block.language == "sh" for line in block.text.splitlines()]

    def write_files(self, folder: Path) -> None:
        """Write each block that is titled with a file's name."""
        for block in self.blocks:
            if re.fullmatch(r"[\w/.-]+\.\w+", block.title):
                file = folder / block.title
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text, encoding="utf-8")


def page(name: str) -> Page:
    """The page of that name."""
    return Page(ROOT / name)


def pages() -> list[Page]:
    """All of them."""
    return [Page(path) for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Terminal:
    """A shell in a folder, with the installed commands on its path, and ports of its own in the place of those that the
    documents name. Whatever was started in it ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"8001": str(free_port()), "8002": str(free_port())}
        self.ports |= {"9000": self.ports["8001"], "9001": self.ports["8002"]}
        self.processes: list[subprocess.Popen[str]] = []
        dropped = ("ROUTEWRIGHT_", "WEBSOCKET_", "ENABLE_")
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        self.environment |= {
            "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}",
            "WEBSOCKET_PORT": self.ports["8001"],
            "ROUTEWRIGHT_ADMIN_PORT": self.ports["8002"],
        }

    def here(self, text: str) -> str:
        """The text with this terminal's ports."""
        return re.sub(r"\b(8001|8002|9000|9001)\b", lambda found: self.ports[found[0]], text)

    def type(self, command: str) -> str:
        """Run a command to its end; what it printed."""
        done = subprocess.run(
            ["sh", "-c", self.here(command)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def get(self, url: str) -> Any:
        """The JSON that a GET is answered with, whatever its status."""
        try:
            with urlopen(self.here(url), timeout=PATIENCE) as response:
                return json.load(response)
        except HTTPError as error:
            with error:
                return json.load(error)

    def start(self, command: str) -> "subprocess.Popen[str]":
        """Start a command and leave it running."""
        process = subprocess.Popen(
            ["sh", "-c", f"exec {self.here(command)}" if "&&" not in command else self.here(command)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def serve(self, command: str) -> "subprocess.Popen[str]":
        """Start a gateway, and wait until it says that it serves."""
        process = self.start(command)
        assert process.stderr is not None
        printed = ""
        for line in process.stderr:
            printed += line
            if '"admin"' in line:
                return process
        raise AssertionError(f"{command} does not serve:\n{printed}")

    def stop(self, process: "subprocess.Popen[str]") -> int:
        """Let a process end in good order; its exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        return process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=PATIENCE)


def found(program: str) -> list[str]:
    """The program's path in a list, which is empty where it is not installed."""
    path = shutil.which(program)
    return [] if path is None else [path]
