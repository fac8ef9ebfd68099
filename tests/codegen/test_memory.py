"""Rendering again in one process: what is remembered never shows."""

import dataclasses
from typing import Any

import pytest

from routewright.codegen import memory, render
from routewright.spec.model import (
    AnyShape,
    Component,
    IntegerShape,
    Message,
    ObjectShape,
    Property,
    ReferenceShape,
    Route,
    Spec,
)


def spec(default: Any = 1, least: int = 0, **route: Any) -> Spec:
    """A spec of two routes, the second of which never changes."""
    shape = ObjectShape(
        properties=(
            Property(name="size", shape=ReferenceShape(component="Size"), required=True),
            Property(name="flag", shape=AnyShape(), has_default=True, default=default),
        )
    )
    document = {"messages": {"go": {"payload": {"default": default}}}, **route}
    first = Route(
        name="first",
        module="first",
        path="/first",
        handler="app",
        messages=(Message(name="go", model="Go", origin="client", payload=shape, schema={}),),
        document=document,
        **route,
    )
    second = Route(name="second", module="second", path="/second", handler="app", document={})
    components = {"Size": Component(name="Size", shape=IntegerShape(minimum=least))}
    return Spec(file="spec.json", digest=repr((default, least, route)), components=components, routes=(first, second))


CHANGES = {
    "a policy": spec(timeout=3.0),
    "a summary": spec(summary="First."),
    "a component": spec(least=1),
    "a default that equals the old one": spec(default=True),
    "nothing": spec(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_spec_is_rendered_as_in_a_new_process(change: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    render(spec())
    again = render(change)
    monkeypatch.setattr(memory, "_exact", lambda value: object())
    assert again == render(change)


def test_unchanged_routes_are_the_same_objects() -> None:
    first = memory.settled(spec())
    second = memory.settled(spec(timeout=3.0))
    assert second.routes[0] is not first.routes[0]
    assert second.routes[1] is first.routes[1]
    assert second.components is first.components
    assert second == spec(timeout=3.0)


def test_what_is_made_of_the_same_objects_is_made_once() -> None:
    made: list[tuple[Any, ...]] = []

    @memory.remembered
    def make(route: Route, *around: Any) -> int:
        made.append((route, *around))
        return len(made)

    route, around = spec().routes[0], object()
    assert [make(route, around, "text"), make(route, around, "te" + "xt")] == [1, 1]
    assert make(route, around, "other") == 2
    assert make(route, object(), "other") == 3
    assert make(dataclasses.replace(route), around, "text") == 4
    assert make(route) == 5
