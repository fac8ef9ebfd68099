"""Specs built by hand, and what tests do with them."""

from pathlib import Path
from typing import Any

from routewright.codegen import publish, render
from routewright.spec.model import (
    AnyShape,
    ArrayShape,
    BooleanShape,
    Component,
    EnumShape,
    IntegerShape,
    MapShape,
    Message,
    NullShape,
    NumberShape,
    ObjectShape,
    Parameter,
    Property,
    ReferenceShape,
    Route,
    Shape,
    Spec,
    StringShape,
    UnionShape,
)
from routewright.spec.policies import Middleware
from routewright.table import Table, load


def spec(*routes: Route, components: dict[str, Shape] | None = None, **fields: Any) -> Spec:
    """A spec of these routes; components are named by their keys."""
    named = {key: Component(name=key, shape=shape) for key, shape in (components or {}).items()}
    return Spec(
        **{"file": "websocket-routes.json", "digest": "5" * 64, "components": named, "routes": routes, **fields}
    )


def route(*messages: Message, name: str = "vision", **fields: Any) -> Route:
    """A route, its path and handler named after it."""
    return Route(
        **{
            "name": name,
            "module": name,
            "path": f"/ws/{name}",
            "handler": f"backend.{name}",
            "messages": messages,
            **fields,
        }
    )


def message(payload: Shape | None, name: str = "ask", model: str = "Ask", **fields: Any) -> Message:
    """A message of the client's."""
    return Message(**{"name": name, "model": model, "origin": "client", "payload": payload, **fields})


def one(payload: Shape | None, components: dict[str, Shape] | None = None, **fields: Any) -> Spec:
    """A spec of one message."""
    return spec(route(message(payload, **fields)), components=components)


def properties(**shapes: Shape) -> tuple[Property, ...]:
    """Required properties."""
    return tuple(Property(name=name, shape=shape, required=True) for name, shape in shapes.items())


def compiled(spec: Spec, folder: Path) -> Table:
    """The table of a spec, after the way through text, files and import."""
    publish(render(spec), folder)
    return load(folder)


def payload_type(spec: Spec, folder: Path) -> Any:
    """The type of a one-message spec's payload."""
    return compiled(spec, folder).routes[0].messages[0].payload


def everything() -> Spec:
    """A spec that uses all there is."""
    region = ObjectShape(
        description="A part of the screen, in pixels.",
        closed=True,
        properties=properties(x=IntegerShape(minimum=0), y=IntegerShape(minimum=0)),
    )
    tree = ObjectShape(
        title="A node of the window tree.",
        properties=(
            Property(name="label", shape=StringShape(min_length=1), required=True),
            Property(
                name="children",
                shape=ArrayShape(items=ReferenceShape(component="Tree"), description="From left to right."),
                has_default=True,
                default=[],
            ),
            Property(name="forest", shape=ReferenceShape(component="Forest")),
        ),
    )
    circle = ObjectShape(tag=("kind", "circle"), properties=properties(radius=NumberShape(exclusive_minimum=0)))
    square = ObjectShape(tag=("kind", "square"), properties=properties(side=NumberShape(minimum=0, maximum=1e6)))
    components = {
        "Region": region,
        "Tree": tree,
        "Forest": ArrayShape(items=ReferenceShape(component="Tree"), max_items=10),
        "Percent": NumberShape(minimum=0, maximum=100, description="Of the whole."),
        "Circle": circle,
        "Figure": UnionShape(options=(ReferenceShape(component="Circle"), square, NullShape())),
        "Nothing": NullShape(),
    }
    return spec(
        _vision(),
        route(
            name="rooms",
            path="/ws/rooms/{room}/{rest...}",
            summary="Rooms.",
            description="Open to all.",
            parameters=(
                Parameter(name="room", shape=IntegerShape(minimum=1)),
                Parameter(name="rest", shape=StringShape(), tail=True),
            ),
            open=True,
            rate_limit=None,
            slow_consumer=None,
            middleware=(Middleware(name="audit", settings={"fields": ["type", None, 1.5, True]}),),
            extensions={"x-team": {"name": "Vision"}},
        ),
        components=components,
        title="Demo",
        version="1.2.3",
        extensions={"x-a": [1, {"b": None}]},
    )


def _vision() -> Route:
    options = ObjectShape(
        properties=(
            Property(name="fast", shape=BooleanShape(), has_default=True, default=True),
            Property(name="limit", shape=UnionShape(options=(IntegerShape(multiple_of=5), NullShape()))),
        )
    )
    analyze = ObjectShape(
        properties=(
            Property(
                name="depth",
                shape=IntegerShape(minimum=1, maximum=5, description="How deep to look."),
                has_default=True,
                default=2,
            ),
            Property(name="region", shape=ReferenceShape(component="Region")),
            Property(
                name="from", shape=UnionShape(options=(StringShape(pattern=r"^\d+\Z", max_length=12), NullShape()))
            ),
            Property(name="text-map", shape=BooleanShape(), has_default=True, default=False),
            Property(name="int", shape=IntegerShape(), has_default=True, default=3),
            Property(name="options", shape=options, has_default=True, default={"fast": False}),
            Property(
                name="origin",
                shape=ReferenceShape(component="Region", description="Where it began."),
                has_default=True,
                default={"x": 1, "y": 2},
            ),
            Property(name="words", shape=ArrayShape(items=StringShape()), has_default=True, default=["a", 'say "b"']),
            Property(name="scores", shape=MapShape(values=NumberShape()), has_default=True, default={"a": 1}),
            Property(name="mode", shape=EnumShape(values=("fast", "slow", 3, None)), has_default=True, default="fast"),
            Property(
                name="name",
                shape=UnionShape(options=(StringShape(pattern="a" * 70, min_length=1, max_length=12), NullShape())),
            ),
            Property(name="extra", shape=AnyShape()),
            Property(name="figure", shape=ReferenceShape(component="Figure"), has_default=True, default=None),
            Property(name="nothing", shape=NullShape()),
        )
    )
    result = ObjectShape(
        properties=(
            Property(name="tree", shape=ReferenceShape(component="Tree"), required=True),
            Property(name="share", shape=ReferenceShape(component="Percent"), required=True),
            Property(
                name="rows",
                shape=ArrayShape(items=ObjectShape(properties=properties(cells=ArrayShape(items=IntegerShape())))),
                required=True,
            ),
        )
    )
    return route(
        message(
            analyze,
            name="analyze",
            model="Analyze",
            summary="Asks what is on the screen.",
            description="The answer counts windows,\nand more.",
            reply="result",
            stream=True,
            optional=True,
            idempotent=True,
            timeout=5.0,
        ),
        message(result, name="result", model="Result", origin="handler"),
        message(ReferenceShape(component="Region"), name="crop", model="Crop"),
        message(ReferenceShape(component="Region"), name="zoom", model="Zoom", deprecated=True),
        message(ReferenceShape(component="Figure"), name="draw", model="Draw"),
        message(NumberShape(minimum=0, exclusive_maximum=1), name="volume", model="Volume", origin="both"),
        message(ReferenceShape(component="Nothing"), name="null", model="Null"),
        message(None, name="stop", model="Stop"),
        summary="The screen.",
        capabilities=("vision", "monitoring"),
        workers=2,
    )
