"""Properties of the whole output: its bytes, its style, its types, how it grows."""

import ast
import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import PIECES
from specimens import everything, message, one, route, spec

from routewright import table as runtime
from routewright.codegen import publish, render
from routewright.spec import check, model, schema
from routewright.table import load

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
SPECS = sorted(GOLDEN.glob("*/websocket-routes.json"))
LONG = "long words and more " * 12


def run(*command: str, **environment: str) -> str:
    """What a program prints; it must succeed and be silent otherwise."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages of many kinds, below one folder."""
    folder = tmp_path_factory.mktemp("packages")
    specs = {path.parent.name: check(path).spec for path in SPECS}
    for name, each in {**specs, "everything": everything(), "wide": wide(), "hostile": hostile()}.items():
        assert each is not None
        publish(render(each), folder / name)
    return folder


def hostile() -> model.Spec:
    """Every hostile piece, alone and in the middle of a text, wherever a text may stand."""
    pieces = [*PIECES, *(f"a {piece} b" for piece in PIECES), *(f'{piece}\n\n  {piece}"' for piece in PIECES)]
    fields = [
        model.Property(
            name=f"p{index}", shape=model.EnumShape(values=(piece,), description=piece), has_default=True, default=piece
        )
        for index, piece in enumerate(pieces)
    ]
    messages = [
        message(model.StringShape(pattern=piece), name=f"m{index}", model=f"M{index}", summary=piece, description=piece)
        for index, piece in enumerate(pieces)
    ]
    whole = model.ObjectShape(properties=tuple(fields))
    messages.append(message(model.AnyShape(), name="checked", model="Checked", checked=True, schema=demanding(pieces)))
    return spec(route(message(whole), *messages, summary=pieces[-1], description=pieces[-2]), title=pieces[-3])


def demanding(names: list[str]) -> Any:
    """A schema that says these texts wherever a schema may say a text."""
    inner: Any = {"enum": [*names, {name: [name] for name in names}]}
    for name in names[:12]:
        inner = {"type": "object", "properties": {name: inner}, "required": [name]}
    return {
        "properties": {name: {"const": name, "not": {"enum": [name, "x"]}} for name in names},
        "required": names,
        "dependentRequired": dict.fromkeys(names, names[:3]),
        "dependentSchemas": {name: {"required": [name]} for name in names},
        "patternProperties": {re.sub(r"\W", ".", name): inner for name in names},
        "additionalProperties": {"const": {name: name for name in names}},
        "oneOf": [{"const": name} for name in names],
        "if": {"required": names},
        "else": {"type": ["string", "integer", "null"], "enum": names},
        "unevaluatedProperties": False,
    }


def wide() -> model.Spec:
    """A spec in which nothing fits on a line."""
    string = model.StringShape(pattern="[a-z]{1,3}" * 8, min_length=1, max_length=1000, description=LONG)
    shapes: dict[str, model.Shape] = {
        "short_name_of_a_string": string,
        "nullable": model.UnionShape(options=(string, model.NullShape())),
        "words": model.EnumShape(values=tuple(f"constant number {index}" for index in range(12))),
        "several": model.UnionShape(options=(string, model.ArrayShape(items=string), model.NullShape())),
        "lists": model.ArrayShape(items=model.ArrayShape(items=string, max_items=3), min_items=1),
        "maps": model.MapShape(values=model.MapShape(values=string)),
        "just_" + "x" * 66: model.NumberShape(minimum=0.25, exclusive_maximum=1e300),
        "not an identifier " * 3: model.UnionShape(options=(model.IntegerShape(maximum=10), model.NullShape())),
    }
    defaults: dict[str, Any] = {
        "short_name_of_a_string": "x" * 90,
        "nullable": None,
        "words": "constant number 3",
        "several": ["y" * 60, "z" * 60],
        "lists": [["a" * 50, "b" * 50, "c" * 50]],
        "maps": {"k" * 40: {"l" * 40: "m" * 40}},
    }
    fields = [model.Property(name=name, shape=shape) for name, shape in shapes.items()]
    fields += [model.Property(name=f"required_{name}", shape=shape, required=True) for name, shape in shapes.items()]
    fields += [
        model.Property(name=f"default {name}", shape=shapes[name], has_default=True, default=value)
        for name, value in defaults.items()
    ]
    names = [f"a_rather_long_name_of_a_message_{index}" for index in range(6)]
    models = [f"ARatherLongNameOfAMessage{index}" for index in range(6)]
    messages = [message(shape, name=n, model=m) for n, m, shape in zip(names, models, shapes.values(), strict=False)]
    closed = model.ObjectShape(
        properties=tuple(fields), closed=True, tag=("the_kind_of_thing_that_it_is", "a_rather_long_constant" * 2)
    )
    return spec(
        route(
            message(closed, summary="Says it.", description=f"{LONG}\n\n    {LONG}\n\n{LONG}"),
            *messages,
            message(
                model.AnyShape(),
                name="deep",
                model="Deep",
                checked=True,
                schema=demanding([f"a rather long name of a property, number {index}" for index in range(14)]),
            ),
            capabilities=tuple(f"capability-{index}" for index in range(12)),
            limits=model.Limits(message_bytes=1, in_flight=1, connections=1),
            middleware=(model.Middleware(name="audit", settings={"fields": ["a" * 40, "b" * 40, {"c": "d" * 40}]}),),
            parameters=(
                model.Parameter(name="parameter", shape=string),
                model.Parameter(name="flag", shape=model.BooleanShape()),
            ),
        ),
        components={"Shape": closed, "Alias": shapes["several"], "Words": shapes["words"]},
        gateway=model.Gateway(
            host="::", allowed_origins=tuple(f"https://host-{index}.example" for index in range(5)), drain=1.5
        ),
    )


def test_ruff_finds_nothing_to_say_and_nothing_to_format(generated: Path) -> None:
    ruff = (sys.executable, "-m", "ruff")
    rules = "E,F,W,I,B,UP,SIM,RUF,C4,PIE,RET,S"
    style = ("--isolated", "--no-cache", "--line-length=120")
    run(*ruff, "format", "--diff", *style, "--target-version=py311", str(generated))
    run(
        *ruff,
        "check",
        *style,
        "--target-version=py311",
        f"--select={rules}",
        "--ignore=RUF001,RUF002,RUF003",
        str(generated),
    )


def test_mypy_strict_accepts_the_models_and_a_handler_that_uses_them(generated: Path) -> None:
    (generated / "handler.py").write_text(
        """
import msgspec
from everything.vision import Analyze, AnalyzeOptions, Crop, Draw, Result, Volume
from everything.components import Region, Tree
from everything.table import table

def answer(message: Analyze) -> Result:
    depth: int = message.depth
    words: list[str] = message.words
    from_: str | msgspec.UnsetType | None = message.from_
    region: Region | msgspec.UnsetType = message.region
    options: AnalyzeOptions = AnalyzeOptions(fast=depth > 1)
    return Result(tree=Tree(label=words[0], children=[Tree(label="x")]), share=1.0, rows=[])

def crop(message: Crop) -> int:
    return message.x + message.y

def draw(figure: Draw) -> float:
    return 0.0 if figure is None else 1.0

volume: Volume = 0.5
routes: int = len(table.routes)
"""
    )
    run(
        sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir=/dev/null", "--no-error-summary",
        str(generated), MYPYPATH=str(generated), MYPY_FORCE_COLOR="0",
    )  # fmt: skip


def test_the_bytes_are_the_same_in_every_process(generated: Path) -> None:
    script = (
        f"import sys, json; sys.path.insert(0, {str(HERE)!r})\n"
        "from specimens import everything\n"
        "from test_rendering import wide\n"
        "from routewright.codegen import render\n"
        "print(json.dumps([render(everything()), render(wide())]))"
    )
    first, second = (run(sys.executable, "-c", script, PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first == second
    here = json.loads(first)[0]
    assert list(here) == [*sorted(path for path in here if path != "manifest.json"), "manifest.json"]
    assert here == {path.name: path.read_text() for path in (generated / "everything").iterdir() if path.is_file()}


def test_the_table_holds_literals_and_no_logic() -> None:
    (statement,) = [
        node for node in ast.parse(render(everything())["table.py"]).body if isinstance(node, ast.AnnAssign)
    ]
    assert ast.unparse(statement.target) == "table"
    assert ast.unparse(statement.annotation) == "Final"
    assert statement.value is not None
    called = {ast.unparse(node.func) for node in ast.walk(statement.value) if isinstance(node, ast.Call)}
    assert called <= {*runtime.__all__, "msgspec.Meta"}
    logic = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.Compare, ast.comprehension, ast.NamedExpr)
    assert not any(isinstance(node, logic) for node in ast.walk(statement.value))


def test_the_manifest_says_what_is_owned_and_what_a_worker_needs(tmp_path: Path) -> None:
    files = render(everything())
    manifest = json.loads(files["manifest.json"])
    assert manifest["spec"] == {"file": "websocket-routes.json", "digest": "5" * 64}
    assert manifest["generator"]["name"] == "routewright"
    assert manifest["files"] == {
        path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items() if path != "manifest.json"
    }
    publish(files, tmp_path)
    table = load(tmp_path)
    assert manifest["pools"] == {pool.name: pool.digest for pool in table.pools}
    assert manifest["routes"] == {
        each.name: {"digest": each.digest, "contract": each.contract} for each in table.routes
    }


def test_the_schema_is_the_one_that_specs_are_checked_by() -> None:
    assert json.loads(render(everything())["websocket-routes.schema.json"]) == schema()


def test_a_changed_message_changes_its_module_and_what_speaks_of_all_routes() -> None:
    before = everything()
    first, *rest = before.routes[0].messages
    changed = dataclasses.replace(first, summary="Something else.")
    after = dataclasses.replace(
        before,
        digest="6" * 64,
        routes=(dataclasses.replace(before.routes[0], messages=(changed, *rest)), before.routes[1]),
    )
    old, new = render(before), render(after)
    whole = {"asyncapi.json", "client.d.ts", "contracts.json", "manifest.json", "table.py"}
    assert {path for path in old if old[path] != new[path]} == {*whole, "vision.py"}


def test_a_route_without_payloads_has_no_module() -> None:
    files = render(spec(route(message(None)), route(name="other")))
    whole = {"asyncapi.json", "client.d.ts", "contracts.json", "manifest.json", "websocket-routes.schema.json"}
    assert set(files) == {*whole, "__init__.py", "table.py"}


@pytest.mark.parametrize(
    "name",
    [
        *("RateLimit", "Limits", "SlowConsumer", "Middleware", "Admin", "GatewayLimits", "Tls", "Bridge"),
        *("Settings", "Route", "MessageType", "Parameter"),
    ],
)
def test_what_is_left_out_of_the_table_is_the_default_there(name: str, tmp_path: Path) -> None:
    """The spec's values and the runtime's agree on every default, or the compiler writes the value out."""
    there = getattr(runtime, name)
    here = getattr(model, {"Settings": "Gateway", "MessageType": "Message"}.get(name, name))
    needed = {"Tls": {"certificate": "c", "key": "k"}, "Middleware": {"name": "m"}}.get(name, {})
    shared = [each.name for each in dataclasses.fields(here) if each.name in there.__struct_fields__]
    assert shared
    if name in ("Route", "MessageType", "Parameter"):
        parameter = model.Parameter(name="p", shape=model.StringShape())
        declared = model.Message(name="m", model="M", origin="client")
        whole = model.Route(name="r", module="r", path="/", parameters=(parameter,), messages=(declared,))
        publish(render(spec(whole)), tmp_path)
        loaded = load(tmp_path).routes[0]
        value: Any = {"Route": whole, "MessageType": declared, "Parameter": parameter}[name]
        found: Any = {"Route": loaded, "MessageType": loaded.messages[0], "Parameter": loaded.parameters[0]}[name]
    else:
        value, found = here(**needed), there(**needed)
    for field in shared:
        if field not in ("payload", "messages", "parameters"):
            assert repr(getattr(found, field)) == repr(getattr(value, field)), field


def test_a_thousand_routes_compile_and_their_order_is_kept() -> None:
    shape = model.ObjectShape(
        properties=tuple(model.Property(name=f"p{index}", shape=model.IntegerShape()) for index in range(5))
    )
    messages = [message(shape, name=f"m{index}", model=f"M{index}") for index in range(5)]
    numbers = [*range(500, 1000), *range(500)]
    files = render(spec(*(route(*messages, name=f"r{number}", document={}) for number in numbers)))
    assert len(files) == 1007
    imported = files["table.py"].partition("from . import (")[2].partition(")")[0]
    assert imported.replace(",", "").split() == [f"r{number}" for number in range(1000)]
    listed = re.findall(r'^            name="(r\d+)"', files["table.py"], re.MULTILINE)
    assert listed == [f"r{number}" for number in numbers]


def test_a_long_line_is_told_to_linters(tmp_path: Path) -> None:
    assert render(one(None, summary="x " * 100))["table.py"].startswith("# ruff: noqa: E501\n")
    assert "noqa" not in render(one(None, summary="short"))["table.py"]
