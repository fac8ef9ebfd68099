"""The modules that hold models: one a route, and one for the shapes that routes share."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from routewright.codegen import names
from routewright.codegen.checks import Checks
from routewright.codegen.checks_references import refers, tracking
from routewright.codegen.checks_vocabulary import SOURCES
from routewright.codegen.errors import RenderError, placed
from routewright.codegen.imports import exported, imported
from routewright.codegen.models import Definition, Models, paragraphs, prose, reserve_attributes
from routewright.codegen.shapes import Components, component_groups, groups, references, target
from routewright.spec.model import Message, ObjectShape, ReferenceShape, Route, Shape

COMPONENTS = "components"
"""The module of the shared shapes."""

RESERVED = frozenset({COMPONENTS, "table"})
"""Modules that no route may be called like."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module of models, ready for its template."""

    name: str
    doc: str
    typing: list[str]
    imports_msgspec: bool
    imports_table: list[str]
    imports_components: bool
    exports: str
    definitions: tuple[Definition, ...]
    checks: str = ""


def check_name(model: str) -> str:
    """The name of the check function that belongs to a model: no two models share one."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model).lower()
    return f"check_{words if names.class_name(words) == model else model}"


def components_module(
    components: Components, needed: Collection[tuple[str, bool]]
) -> tuple[Module, dict[str, dict[str, str]]]:
    """The module of the shared shapes, and the attribute of each property of those that are objects. ``needed`` are the
    components that are checked, see `routewright.codegen.checks_references.needed`."""
    given = [names.identifier(each.name, f"component {key!r}") for key, each in components.items()]
    if len(set(given)) != len(given):
        raise RenderError("components", "two of them have one name")
    attributes: dict[str, dict[str, str]] = {}
    models = Models(components, given, attributes, shared="")
    for key in _order(components):
        component = components[key]
        with placed(f"component {key!r}"):
            doc = prose(component.shape)
            if isinstance(component.shape, ObjectShape):
                models.add_class(component.name, component.shape, doc)
            else:
                models.add_alias(component.name, component.shape, doc)
            models.defined.add(component.name)
    attributes.update(reserve_attributes(models, components))
    functions = {key: check_name(each.name) for key, each in components.items()}
    checks = Checks({*given, *functions.values(), *map(tracking, functions.values())}, functions, "")
    for key in components:
        for tracked in (False, True):
            if (key, tracked) in needed:
                with placed(f"component {key!r}"):
                    name = tracking(functions[key]) if tracked else functions[key]
                    schema = components[key].schema
                    checks.add(name, schema, "", tracked=tracked, once=refers(schema))
    return _module(COMPONENTS, "Shapes that several messages share.", models, checks), attributes


def route_module(route: Route, components: Components, attributes: dict[str, dict[str, str]]) -> Module | None:
    """The module of a route's messages; ``None`` where none of them has a payload."""
    payloads = {message.model: message for message in route.messages if message.payload is not None}
    if not payloads:
        return None
    given = [names.identifier(message.model, f"message {message.name!r}") for message in payloads.values()]
    if len(payloads) != sum(message.payload is not None for message in route.messages):
        raise RenderError("", "two messages have one model")
    models = Models(components, given, attributes, shared=f"{COMPONENTS}.")
    for message in payloads.values():
        with placed(f"message {message.name!r}"):
            _add_message(models, message, route, components)
    functions = {key: check_name(each.name) for key, each in components.items()}
    checks = Checks({*given, *map(check_name, payloads)}, functions, f"{COMPONENTS}.")
    for message in payloads.values():
        if message.checked:
            with placed(f"message {message.name!r}"):
                doc = f"Check the payload of ``{message.name}``."
                checks.add(check_name(message.model), message.schema, doc)
    doc = f"Messages of the route ``{route.name}`` (``{route.path}``)."
    return _module(route.module, paragraphs(doc, route.summary, route.description), models, checks)


def module_name(route: Route) -> str:
    """The name of a route's module, checked.

    Raises:
        RenderError: it is no name for a module of the package.
    """
    name = names.identifier(route.module, "module")
    if name in RESERVED or name != name.lower() or name.startswith("_"):
        raise RenderError("", f"{name!r} is no name for its module")
    return name


def _add_message(models: Models, message: Message, route: Route, components: Components) -> None:
    payload = message.payload
    if payload is None:
        return
    doc = _message_doc(message, payload, route)
    if isinstance(payload, ObjectShape):
        models.add_class(message.model, payload, doc)
    elif isinstance(payload, ReferenceShape) and isinstance(target(payload, components), ObjectShape):
        models.add_subclass(message.model, payload.component, doc)
    else:
        models.add_alias(message.model, payload, doc)
    if message.examples:
        models.add_examples(message.model, payload, message.examples)


def _message_doc(message: Message, payload: Shape, route: Route) -> str:
    """What the message is for, then how it travels."""
    title, description = message.summary.strip() or payload.title, message.description.strip() or payload.description
    sender = {"client": "from the client", "handler": "from the handler", "both": "from either side"}[message.origin]
    traffic = f"``{message.name}``, {sender}"
    if message.reply is not None:
        reply = next((each for each in route.messages if each.name == message.reply), None)
        answer = f"`{reply.model}`" if reply is not None and reply.payload is not None else f"``{message.reply}``"
        traffic += f", answered by a stream of {answer}" if message.stream else f", answered by {answer}"
    return paragraphs(title, description, traffic + ("; deprecated." if message.deprecated else "."))


def _module(name: str, doc: str, models: Models, checks: Checks) -> Module:
    annotations, vocabulary = models.annotations, checks.vocabulary
    definitions = tuple(models.definitions())
    words = annotations.typing | (vocabulary.used & {"Any", "Final"})
    typing = imported("typing", ((each, annotations.local(each)) for each in words))
    table = [
        statement
        for module, known in SOURCES.items()
        for statement in imported(module, ((each, vocabulary.local(each)) for each in known if each in vocabulary.used))
    ]
    public = [each.name for each in checks.functions if not each.name.startswith("_")]
    exports = exported([*(each.name for each in definitions), *public])
    shared = name != COMPONENTS and (annotations.needs_components or checks.needs_components)
    return Module(name, doc, typing, annotations.needs_msgspec, table, shared, exports, definitions, checks.source())


def _order(components: Components) -> list[str]:
    """Keys of the components so that an alias comes after all that it is made of; a class may name a later one.

    Raises:
        RenderError: aliases that are made of each other, with no object in between.
    """
    ordered: list[str] = []
    for group in component_groups(components):
        aliases = [key for key in group if not isinstance(components[key].shape, ObjectShape)]
        ordered += [key for key in group if key not in set(aliases)]
        direct = {
            key: [each for each in references(components[key].shape, into_objects=False) if each in set(aliases)]
            for key in aliases
        }
        for circle in groups(direct):
            if len(circle) > 1 or circle[0] in direct[circle[0]]:
                raise RenderError(f"component {circle[0]!r}", "is recursive without an object in between")
            ordered += circle
    return ordered
