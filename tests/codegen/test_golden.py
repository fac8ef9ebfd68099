"""Whole specs and what they compile to, to the character.

``ROUTEWRIGHT_GOLDEN=write pytest tests/codegen/test_golden.py`` writes the expected files anew: read the diff.
"""

import os
import shutil
from pathlib import Path

import pytest

from routewright.codegen import compare, publish, render
from routewright.spec import check, report_text
from routewright.table import load
from routewright.table.frames import client_messages, decoder, handler_messages

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


def rendered(case: str) -> dict[str, str]:
    checked = check(GOLDEN / case / "websocket-routes.json")
    assert checked.spec is not None, report_text(checked, carets=True)
    files = render(checked.spec)
    del files["websocket-routes.schema.json"], files["manifest.json"]
    return files


@pytest.mark.parametrize("case", CASES)
def test_a_spec_compiles_to_its_golden_files(case: str) -> None:
    folder = GOLDEN / case / "generated"
    files = rendered(case)
    if os.environ.get("ROUTEWRIGHT_GOLDEN") == "write":
        shutil.rmtree(folder, ignore_errors=True)
        publish(files, folder)
    assert "".join(each.diff for each in compare(files, folder)) == ""
    assert {path.name for path in folder.iterdir()} == set(files)


@pytest.mark.parametrize("case", CASES)
def test_golden_files_load_and_every_message_has_a_decoder(case: str) -> None:
    table = load(GOLDEN / case / "generated")
    for route in table.routes:
        for messages in (client_messages(route), handler_messages(route)):
            assert (decoder(messages) is None) == (not messages)
