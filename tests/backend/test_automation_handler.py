"""``/ws/automation``: actions by name, and their progress."""

import hashlib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from backend.api.automation.action import Algorithm, Name
from backend.api.automation_handler import PROJECT, list_actions, run_action
from generated.automation import ActionProgress, RunAction
from generated.components import ActionName
from routewright.handlers import HandlerError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROUTEWRIGHT_AUTOMATION_FOLDER", str(tmp_path))
    return tmp_path


async def progress(request: dict[str, Any]) -> list[ActionProgress]:
    """The streamed reply, proved to be what the spec declares."""
    parts = [part async for part in run_action(msgspec.convert(request, RunAction))]
    assert [msgspec.json.decode(msgspec.json.encode(part), type=ActionProgress) for part in parts] == parts
    return parts


async def test_actions_are_listed_with_their_arguments() -> None:
    listed = await list_actions(None)
    assert msgspec.json.decode(msgspec.json.encode(listed), type=type(listed)) == listed
    assert {action.name: action.arguments for action in listed.actions} == {
        "count_lines": ["path"],
        "disk_usage": ["path"],
        "hash_file": ["path", "algorithm"],
        "system_info": [],
        "wait": ["seconds", "steps"],
    }


def test_the_spec_declares_what_there_is() -> None:
    assert get_args(ActionName) == get_args(Name)
    request = {"action": "hash_file", "arguments": {"path": "a"}}
    for algorithm in get_args(Algorithm):
        request["arguments"] = {"path": "a", "algorithm": algorithm}
        msgspec.convert(request, RunAction)


async def test_a_file_is_hashed(folder: Path) -> None:
    (folder / "file").write_bytes(b"content")
    (part,) = await progress({"action": "hash_file", "arguments": {"path": "file"}})
    assert part.result == {
        "path": "file",
        "algorithm": "sha256",
        "bytes": 7,
        "digest": hashlib.sha256(b"content").hexdigest(),
    }


async def test_progress_comes_in_steps(folder: Path) -> None:
    parts = await progress({"action": "wait", "arguments": {"seconds": 0.001, "steps": 4}})
    assert [(part.action, part.step, part.of) for part in parts] == [("wait", step, 4) for step in range(1, 5)]
    assert [part.result for part in parts] == [None, None, None, {"seconds": 0.001}]


@pytest.mark.parametrize("action", ["system_info", "disk_usage", "count_lines"])
async def test_arguments_may_be_left_out(folder: Path, action: str) -> None:
    assert (await progress({"action": action}))[-1].result


async def test_the_project_is_the_folder_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROUTEWRIGHT_AUTOMATION_FOLDER", raising=False)
    (part,) = await progress({"action": "hash_file", "arguments": {"path": "websocket-routes.json"}})
    content = (PROJECT / "websocket-routes.json").read_bytes()
    assert part.result is not None
    assert part.result["digest"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "request_",
    [
        {"action": "hash_file"},
        {"action": "hash_file", "arguments": {"path": "../secret"}},
        {"action": "hash_file", "arguments": {"path": "none"}},
        {"action": "system_info", "arguments": {"path": "."}},
    ],
)
async def test_what_cannot_be_done_is_the_clients_fault(folder: Path, request_: dict[str, Any]) -> None:
    with pytest.raises(HandlerError) as caught:
        await progress(request_)
    assert caught.value.code == "invalid_message"
