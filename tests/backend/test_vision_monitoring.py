"""Monitoring reports what changes, and ends when it is told to."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from PIL import Image

from backend.api.vision.capture import Capture, CaptureError
from backend.api.vision.change import Change
from backend.api.vision.monitoring import Monitoring, Sight

Event = tuple[Sight, Change, int]


class Wall:
    """Something to look at: it shows ``image``; `seen` waits until that has been looked at twice more."""

    def __init__(self) -> None:
        self.image: Image.Image | None = Image.new("RGB", (80, 60), "black")
        self.looks = 0
        self._looked = threading.Condition()

    def capture(self) -> Capture:
        with self._looked:
            self.looks += 1
            self._looked.notify_all()
        if self.image is None:
            raise CaptureError("there is nothing to see")
        return Capture("file", self.image)

    async def seen(self) -> None:
        def wait() -> None:
            with self._looked:
                until = self.looks + 2
                self._looked.wait_for(lambda: self.looks >= until)

        await asyncio.to_thread(wait)


def monitoring(wall: Wall, report: Callable[[Event], None], threshold: float = 0.0) -> Monitoring:
    def told(sight: Sight, change: Change, number: int) -> None:
        report((sight, change, number))

    return Monitoring(capture=wall.capture, report=told, interval=0.0, threshold=threshold)


async def test_each_change_is_reported_once() -> None:
    wall = Wall()
    events: asyncio.Queue[Event] = asyncio.Queue()
    watching = monitoring(wall, events.put_nowait)
    first = await watching.start()
    assert (first.source, first.snapshot.width, first.brightness.mean) == ("file", 80, 0.0)
    await wall.seen()
    assert events.empty()
    wall.image = Image.new("RGB", (80, 60), "white")
    sight, change, number = await events.get()
    assert (sight.brightness.mean, change.share, number) == (1.0, 1.0, 1)
    await wall.seen()
    assert events.empty()
    wall.image = Image.new("RGB", (40, 30), "white")
    assert (await events.get())[2] == 2
    await watching.stop()
    assert watching.events == 2
    assert watching.captures >= 5


async def test_small_changes_add_up_to_the_threshold() -> None:
    wall = Wall()
    events: asyncio.Queue[Event] = asyncio.Queue()
    watching = monitoring(wall, events.put_nowait, threshold=0.5)
    await watching.start()
    for columns in (20, 39):
        wall.image = Image.new("RGB", (80, 60), "black")
        wall.image.paste("white", (0, 0, columns, 60))
        await wall.seen()
        assert events.empty()
    wall.image = Image.new("RGB", (80, 60), "black")
    wall.image.paste("white", (0, 0, 40, 60))
    assert (await events.get())[1].share == 0.5
    await watching.stop()


async def test_a_failed_capture_is_counted_and_tried_again() -> None:
    wall = Wall()
    events: asyncio.Queue[Event] = asyncio.Queue()
    watching = monitoring(wall, events.put_nowait)
    await watching.start()
    wall.image = None
    await wall.seen()
    wall.image = Image.new("RGB", (80, 60), "white")
    assert (await events.get())[1].share == 1.0
    await watching.stop()
    assert watching.failures >= 1


async def test_without_an_image_it_does_not_start() -> None:
    wall = Wall()
    wall.image = None
    watching = monitoring(wall, lambda event: None)
    with pytest.raises(CaptureError):
        await watching.start()
    await watching.stop()
    assert watching.captures == 0


async def test_stopped_means_that_nothing_goes_on() -> None:
    wall = Wall()
    watching = monitoring(wall, lambda event: None)
    await watching.start()
    await wall.seen()
    assert len(asyncio.all_tasks()) == 2
    await watching.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_stopped_during_the_first_look_it_never_begins() -> None:
    wall = Wall()
    held, looking = threading.Event(), threading.Event()

    def slow() -> Capture:
        looking.set()
        held.wait()
        return wall.capture()

    watching = Monitoring(capture=slow, report=lambda *event: None, interval=0.0, threshold=0.0)
    starting = asyncio.create_task(watching.start())
    await asyncio.to_thread(looking.wait)
    await watching.stop()
    held.set()
    await starting
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert wall.looks == 1
