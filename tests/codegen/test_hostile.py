"""Whatever a spec's strings hold, the output is the same few kinds of statements, and it runs."""

import ast
import dataclasses
import keyword
import re
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hostile import texts
from hypothesis import given, settings
from hypothesis import strategies as st
from specimens import message, route, spec

from routewright.codegen import RenderError, publish, render
from routewright.spec.model import (
    AnyShape,
    ArrayShape,
    Component,
    EnumShape,
    MapShape,
    ObjectShape,
    Property,
    ReferenceShape,
    Spec,
    StringShape,
)
from routewright.spec.policies import Middleware
from routewright.table import Table, load
from routewright.table.frames import client_messages, decoder

STATEMENTS = (ast.ImportFrom, ast.Import, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Expr)
CHECKS = (ast.FunctionDef, ast.If, ast.For, ast.Return)
CALLED = {
    "Final", "Violation", "Seen", "add", "any", "any_fits", "any_seen", "anything", "below", "count_fitting",
    "count_seen", "enumerate", "equal", "is_integer", "is_multiple", "is_number", "isinstance", "items", "len", "min",
    "nothing", "once", "once_seen", "other_items", "other_names", "pattern", "range", "unique", "update",
    "field", "Meta", "Table", "Route", "MessageType", "Pool", "Middleware", "Parameter", "Settings", "Admin", "Limits"
}  # fmt: skip
IMPORTED = {
    "typing", "msgspec", "routewright.table", "routewright.table.checks", "routewright.table.formats",
    "routewright.table.json_values", None,
}  # fmt: skip
OWN = re.compile(r"_?(check|track)_\w+|_[a-z]\w*_[0-9]+|_PATTERN_[0-9]+")
"""Functions of the generated module."""


def assert_harmless(source: str) -> None:
    """The file imports, declares and states; nothing else."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt):
            assert isinstance(node, STATEMENTS + CHECKS)
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call):
            assert isinstance(node.value, ast.Constant)
            assert isinstance(node.value.value, str)
        if isinstance(node, ast.ImportFrom):
            assert node.module in IMPORTED
            assert node.level == (1 if node.module is None else 0)
        if isinstance(node, ast.Import):
            assert [each.name for each in node.names] == ["msgspec"]
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id  # type: ignore[attr-defined]
            assert name in CALLED or name.startswith("Ask") or OWN.fullmatch(name)
        if isinstance(node, ast.Name | ast.Attribute | ast.arg):
            name = next(getattr(node, each) for each in ("id", "attr", "arg") if hasattr(node, each))
            assert name.isidentifier()
            assert not keyword.iskeyword(name)
            assert not name.startswith("__") or name == "__all__"


def through(spec: Spec) -> Table:
    """The loaded table, after every file was found harmless."""
    files = render(spec)
    for path, text in files.items():
        text.encode()
        if path.endswith(".py"):
            assert_harmless(text)
    with tempfile.TemporaryDirectory() as folder:
        publish(files, Path(folder))
        return load(Path(folder))


def constants(source: str) -> set[Any]:
    return {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}


@settings(max_examples=60, deadline=None)
@given(texts(), texts(), texts(), texts(), texts())
def test_texts_for_people(a: str, b: str, c: str, d: str, enum: str) -> None:
    shape = ObjectShape(
        title=a,
        description=b,
        properties=(
            Property(name="f", shape=StringShape(title=c, description=d), required=True),
            Property(name="m", shape=EnumShape(values=(enum,), description=a), has_default=True, default=enum),
            Property(name="x", shape=AnyShape(), has_default=True, default={d: [c]}),
        ),
    )
    messages = (
        message(shape, summary=a, description=b),
        message(StringShape(description=b), name="t", model="T", summary=c),
    )
    whole = spec(
        route(
            *messages, summary=a, description=b, handler=c, capabilities=(d,), path=a, aliases=(b,),
            middleware=(Middleware(name=a, settings={b: c}),), extensions={a: b},
        ),
        title=a, version=b, description=c, file=d, digest=a, extensions={c: d},
        components={"Shared": ObjectShape(title=c, description=d)},
    )  # fmt: skip
    table = through(whole)
    assert (table.title, table.version, table.description, table.spec, table.digest) == (a, b, c, d, a)
    assert (table.routes[0].handler, table.routes[0].path, table.routes[0].aliases) == (c, a, (b,))
    assert table.routes[0].middleware[0].settings == {b: c}
    assert table.routes[0].messages[0].summary == a
    decode = decoder(client_messages(table.routes[0]))
    assert decode is not None
    payload = decode(msgspec.json.encode({"type": "ask", "payload": {"f": "", "m": enum}})).payload
    assert (payload.f, payload.m, payload.x) == ("", enum, {d: [c]})


@settings(max_examples=60, deadline=None)
@given(st.lists(texts(), min_size=1, max_size=5, unique=True))
def test_property_names(names: list[str]) -> None:
    nested = ObjectShape(properties=(Property(name="deep", shape=StringShape(), required=True),))
    fields = [Property(name=name, shape=ArrayShape(items=MapShape(values=nested)), required=True) for name in names]
    whole = spec(route(message(ObjectShape(properties=tuple(fields), closed=True))))
    if any(c in '"\\' or c < " " for name in names for c in name):
        with pytest.raises(RenderError, match=r"route 'vision', message 'ask', property .* has to escape"):
            render(whole)
        return
    payload = {name: [{"k": {"deep": name}}] for name in names}
    decode = decoder(client_messages(through(whole).routes[0]))
    assert decode is not None
    found = decode(msgspec.json.encode({"type": "ask", "payload": payload})).payload
    assert msgspec.to_builtins(found) == payload


@settings(max_examples=60, deadline=None)
@given(texts(), texts(), texts())
def test_names_and_tags_on_the_wire(name: str, field: str, tag: str) -> None:
    option = ObjectShape(tag=(field, tag), properties=(Property(name="x", shape=AnyShape()),))
    if field == "x":
        option = dataclasses.replace(option, properties=())
    whole = spec(route(message(option, name=name)), components={"Other": option})
    if not name.isascii() or not tag.isascii():
        with pytest.raises(RenderError, match="must be ASCII"):
            render(whole)
        return
    table = through(whole)
    assert table.routes[0].messages[0].name == name
    decode = decoder(client_messages(table.routes[0]))
    assert decode is not None
    payload = decode(msgspec.json.encode({"type": name, "payload": {field: tag}})).payload
    assert msgspec.json.decode(msgspec.json.encode(payload)) == {field: tag}


@settings(max_examples=60, deadline=None)
@given(texts(), texts())
def test_identifiers_of_a_broken_spec(name: str, key: str) -> None:
    whole = spec(
        route(message(ReferenceShape(component=key)), message(StringShape(), name="other", model=name), module=name)
    )
    whole = dataclasses.replace(whole, components={key: Component(name=name, shape=ObjectShape())})
    try:
        through(whole)
    except RenderError:
        return
    assert name.isidentifier()


@settings(max_examples=60, deadline=None)
@given(st.lists(texts(), min_size=1, max_size=4, unique=True))
def test_texts_of_checked_schemas(names: list[str]) -> None:
    schema = {
        "type": "object",
        "required": names,
        "properties": {name: {"enum": [name, {name: [name]}]} for name in names},
        "dependentRequired": dict.fromkeys(names, names),
        "additionalProperties": {"const": names[0]},
        "anyOf": [{"const": {name: name}} for name in names] + [{"required": names}],
    }
    asked = message(AnyShape(), checked=True, schema=schema)
    check = through(spec(route(asked))).routes[0].messages[0].check
    assert check is not None
    assert check({name: name for name in names}) is None
    assert check({name: {name: [name]} for name in names}) is None
    for name in names:
        violation = check({**dict(zip(names, names, strict=True)), name: [name]})
        assert violation is not None
        assert violation.path == (name,)
    assert check({**dict(zip(names, names, strict=True)), "".join(names) + "!": None}) is not None


@settings(max_examples=60, deadline=None)
@given(texts())
def test_patterns(text: str) -> None:
    files = render(spec(route(message(ObjectShape(properties=(Property(name="a", shape=StringShape(pattern=text)),))))))
    assert_harmless(files["vision.py"])
    assert text in constants(files["vision.py"])


def test_half_a_surrogate_pair_is_refused_wherever_it_stands() -> None:
    bad = "half \ud83d of a pair"
    for whole in (
        spec(route(), title=bad),
        spec(route(), extensions={"x": {bad: 1}}),
        spec(route(), file=bad),
        spec(route(summary=bad)),
        spec(route(message(StringShape(pattern=bad)))),
        spec(route(message(StringShape(description=bad)))),
        spec(route(message(EnumShape(values=(bad,))))),
        spec(route(message(ObjectShape(properties=(Property(name=bad, shape=StringShape()),))))),
    ):
        with pytest.raises(RenderError, match="half of a surrogate pair"):
            render(whole)
