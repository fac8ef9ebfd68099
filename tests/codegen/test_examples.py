"""Examples in generated modules are doctests that hold."""

import doctest
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hostile import texts
from hypothesis import given, settings
from hypothesis import strategies as st
from specimens import message, one, payload_type, properties, route, spec

from routewright.codegen import literals, render
from routewright.spec.model import (
    AnyShape,
    ArrayShape,
    BooleanShape,
    EnumShape,
    IntegerShape,
    MapShape,
    NullShape,
    NumberShape,
    ObjectShape,
    Property,
    ReferenceShape,
    Shape,
    StringShape,
    UnionShape,
)

ROOT = Path(__file__).parent.parent.parent
PACKAGES = [ROOT / "generated", *sorted((ROOT / "tests/codegen/golden").glob("*/generated"))]


def loaded(package: Path, name: str) -> dict[str, ModuleType]:
    """The modules of a generated package, imported under a name of its own."""
    found: dict[str, ModuleType] = {}
    for path in (package / "__init__.py", *sorted(package.glob("[!_]*.py"))):
        full = name if path.stem == "__init__" else f"{name}.{path.stem}"
        if full not in sys.modules:
            specification = importlib.util.spec_from_file_location(
                full, path, submodule_search_locations=[str(package)]
            )
            assert specification is not None
            assert specification.loader is not None
            sys.modules[full] = importlib.util.module_from_spec(specification)
            specification.loader.exec_module(sys.modules[full])
        found[path.stem] = sys.modules[full]
    return found


def attempted(module: ModuleType, source: str) -> int:
    """How many examples of a module were run, including those below its type aliases; all of them hold."""
    runner = doctest.DocTestRunner(verbose=False)
    parser = doctest.DocTestParser()
    tests = doctest.DocTestFinder(parser=parser).find(module)
    aliases = [part for part in source.split("\n\n\n") if ": TypeAlias = " in part and part.rstrip().endswith('"""')]
    for part in aliases:
        tests.append(parser.get_doctest(part[: part.rindex('"""')], vars(module).copy(), module.__name__, None, 0))
    for each in tests:
        runner.run(each)
    assert runner.failures == 0
    return runner.tries


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.parent.name)
def test_every_example_of_a_generated_module_holds(package: Path) -> None:
    modules = loaded(package, f"examples_of_{package.parent.name}")
    ran = sum(attempted(module, (package / f"{name}.py").read_text()) for name, module in modules.items())
    assert ran == sum(path.read_text().count(">>> m") for path in package.glob("*.py"))


def test_the_golden_examples_are_there() -> None:
    source = (ROOT / "tests/codegen/golden/examples/generated/map.py").read_text()
    assert source.count(">>> m") == 15


def values() -> st.SearchStrategy[tuple[Shape, Any]]:
    """A shape and a JSON value that fits it."""
    scalars: st.SearchStrategy[tuple[Shape, Any]] = st.one_of(
        st.integers(-(2**63), 2**63 - 1).map(lambda value: (IntegerShape(), value)),
        st.integers(-1000, 1000).map(lambda value: (NumberShape(), value)),
        st.floats(allow_nan=False, allow_infinity=False).map(lambda value: (NumberShape(), value)),
        st.booleans().map(lambda value: (BooleanShape(), value)),
        st.text(max_size=5).map(lambda value: (StringShape(), value)),
        st.just((NullShape(), None)),
        st.just((EnumShape(values=("a", 1, None)), 1)),
        st.text(max_size=3).map(lambda value: (UnionShape(options=(IntegerShape(), StringShape())), value)),
        st.one_of(st.integers(), st.text(max_size=3), st.lists(st.none())).map(lambda value: (AnyShape(), value)),
    )

    def larger(inner: st.SearchStrategy[tuple[Shape, Any]]) -> st.SearchStrategy[tuple[Shape, Any]]:
        return st.one_of(
            inner.map(lambda pair: (ArrayShape(items=pair[0]), [pair[1], pair[1]])),
            inner.map(lambda pair: (MapShape(values=pair[0]), {"k": pair[1]})),
            st.lists(inner, max_size=3).map(
                lambda pairs: (
                    ObjectShape(
                        properties=(
                            *properties(**{f"p{index}": shape for index, (shape, _) in enumerate(pairs)}),
                            Property(name="class", shape=StringShape()),
                            Property(name="d", shape=NumberShape(), has_default=True, default=1),
                        )
                    ),
                    {f"p{index}": value for index, (_, value) in enumerate(pairs)},
                )
            ),
        )

    return st.recursive(scalars, larger, max_leaves=4)


@settings(max_examples=80, deadline=None)
@given(values())
def test_what_is_printed_is_what_python_prints(
    tmp_path_factory: pytest.TempPathFactory, pair: tuple[Shape, Any]
) -> None:
    shape, value = pair
    folder = tmp_path_factory.mktemp("examples")
    whole = one(ObjectShape(properties=properties(a=shape)), examples=({"a": value},))
    model = payload_type(whole, folder)
    shown = repr(msgspec.json.decode(json.dumps({"a": value}), type=model))
    source = render(whole)["vision.py"]
    assert (">>> m" in source) <= (f"\n    {shown}\n" in source or "message.a" in source)
    spoken = f"{value!r}{shown}"
    legible = spoken.isascii() and spoken.isprintable() and not set("\\'\"") & set(json.dumps(value))
    if legible and len(shown) < 60 and len(json.dumps(value)) < 40:
        assert f"\n    {shown}\n" in source


@settings(max_examples=60, deadline=None)
@given(texts(), texts())
def test_nothing_but_an_example_is_run(text: str, value: str) -> None:
    prompts = f"{text}\n>>> raise SystemExit\n  >>>{text}\n{'word ' * 25}>>> 1 / 0 {text}"
    shape = ObjectShape(title=prompts, description=prompts, properties=properties(a=StringShape(), b=AnyShape()))
    whole = spec(
        route(message(shape, summary=prompts, description=prompts, examples=({"a": value, "b": {value: [value]}},))),
        components={"C": shape},
    )
    for source in (render(whole)["vision.py"], render(whole)["components.py"]):
        scope: dict[str, Any] = {"__name__": "made"}
        exec(source, scope)
        module = ModuleType("made")
        vars(module).update(scope)
        assert attempted(module, source) == source.count(">>> msgspec.json") + source.count(">>> message")


def test_a_message_of_a_shared_shape_prints_its_own_name() -> None:
    components: dict[str, Shape] = {"Place": ObjectShape(properties=properties(x=IntegerShape()))}
    place = ReferenceShape(component="Place")
    inside = ObjectShape(properties=properties(at=place))
    messages = (message(inside, examples=({"at": {"x": 1}},)), message(place, "go", "Go", examples=({"x": 2},)))
    source = render(spec(route(*messages), components=components))["vision.py"]
    assert "    Ask(at=Place(x=1))\n" in source
    assert "    Go(x=2)\n" in source


def test_a_module_without_msgspec_has_no_example_that_needs_it() -> None:
    components: dict[str, Shape] = {"Place": ObjectShape(properties=properties(x=IntegerShape()))}
    source = render(one(ReferenceShape(component="Place"), components, examples=({"x": 1},)))["vision.py"]
    assert "msgspec" not in source


def test_a_docstring_of_prompts_has_no_prompt() -> None:
    assert literals.docstring("a\n>>> b\n  >>>c >>> d") == '"""a\n> >> b\n  > >>c >>> d\n"""'
