"""What can only be looked at once every payload schema is compiled: constants of unions, recursion, samples."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from routewright.spec.bundle import Bundles
from routewright.spec.fits import follow, invalid, misfits
from routewright.spec.keywords import COMBINING, SCHEMA_LISTS
from routewright.spec.model import AnyShape, ArrayShape, MapShape, ObjectShape, ReferenceShape, Shape, UnionShape
from routewright.spec.node import Node
from routewright.spec.payload import Payloads, location
from routewright.spec.quoting import quoted

KEYWORD, SAMPLE, RECURSION = "RW401", "RW408", "RW409"


def close(payloads: Payloads) -> None:
    """Finish the components and add what is found on the way."""
    payloads.compile()
    _tag(payloads)
    if not _recursion(payloads):
        _loosen(payloads)
        _samples(payloads)


def refuse_loose(payloads: Payloads, schemas: list[Node]) -> None:
    """Refuse schemas of path parameters that say more than their shapes: nothing would enforce it."""
    if not payloads.loose or not schemas or payloads.found:
        return
    bundles = Bundles(payloads)
    for schema in schemas:
        if bundles.is_loose(schema):
            message = "a path parameter has one type, its bounds, a pattern, or an enum of strings and integers"
            payloads.wrong(KEYWORD, schema, f"this is not enforced here: {message}", "let the handler check it")


def _tag(payloads: Payloads) -> None:
    """Give the constant that tells an object apart to the component that it is."""
    for place, tag in payloads.tags.items():
        name = payloads.names.get(place)
        shape = payloads.components[name].shape if name is not None else None
        if name is None or not isinstance(shape, ObjectShape):
            continue
        payloads.components[name] = replace(payloads.components[name], shape=replace(shape, tag=tag))
        if place in payloads.alone:
            # standing alone, msgspec would not miss the constant
            payloads.loose.add(place)


def _recursion(payloads: Payloads) -> bool:
    """Refuse schemas that lead back to themselves without a step into the value: checking them would never end."""
    graph = {name: list(_in_place(payloads, node)) for name, node in payloads.nodes.items()}
    found = list(_loops(graph))
    for name in found:
        message = f"schema {quoted(name)} leads back to itself without a step into the value"
        hint = "recur through a property of an object or the items of an array"
        payloads.wrong(RECURSION, payloads.nodes[name], message, hint)
    return bool(found)


def _in_place(payloads: Payloads, node: Node) -> Iterator[str]:
    """The components that speak of the same value as a schema does."""
    ahead = [node]
    while ahead:
        schema = ahead.pop()
        if not isinstance(schema.value, dict):
            continue
        if "$ref" in schema.value and location(schema) in payloads.targets:
            yield payloads.targets[location(schema)]
        for key in COMBINING:
            if key in schema.value:
                below = schema.below(key)
                ahead += below.items() if key in SCHEMA_LISTS else [below]
        dependent = schema.get("dependentSchemas")
        ahead += [each for _, each in dependent.members()] if dependent is not None else []


def _loosen(payloads: Payloads) -> None:
    """Recursion that does not pass through an object is more than an alias can say: it ends in any value."""
    graph = {name: list(_direct(each.shape)) for name, each in payloads.components.items()}
    for name in list(_loops(graph)):
        component = payloads.components[name]
        payloads.components[name] = replace(component, shape=_cut(follow(component.shape, payloads.components)))
        payloads.loose.add(location(payloads.nodes[name]))


def _cut(shape: Shape) -> Shape:
    """A shape without what it refers to: a list stays a list, a map a map."""
    match shape:
        case ArrayShape():
            return replace(shape, items=AnyShape())
        case MapShape():
            return replace(shape, values=AnyShape())
    return AnyShape()


def _loops(graph: Mapping[str, list[str]]) -> Iterator[str]:
    """One node of every circle, so that without these nodes' edges there is none."""
    done: set[str] = set()
    found: set[str] = set()
    for start in graph:
        path: set[str] = set()
        ahead: list[tuple[str, bool]] = [(start, False)]
        while ahead:
            name, leaving = ahead.pop()
            if leaving:
                path.discard(name)
                done.add(name)
            elif name in path:
                if name not in found:
                    yield name
                found.add(name)
            elif name not in done:
                path.add(name)
                ahead.append((name, True))
                ahead += [(each, False) for each in graph.get(name, ())]


def _direct(shape: Shape) -> Iterator[str]:
    """The components that a shape refers to outside the properties of objects."""
    match shape:
        case ReferenceShape(component=name):
            yield name
        case ArrayShape(items=inner) | MapShape(values=inner):
            yield from _direct(inner)
        case UnionShape(options=options):
            for option in options:
                yield from _direct(option)


def _samples(payloads: Payloads) -> None:
    """Compare defaults and examples with their schemas: by the shape where it says all of the schema."""
    bundles = Bundles(payloads) if payloads.samples and payloads.loose and not payloads.found else None
    for sample in payloads.samples:
        loose = payloads.loose and (bundles is None or sample.root in payloads.loose or bundles.is_loose(sample.schema))
        if loose and bundles is None:
            # something is wrong with a schema: samples can wait
            continue
        if loose and bundles is not None:
            found = invalid(sample.node, bundles.bundle(sample.schema))
        else:
            found = misfits(sample.node, sample.shape, payloads.components)
        for part, reason in found:
            what = "default" if sample.node.pointer.endswith("/default") else "example"
            payloads.wrong(SAMPLE, part, f"{what} does not fit its schema: it {reason}")
