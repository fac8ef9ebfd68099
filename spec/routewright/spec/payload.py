"""Payload schemas -> shapes.

Strategy: a schema is compiled where it stands; what a ``$ref`` leads to becomes a component, compiled once and when it
is its turn, so that neither recursion nor a long chain of references grows the stack. A shape is what msgspec can
decode to: it says all of the schema, or (``exact`` is false then) accepts more, and a generated check function enforces
the schema. A schema that is wrong becomes `AnyShape` and leaves findings behind. What needs all shapes (constants of
unions, defaults, examples, recursion) is looked at in the end, by `routewright.spec.closing`.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from routewright.spec import general, objects, scalars, unions
from routewright.spec.keywords import ANNOTATIONS, ENFORCED, OF_TYPE, SIMPLE, TYPE_WORDS, refusal
from routewright.spec.library import Library, ReferenceProblem
from routewright.spec.model import (
    AnyShape,
    ArrayShape,
    BooleanShape,
    Component,
    NullShape,
    ReferenceShape,
    Shape,
    UnionShape,
)
from routewright.spec.names import model, pascal
from routewright.spec.nearest import nearest
from routewright.spec.node import Finding, Node
from routewright.spec.pointer import tokens
from routewright.spec.quoting import quoted, type_name
from routewright.spec.resources import is_identifier
from routewright.spec.scalars import VALUE, Reader

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""What ``$schema`` may say."""

KEYWORD, REFERENCE, FORBIDDEN = "RW401", "RW403", "RW404"

_SIMPLE = {kind: frozenset((*keys, "type")) for kind, keys in SIMPLE.items()}
_TYPES = {key: frozenset(kind for kind, keys in OF_TYPE.items() if key in keys) for key in ENFORCED}

Location = tuple[Path, str]


def location(node: Node) -> Location:
    """What tells a schema from all others."""
    return node.document.path, node.pointer


class Sample(NamedTuple):
    """A value (a default or an example) that must fit a schema. ``shape`` is the schema's, ``root`` the place of the
    payload, parameter or component that it is part of."""

    node: Node
    shape: Shape
    schema: Node
    root: Location


class Payloads:
    """All payload schemas of a spec.

    Attributes:
        names: component by location.
        components: what is compiled so far, by name.
        targets: name of the component that the ``$ref`` of the schema at a location leads to.
        exact: false once a part of the present root is more than its shape says.
        loose: payloads, parameters and components of which a part is more than its shape says.
        tags: property and constant that tell an object from the other options of its union, by location.
        alone: where an object is referred to outside a union, by location.
        general: shapes of the schemas that `routewright.spec.general` has looked at.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.found: list[tuple[str, Finding]] = []
        self.samples: list[Sample] = []
        self.names: dict[Location, str] = {}
        self.nodes: dict[str, Node] = {}
        self.components: dict[str, Component] = {}
        self.targets: dict[Location, str] = {}
        self.exact = True
        self.loose: set[Location] = set()
        self.tags: dict[Location, tuple[str, str]] = {}
        self.alone: dict[Location, Node] = {}
        self.general: dict[Location, Shape] = {}
        self._root: Location = (library.spec.path, "")
        self._waiting: list[str] = []
        self._builders: dict[str, Callable[[Node], Shape]] = {
            "object": lambda node: objects.object_(self, node),
            "array": self._array,
            "string": lambda node: self.scalar(scalars.string(node)),
            "integer": lambda node: self.scalar(scalars.integer(node)),
            "number": lambda node: self.scalar(scalars.number(node)),
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
            self.components[name] = Component(name=name, shape=self.root(self.nodes[name]))

    def root(self, node: Node) -> Shape:
        """The shape of a payload, a parameter or a component."""
        self._root, self.exact = location(node), True
        shape = self.shape(node)
        if not self.exact:
            self.loose.add(self._root)
        return shape

    def shape(self, node: Node, *, of_property: bool = False) -> Shape:
        """The shape of a schema; a default only means something where it is that of a property."""
        if isinstance(node.value, bool):
            self.exact = self.exact and node.value
            return AnyShape()
        if not isinstance(node.value, dict):
            self.wrong(VALUE, node, f"a schema must be an object, true or false, not {type_name(node.value)}")
            return AnyShape()
        if "default" in node.value and not of_property:
            hint = "give it to an optional property"
            self.wrong(KEYWORD, node.below("default"), '"default" has no effect here', hint, key=True)
        title, description = self._annotations(node)
        shape = self._kind(node)
        if title or description or shape.title or shape.description:
            shape = replace(shape, title=title, description=description)
        examples = node.get("examples")
        for each in examples.items() if examples is not None else ():
            self.sample(each, shape, node)
        return shape

    def sample(self, node: Node, shape: Shape, schema: Node) -> None:
        """A value must fit a schema, which is part of the present root."""
        self.samples.append(Sample(node, shape, schema, self._root))

    def types(self, node: Node) -> list[str]:
        """The types that a schema declares."""
        if "type" not in node.value:
            return []
        if isinstance(node.value["type"], str) and node.value["type"] in OF_TYPE:
            return [node.value["type"]]
        declared = node.below("type")
        if isinstance(declared.value, str):
            return [declared.value] if self._is_type(declared) else []
        if not isinstance(declared.value, list) or not declared.value:
            self.wrong(VALUE, declared, f'"type" must be a type or a list of types, not {type_name(declared.value)}')
            return []
        kinds = [each.value for each in declared.items() if self._is_type(each)]
        if len(set(kinds)) < len(kinds):
            self.wrong(VALUE, declared, "a type stands twice", "keep one of them")
        return [kind for kind in dict.fromkeys(kinds) if kind != "integer" or "number" not in kinds]

    def typed(self, node: Node, kinds: list[str]) -> Shape:
        """The shape of a schema by its types and the keywords that speak of them."""
        shapes = tuple(self._builders[kind](node) for kind in kinds)
        if len(shapes) == 1:
            return shapes[0]
        options = unions.safe(shapes)
        self.exact = self.exact and options == shapes
        return UnionShape(options=options)

    def _kind(self, node: Node) -> Shape:
        value = node.value
        keys = self._keywords(node)
        declared = value.get("type")
        if type(declared) is str and declared in _SIMPLE and keys <= _SIMPLE[declared]:
            return self._builders[declared](node)
        if not keys:
            return AnyShape()
        if keys == {"$ref"}:
            return self.reference(node)
        if keys <= {"enum", "type"} or keys <= {"const", "type"}:
            if keys != {"type"}:
                self.types(node)
                return self.scalar(scalars.enumeration(node))
        elif keys == {"anyOf"} or keys == {"oneOf"}:
            listed = node.below(*keys)
            if isinstance(listed.value, list) and listed.value and (found := unions.union(self, listed)) is not None:
                return found
        kinds = self.types(node)
        if kinds and keys <= frozenset().union(*(_SIMPLE[kind] for kind in kinds)):
            return self.typed(node, kinds)
        if "type" in value:
            if not kinds:
                return AnyShape()
            self._belong(node, keys, kinds)
        self.exact = False
        return general.shape(self, node, keys, kinds)

    def _keywords(self, node: Node) -> set[str]:
        """What demands anything of a value; what does nothing at all is a problem."""
        keys = set()
        for key, value in node.value.items():
            if key in ENFORCED:
                keys.add(key)
            elif key not in ANNOTATIONS and not key.startswith("x-") and not self._identifies(node, key, str(value)):
                self.wrong(KEYWORD, node.below(key), *refusal(key, ""), key=True)
        return keys

    def _identifies(self, node: Node, key: str, value: str) -> bool:
        """Whether a keyword only says what a schema is called, or which language it is in."""
        if key == "$id":
            return is_identifier(value)
        root = "$id" in node.value or self.library.root(node).pointer == node.pointer
        return key == "$schema" and value.removesuffix("#") == DIALECT and root

    def _belong(self, node: Node, keys: set[str], kinds: list[str]) -> None:
        """Refuse keywords of other types than the schema's."""
        for key in node.value:
            if key in keys and _TYPES[key] and not _TYPES[key] & set(kinds):
                place = f"on {' or '.join(map(_article, kinds))}"
                self.wrong(KEYWORD, node.below(key), *refusal(key, place), key=True)

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

    def _array(self, node: Node) -> Shape:
        reader = Reader(node)
        least, most = reader.counts("minItems", "maxItems")
        self.found += reader.found
        items = self.shape(node.below("items")) if "items" in node.value else AnyShape()
        return ArrayShape(items=AnyShape() if "prefixItems" in node.value else items, min_items=least, max_items=most)

    def scalar(self, built: scalars.Scalar) -> Shape:
        """The shape of a scalar's schema, once it is noted what is to be said of it."""
        self.found += built.found
        self.exact = self.exact and built.exact
        return built.shape

    def _annotations(self, node: Node) -> tuple[str, str]:
        """Title and description; wrong values of all annotations are noted."""
        if _ANNOTATED.keys().isdisjoint(node.value):
            return "", ""
        for key, value in node.value.items():
            if key in _ANNOTATED and not isinstance(value, _ANNOTATED[key][0]):
                message = f'"{key}" must be {_ANNOTATED[key][1]}, not {type_name(value)}'
                self.wrong(VALUE, node.below(key), message)
        if "$defs" in node.value:
            for _, member in node.below("$defs").members():
                self.component(member)
        return node.text("title") or "", node.text("description") or ""

    def _is_type(self, node: Node) -> bool:
        if isinstance(node.value, str) and node.value in OF_TYPE:
            return True
        word = node.value if isinstance(node.value, str) else ""
        found = TYPE_WORDS.get(word.lower()) or nearest(word, OF_TYPE)
        hint = f'did you mean "{found}"?' if found else f"types: {', '.join(OF_TYPE)}"
        self.wrong(VALUE, node, f"{quoted(node.value)} is no JSON type", hint)
        return False

    def _name(self, node: Node) -> str:
        """A class name from the last telling word of a schema's place."""
        words = [token for token in tokens(node.pointer) if pascal(token)]
        if not words:
            words = [node.document.path.stem]
        last = f"{words[-2]}_payload" if words[-1] == "payload" and len(words) > 1 else words[-1]
        return model(last, "Schema") or "Schema"


_ANNOTATED: dict[str, tuple[type, str]] = {
    **dict.fromkeys(
        ("$comment", "title", "description", "contentEncoding", "contentMediaType", "$anchor", "$id"), (str, "a string")
    ),
    **dict.fromkeys(("deprecated", "readOnly", "writeOnly"), (bool, "true or false")),
    "examples": (list, "a list"),
    "$defs": (dict, "an object"),
}


def _article(kind: str) -> str:
    return "null" if kind == "null" else f"{'an' if kind[0] in 'aio' else 'a'} {kind}"
