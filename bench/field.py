"""The field: the gateway and every peer, how each is started, and why one may be absent.

Strategy: a peer is a row of `PEERS`; a check returns the reason of its absence, with what to install.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from bench.server import Command, Server, free_port
from bench.settings import BENCH
from bench.sockets import PAYLOAD

PROGRAMS = BENCH / "peers"
PROJECT = BENCH / "project"
ROUTEWRIGHT = Path(sys.executable).with_name("routewright")


@dataclass(frozen=True, slots=True)
class Peer:
    """A row: ``absent`` gives the reason why it cannot run here, or ``None``; ``path`` is its WebSocket endpoint, and
    ``probe`` a frame that it answers."""

    name: str
    title: str
    commands: Callable[[int, Path], Sequence[Command]]
    absent: Callable[[], str | None]
    path: str = "/"
    probe: bytes = PAYLOAD

    def server(self) -> Server:
        """A fresh one, not started yet."""
        return Server(self.name, self.commands, path=self.path, probe=self.probe)


def python(program: str) -> Callable[[int, Path], Sequence[Command]]:
    return lambda port, folder: [[sys.executable, str(PROGRAMS / program), str(port)]]


def node(program: str) -> Callable[[int, Path], Sequence[Command]]:
    return lambda port, folder: [["node", str(PROGRAMS / program), str(port)]]


def usual_bridge(port: int, folder: Path) -> Sequence[Command]:
    endpoint = f"ipc://{folder}/bridge"
    return [
        [sys.executable, str(PROGRAMS / "bridge_handler.py"), endpoint],
        ["node", str(PROGRAMS / "bridge_router.js"), str(port), endpoint],
    ]


def nginx(port: int, folder: Path) -> Sequence[Command]:
    backend = free_port()
    text = (PROGRAMS / "nginx.conf").read_text().format(folder=folder, port=port, backend=backend)
    (folder / "nginx.conf").write_text(text)
    return [
        [sys.executable, str(PROGRAMS / "aiohttp_echo.py"), str(backend)],
        [_nginx() or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"],
    ]


def gateway(port: int, folder: Path) -> Sequence[Command]:
    """The gateway on a copy of the bench's project, so that nothing is written into the repository."""
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("generated", "__pycache__"))
    return [serve(project, port, "--no-watch")]


def serve(project: Path, port: int, *flags: str) -> Command:
    """The command that serves a project folder."""
    spec = str(project / "websocket-routes.json")
    return [str(ROUTEWRIGHT), "serve", spec, "--port", str(port), "--admin-port", str(free_port()), *flags]


def module_absent(module: str, package: str) -> Callable[[], str | None]:
    return lambda: None if find_spec(module) else f"{package} is not installed: pip install {package}"


@cache
def gateway_absent() -> str | None:
    if not ROUTEWRIGHT.exists():
        return f"{ROUTEWRIGHT.name} is not installed: pip install -e ."
    done = subprocess.run([str(ROUTEWRIGHT), "--help"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"`routewright --help` fails: {_last_line(done.stderr)}"


@cache
def node_absent() -> str | None:
    """Installs ws and zeromq beside the peers' programs where node is there and they are not."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not found: install Node.js 20 or later"
    if not (PROGRAMS / "node_modules" / "ws").is_dir():
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund"], cwd=PROGRAMS, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"`npm ci` in bench/peers fails: {_last_line(done.stderr)}"
    return _requires("ws")


@cache
def zeromq_absent() -> str | None:
    return node_absent() or _requires("zeromq") or module_absent("zmq", "pyzmq")()


def nginx_absent() -> str | None:
    return None if _nginx() else "nginx is not found: apt-get install nginx-light"


def _nginx() -> str | None:
    # Debian keeps it where only root's PATH leads.
    return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def _requires(package: str) -> str | None:
    done = subprocess.run(
        ["node", "-e", f"require('{package}')"], cwd=PROGRAMS, capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else f"Node's {package} does not load: {_error_line(done.stderr)}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def _error_line(text: str) -> str:
    return next((line for line in text.splitlines() if "Error" in line), _last_line(text))


GATEWAY = Peer("gateway", "Routewright: validated, to a handler process and back", gateway, gateway_absent, "/ws/bench")
PICOWS = Peer("picows", "picows echo (bare)", python("picows_echo.py"), module_absent("picows", "picows"))
AIOHTTP = Peer("aiohttp", "aiohttp echo (bare)", python("aiohttp_echo.py"), module_absent("aiohttp", "aiohttp"))
WEBSOCKETS = Peer(
    "websockets", "websockets echo (bare)", python("websockets_echo.py"), module_absent("websockets", "websockets")
)
NODE = Peer("node-ws", "Node ws echo (bare)", node("ws_echo.js"), node_absent)
DISPATCH = Peer("node-dispatch", "Node ws: parse, dispatch, stringify", node("ws_dispatch.js"), node_absent)
BRIDGE = Peer("bridge", "the usual bridge: Node ws, ZeroMQ, asyncio pyzmq", usual_bridge, zeromq_absent)
NGINX = Peer("nginx", "nginx in front of the aiohttp echo", nginx, nginx_absent)
AIOHTTP_BROADCAST = Peer(
    "aiohttp", "aiohttp, send_str to each", python("aiohttp_broadcast.py"), module_absent("aiohttp", "aiohttp")
)
PICOWS_BROADCAST = Peer(
    "picows", "picows, send to each (bare)", python("picows_broadcast.py"), module_absent("picows", "picows")
)
NODE_BROADCAST = Peer("node-ws", "Node ws, send to each", node("ws_broadcast.js"), node_absent)

PEERS = (PICOWS, NODE, AIOHTTP, WEBSOCKETS, DISPATCH, NGINX, BRIDGE)
