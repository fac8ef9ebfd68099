"""Connections that leave the machine: TLS towards clients, CURVE towards workers."""

import asyncio
import os
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme
import zmq

from tests.served import COMMAND, PATIENCE, Project, Served, exchange, serving

HANDLER = """
from routewright.handlers import on


@on.any
async def echo(message, context):
    return {"type": "echo", "payload": message["payload"]}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spec(gateway: dict[str, object]) -> dict[str, object]:
    return {"gateway": gateway, "routes": [{"path": "/ws/echo", "pythonModule": "handler"}]}


async def test_clients_connect_by_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    project = Project(tmp_path)
    project.save("handler.py", HANDLER)
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "server.key")
    project.spec(spec({"tls": {"certificate": "server.pem", "key": "server.key"}}))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with serving(project, "--no-watch") as served:
        assert served.url.startswith("wss://")
        async with served.connect("/ws/echo", ssl=trust) as client:
            large = "x" * 50_000
            assert (await exchange(client, {"type": "hi", "id": 1, "payload": large}))["payload"] == large


class Keys:
    """A gateway with a TCP bridge, and the keys of everyone involved."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.server, self.server_secret = (key.decode() for key in zmq.curve_keypair())
        self.worker, self.worker_secret = (key.decode() for key in zmq.curve_keypair())
        self.endpoint = f"tcp://127.0.0.1:{free_port()}"
        project.save("handler.py", HANDLER)

    def spec(self, *, known: bool) -> dict[str, object]:
        stranger = zmq.curve_keypair()[0].decode()
        bridge: dict[str, object] = {
            "endpoint": self.endpoint,
            "publicKey": self.server,
            "secretKeyEnv": "BRIDGE_SECRET",
            "clientKeys": [self.worker if known else stranger],
        }
        return spec({"bridge": bridge})

    def by_hand(self) -> "subprocess.Popen[str]":
        """A worker that somebody starts elsewhere."""
        command = [COMMAND, "worker", "handler", "--project", str(self.project.folder), "--connect", self.endpoint]
        keys = {
            "ROUTEWRIGHT_BRIDGE_SERVER_KEY": self.server,
            "ROUTEWRIGHT_BRIDGE_PUBLIC_KEY": self.worker,
            "ROUTEWRIGHT_BRIDGE_SECRET_KEY": self.worker_secret,
        }
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **keys})


def connected(served: Served, count: int) -> bool:
    gateway = served.admin("/stats")["gateways"][0]
    return len(gateway["bridge"]["workers"]) == count


async def test_workers_connect_by_tcp_with_keys(tmp_path: Path) -> None:
    keys = Keys(Project(tmp_path))
    keys.project.spec(keys.spec(known=True))
    with serving(keys.project, "--no-watch", environment={"BRIDGE_SECRET": keys.server_secret}) as served:
        async with served.connect("/ws/echo") as client:
            assert (await exchange(client, {"type": "hi", "id": 1, "payload": 2}))["payload"] == 2
        worker = keys.by_hand()
        try:
            await served.until(lambda stats: len(stats["gateways"][0]["bridge"]["workers"]) == 2)
        finally:
            worker.terminate()
            worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 0


async def test_an_unknown_worker_does_not_get_in(tmp_path: Path) -> None:
    keys = Keys(Project(tmp_path))
    keys.project.spec(keys.spec(known=False))
    with serving(keys.project, "--no-watch", environment={"BRIDGE_SECRET": keys.server_secret}) as served:
        worker = keys.by_hand()
        try:
            assert worker.stderr is not None
            line = await asyncio.to_thread(worker.stderr.readline)
            assert "lost" in line, line
            assert connected(served, 1)
        finally:
            worker.terminate()
            worker.communicate(timeout=PATIENCE)


def test_a_tcp_bridge_without_its_secret_does_not_start(tmp_path: Path) -> None:
    keys = Keys(Project(tmp_path))
    keys.project.spec(keys.spec(known=True))
    served = Served(keys.project, "--no-watch")
    with pytest.raises(AssertionError):
        assert served.ready
    assert served.stop() == 1
    assert any("BRIDGE_SECRET" in str(line) for line in served.lines)
