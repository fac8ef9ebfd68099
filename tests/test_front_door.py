"""The default project and the smallest one, as whoever tries them first meets them."""

import asyncio
import json
import math
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.served import PATIENCE, Project, Served, exchange, serving

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The project of this repository, served from a copy."""
    folder = tmp_path_factory.mktemp("default")
    shutil.copy(REPOSITORY / "websocket-routes.json", folder)
    shutil.copytree(REPOSITORY / "backend", folder / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    with serving(Project(folder), "--no-watch", environment={"DISPLAY": ""}) as served:
        assert served.ready["event"] == "ready", served.lines
        yield served


def test_the_compiled_default_project_is_the_committed_one(default: Served) -> None:
    fresh = {path.name: path.read_text() for path in (default.project.folder / "generated").iterdir() if path.is_file()}
    kept = {path.name: path.read_text() for path in (REPOSITORY / "generated").iterdir() if path.is_file()}
    assert fresh == kept


def test_an_interactive_client_gets_an_analysis(default: Served) -> None:
    command = [sys.executable, "-m", "websockets", f"{default.url}/ws/vision"]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    patience = threading.Timer(PATIENCE, client.kill)
    patience.daemon = True
    patience.start()
    with client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write('{"type": "request_workspace_analysis"}\n')
        client.stdin.flush()
        received = next(line for line in client.stdout if "< {" in line)
        client.stdin.close()
        rest = client.stdout.read()
        assert client.wait(PATIENCE) == 0
    patience.cancel()
    answer = json.loads(received[received.index("{") :])
    assert answer["type"] == "workspace_analysis"
    assert "Connection closed: 1000" in rest


async def test_vision_measures_what_it_sees(default: Served) -> None:
    async with default.connect("/ws/vision") as connection:
        answer = await exchange(connection, {"type": "request_workspace_analysis", "id": 1})
        assert (answer["type"], answer["id"]) == ("workspace_analysis", 1)
        seen = answer["payload"]
        assert seen["width"] > 0
        assert seen["height"] > 0
        assert seen["colors"]
        started = await exchange(connection, {"type": "start_monitoring", "id": 2, "payload": {"interval": 60}})
        assert started["type"] == "monitoring_started"
        stopped = await exchange(connection, {"type": "stop_monitoring", "id": 3})
        assert (stopped["type"], stopped["payload"]["active"]) == ("monitoring_stopped", True)
        wrong = await exchange(connection, {"type": "request_workspace_analysi", "id": 4})
        assert wrong["error"]["code"] == "unknown_type"
        assert "request_workspace_analysis" in wrong["error"]["hint"]


async def test_voice_hears_a_tone(default: Served) -> None:
    tone = [int(20_000 * math.sin(2 * math.pi * 440 * at / 16_000)) for at in range(1600)]
    async with default.connect("/ws/voice") as connection:
        await connection.send(struct.pack("<1600h", *tone))
        async with asyncio.timeout(PATIENCE):
            levels: list[dict[str, Any]] = [json.loads(await connection.recv()) for _ in range(5)]
        assert [level["type"] for level in levels] == ["level"] * 5
        assert all(-10 < level["rms"] < 0 for level in levels)
        assert (await exchange(connection, {"type": "reset"}))["type"] == "ready"


async def test_automation_streams_its_progress(default: Served) -> None:
    async with default.connect("/ws/automation") as connection:
        listed = await exchange(connection, {"type": "list_actions"})
        assert "wait" in [action["name"] for action in listed["payload"]["actions"]]
        request = {"action": "wait", "arguments": {"seconds": 0.05, "steps": 3}}
        await connection.send(json.dumps({"type": "run_action", "id": "run", "payload": request}))
        parts: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE):
            while not (parts and parts[-1].get("final")):
                parts.append(json.loads(await connection.recv()))
        assert {(part["type"], part["id"]) for part in parts} == {("action_progress", "run")}
        assert [part["payload"]["step"] for part in parts[:3]] == [1, 2, 3]
        assert [part for part in parts if part.get("payload", {}).get("result")] != []
        refused = await exchange(connection, {"type": "run_action", "id": 2, "payload": {"action": "format_disk"}})
        assert (refused["error"]["code"], refused["error"]["path"]) == ("invalid_message", "$.payload.action")


async def test_the_general_route_describes_and_echoes(default: Served) -> None:
    async with default.connect("/ws") as connection:
        described = await exchange(connection, {"type": "describe", "id": 1})
        document = json.loads((await asyncio.to_thread(default.get, f"{default.http}/.well-known/websocket-routes"))[2])
        paths = ["/ws/vision", "/ws/voice", "/ws/automation", "/ws"]
        for each in (described["payload"], document):
            assert sorted(route["path"] for route in each["routes"]) == sorted(paths)
        assert described["payload"]["spec"] == document["spec"]
        echoed = await exchange(connection, {"type": "anything", "id": 2, "payload": [1, {"a": None}]})
        assert echoed["payload"] == {"type": "anything", "payload": [1, {"a": None}]}


SMALLEST = """\
{"routes": [{"path": "/ws/vision", "capabilities": ["vision", "monitoring", "claude"],
             "pythonModule": "backend.api.unified_vision_handler"}]}
"""

TEN_LINES = """\
from typing import Any

from routewright.handlers import on


@on.any
def answer(message: dict[str, Any]) -> dict[str, Any]:
    if message["type"] == "count":
        return {"type": "counted", "payload": len(message.get("payload") or [])}
    return {"type": "echo", "payload": message}
"""


async def test_the_smallest_spec_with_a_module_of_ten_lines(tmp_path: Path) -> None:
    assert len(TEN_LINES.splitlines()) == 10
    project = Project(tmp_path)
    project.spec(SMALLEST)
    project.save("backend/api/unified_vision_handler.py", TEN_LINES)
    with serving(project) as served:
        async with served.connect("/ws/vision") as connection:
            counted = await exchange(connection, {"type": "count", "id": 7, "payload": [1, 2, 3]})
            assert counted == {"type": "counted", "id": 7, "payload": 3}
            echoed = await exchange(connection, {"type": "request_workspace_analysis"})
            assert echoed["payload"]["type"] == "request_workspace_analysis"
            assert (await exchange(connection, "nonsense"))["error"]["code"] == "invalid_json"
        status, _, body = await asyncio.to_thread(served.get, f"{served.http}/ws/visoin")
        assert (status, json.loads(body)["near"]) == (404, ["/ws/vision"])
        project.save("backend/api/unified_vision_handler.py", TEN_LINES.replace("counted", "numbered"))
        await served.logged("handler code reloaded")
        async with served.connect("/ws/vision") as connection:
            assert (await exchange(connection, {"type": "count", "payload": []}))["type"] == "numbered"
