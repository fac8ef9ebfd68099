"""Files that cannot be read, or are not text."""

import os
from pathlib import Path

import pytest

from routewright.spec import check
from tests.spec.conftest import Check


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    checked = check(tmp_path / "websocket-routes.json")
    (problem,) = checked.problems
    assert (problem.code, problem.line, problem.column) == ("RW001", 1, 1)
    assert "No such file" in problem.message
    assert "init" in problem.hint


def test_a_folder_and_a_fifo_are_problems(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        (problem,) = check(path).problems
        assert problem.code == "RW001"
        assert "not a regular file" in problem.message


def test_an_unreadable_file_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "websocket-routes.json"
    path.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    (problem,) = check(path).problems
    assert problem.message == "the file cannot be read: Permission denied"


def test_a_path_that_no_file_can_have_is_a_problem() -> None:
    (problem,) = check(Path("a\0b")).problems
    assert problem.code == "RW001"


def test_the_place_of_a_byte_that_is_not_utf8_counts_code_points(checked: Check) -> None:
    (problem,) = checked('{\n "é😀'.encode() + b"\xff").problems
    assert (problem.code, problem.line, problem.column) == ("RW002", 2, 5)


def test_utf16_is_not_utf8(checked: Check) -> None:
    (problem,) = checked('{"routes": []}'.encode("utf-16")).problems
    assert (problem.code, problem.line, problem.column) == ("RW002", 1, 1)


def test_a_byte_order_mark_is_reported_and_columns_do_not_count_it(checked: Check) -> None:
    problems = checked(b'\xef\xbb\xbf{"rotes": []}').problems
    assert [(problem.code, problem.column) for problem in problems] == [("RW002", 1), ("RW102", 1), ("RW101", 2)]


def test_a_file_is_shown_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    path = tmp_path / "below" / "websocket-routes.json"
    path.write_text("[]", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert check(path).problems[0].path == "below/websocket-routes.json"
    monkeypatch.chdir(tmp_path / "below")
    assert check(path).problems[0].path == "websocket-routes.json"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert check(path).problems[0].path == str(path)


def test_line_ends_of_windows_do_not_move_a_place(checked: Check) -> None:
    problems = checked('{\r\n  "routes": 5\r\n}').problems
    assert [(problem.line, problem.column) for problem in problems] == [(2, 13)]
