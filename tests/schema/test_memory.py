"""What is loaded can be forgotten: msgspec frees the types of an old epoch without harm."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.schema.compiling import Refused, compiled

TEXT: dict[str, Any] = {"type": "string", "pattern": "^a", "maxLength": 3}
LIST: dict[str, Any] = {"type": "array", "items": {"type": "integer"}}
MAP: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "integer"}}
SCHEMAS: list[Any] = [
    {"type": ["array", "string"], "pattern": "^a", "maxLength": 3},
    {"type": ["object", "string", "null"], "pattern": "^a", "additionalProperties": True},
    {"anyOf": [TEXT, LIST]},
    {"oneOf": [MAP, {"type": "null"}, TEXT]},
    {"anyOf": [{"$ref": "#/$defs/list"}, {"$ref": "#/$defs/text"}], "$defs": {"list": LIST, "text": TEXT}},
    {"type": "object", "properties": {"a": {"anyOf": [TEXT, LIST]}, "b": {"oneOf": [MAP, TEXT]}}},
    {"type": "object", "properties": {"a": {"type": ["string", "array"], "pattern": "^a"}}},
    {"allOf": [{"type": ["array", "string"]}, {"pattern": "^a"}], "anyOf": [TEXT, LIST]},
]
PROGRAM = """
import gc, sys
from pathlib import Path
from routewright.table import load
from routewright.table.frames import decoder
for _ in range(20):
    (route,) = load(Path(sys.argv[1])).routes
    decode = decoder(route.messages)
    del route, decode
    (Path(sys.argv[1]) / "x.py").open("a").write("#")
    gc.collect()
"""


def test_a_pattern_beside_an_array_is_enforced(tmp_path: Path) -> None:
    for verdict in compiled(SCHEMAS[:5], tmp_path):
        assert not isinstance(verdict, Refused)
        assert verdict("ab")
        assert not verdict("ba")
        assert not verdict(1)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_types_are_freed_without_harm(schema: Any, tmp_path: Path) -> None:
    compiled([schema], tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "generated")],
        env={**os.environ, "PYTHONMALLOC": "debug"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
