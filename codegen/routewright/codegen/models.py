"""The message models of one generated module: classes for objects, aliases for everything else.

Strategy: two passes. The first walks the shapes and drafts a class for each object, anonymous ones before the class
that needs them. Only then are all names of the module known, so the second can name the attributes, none of which may
hide a name that an annotation uses, and write the defaults.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from routewright.codegen import literals, names
from routewright.codegen.annotations import Annotations
from routewright.codegen.defaults import is_mutable, typed_value
from routewright.codegen.errors import RenderError, placed
from routewright.codegen.examples import Reprs
from routewright.codegen.expressions import (
    WIDTH,
    Expression,
    call,
    choice,
    columns,
    lay,
    named,
    one_line,
    subscript,
    text,
)
from routewright.codegen.shapes import Components
from routewright.spec.model import NullShape, ObjectShape, Property, ReferenceShape, Shape

TYPING = ("Annotated", "Any", "Literal", "TypeAlias")
"""What generated modules may import from `typing`."""

_UNENDED = re.compile(r"""\A(.*\w[)\]'"`*]*)\Z""")
"""A text of one line that ends with a word instead of a full stop."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model as source text, with the text of its docstring."""

    source: str
    doc: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A class or an alias, ready for the template: ``head`` is the class line or the whole alias, ``examples`` the
    lines of a doctest."""

    name: str
    head: str
    doc: str
    is_class: bool
    fields: tuple[Field, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(slots=True)
class _Draft:
    """A definition of which only the annotations are known. ``shape`` is ``None`` for an alias or a subclass."""

    name: str
    doc: str
    shape: ObjectShape | None = None
    base: str = "msgspec.Struct"
    alias: Expression | None = None
    annotations: dict[str, Expression] = field(default_factory=dict)
    forward: set[str] = field(default_factory=set)


class Models:
    """Collects the definitions of one module.

    Args:
        components: the spec's components.
        given: the names that the module must define.
        attributes: for each component that is an object, the attribute of each property. The module of the
            components fills it in.
        shared: what components are reached through: ``"components."`` or, in their own module, nothing.
    """

    def __init__(
        self, components: Components, given: Iterable[str], attributes: dict[str, dict[str, str]], shared: str
    ) -> None:
        self.names = set(given)
        self.defined: set[str] = set()
        self._components = components
        self._component_attributes = attributes
        self._shared = shared
        self._drafts: list[_Draft] = []
        self._examples: dict[str, tuple[Shape, tuple[Any, ...]]] = {}
        self._nested_names: dict[int, str] = {}
        self._nested_attributes: dict[int, dict[str, str]] = {}
        self._within = ""
        self._imported = {"msgspec", "components", *(names.unique(each, self.names, separator="_") for each in TYPING)}
        self.annotations = Annotations(components, prefix=shared, taken=self.names, nested=self._nested)

    def add_class(self, name: str, shape: ObjectShape, doc: str) -> None:
        """A class of that name for an object."""
        outer, self._within = self._within, name
        draft = _Draft(name, doc, shape)
        if shape.tag is not None and not shape.tag[1].isascii():
            raise RenderError("", f"the constant {shape.tag[1]!r} that tells objects apart must be ASCII")
        for each in shape.properties:
            if shape.tag is None or each.name != shape.tag[0]:
                with placed(f"property {each.name!r}"):
                    _writable(each.name)
                    self._annotate(draft, each)
        self._within = outer
        self.annotations.needs_msgspec = True
        self._drafts.append(draft)

    def add_subclass(self, name: str, component: str, doc: str) -> None:
        """A class of that name that is otherwise the component's: two messages of one shape stay two types."""
        self._drafts.append(_Draft(name, doc, base=self.annotations.reference(component)))

    def add_alias(self, name: str, shape: Shape, doc: str) -> None:
        """A type alias of that name."""
        self._within = name
        alias = self.annotations.of(shape, name)
        if isinstance(shape, NullShape):
            alias = subscript(self.annotations.typing_name("Literal"), text("None"))
        self.annotations.typing_name("TypeAlias")
        self._drafts.append(_Draft(name, doc, alias=alias))

    def attributes(self, shape: ObjectShape) -> dict[str, str]:
        """The attribute of each property of an object that has a class here."""
        tag = shape.tag[0] if shape.tag else None
        wanted = [each.name for each in shape.properties if each.name != tag]
        return names.attributes(wanted, self._imported, self.names)

    def definitions(self) -> list[Definition]:
        """Everything that was added, in an order that Python can execute."""
        for draft in self._drafts:
            if draft.shape is not None and id(draft.shape) in self._nested_names:
                self._nested_attributes[id(draft.shape)] = self.attributes(draft.shape)
        found = [self._definition(draft) for draft in self._drafts]
        if not self.annotations.needs_msgspec:
            return found
        return [replace(each, examples=self._doctests(each)) if each.name in self._examples else each for each in found]

    def add_examples(self, name: str, payload: Shape, examples: tuple[Any, ...]) -> None:
        """Examples of a definition that was added, as JSON values."""
        self._examples[name] = payload, examples

    def _doctests(self, definition: Definition) -> tuple[str, ...]:
        payload, examples = self._examples[definition.name]
        own: dict[str, str] | None = None
        if definition.is_class:
            own = self.attributes(payload) if isinstance(payload, ObjectShape) else self._constructor(payload)[1]

        def constructor(shape: Shape) -> tuple[str, dict[str, str]]:
            return self._constructor(shape) if own is None or shape is not payload else (definition.name, own)

        width = WIDTH - 4 if definition.is_class else WIDTH
        return tuple(Reprs(self._components, constructor).doctests(definition.name, examples, payload, width))

    def _nested(self, shape: ObjectShape, wanted: str) -> str:
        if id(shape) not in self._nested_names:
            name = names.unique(names.identifier(wanted, ""), self.names, TYPING)
            self.names.add(name)
            self._nested_names[id(shape)] = name
            outer, self.annotations.used = self.annotations.used, set()
            self.add_class(name, shape, prose(shape) or f"Part of `{self._within}`.")
            self.annotations.used = outer
            self.defined.add(name)
        return self._nested_names[id(shape)]

    def _annotate(self, draft: _Draft, each: Property) -> None:
        outer, self.annotations.used = self.annotations.used, set()
        draft.annotations[each.name] = self.annotations.of(each.shape, draft.name + names.class_name(each.name))
        if not self._shared and any(self._components[key].name not in self.defined for key in self.annotations.used):
            draft.forward.add(each.name)
        self.annotations.used = outer

    def _definition(self, draft: _Draft) -> Definition:
        if draft.alias is not None:
            head = f"{draft.name}: {self.annotations.local('TypeAlias')} = "
            return Definition(draft.name, head + lay(draft.alias, 0, columns(head)), draft.doc, is_class=False)
        shape = draft.shape
        if shape is None:
            return Definition(draft.name, f"class {draft.name}({draft.base}):", draft.doc, is_class=True)
        options = [text(draft.base), named("kw_only=", text("True"))]
        if shape.closed:
            options.append(named("forbid_unknown_fields=", text("True")))
        if shape.tag is not None:
            options.append(named("tag_field=", text(literals.string(shape.tag[0]))))
            options.append(named("tag=", text(literals.string(shape.tag[1]))))
        attributes = self._nested_attributes.get(id(shape)) or self.attributes(shape)
        fields = []
        for each in shape.properties:
            if each.name in draft.annotations:
                with placed(f"`{draft.name}`, property {each.name!r}"):
                    fields.append(self._field(draft, each, attributes[each.name]))
        head = lay(call(f"class {draft.name}", options), 0, 0, 1) + ":"
        return Definition(draft.name, head, draft.doc, is_class=True, fields=tuple(fields))

    def _field(self, draft: _Draft, each: Property, attribute: str) -> Field:
        annotation = draft.annotations[each.name]
        if not each.required and not each.has_default:
            annotation = choice([annotation, text("msgspec.UnsetType")])
        if each.name in draft.forward:
            annotation = text(literals.string(one_line(annotation)))
        doc = "" if isinstance(each.shape, ObjectShape) else prose(each.shape)
        return Field(_assignment(attribute, annotation, self._value(each, attribute)), doc)

    def _value(self, each: Property, attribute: str) -> Expression | None:
        """What stands behind the ``=`` of a field."""
        arguments: list[Expression] = []
        plain: Expression | None = None
        if not each.required and each.has_default:
            value = typed_value(each.default, each.shape, self._components, self._constructor)
            if not is_mutable(value):
                plain = value
            elif (empty := {"[]": "list", "{}": "dict"}.get(one_line(value))) is not None:
                arguments.append(named("default_factory=", text(empty)))
            else:
                arguments.append(named("default_factory=lambda: ", value))
        elif not each.required:
            plain = text("msgspec.UNSET")
        if attribute == each.name and not arguments:
            return plain
        if plain is not None:
            arguments.append(named("default=", plain))
        if attribute != each.name:
            arguments.append(named("name=", text(literals.string(each.name))))
        return call("msgspec.field", arguments)

    def _constructor(self, shape: Shape) -> tuple[str, dict[str, str]]:
        if isinstance(shape, ReferenceShape):
            return self.annotations.reference(shape.component), self._component_attributes[shape.component]
        return self._nested_names[id(shape)], self._nested_attributes[id(shape)]


def prose(shape: Shape) -> str:
    """A shape's title and description as one text."""
    return paragraphs(shape.title, shape.description)


def paragraphs(*texts: str) -> str:
    """Texts as the paragraphs of a docstring; each ends as a sentence does."""
    return "\n\n".join(_UNENDED.sub(r"\1.", text.strip()) for text in texts if text.strip())


def reserve_attributes(models: Models, components: Components) -> dict[str, dict[str, str]]:
    """The attributes of every component that is an object, once all names of their module are known."""
    return {
        key: models.attributes(component.shape)
        for key, component in components.items()
        if isinstance(component.shape, ObjectShape)
    }


def _assignment(name: str, annotation: Expression, value: Expression | None) -> str:
    """A field's line or lines, 4 columns in. As ruff does it, the value is wrapped before the annotation."""
    start = f"{name}: "
    if value is None:
        return start + lay(annotation, 4, 4 + columns(start))
    whole = f"{start}{one_line(annotation)} = {one_line(value)}"
    if 4 + columns(whole) <= WIDTH:
        return whole
    if annotation.flat is not None:
        head = f"{start}{annotation.flat} = "
        room = WIDTH - 4 - columns(head)
        if is_mutable(value) and len(one_line(value).partition("(")[0]) < room:
            return head + lay(value, 4, WIDTH)
        if room > 0 and 8 + columns(one_line(value)) <= WIDTH:
            return f"{head}(\n        {one_line(value)}\n    )"
    laid = start + lay(annotation, 4, WIDTH)
    last = laid.rpartition("\n")[2]
    return f"{laid} = {lay(value, 4, columns(last) + 3)}"


def _writable(name: str) -> None:
    """msgspec writes a property's name as it is, so none that JSON would have to escape.

    Raises:
        RenderError: it would.
    """
    if any(c in '"\\' or c < " " for c in name):
        raise RenderError("", "the name has a character that JSON has to escape")
