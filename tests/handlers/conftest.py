"""A project on disk, a gateway that is no more than a ROUTER, and worker processes that connect to it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
import zmq

from routewright.bridge import codec
from routewright.bridge.codec import Error, Heartbeat, Hello, Open, Ready, Reply, Request

PATIENCE = 20_000
"""Milliseconds after which a test gives up waiting."""

Kind = TypeVar("Kind")

VISION = """
import msgspec


class Analyze(msgspec.Struct):
    depth: int = 1
    note: str = ""


class Watch(msgspec.Struct):
    times: int = 1
    note: str = ""


class Analysis(msgspec.Struct):
    depth: int
    note: str = ""


class Progress(msgspec.Struct):
    done: int


class Shape(msgspec.Struct):
    sides: int


class Finished(msgspec.Struct):
    how: str
"""

TABLE = """
from typing import Annotated

import msgspec

from routewright.table import MessageType, Parameter, Pool, Route, Table

from . import vision

table = Table(
    digest="spec",
    routes=(
        Route(
            name="vision", path="/ws/vision", handler="app", digest="1", contract="1",
            messages=(
                MessageType(name="analyze", payload=vision.Analyze, optional=True, reply="analysis"),
                MessageType(name="analysis", origin="handler", payload=vision.Analysis),
                MessageType(name="watch", payload=vision.Watch, optional=True, reply="progress", stream=True),
                MessageType(name="progress", origin="handler", payload=vision.Progress),
                MessageType(name="count", payload=Annotated[int, msgspec.Meta(ge=0)]),
                MessageType(name="stop"),
                MessageType(name="square", origin="handler", payload=vision.Shape),
                MessageType(name="triangle", origin="handler", payload=vision.Shape),
                MessageType(name="counted", origin="handler", payload=int),
                MessageType(name="stopped", origin="handler"),
                MessageType(name="finished", origin="handler", payload=vision.Finished),
            ),
        ),
        Route(
            name="lobby", path="/ws/rooms/{room}", handler="app", digest="2", contract="2", open=True,
            parameters=(Parameter(name="room", type=int),),
        ),
        Route(name="voice", path="/ws/voice", handler="app", framing="raw", digest="3", contract="3"),
        Route(
            name="clock", path="/ws/clock", handler="other", digest="4", contract="4",
            messages=(
                MessageType(name="now", payload=vision.Analyze, optional=True, reply="time"),
                MessageType(name="time", origin="both", payload=vision.Analysis),
            ),
        ),
    ),
    pools=(
        Pool(name="app", routes=("vision", "lobby", "voice"), digest="contract-of-app"),
        Pool(name="other", routes=("clock",), digest="contract-of-other"),
    ),
)
"""

SPEC = """{
  "routes": [
    {
      "path": "/ws/vision",
      "pythonModule": "app",
      "messages": {
        "analyze": {"from": "client"},
        "watch": {"from": "client"},
        "count": {"from": "client"},
        "stop": {"from": "client"}
      }
    },
    {"path": "/ws/rooms/{room}", "pythonModule": "app"},
    {"path": "/ws/voice", "pythonModule": "app"}
  ]
}
"""

HEAD = """
import asyncio, contextvars, os, threading, time
from pathlib import Path
from routewright.handlers import Context, HandlerError, Session, on
from generated.vision import Analysis, Analyze, Finished, Progress, Shape, Watch
"""

REST = """
@on("watch")
async def rest_watch(): yield Progress(1)
@on("count")
async def rest_count(message): return {"type": "counted", "payload": message}
@on("stop")
async def rest_stop(): return {"type": "stopped"}
@on.any
async def rest_any(message): return message
"""
"""Handlers for everything but ``analyze``."""

ANALYZE = """
@on(Analyze)
async def analyze(message, context): return Analysis(message.depth, message.note)
"""


class Project:
    """A folder with a spec, a generated package and handler modules."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("generated/__init__.py", "")
        self.write("generated/vision.py", VISION)
        self.write("generated/table.py", TABLE)
        self.write("websocket-routes.json", SPEC)

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def app(self, text: str) -> Path:
        """Write the handler module."""
        return self.write("app.py", HEAD + text)


class Gateway:
    """The gateway's end of one bridge, for one worker at a time. Every wait has an end."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str) -> None:
        self._context = context
        self.endpoint = endpoint
        self.identity = b""
        self._inbox: deque[Any] = deque()
        self._correlation = 0
        self.bind()

    def bind(self) -> None:
        """Begin to listen (again)."""
        self._socket = self._context.socket(zmq.ROUTER)
        for option, value in ((zmq.LINGER, 0), (zmq.RCVTIMEO, PATIENCE), (zmq.ROUTER_MANDATORY, 1)):
            self._socket.setsockopt(option, value)
        self._socket.bind(self.endpoint)
        self._inbox.clear()

    def close(self) -> None:
        """Vanish without a word."""
        self._socket.close(linger=0)

    def greet(self, *messages: Any, ready: Ready | None = None) -> Hello:
        """Await a worker's hello and accept it."""
        hello = self.take(Hello)
        self.send(ready or Ready(), *messages)
        return hello

    def send(self, *messages: Any) -> None:
        """One batch."""
        self._socket.send_multipart([self.identity, codec.encode(list(messages))])

    def request(
        self, session: int, type: str, frame: str | bytes, *, deadline: int = 10_000, binary: bool = False
    ) -> int:
        """Send one request; its correlation."""
        request = self.make(session, type, frame, deadline=deadline, binary=binary)
        self.send(request)
        return request.correlation

    def make(
        self, session: int, type: str, frame: str | bytes, *, deadline: int = 10_000, binary: bool = False
    ) -> Request:
        """A request with a correlation of its own."""
        self._correlation += 1
        data = frame if isinstance(frame, bytes) else frame.encode()
        return Request(self._correlation, session, type, deadline, data, binary)

    def ask(self, session: int, type: str, payload: Any = msgspec.UNSET, **options: Any) -> Any:
        """Send an enveloped request with the id 7, and await its last answer: the decoded frame, or the `Error`."""
        envelope = {"type": type, "id": 7} | ({} if payload is msgspec.UNSET else {"payload": payload})
        answer = self.answer(self.request(session, type, msgspec.json.encode(envelope), **options))
        if isinstance(answer, Error):
            return answer
        return None if answer.frame is None else msgspec.json.decode(answer.frame)

    def answer(self, correlation: int) -> Reply | Error:
        """The next reply or error of a request."""
        while True:
            found = next(
                (m for m in self._inbox if isinstance(m, Reply | Error) and m.correlation == correlation), None
            )
            if found is not None:
                self._inbox.remove(found)
                return found
            self._more()

    def take(self, kind: type[Kind]) -> Kind:
        """The next message of a kind."""
        while True:
            for message in self._inbox:
                if isinstance(message, kind):
                    self._inbox.remove(message)
                    return message
            self._more()

    def settled(self, session: int) -> list[Any]:
        """Whatever the worker has said up to now that nobody has taken; heartbeats aside."""
        self.ask(session, "nothing of the kind")
        left = [message for message in self._inbox if not isinstance(message, Heartbeat)]
        self._inbox.clear()
        return left

    def heard(self, milliseconds: int) -> bool:
        """Whether a worker says something within that time."""
        return bool(self._inbox or self._socket.poll(milliseconds))

    def _more(self) -> None:
        identity, data = self._socket.recv_multipart()
        batch = codec.decode_from_worker(data)
        if batch and isinstance(batch[0], Hello):
            self.identity = identity
        if identity == self.identity:
            self._inbox.extend(batch)


class WorkerProcess:
    """A worker and the states it has told."""

    def __init__(self, module: str, project: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self._reading, writing = os.pipe()
        command = [sys.executable, "-m", "routewright.handlers", module, "--project", str(project)]
        self.process = subprocess.Popen(
            [*command, *arguments, "--status-fd", str(writing)],
            pass_fds=(writing,),
            cwd=project.parent,
            stderr=subprocess.PIPE,
            env=os.environ | (environment or {}),
        )
        os.close(writing)
        self._states = open(self._reading, "rb")  # noqa: SIM115  # closed by `abandon`

    def state(self) -> dict[str, Any]:
        """The next state."""
        line = self._states.readline()
        return msgspec.json.decode(line) if line else {"state": "ended"}

    def abandon(self) -> None:
        """Close this end of the status pipe, as a parent does that dies."""
        self._states.close()

    def end(self) -> tuple[int, str]:
        """Await the exit: the code, and what it has logged."""
        assert self.process.stderr is not None
        log = self.process.stderr.read().decode()
        return self.process.wait(PATIENCE / 1000), log

    def logged(self) -> dict[str, Any]:
        """The next line of the log."""
        assert self.process.stderr is not None
        line: dict[str, Any] = msgspec.json.decode(self.process.stderr.readline())
        return line

    def kill(self) -> None:
        """End it, if it has not ended by itself."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()
        self._states.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose module ``app`` is yet to be written."""
    return Project(tmp_path / "project")


@pytest.fixture
def new_gateway() -> Iterator[Callable[[], Gateway]]:
    """Makes gateways. Their sockets live in a folder with a short name: ``ipc://`` allows about 100 characters."""
    folder = tempfile.mkdtemp(prefix="rw")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made: list[Gateway] = []

    def make() -> Gateway:
        made.append(Gateway(context, f"ipc://{folder}/{len(made)}"))
        return made[-1]

    yield make
    for gateway in made:
        gateway.close()
    context.term()
    shutil.rmtree(folder)


@pytest.fixture
def gateway(new_gateway: Callable[[], Gateway]) -> Gateway:
    """One gateway."""
    return new_gateway()


@pytest.fixture
def new_worker(project: Project) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers of the project."""
    started: list[WorkerProcess] = []

    def start(
        *gateways: Gateway, module: str = "app", arguments: tuple[str, ...] = (), **options: Any
    ) -> WorkerProcess:
        connect = [part for gateway in gateways for part in ("--connect", gateway.endpoint)]
        started.append(WorkerProcess(module, project.folder, *connect, *arguments, **options))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


@pytest.fixture
def serve(project: Project, gateway: Gateway, new_worker: Callable[..., WorkerProcess]) -> Callable[..., WorkerProcess]:
    """Write the handler module, start its worker, accept it and open sessions 1 (vision), 2 (lobby), 3 (voice)."""

    def start(app: str, *messages: Any, arguments: tuple[str, ...] = ()) -> WorkerProcess:
        project.app(app)
        worker = new_worker(gateway, arguments=arguments)
        while not gateway.heard(50):
            assert worker.process.poll() is None, worker.state()
        gateway.greet(Open(1, "vision"), Open(2, "lobby", parameters={"room": "5"}), Open(3, "voice"), *messages)
        assert worker.state()["state"] == "ready"
        return worker

    return start
