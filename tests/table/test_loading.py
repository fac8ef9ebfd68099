"""Loading generated packages again and again: what is shared, what is fresh, and what is told of a broken one."""

import sys
from pathlib import Path

import msgspec
import pytest

from routewright.table import Table, TableError, load

MODELS = """
from __future__ import annotations

import msgspec


class Node(msgspec.Struct):
    value: int
    next: Node | None = None
"""
SHAPES = """
import msgspec


class Shape(msgspec.Struct):
    sides: int
"""
USES = """
import msgspec

from .components import Shape


class Drawing(msgspec.Struct):
    shape: Shape
"""
TABLE = """
from routewright.table import MessageType, Pool, Route, Table

from . import models, uses

table = Table(
    digest="{digest}",
    routes=(
        Route(
            name="r", path="/r", handler="app", digest="1", contract="1",
            messages=(
                MessageType(name="node", payload=models.Node),
                MessageType(name="drawing", payload=uses.Drawing),
            ),
        ),
    ),
    pools=(Pool(name="app", routes=("r",), digest="p"),),
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "generated"
    folder.mkdir()
    for name, text in (("__init__", ""), ("models", MODELS), ("components", SHAPES), ("uses", USES)):
        (folder / f"{name}.py").write_text(text)
    (folder / "table.py").write_text(TABLE.format(digest="d1"))
    return folder


def payloads(table: Table) -> tuple[type, type]:
    node, drawing = table.routes[0].messages
    return node.payload, drawing.payload


def epochs() -> set[str]:
    return {name for name in sys.modules if name.startswith("routewright_epoch_")}


def test_a_table_is_loaded_as_it_is_now(folder: Path) -> None:
    for digest in ("d1", "d2", "d3"):
        (folder / "table.py").write_text(TABLE.format(digest=digest))
        assert load(folder).digest == digest


def test_models_whose_text_is_the_same_are_the_same(folder: Path) -> None:
    first = payloads(load(folder))
    (folder / "table.py").write_text(TABLE.format(digest="d2"))
    assert payloads(load(folder)) == first


def test_a_changed_model_is_a_new_one_and_the_old_one_goes_on(folder: Path) -> None:
    node, drawing = payloads(load(folder))
    (folder / "models.py").write_text(MODELS.replace("value: int", "value: str"))
    newer, same = payloads(load(folder))
    assert newer is not node
    assert same is drawing
    assert msgspec.json.decode(b'{"value": 1, "next": {"value": 2}}', type=node).next.value == 2
    assert msgspec.json.decode(b'{"value": "1", "next": {"value": "2"}}', type=newer).next.value == "2"


def test_a_changed_shape_changes_what_uses_it(folder: Path) -> None:
    _, drawing = payloads(load(folder))
    (folder / "components.py").write_text(SHAPES.replace("sides: int", "sides: str"))
    _, newer = payloads(load(folder))
    assert msgspec.json.decode(b'{"shape": {"sides": 3}}', type=drawing).shape.sides == 3
    assert msgspec.json.decode(b'{"shape": {"sides": "3"}}', type=newer).shape.sides == "3"


@pytest.mark.parametrize("unwritten", [True, False])
def test_two_saves_within_a_second_are_told_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch, unwritten: bool
) -> None:
    """Byte code that is known by its time in whole seconds would be mistaken for that of another text."""
    monkeypatch.setattr(sys, "dont_write_bytecode", unwritten)
    texts = [MODELS, MODELS.replace("value", "thing"), MODELS]
    fields = []
    for text in texts:
        (folder / "models.py").write_text(text)
        node, _ = payloads(load(folder))
        fields.append(msgspec.structs.fields(node)[0].name)
    assert fields == ["value", "thing", "value"]
    assert bool(list(folder.rglob("__pycache__/models.*.pyc"))) is not unwritten


def test_loading_leaves_nothing_behind_but_what_is_shared(folder: Path) -> None:
    load(folder)
    finders, modules = list(sys.meta_path), epochs()
    for number in range(20):
        (folder / "table.py").write_text(TABLE.format(digest=f"d{number}"))
        (folder / "models.py").write_text(MODELS + f"# {number}\n")
        load(folder)
    assert sys.meta_path == finders
    assert len(epochs()) == len(modules)


def test_two_projects_are_apart(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in folder.iterdir():
        (other / file.name).write_text(file.read_text().replace("value: int", "value: str"))
    one, two = payloads(load(folder)), payloads(load(other))
    assert one[0] is not two[0]
    assert payloads(load(folder)) == one


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("table.py", None, "table.py does not exist"),
        ("table.py", "table = 5\n", "table.py has no `table`"),
        ("table.py", "tables = 5\n", "does not load (AttributeError: "),
        ("table.py", "table = (\n", "does not load (SyntaxError: "),
        (
            "models.py",
            "import no_such_module\n",
            "does not load (ModuleNotFoundError: No module named 'no_such_module')",
        ),
        ("models.py", "1 / 0\n", "does not load (ZeroDivisionError: "),
        ("models.py", MODELS.replace("Node | None", "Nobody | None"), "does not load (NameError: "),
        ("models.py", None, "does not load (ImportError: "),
        ("uses.py", None, "does not load (ImportError: "),
    ],
)
def test_a_package_that_does_not_load_is_named_and_harms_nothing(
    folder: Path, file: str, text: str | None, message: str
) -> None:
    good = {path.name: path.read_text() for path in folder.iterdir()}
    before = payloads(load(folder))
    finders = list(sys.meta_path)
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text)
    with pytest.raises(TableError) as raised:
        load(folder)
    assert str(raised.value).startswith(f"{folder}/table.py ")
    assert message in str(raised.value)
    assert str(raised.value).endswith(": run `routewright generate`")
    assert sys.meta_path == finders
    assert msgspec.json.decode(b'{"value": 1, "next": {"value": 2}}', type=before[0]).next.value == 2
    for name, original in good.items():
        (folder / name).write_text(original)
    assert load(folder).digest == "d1"
