"""Byte code beside its source: taken only where it is of that very text, and never needed."""

import importlib.util
import marshal
import os
import py_compile
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from routewright.table.bytecode import compiled


@pytest.fixture(autouse=True)
def written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def value(path: Path) -> object:
    names: dict[str, object] = {}
    exec(compiled(path.read_bytes(), str(path)), names)
    return names["value"]


def cached(path: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(path)))


@pytest.fixture
def module(tmp_path: Path) -> Path:
    module = tmp_path / "module.py"
    module.write_text("value = 1\n")
    assert value(module) == 1
    return module


def test_byte_code_is_taken_instead_of_compiling_again(module: Path) -> None:
    head = cached(module).read_bytes()[:16]
    cached(module).write_bytes(head + marshal.dumps(compile("value = 2", str(module), "exec")))
    assert value(module) == 2


def test_python_takes_it_too(module: Path) -> None:
    """It is a file of PEP 552 whose hash is checked."""
    spec = importlib.util.spec_from_file_location("module", module)
    assert spec is not None
    assert spec.loader is not None
    before = cached(module).read_bytes()
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    assert found.value == 1
    assert cached(module).read_bytes() == before


def test_another_text_of_the_same_size_and_time_is_told_apart(module: Path) -> None:
    times = module.stat()
    module.write_text("value = 3\n")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert value(module) == 3


def test_byte_code_that_is_known_by_a_time_stamp_is_not_trusted(module: Path) -> None:
    times = module.stat()
    py_compile.compile(str(module), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    module.write_text("value = 4\n")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert value(module) == 4


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:20], lambda data: data[:16] + b"N"])
def test_a_damaged_file_is_written_anew(module: Path, damage: Callable[[bytes], bytes]) -> None:
    file = cached(module)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert value(module) == 1
    assert file.read_bytes() == whole


def test_a_module_that_has_moved_tells_its_new_place(module: Path) -> None:
    moved = module.with_name("moved.py")
    moved.write_bytes(module.read_bytes())
    cached(module).replace(cached(moved))
    assert compiled(moved.read_bytes(), str(moved)).co_filename == str(moved)


def test_where_nothing_can_be_written_it_is_compiled(module: Path) -> None:
    for file in cached(module).parent.iterdir():
        file.unlink()
    cached(module).parent.rmdir()
    cached(module).parent.write_text("a file in the folder's place")
    assert value(module) == 1


def test_no_draft_is_left_behind(module: Path) -> None:
    assert list(cached(module).parent.iterdir()) == [cached(module)]
