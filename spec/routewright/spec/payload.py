"""Payload schemas -> shapes.

Strategy: a schema is compiled where it stands; what a ``$ref`` leads to becomes a component, compiled once and when it
is its turn, so that neither recursion nor a long chain of references grows the stack. A schema that is wrong becomes
`AnyShape` and leaves findings behind. What needs all shapes (constants of unions, defaults, examples, recursion) is
looked at in the end, by `routewright.spec.closing`.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from routewright.spec import scalars, unions
from routewright.spec.keywords import ANNOTATIONS, OF_TYPE, TYPE_WORDS, refusal, speaks_of_objects
from routewright.spec.library import Library, ReferenceProblem
from routewright.spec.model import (
    AnyShape,
    ArrayShape,
    BooleanShape,
    Component,
    MapShape,
    NullShape,
    ObjectShape,
    Property,
    ReferenceShape,
    Shape,
    UnionShape,
)
from routewright.spec.names import model, pascal
from routewright.spec.nearest import nearest
from routewright.spec.node import Finding, Node
from routewright.spec.pointer import tokens
from routewright.spec.quoting import quoted, type_name
from routewright.spec.scalars import VALUE, Reader

KEYWORD, REFERENCE, FORBIDDEN, UNION = "RW401", "RW403", "RW404", "RW405"

Location = tuple[Path, str]


def location(node: Node) -> Location:
    """What tells a schema from all others."""
    return node.document.path, node.pointer


class Sample(NamedTuple):
    """A value (a default or an example) that must fit a shape."""

    node: Node
    shape: Shape


class Payloads:
    """All payload schemas of a spec.

    Attributes:
        names: component by location.
        components: what is compiled so far, by name.
        targets: name of the component that the ``$ref`` of the schema at a location leads to.
        tags: property and constant that tell an object from the other options of its union, by location.
        alone: where an object is referred to outside a union, by location.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.found: list[tuple[str, Finding]] = []
        self.samples: list[Sample] = []
        self.names: dict[Location, str] = {}
        self.nodes: dict[str, Node] = {}
        self.components: dict[str, Component] = {}
        self.targets: dict[Location, str] = {}
        self.tags: dict[Location, tuple[str, str]] = {}
        self.alone: dict[Location, Node] = {}
        self._waiting: list[str] = []
        self._builders: dict[str, Callable[[Node], Shape]] = {
            "object": self._object,
            "array": self._array,
            "string": lambda node: self._scalar(scalars.string(node)),
            "integer": lambda node: self._scalar(scalars.integer(node)),
            "number": lambda node: self._scalar(scalars.number(node)),
            "boolean": lambda node: BooleanShape(),
            "null": lambda node: NullShape(),
        }

    def wrong(self, code: str, node: Node, message: str, hint: str = "", *, key: bool = False) -> None:
        """Something is wrong with a schema."""
        self.found.append((code, node.finding(message, hint, key=key)))

    def component(self, node: Node, name: str = "") -> str:
        """The component of a schema, which is compiled when its turn comes; ``name`` is taken where it is free."""
        place = location(node)
        if place not in self.names:
            wanted = name or self._name(node)
            free, count = wanted, 2
            while free in self.nodes:
                free, count = f"{wanted}{count}", count + 1
            self.names[place] = free
            self.nodes[free] = node
            self._waiting.append(free)
        return self.names[place]

    def compile(self) -> None:
        """Compile the components that wait."""
        while self._waiting:
            name = self._waiting.pop()
            self.components[name] = Component(name=name, shape=self.shape(self.nodes[name]))

    def shape(self, node: Node, *, of_property: bool = False) -> Shape:
        """The shape of a schema; a default only means something where it is that of a property."""
        if node.value is True:
            return AnyShape()
        if not isinstance(node.value, dict):
            self._no_schema(node)
            return AnyShape()
        if "default" in node.value and not of_property:
            hint = "give it to an optional property"
            self.wrong(KEYWORD, node.below("default"), '"default" has no effect here', hint, key=True)
        title, description = self._annotations(node)
        shape = replace(self._kind(node), title=title, description=description)
        self.samples += [Sample(each, shape) for each in self._examples(node)]
        return shape

    def only(self, node: Node, allowed: set[str], place: str) -> None:
        """Refuse every keyword but these, annotations and ``x-`` keys."""
        for key, value in node.value.items():
            if key not in allowed and key not in ANNOTATIONS and not key.startswith("x-"):
                if key == "$schema" and not node.pointer and "2020-12" in str(value):
                    continue
                self.wrong(KEYWORD, node.below(key), *refusal(key, place), key=True)

    def types(self, node: Node) -> list[str]:
        """The types that a schema declares, or the one that its keywords speak of."""
        value = node.value
        if "type" not in value:
            return ["object"] if speaks_of_objects(value) else []
        declared = node.below("type")
        if isinstance(declared.value, str):
            return [declared.value] if self._is_type(declared) else []
        if not isinstance(declared.value, list) or not declared.value:
            self.wrong(VALUE, declared, f'"type" must be a type or a list of types, not {type_name(declared.value)}')
            return []
        kinds = [each.value for each in declared.items() if self._is_type(each)]
        if len(set(kinds)) < len(kinds):
            self.wrong(VALUE, declared, "a type stands twice", "keep one of them")
        if {"integer", "number"} <= set(kinds):
            self.wrong(UNION, declared, "a number may be an integer already", 'leave "integer" out')
        return list(dict.fromkeys(kinds))

    def _kind(self, node: Node) -> Shape:
        value = node.value
        if "$ref" in value:
            self.only(node, {"$ref"}, 'beside "$ref"')
            return self.reference(node)
        if "enum" in value or "const" in value:
            keyword = "enum" if "enum" in value else "const"
            self.only(node, {keyword, "type"}, f'beside "{keyword}"')
            self.types(node)
            return self._scalar(scalars.enumeration(node))
        if "anyOf" in value or "oneOf" in value:
            keyword = "anyOf" if "anyOf" in value else "oneOf"
            self.only(node, {keyword}, f'beside "{keyword}"')
            return unions.union(self, node, keyword)
        return self._typed(node)

    def _typed(self, node: Node) -> Shape:
        kinds = self.types(node)
        place = f"on {' or '.join(map(_article, kinds))}" if kinds else 'without "type"'
        if kinds or "type" not in node.value:
            self.only(node, {"type", *(key for kind in kinds for key in OF_TYPE[kind])}, place)
        shapes = tuple(self._builders[kind](node) for kind in kinds)
        if len(shapes) > 1:
            return UnionShape(options=shapes)
        return shapes[0] if shapes else AnyShape()

    def reference(self, node: Node, *, in_union: bool = False) -> Shape:
        """The shape of a schema that is a ``$ref``."""
        target = self.follow(node)
        if target is None:
            return AnyShape()
        name = self.component(target)
        self.targets[location(node)] = name
        if not in_union:
            self.alone.setdefault(location(target), node.below("$ref"))
        return ReferenceShape(component=name)

    def follow(self, node: Node) -> Node | None:
        """What the ``$ref`` of a schema leads to."""
        reference = node.below("$ref")
        if not isinstance(reference.value, str):
            self.wrong(VALUE, reference, f'"$ref" must be a string, not {type_name(reference.value)}')
            return None
        try:
            return self.library.target(node, reference.value)
        except ReferenceProblem as problem:
            code = FORBIDDEN if problem.forbidden else REFERENCE
            self.wrong(code, reference, f"$ref {quoted(reference.value)}: {problem.message}", problem.hint)
            return None

    def _object(self, node: Node) -> Shape:
        value = node.value
        named = "properties" in value or value.get("additionalProperties") is False
        required = self._required(node)
        if not named:
            reader = Reader(node)
            least, most = reader.counts("minProperties", "maxProperties")
            self.found += reader.found
            values = self.shape(node.below("additionalProperties")) if "additionalProperties" in value else AnyShape()
            return MapShape(values=values, min_properties=least, max_properties=most)
        for key in ("minProperties", "maxProperties"):
            if key in value:
                hint = 'use "required" and "additionalProperties": false'
                self.wrong(KEYWORD, node.below(key), f'"{key}" is not enforced beside "properties"', hint, key=True)
        further = value.get("additionalProperties", True)
        if not isinstance(further, bool) and further != {}:
            message = '"additionalProperties" with a schema is not enforced beside "properties"'
            hint = "put the further values into a property of their own"
            self.wrong(KEYWORD, node.below("additionalProperties"), message, hint, key=True)
        properties = node.get("properties")
        if properties is not None and not isinstance(properties.value, dict):
            self.wrong(VALUE, properties, f'"properties" must be an object, not {type_name(properties.value)}')
        members = list(properties.members()) if properties is not None else []
        for name, member in members:
            if not name.isprintable() or '"' in name or "\\" in name:
                message = f"property name {quoted(name)} is not supported"
                hint = "leave quotes, backslashes and control characters out of it"
                self.wrong(KEYWORD, member, message, hint, key=True)
        return ObjectShape(
            properties=tuple(self._property(name, member, name in required) for name, member in members),
            closed=further is False,
        )

    def _required(self, node: Node) -> set[str]:
        required, properties = node.get("required"), node.get("properties")
        if required is None:
            return set()
        if not isinstance(required.value, list):
            self.wrong(VALUE, required, f'"required" must be a list, not {type_name(required.value)}')
            return set()
        known = dict(properties.members()) if properties is not None else {}
        for each in required.items():
            if not isinstance(each.value, str):
                self.wrong(VALUE, each, f'"required" must hold names, not {type_name(each.value)}')
            elif each.value not in known:
                found = nearest(each.value, known)
                hint = f'did you mean "{found}"?' if found else 'add it to "properties"'
                self.wrong(VALUE, each, f'required property {quoted(each.value)} is not among "properties"', hint)
        return {each for each in required.value if isinstance(each, str)}

    def _property(self, name: str, node: Node, required: bool) -> Property:
        shape = self.shape(node, of_property=True)
        default = node.get("default")
        if default is not None and required:
            message = f'"default" of {quoted(name)} has no effect: the property is required'
            self.wrong(KEYWORD, default, message, 'take it out of "required", or the default away', key=True)
        if default is None or required:
            return Property(name=name, shape=shape, required=required)
        self.samples.append(Sample(default, shape))
        return Property(name=name, shape=shape, has_default=True, default=default.value)

    def _array(self, node: Node) -> Shape:
        reader = Reader(node)
        least, most = reader.counts("minItems", "maxItems")
        self.found += reader.found
        items = self.shape(node.below("items")) if "items" in node.value else AnyShape()
        return ArrayShape(items=items, min_items=least, max_items=most)

    def _scalar(self, built: tuple[Shape, list[tuple[str, Finding]]]) -> Shape:
        shape, found = built
        self.found += found
        return AnyShape() if found else shape

    def _annotations(self, node: Node) -> tuple[str, str]:
        """Title and description; wrong values of all annotations are noted."""
        for key, value in node.value.items():
            if key in _ANNOTATED and not isinstance(value, _ANNOTATED[key][0]):
                message = f'"{key}" must be {_ANNOTATED[key][1]}, not {type_name(value)}'
                self.wrong(VALUE, node.below(key), message)
        definitions = node.get("$defs")
        for _, member in definitions.members() if definitions is not None else ():
            self.component(member)
        return node.text("title") or "", node.text("description") or ""

    def _examples(self, node: Node) -> list[Node]:
        examples = node.get("examples")
        return list(examples.items()) if examples is not None else []

    def _is_type(self, node: Node) -> bool:
        if isinstance(node.value, str) and node.value in OF_TYPE:
            return True
        word = node.value if isinstance(node.value, str) else ""
        found = TYPE_WORDS.get(word.lower()) or nearest(word, OF_TYPE)
        hint = f'did you mean "{found}"?' if found else f"types: {', '.join(OF_TYPE)}"
        self.wrong(VALUE, node, f"{quoted(node.value)} is no JSON type", hint)
        return False

    def _no_schema(self, node: Node) -> None:
        if node.value is False:
            self.wrong(KEYWORD, node, "the schema false accepts nothing", "leave the property or the payload out")
        else:
            self.wrong(VALUE, node, f"a schema must be an object, not {type_name(node.value)}")

    def _name(self, node: Node) -> str:
        """A class name from the last telling word of a schema's place."""
        words = [token for token in tokens(node.pointer) if pascal(token)]
        if not words:
            words = [node.document.path.stem]
        last = f"{words[-2]}_payload" if words[-1] == "payload" and len(words) > 1 else words[-1]
        return model(last, "Schema") or "Schema"


_ANNOTATED: dict[str, tuple[type, str]] = {
    **dict.fromkeys(("$comment", "title", "description"), (str, "a string")),
    **dict.fromkeys(("deprecated", "readOnly", "writeOnly"), (bool, "true or false")),
    "examples": (list, "a list"),
    "$defs": (dict, "an object"),
}


def _article(kind: str) -> str:
    return "null" if kind == "null" else f"{'an' if kind[0] in 'aio' else 'a'} {kind}"
