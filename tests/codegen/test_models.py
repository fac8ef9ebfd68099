"""What the generated models accept, hold and write."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from specimens import compiled, everything, message, one, payload_type, properties, route, spec

from routewright.codegen import RenderError, render
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
from routewright.table import frames


def decode(shape: Shape, text: str, folder: Path, components: dict[str, Shape] | None = None) -> Any:
    return msgspec.json.decode(text, type=payload_type(one(shape, components), folder))


def test_an_optional_property_is_unset_or_its_default(tmp_path: Path) -> None:
    shape = ObjectShape(
        properties=(
            Property(name="a", shape=IntegerShape()),
            Property(name="b", shape=UnionShape(options=(IntegerShape(), NullShape()))),
            Property(name="c", shape=NumberShape(), has_default=True, default=1),
            Property(name="d", shape=ArrayShape(items=IntegerShape()), has_default=True, default=[1]),
        )
    )
    model = payload_type(one(shape), tmp_path)
    first, second = msgspec.json.decode("{}", type=model), msgspec.json.decode('{"b": null}', type=model)
    assert (first.a, first.b, first.c, first.d) == (msgspec.UNSET, msgspec.UNSET, 1.0, [1])
    assert isinstance(first.c, float)
    assert second.b is None
    assert first.d is not second.d
    assert msgspec.json.encode(first) == b'{"c":1.0,"d":[1]}'


def test_defaults_are_instances_of_the_models(tmp_path: Path) -> None:
    table = compiled(everything(), tmp_path)
    analyze = table.routes[0].messages[0].payload
    value = msgspec.json.decode("{}", type=analyze)
    assert value.options == type(value.options)(fast=False)
    assert value.origin.x == 1
    assert value.words == ["a", 'say "b"']
    assert value.scores == {"a": 1.0}
    assert value.figure is None


def test_names_that_python_cannot_have(tmp_path: Path) -> None:
    wanted = ["from", "text-map", "text_map", "2fa", "", "__class__", "str", "msgspec", "Ask", "é", "ﬁ", "a b", "a.b"]
    shape = ObjectShape(properties=properties(**{name: IntegerShape() for name in wanted}))
    model = payload_type(one(shape), tmp_path)
    assert model.__struct_encode_fields__ == tuple(wanted)
    assert model.__struct_fields__ == (
        "from_", "text_map_2", "text_map", "field_2fa", "field", "class_", "str_", "msgspec_", "Ask_", "é", "fi",
        "a_b", "a_b_2",
    )  # fmt: skip


def test_a_property_called_like_a_type_does_not_hide_it(tmp_path: Path) -> None:
    shape = ObjectShape(
        properties=(
            Property(name="str", shape=IntegerShape(), has_default=True, default=1),
            Property(name="list", shape=IntegerShape(), has_default=True, default=1),
            Property(name="Any", shape=AnyShape()),
            Property(name="name", shape=ArrayShape(items=StringShape()), required=True),
        )
    )
    assert decode(shape, '{"name": ["x"]}', tmp_path).name == ["x"]


def test_models_called_like_what_the_module_imports(tmp_path: Path) -> None:
    names = ("Any", "Annotated", "Literal", "TypeAlias")
    shape = ObjectShape(
        properties=properties(a=AnyShape(), b=IntegerShape(minimum=1), c=EnumShape(values=("x",)), d=BooleanShape())
    )
    messages = [message(shape, name=name.lower(), model=name) for name in names]
    table = compiled(spec(route(*messages, message(IntegerShape(), name="n", model="N"))), tmp_path)
    for each in table.routes[0].messages[:-1]:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode('{"a": 1, "b": 0, "c": "x", "d": true}', type=each.payload)


def test_closed_objects_refuse_what_open_ones_leave_out(tmp_path: Path) -> None:
    fields = properties(a=IntegerShape())
    assert decode(ObjectShape(properties=fields), '{"a": 1, "b": 2}', tmp_path / "open").a == 1
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        decode(ObjectShape(properties=fields, closed=True), '{"a": 1, "b": 2}', tmp_path / "closed")


def test_messages_of_one_component_stay_two_types(tmp_path: Path) -> None:
    table = compiled(everything(), tmp_path)
    crop, zoom = (next(m for m in table.routes[0].messages if m.name == name).payload for name in ("crop", "zoom"))
    assert crop is not zoom
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.json.decode('{"x": 1, "y": 2, "z": 3}', type=crop)


def test_tagged_options_are_told_apart(tmp_path: Path) -> None:
    shape = UnionShape(
        options=(
            ObjectShape(tag=("kind", "a"), properties=properties(kind=EnumShape(values=("a",)), x=IntegerShape())),
            ObjectShape(tag=("kind", "b-c"), properties=properties(y=IntegerShape())),
            StringShape(),
            NullShape(),
        )
    )
    type_ = payload_type(one(shape), tmp_path)
    assert type(msgspec.json.decode('{"kind": "b-c", "y": 1}', type=type_)).__name__ == "AskBC"
    assert msgspec.json.encode(msgspec.json.decode('{"kind": "a", "x": 1}', type=type_)) == b'{"kind":"a","x":1}'
    assert msgspec.json.decode("null", type=type_) is None
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode('{"y": 1}', type=type_)


def test_recursion_through_objects_aliases_and_anonymous_objects(tmp_path: Path) -> None:
    components = {
        "Node": ObjectShape(
            properties=(
                Property(name="next", shape=ReferenceShape(component="Nodes")),
                Property(
                    name="in",
                    shape=ObjectShape(properties=(Property(name="up", shape=ReferenceShape(component="Node")),)),
                ),
            )
        ),
        "Nodes": MapShape(values=ReferenceShape(component="Node")),
    }
    table = compiled(one(ReferenceShape(component="Node"), components), tmp_path)
    decode = frames.decoder(table.routes[0].messages)
    assert decode is not None
    payload = decode(b'{"type":"ask","payload":{"next":{"k":{"in":{"up":{"next":{}}}}}}}').payload
    assert payload.next["k"].in_.up.next == {}
    with pytest.raises(msgspec.ValidationError, match=r"up"):
        decode(b'{"type":"ask","payload":{"next":{"k":{"in":{"up":3}}}}}')


def test_recursion_without_an_object_is_refused() -> None:
    components = {"Deep": ArrayShape(items=ReferenceShape(component="Deep"))}
    with pytest.raises(RenderError, match="component 'Deep': is recursive without an object"):
        render(one(ReferenceShape(component="Deep"), components))


def test_a_long_chain_of_components(tmp_path: Path) -> None:
    count = 3000
    components: dict[str, Shape] = {
        f"C{index}": ObjectShape(properties=properties(next=ReferenceShape(component=f"C{index + 1}")))
        for index in range(count)
    }
    components[f"C{count}"] = IntegerShape()
    files = render(one(ReferenceShape(component="C0"), components))
    assert files["components.py"].index(f"C{count}: TypeAlias") < files["components.py"].index("class C0(")


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (ReferenceShape(component="Lost"), "Lost"),
        (EnumShape(values=(2**63,)), "more than 64 bits"),
        (IntegerShape(minimum=-(2**64)), "more than 64 bits"),
        (NumberShape(minimum=float("inf")), "no JSON number"),
        (EnumShape(values=("\ud800",)), "surrogate"),
        (ObjectShape(properties=properties(**{'a"b': IntegerShape()})), "has to escape"),
        (
            ObjectShape(properties=(Property(name="a", shape=IntegerShape(), has_default=True, default="x"),)),
            "does not fit",
        ),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_its_place(shape: Shape, told: str) -> None:
    with pytest.raises(RenderError, match=told) as caught:
        render(one(shape))
    assert "route 'vision'" in str(caught.value)


def test_payloads_nested_too_deeply_are_refused() -> None:
    shape: Shape = IntegerShape()
    for _ in range(2000):
        shape = ArrayShape(items=shape)
    with pytest.raises(RenderError):
        render(one(shape))


@pytest.mark.parametrize("name", ["table", "components", "1x", "a-b", "Vision", "_x", "class"])
def test_module_names_are_checked(name: str) -> None:
    with pytest.raises(RenderError, match="route 'vision'"):
        render(spec(route(message(IntegerShape()), module=name)))


@pytest.mark.parametrize("name", ["a-b", "class", "x;y", "__X", "A\n"])
def test_model_names_are_checked(name: str) -> None:
    with pytest.raises(RenderError, match="is not a name"):
        render(one(IntegerShape(), model=name))
