"""A server under test: some processes on one core, started, awaited, read and killed together.

Strategy: whatever the processes start in turn is counted and killed with them, by walking the process tree.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from picows import WSError

from bench import machine, sockets

Command = Sequence[str]
HIDDEN = (
    "PYTHONDONTWRITEBYTECODE",
    "ROUTEWRIGHT_",
    "WEBSOCKET_PORT",
    "PYTHON_BACKEND_URL",
    "ENABLE_DYNAMIC_ROUTING",
    "ENABLE_RATE_LIMIT",
)


def environment() -> dict[str, str]:
    """The environment of a process under test: without what would make it another than a user's."""
    return {key: value for key, value in os.environ.items() if not key.startswith(HIDDEN)}


class ServerError(Exception):
    """A server did not come up; the message ends with what it printed."""


def free_port() -> int:
    """A TCP port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``async with Server(...) as server`` gives one that answers; leaving kills every process of it.

    Args:
        commands: given the port to listen on and a temporary folder, the command lines to start.
        path: of the WebSocket endpoint.
        probe: the frame that readiness is proved with; any text frame but an error is an answer.
        patience: seconds to wait for that answer.
        pinned: to the server's core; otherwise it may use all cores.
    """

    def __init__(
        self,
        name: str,
        commands: Callable[[int, Path], Sequence[Command]],
        *,
        path: str = "/",
        probe: bytes = sockets.PAYLOAD,
        environment: dict[str, str] | None = None,
        patience: float = 30.0,
        pinned: bool = True,
    ) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}{path}"
        self.path = path
        self.probe = probe
        self.reply = b""
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self._commands = commands
        self.environment = environment or {}
        self._patience = patience
        self._pinned = pinned
        self._roots: list[psutil.Popen] = []

    async def __aenter__(self) -> Self:
        try:
            for command in self._commands(self.port, self.folder):
                self._roots.append(self._start(command))
            await self._ready()
        except BaseException:
            self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def processes(self) -> list[psutil.Process]:
        """All processes of this server that live now."""
        found: list[psutil.Process] = []
        for root in self._roots:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(root.pid)
                found += [process, *process.children(recursive=True)]
        return found

    def cpu(self) -> float:
        """Seconds of user and system time of all processes, those that ended and were waited for included."""
        total = 0.0
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def cpu_by_process(self) -> dict[tuple[int, str], tuple[float, float]]:
        """Seconds of user and of system time, by process id and name."""
        found = {}
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                found[process.pid, _name(process.cmdline())] = (times.user, times.system)
        return found

    def rss(self) -> int:
        """Resident bytes of all processes."""
        total = 0
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total

    def stop(self) -> None:
        """Ask the processes to end, then kill what is left, children included. May be called again."""
        everyone = self.processes()
        for root in self._roots:
            with suppress(psutil.NoSuchProcess):
                root.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(everyone, timeout=5)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for root in self._roots:
            root.wait()
        self._roots.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """The end of what the processes printed."""
        return (self.folder / "log").read_text(errors="replace")[-2000:].strip()

    def _start(self, command: Command) -> psutil.Popen:
        allowed = {machine.cores()[0]} if self._pinned else set(machine.ALLOWED)
        with open(self.folder / "log", "ab") as log:
            return psutil.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment() | self.environment,
                # A session of its own: Ctrl-C is for the bench, which then ends the servers in order.
                start_new_session=True,
                preexec_fn=lambda: machine.pin(allowed),
            )

    async def _ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + self._patience
        reason: Exception | None = None
        while asyncio.get_running_loop().time() < deadline:
            ended = [root for root in self._roots if root.poll() is not None]
            if ended:
                raise ServerError(f"{self.name} ended with exit code {ended[0].returncode}:\n{self.log()}")
            try:
                reply = await asyncio.wait_for(sockets.ask(self.url, self.probe), timeout=5)
            except (OSError, WSError, TimeoutError) as error:
                reason = error
            else:
                if not reply.startswith(b'{"type":"error"'):
                    self.reply = reply
                    return
                reason = ServerError(reply.decode(errors="replace"))
            await asyncio.sleep(0.02)
        raise ServerError(f"{self.name} did not answer in {self._patience:.0f} s ({reason!r}):\n{self.log()}")


def _name(command: Sequence[str]) -> str:
    """What a process is called among its siblings: the module or program that it runs."""
    if "-m" in command[:-1]:
        return command[command.index("-m") + 1]
    # the gateway's own processes are started so (see `routewright.gateway.child`)
    if (module := re.search(r"run_module\('([\w.]+)'", " ".join(command))) is not None:
        return module[1]
    words = [Path(word).name for word in command if not word.startswith("-")]
    return next((word for word in words if not word.startswith("python") and word != "node"), " ".join(command[:1]))
