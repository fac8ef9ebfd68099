"""Generated packages that are loaded again after a change."""

import dataclasses
from pathlib import Path

import msgspec
import pytest
from specimens import everything, message, one, properties, route, spec

from routewright.codegen import publish, render
from routewright.spec.model import ArrayShape, IntegerShape, ObjectShape, ReferenceShape, Shape, StringShape
from routewright.table import TableError, load
from routewright.table.frames import decoder, handler_messages


def components(label: Shape) -> dict[str, Shape]:
    tree = ObjectShape(properties=properties(label=label, children=ArrayShape(items=ReferenceShape(component="Tree"))))
    return {"Tree": tree}


def test_unchanged_models_are_shared_and_still_resolve(tmp_path: Path) -> None:
    first = everything()
    tables = []
    for title in ("one", "two", "three"):
        publish(render(dataclasses.replace(first, title=title)), tmp_path)
        tables.append(load(tmp_path))
    models = {id(each.routes[0].messages[0].payload) for each in tables}
    assert len(models) == 1
    assert decoder(handler_messages(tables[-1].routes[0])) is not None


def test_a_changed_component_reaches_modules_that_did_not_change(tmp_path: Path) -> None:
    before = one(ReferenceShape(component="Tree"), components(StringShape()))
    after = one(ReferenceShape(component="Tree"), components(IntegerShape()))
    assert render(before)["vision.py"] == render(after)["vision.py"]
    publish(render(before), tmp_path)
    old = load(tmp_path).routes[0].messages[0].payload
    publish(render(after), tmp_path)
    new = load(tmp_path).routes[0].messages[0].payload
    text, number = b'{"label":"a","children":[]}', b'{"label":1,"children":[{"label":2,"children":[]}]}'
    assert msgspec.json.decode(text, type=old).label == "a"
    assert msgspec.json.decode(number, type=new).children[0].label == 2
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=new)


def test_an_old_epoch_decodes_after_its_modules_are_gone(tmp_path: Path) -> None:
    publish(render(one(ReferenceShape(component="Tree"), components(StringShape()))), tmp_path)
    old = load(tmp_path)
    publish(render(spec(route(message(IntegerShape())))), tmp_path)
    load(tmp_path)
    decode = decoder(old.routes[0].messages)
    assert decode is not None
    frame = b'{"type":"ask","payload":{"label":"a","children":[{"label":"b","children":[]}]}}'
    assert decode(frame).payload.children[0].label == "b"


def test_a_model_that_cannot_be_decoded_to_fails_at_load(tmp_path: Path) -> None:
    publish(render(one(ReferenceShape(component="Tree"), components(StringShape()))), tmp_path)
    path = tmp_path / "components.py"
    path.write_text(path.read_text().replace("list[Tree]", "list[Gone]"))
    with pytest.raises(TableError, match="Gone"):
        load(tmp_path)
