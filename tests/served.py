"""A gateway under test: a project on disk, served by the real command, watched through its log."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

COMMAND = Path(sys.executable).with_name("routewright")
PATIENCE = 30.0
"""Seconds after which something that should have happened counts as missing."""


class Project:
    """A project folder: the spec and its handler modules, written as an editor would write them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def spec_file(self) -> Path:
        return self.folder / "websocket-routes.json"

    def spec(self, spec: dict[str, Any] | str) -> None:
        """Save the spec, by an atomic rename."""
        self.save("websocket-routes.json", spec if isinstance(spec, str) else json.dumps(spec, indent=2))

    def save(self, name: str, text: str) -> None:
        """Write a file as most editors do: a temporary one, renamed."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(text)
        os.replace(temporary, path)

    def write(self, name: str, text: str) -> None:
        """Write a file in place."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Served:
    """A running ``routewright serve``."""

    def __init__(self, project: Project, *flags: str, environment: dict[str, str] | None = None) -> None:
        self.project = project
        self.lines: list[dict[str, Any]] = []
        self._news = threading.Condition()
        command = [str(COMMAND), "serve", str(project.spec_file), "--log-format", "json"]
        command += ["--port", "0", "--admin-port", "0", *flags]
        self.process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                parsed = json.loads(line)
            except ValueError:
                parsed = {"text": line.rstrip("\n")}
            with self._news:
                self.lines.append(parsed)
                self._news.notify_all()
        with self._news:
            self.lines.append({"event": "end of log"})
            self._news.notify_all()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool] | str, since: int = 0) -> dict[str, Any]:
        """The first log line after the first ``since`` that is wanted: by its event's name, or by a test of it."""
        test = wanted if callable(wanted) else lambda line: line.get("event") == wanted

        def found() -> dict[str, Any] | None:
            return next((line for line in self.lines[since:] if test(line)), None)

        with self._news:
            self._news.wait_for(lambda: found() is not None or self._ended(), PATIENCE)
            line = found()
        assert line is not None, f"{wanted!r} is not in the log:\n" + "\n".join(map(str, self.lines))
        return line

    def _ended(self) -> bool:
        return bool(self.lines) and self.lines[-1].get("event") == "end of log"

    async def logged(self, wanted: Callable[[dict[str, Any]], bool] | str, since: int = 0) -> dict[str, Any]:
        """`wait_for`, for a test that has connections of its own to look after."""
        return await asyncio.to_thread(self.wait_for, wanted, since)

    @property
    def ready(self) -> dict[str, Any]:
        return self.wait_for(lambda line: "admin" in line)

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def http(self) -> str:
        return self.url.replace("ws", "http", 1)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def connect(self, path: str, **options: Any) -> connect:
        """A connection by the ``websockets`` client."""
        return connect(f"{self.url}{path}", **{"compression": None, **options})

    async def everywhere(self, stack: contextlib.AsyncExitStack, path: str, **options: Any) -> list[ClientConnection]:
        """Connections on ``stack``, so many that each gateway process has one; nobody else may be connected."""
        clients: list[ClientConnection] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                clients.append(await stack.enter_async_context(self.connect(path, **options)))
                stats = await self.until(lambda stats: stats["connections"] == len(clients))
                if all(gateway["connections"] for gateway in stats["gateways"]):
                    return clients

    def get(self, url: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a GET, whatever the status."""
        request = urllib.request.Request(url, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, dict(response.headers), response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def admin(self, page: str) -> Any:
        """A page of the admin listener, parsed."""
        return json.loads(self.get(f"{self.ready['admin']}{page}")[2])

    async def stats(self) -> Any:
        """The figures."""
        return await asyncio.to_thread(self.admin, "/stats")

    async def until(self, test: Callable[[Any], bool]) -> Any:
        """The figures, once they pass a test."""
        async with asyncio.timeout(PATIENCE):
            while True:
                stats = await self.stats()
                if test(stats):
                    return stats

    def workers(self) -> list[int]:
        """The worker processes' numbers."""
        return [number for group in self.admin("/stats")["workers"] for number in group["processes"]]

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def kill(self) -> None:
        """End every process, whatever state they are in."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.stop()


@contextlib.contextmanager
def serving(project: Project, *flags: str, environment: dict[str, str] | None = None) -> Iterator[Served]:
    """Serve a project for the length of a block, and see it end well."""
    served = Served(project, *flags, environment=environment)
    try:
        assert served.ready
        yield served
    except BaseException:
        served.kill()
        raise
    assert served.stop() == 0, served.lines


async def exchange(connection: ClientConnection, message: Any) -> Any:
    """Send one message (JSON, unless it is text already) and receive one, parsed."""
    await connection.send(message if isinstance(message, str) else json.dumps(message))
    async with asyncio.timeout(PATIENCE):
        return json.loads(await connection.recv())
