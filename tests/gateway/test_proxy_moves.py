"""Proxy routes whose upstream another place names: a reload that moves it, and ``PYTHON_BACKEND_URL``."""

import asyncio
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection

from tests.gateway.upstream import Upstream, ended, free_port
from tests.served import COMMAND, Project, serving


def spec(port: int, **more: Any) -> dict[str, Any]:
    route = {"path": "/ws/old", "name": "old", "proxy": f"ws://127.0.0.1:{port}/ws", **more}
    return {"gateway": {"drainSeconds": 0}, "routes": [route]}


async def passes(client: ClientConnection, there: ServerConnection) -> None:
    """What either says reaches the other."""
    await client.send("to")
    assert await there.recv() == "to"
    await there.send("from")
    assert await client.recv() == "from"


async def test_a_reload_that_moves_the_upstream_closes_its_clients(tmp_path: Path) -> None:
    project = Project(tmp_path)
    async with Upstream(free_port()).serving() as old, Upstream(free_port()).serving() as new:
        project.spec(spec(old.port))
        with serving(project) as served:
            async with served.connect("/ws/old") as client:
                there = await old.connection()
                await passes(client, there)

                seen = len(served.lines)
                project.spec(spec(old.port, rateLimit={"rate": "500/s"}))
                await served.logged("reloaded", seen)
                await passes(client, there)

                project.spec(spec(new.port))
                assert await ended(client) == (4001, "the route has changed")
                assert await old.end() == (4001, "the route has changed")
            async with served.connect("/ws/old") as client:
                await passes(client, await new.connection())
            assert old.arrived.empty()


async def test_the_environment_names_the_upstream_of_a_whole_application(tmp_path: Path) -> None:
    project = Project(tmp_path)
    routes = [
        {"path": "/ws/chat", "proxy": True},
        {"path": "/ws/rooms/{room}", "proxy": {"headers": ["X-Trace"]}},
    ]
    project.spec({"routes": routes})
    async with Upstream(free_port()).serving() as upstream:
        backend = {"PYTHON_BACKEND_URL": f"http://127.0.0.1:{upstream.port}/api/"}
        with serving(project, "--no-watch", environment=backend) as served:
            for path in ("/ws/chat?x=1", "/ws/rooms/a%2Fb"):
                async with served.connect(path) as client:
                    there = await upstream.connection()
                    assert there.request is not None
                    assert there.request.path == f"/api{path}"
                    await passes(client, there)


async def test_without_it_the_gateway_does_not_start(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.spec({"routes": [{"path": "/ws/chat", "proxy": True}]})
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "serve", project.spec_file, "--port", "0", "--admin-port", "0", "--no-watch"),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"route 'chat' has no upstream: set PYTHON_BACKEND_URL, or name one in the spec" in said
