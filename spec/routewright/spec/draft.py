"""A spec while it is checked: what was written, and what could be made of it so far."""

from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from routewright.spec import paths
from routewright.spec.closing import close, refuse_loose
from routewright.spec.language import form
from routewright.spec.library import Library
from routewright.spec.model import Shape
from routewright.spec.names import default_route, model
from routewright.spec.node import Finding, Node
from routewright.spec.paths import PathError, Segment
from routewright.spec.payload import Payloads
from routewright.spec.plain import PlainRoute, listed
from routewright.spec.pointer import parent
from routewright.spec.soundness import Sound, sound

if TYPE_CHECKING:
    from routewright.spec.survey import Survey

PATH = "RW201"


class Draft:
    """What the rules look at.

    Attributes:
        whole: the spec is JSON; without that nothing else is looked at.
        found: what was found on the way, with its code.
        shapes: of the payloads and parameters, by the pointer of their schema.
        segments: of the paths and aliases that could be parsed, by their pointer.
    """

    def __init__(self, path: Path) -> None:
        self.library = Library(path)
        self.root = Node(self.library.spec, "", self.library.spec.value)
        self.whole = self.library.spec.whole
        self.payloads = Payloads(self.library)
        self.found: list[tuple[str, Finding]] = []
        self.shapes: dict[str, Shape] = {}
        self.segments: dict[str, tuple[Segment, ...]] = {}
        if self.whole:
            self.found += _form(self.root)
            self._parse_paths()
            self._compile()
            self.found += self.payloads.found
        self.found += self.library.findings()

    def routes(self) -> Iterator[Node]:
        """The routes."""
        listed = self.root.get("routes")
        return listed.items() if listed is not None else iter(())

    def messages(self, route: Node) -> Iterator[tuple[str, Node]]:
        """Names and nodes of a route's messages."""
        listed = route.get("messages")
        return listed.members() if listed is not None else iter(())

    def policies(self) -> Iterator[Node]:
        """Whatever holds policies: the defaults and the routes."""
        defaults = self.root.get("defaults")
        if defaults is not None:
            yield defaults
        yield from self.routes()

    def claims(self) -> Iterator[Node]:
        """The paths and aliases of all routes."""
        for route in self.routes():
            path, aliases = route.get("path"), route.get("aliases")
            for node in (*([path] if path else []), *(aliases.items() if aliases else [])):
                if isinstance(node.value, str):
                    yield node

    def name(self, route: Node) -> str:
        """The name of a route, ``""`` where it has none."""
        if "name" in route.value:
            return route.text("name") or ""
        path = route.get("path")
        segments = self.segments.get(path.pointer) if path is not None else None
        return default_route(paths.literals(segments)) if segments is not None else ""

    @cached_property
    def plain_routes(self) -> list[PlainRoute]:
        """The routes as plain values."""
        return listed(self.root.value)

    @cached_property
    def survey(self) -> "Survey":
        """What a walk through all payload schemas shows."""
        from routewright.spec.survey import Survey

        return Survey(self)

    def _parse_paths(self) -> None:
        for node in self.claims():
            try:
                self.segments[node.pointer] = paths.parse(node.value)
            except PathError as error:
                self.found.append((PATH, node.finding(*error.args)))

    def _compile(self) -> None:
        components = self.root.get("components", "schemas")
        for name, node in components.members() if components is not None else ():
            self.payloads.component(node, model(name, "Schema") or "Schema")
        for route in self.routes():
            parameters = route.get("parameters")
            for _, schema in parameters.members() if parameters is not None else ():
                self.shapes[schema.pointer] = self.payloads.root(schema)
            for _, message in self.messages(route):
                self._compile_message(message)
        close(self.payloads)
        refuse_loose(self.payloads, self._parameters())

    def _parameters(self) -> list[Node]:
        declared = [route.get("parameters") for route in self.routes()]
        return [schema for each in declared if each is not None for _, schema in each.members()]

    def _compile_message(self, message: Node) -> None:
        payload, examples = message.get("payload"), message.get("examples")
        if payload is not None:
            self.shapes[payload.pointer] = self.payloads.root(payload)
        for example in examples.items() if examples is not None else ():
            if payload is not None:
                self.payloads.sample(example, self.shapes[payload.pointer], payload)


def _form(root: Node) -> Iterable[tuple[str, Finding]]:
    """What is wrong with the form of a spec."""
    if _sound()(root.value):
        return ()
    # Importing jsonschema takes longer than most checks.
    from routewright.spec.form import check_form

    return check_form(root)


@cache
def _sound() -> Sound:
    return sound(form())


def holder(node: Node) -> str:
    """The pointer of the route that a path or an alias belongs to."""
    above = parent(node.pointer)
    return parent(above) if above.endswith("/aliases") else above
