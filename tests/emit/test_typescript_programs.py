"""Programs over the generated types: what must compile, and lines that must not.

A line that ends in ``//! TS2345 TS2741`` must have an error, one of these (compilers differ), and no other line any.
"""

import re
import shutil
from pathlib import Path

import pytest

from routewright.codegen import render
from routewright.spec import check, report_text
from routewright.table.codes import CLOSES, ERRORS
from tests.emit.node import COMPILERS, compiled

PROGRAMS = Path(__file__).parent / "programs"
FILES = sorted(path.name for path in PROGRAMS.glob("*.ts"))
_EXPECTED = re.compile(r"//! ((?:TS\d+ ?)+)$")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checked = check(PROGRAMS / "websocket-routes.json")
    assert checked.spec is not None, report_text(checked, carets=True)
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "client.d.ts").write_text(render(checked.spec)["client.d.ts"])
    for name in FILES:
        shutil.copy(PROGRAMS / name, tmp_path)
    return tmp_path


def test_the_codes_are_those_of_the_gateway(folder: Path) -> None:
    text = (folder / "generated" / "client.d.ts").read_text()

    def words(name: str, pattern: str) -> set[str]:
        return set(re.findall(pattern, text.partition(f"export type {name} =")[2].partition(";")[0]))

    assert words("ErrorCode", r'"(\w+)"') == {each.code for each in ERRORS}
    assert words("ReconnectCode", r"\d+") - {"1005"} == {str(each.code) for each in CLOSES if each.reconnect}
    assert words("FinalCode", r"\d+") == {str(each.code) for each in CLOSES if not each.reconnect}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_is_right_compiles_and_what_is_wrong_does_not(folder: Path, compiler: str) -> None:
    expected = {
        (name, number): set(match[1].split())
        for name in FILES
        for number, line in enumerate((folder / name).read_text().splitlines(), start=1)
        if (match := _EXPECTED.search(line))
    }
    assert len(expected) > 25
    errors = compiled(folder, FILES, compiler, "--lib", "es2022,dom")
    found: dict[tuple[str, int], set[str]] = {}
    for each in errors:
        found.setdefault((each.file, each.line), set()).add(each.code)
    assert found.keys() == expected.keys(), "\n".join(map(str, errors))
    assert all(codes <= expected[place] for place, codes in found.items()), "\n".join(map(str, errors))
