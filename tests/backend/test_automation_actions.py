"""What actions find out, step by step."""

import asyncio
import hashlib
import os
import threading
from pathlib import Path

import pytest

from backend.api.automation import files
from backend.api.automation.action import ActionError, Arguments, Name, Step, in_thread
from backend.api.automation.actions import ACTIONS, run
from backend.api.automation.folder import Folder, FolderError


async def steps(name: Name, root: Path, arguments: Arguments | None = None) -> list[Step]:
    found = [step async for step in run(name, arguments or Arguments(), Folder(root))]
    assert [step.step for step in found] == list(range(1, len(found) + 1))
    assert {step.of for step in found} == {len(found)}
    assert [step.result is None for step in found] == [True] * (len(found) - 1) + [False]
    return found


async def result(name: Name, root: Path, arguments: Arguments | None = None) -> dict[str, object]:
    found = (await steps(name, root, arguments))[-1].result
    assert found is not None
    return found


@pytest.mark.parametrize("algorithm", ["blake2b", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 1, files.BLOCK, 3 * files.BLOCK + 7])
async def test_a_file_is_hashed(tmp_path: Path, algorithm: str, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    arguments = Arguments(path="file", algorithm=algorithm)  # type: ignore[arg-type]
    found = await steps("hash_file", tmp_path, arguments)
    assert len(found) == max(1, -(-size // files.BLOCK))
    assert found[-1].result == {
        "path": "file",
        "algorithm": algorithm,
        "bytes": size,
        "digest": hashlib.new(algorithm, content).hexdigest(),
    }


async def test_a_large_file_takes_bounded_steps(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(70 * files.BLOCK)
    assert len(await steps("hash_file", tmp_path, Arguments(path="sparse"))) == files.MAX_STEPS
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(files.MAX_HASHED + 1)
    with pytest.raises(ActionError, match="too large"):
        await steps("hash_file", tmp_path, Arguments(path="huge"))


async def test_a_file_that_shrinks_is_not_hashed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(3 * files.BLOCK))
    hashing = run("hash_file", Arguments(path="file"), Folder(tmp_path))
    await anext(hashing)
    os.truncate(tmp_path / "file", files.BLOCK)
    with pytest.raises(ActionError, match="shorter"):
        await anext(hashing)


async def test_lines_are_counted_below_a_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.py").write_text("one\ntwo\nthree")
    (tmp_path / "sub" / "b.py").write_text("one\n")
    (tmp_path / "sub" / "README").write_text("\n\n")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\0\n\n")
    (tmp_path / ".hidden").write_text("no\n")
    (tmp_path / "link.py").symlink_to("a.py")
    assert await result("count_lines", tmp_path) == {
        "path": ".",
        "files": 4,
        "lines": 6,
        "skipped": 1,
        "bySuffix": {".py": 4, "(none)": 2, ".txt": 0},
    }
    assert (await result("count_lines", tmp_path, Arguments(path="sub")))["lines"] == 3
    assert (await result("count_lines", tmp_path, Arguments(path="a.py")))["lines"] == 3


async def test_many_files_are_counted_in_bounded_steps(tmp_path: Path) -> None:
    for number in range(45):
        (tmp_path / f"{number}.txt").write_text("line\n" * number)
    found = await steps("count_lines", tmp_path)
    assert len(found) == files.MAX_STEPS
    assert found[-1].message == f"45 files, {sum(range(45))} lines"


async def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 3)
    for number in range(4):
        (tmp_path / str(number)).touch()
    for name in ("count_lines", "disk_usage"):
        with pytest.raises(ActionError, match="more than 3 files"):
            await result(name, tmp_path)


async def test_a_name_that_is_no_unicode_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"file.\xff")).write_text("x\n")
    assert (await result("count_lines", tmp_path))["bySuffix"] == {".?": 1}


async def test_disk_usage_counts_the_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(bytes(1000))
    (tmp_path / ".hidden").write_bytes(bytes(23))
    found = await result("disk_usage", tmp_path)
    assert (found["files"], found["bytes"]) == (2, 1023)
    disk = os.statvfs(tmp_path)
    assert found["total"] == disk.f_blocks * disk.f_frsize


async def test_the_machine_is_described(tmp_path: Path) -> None:
    found = await result("system_info", tmp_path)
    assert found["processors"] == os.cpu_count()
    assert set(found) == {"system", "release", "machine", "python", "processors", "load", "memory"}


async def test_waiting_takes_the_steps_asked_for(tmp_path: Path) -> None:
    found = await steps("wait", tmp_path, Arguments(seconds=0.0, steps=3))
    assert found[-1] == Step(3, 3, "0 of 0 seconds", {"seconds": 0.0})


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("wait", Arguments(path="a"), "wait takes no argument 'path'; it takes: seconds, steps"),
        ("system_info", Arguments(steps=1), "system_info takes no argument 'steps'; it takes: none"),
        ("hash_file", Arguments(), "needs the argument 'path'"),
    ],
)
async def test_unfit_arguments_are_refused(tmp_path: Path, name: Name, arguments: Arguments, message: str) -> None:
    with pytest.raises(ActionError, match=message):
        await result(name, tmp_path, arguments)


@pytest.mark.parametrize("name", ["hash_file", "count_lines", "disk_usage"])
async def test_no_action_reads_outside_of_the_folder(tmp_path: Path, name: Name) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to("..")
    for path in ("..", "link", "/", "link/root"):
        with pytest.raises(FolderError):
            await result(name, tmp_path / "root", Arguments(path=path))


@pytest.mark.parametrize("name", ["hash_file", "count_lines", "disk_usage"])
async def test_an_action_that_is_left_closes_its_files(tmp_path: Path, name: Name) -> None:
    target = tmp_path / "file" if name == "hash_file" else tmp_path
    (tmp_path / "file").write_bytes(bytes(3 * files.BLOCK))
    (tmp_path / "other").write_text("")
    before = len(os.listdir("/dev/fd"))
    running = run(name, Arguments(path=target.relative_to(tmp_path).as_posix()), Folder(tmp_path))
    assert (await anext(running)).of > 1
    await running.aclose()
    assert len(os.listdir("/dev/fd")) == before


async def test_a_cancelled_wait_ends_at_once() -> None:
    waiting = run("wait", Arguments(seconds=60.0, steps=1), Folder(Path()))
    task = asyncio.ensure_future(anext(waiting))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(StopAsyncIteration):
        await anext(waiting)


@pytest.mark.parametrize("fails", [False, True])
async def test_cancelled_work_in_a_thread_is_waited_for(fails: bool) -> None:
    begun, held = threading.Event(), threading.Event()
    done = []

    def work() -> None:
        begun.set()
        held.wait()
        done.append(True)
        if fails:
            raise OSError("too late to matter")

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    asyncio.get_running_loop().call_soon(held.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]


def test_every_action_says_what_it_does() -> None:
    for name, action in ACTIONS.items():
        assert action.name == name
        assert action.summary.endswith(".")
        assert set(action.arguments) <= {"path", "algorithm", "seconds", "steps"}
