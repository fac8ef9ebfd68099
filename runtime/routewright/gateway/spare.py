"""Interpreters for workers, one of them started before anybody needs it.

Strategy: most of the time between an edit of a handler and its first answer is the start of Python. So an interpreter
waits, everything imported but the module, and is told over its standard input which worker it is to be.
"""

import asyncio
import contextlib
import json
import os
import socket
from pathlib import Path
from typing import NamedTuple

from routewright.gateway.child import command


class Interpreter(NamedTuple):
    """A process that waits for its arguments.

    Attributes:
        status: lines that the worker writes about its state.
        pipe: closing it tells the worker that its supervisor is gone.
        descriptor: of the status pipe, as the process knows it.
    """

    process: asyncio.subprocess.Process
    status: asyncio.StreamReader
    pipe: asyncio.StreamWriter
    descriptor: int

    def run(self, arguments: list[str]) -> None:
        """Make it a worker: the arguments of ``python -m routewright.handlers``."""
        stdin = self.process.stdin
        if stdin is not None:
            stdin.write(json.dumps(arguments).encode() + b"\n")
            stdin.close()


class Spare:
    """Gives interpreters, and keeps one ready where ``keep`` says so."""

    def __init__(self, project: Path, environment: dict[str, str], *, keep: bool) -> None:
        self._project = project
        self._environment = {**os.environ, **environment}
        self._keep = keep
        self._next: asyncio.Task[Interpreter] | None = None
        self._stopped = False

    async def take(self) -> Interpreter:
        """An interpreter: the spare one, if there is one."""
        waiting, self._next = self._next, None
        interpreter = await waiting if waiting is not None else None
        if interpreter is None or interpreter.process.returncode is not None:
            interpreter = await self._start()
        return interpreter

    def refill(self) -> None:
        """Start the next spare, now that whoever took the last one is ready: until then it would be in the way."""
        if self._keep and self._next is None and not self._stopped:
            self._next = asyncio.create_task(self._start())

    async def _start(self) -> Interpreter:
        # not a pipe: uvloop closes a pipe's descriptor twice, and the second time it may be another file's
        ours, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *command("routewright.handlers", "--wait"),
                pass_fds=(descriptor,),
                stdin=asyncio.subprocess.PIPE,
                cwd=self._project,
                env=self._environment,
                start_new_session=True,
            )
        status, pipe = await asyncio.open_connection(sock=ours)
        return Interpreter(process, status, pipe, descriptor)

    async def stop(self) -> None:
        """End the spare."""
        self._stopped = True
        waiting, self._next = self._next, None
        if waiting is not None:
            interpreter = await waiting
            with contextlib.suppress(ProcessLookupError):
                interpreter.process.kill()
            await interpreter.process.wait()
            interpreter.pipe.close()
