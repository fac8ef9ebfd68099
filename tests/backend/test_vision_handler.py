"""``/ws/vision``: what a session is told of its workspace."""

import asyncio
import base64
import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from PIL import Image

from backend.api.unified_vision_handler import analyze_workspace, leave, start_monitoring, stop_monitoring
from generated.vision import (
    MonitoringStarted,
    MonitoringStopped,
    RequestWorkspaceAnalysis,
    StartMonitoring,
    WorkspaceAnalysis,
    WorkspaceChanged,
)
from routewright.handlers import Context, HandlerError

Model = TypeVar("Model")


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("ROUTEWRIGHT_VISION_SOURCE", raising=False)


class Screen:
    """An image file that is looked at in place of the screen."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def show(self, color: str, *boxes: tuple[int, int, int, int], size: tuple[int, int] = (80, 60)) -> None:
        """Replace the file: a color with white boxes in it."""
        image = Image.new("RGB", size, color)
        for box in boxes:
            image.paste("white", box)
        image.save(self.file.with_suffix(".new.png"))
        os.replace(self.file.with_suffix(".new.png"), self.file)


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Screen:
    screen = Screen(tmp_path / "screen.png")
    screen.show("black")
    monkeypatch.setenv("ROUTEWRIGHT_VISION_SOURCE", str(screen.file))
    return screen


def sent(reply: Model) -> Model:
    """The reply, proved to be what the spec declares."""
    assert msgspec.json.decode(msgspec.json.encode(reply), type=type(reply)) == reply
    return reply


def analyze(context: Context, **wishes: Any) -> WorkspaceAnalysis:
    return sent(analyze_workspace(msgspec.convert(wishes, RequestWorkspaceAnalysis), context))


async def start(context: Context, **wishes: Any) -> MonitoringStarted:
    return sent(await start_monitoring(msgspec.convert(wishes, StartMonitoring), context))


async def stop(context: Context) -> MonitoringStopped:
    return sent(await stop_monitoring(None, context))


async def test_an_empty_request_measures_the_sample(context: Context) -> None:
    found = analyze(context)
    assert (found.source, found.width, found.height, found.changed) == ("sample", 960, 600, None)
    assert len(found.colors) == 5
    assert (len(found.textDensity), len(found.textDensity[0])) == (6, 8)
    again = analyze(context)
    assert again.changed is not None
    assert (again.changed.share, again.changed.cells) == (0.0, [])


async def test_a_request_says_how_it_wants_to_be_answered(context: Context) -> None:
    found = analyze(context, colors=1, columns=32, rows=2)
    assert len(found.colors) == 1
    assert [len(row) for row in found.textDensity] == [32, 32]


async def test_a_change_since_the_last_analysis_is_told(context: Context, screen: Screen) -> None:
    assert analyze(context).source == "file"
    screen.show("black", (0, 0, 10, 10), (70, 50, 80, 60))
    changed = analyze(context).changed
    assert changed is not None
    assert [(cell.column, cell.row, cell.share) for cell in changed.cells] == [(0, 0, 1.0), (7, 5, 1.0)]
    screen.show("black", size=(160, 120))
    larger = analyze(context, columns=2, rows=2).changed
    assert larger is not None
    assert (larger.share, len(larger.cells)) == (1.0, 4)


async def test_an_image_of_the_clients_own_is_measured(context: Context, screen: Screen) -> None:
    screen.show("#ff0000", size=(30, 20))
    found = analyze(context, image=base64.b64encode(screen.file.read_bytes()).decode())
    assert (found.source, found.width, found.height) == ("payload", 30, 20)
    assert [(color.hex, color.share) for color in found.colors] == [("#ff0000", 1.0)]


async def test_a_bad_image_is_the_clients_fault(context: Context) -> None:
    for image in ("no image", base64.b64encode(b"nor this").decode()):
        with pytest.raises(HandlerError) as caught:
            analyze(context, image=image)
        assert caught.value.code == "invalid_message"


async def test_monitoring_tells_of_changes_until_it_is_stopped(context: Context, client: Any, screen: Screen) -> None:
    started = await start(context, interval=0.2, threshold=0.01)
    assert (started.source, started.width, started.height, started.interval) == ("file", 80, 60, 0.2)
    screen.show("black", (0, 0, 10, 10))
    event = sent(await client.sent.get())
    assert isinstance(event, WorkspaceChanged)
    assert (event.sequence, event.source, event.share) == (1, "file", round(100 / 4800, 4))
    assert [(cell.column, cell.row) for cell in event.cells] == [(0, 0)]
    screen.file.write_bytes(b"half of an image")
    screen.show("white")
    assert (await client.sent.get()).sequence == 2
    stopped = await stop(context)
    assert (stopped.active, stopped.events) == (True, 2)
    assert stopped.captures >= 3
    screen.show("black")
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not (await stop(context)).active


async def test_monitoring_ends_with_the_connection(context: Context, screen: Screen) -> None:
    await start(context)
    assert len(asyncio.all_tasks()) == 2
    await leave(context)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await leave(context)


async def test_starting_anew_replaces_what_runs(context: Context, screen: Screen) -> None:
    await start(context)
    await asyncio.gather(*(start(context, interval=each) for each in (1.0, 2.0, 3.0)))
    assert len(asyncio.all_tasks()) == 2
    assert (await stop(context)).active
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_cannot_be_seen_is_not_monitored(context: Context, screen: Screen) -> None:
    screen.file.unlink()
    with pytest.raises(HandlerError, match="ROUTEWRIGHT_VISION_SOURCE"):
        await start(context)
    assert not (await stop(context)).active
