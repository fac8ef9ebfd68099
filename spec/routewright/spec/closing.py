"""What can only be looked at once every payload schema is compiled: constants of unions, recursion, samples."""

from collections.abc import Iterator
from dataclasses import replace

from routewright.spec.fits import misfits
from routewright.spec.model import ArrayShape, MapShape, ObjectShape, ReferenceShape, Shape, UnionShape
from routewright.spec.payload import UNION, Payloads
from routewright.spec.quoting import quoted

SAMPLE, RECURSION = "RW408", "RW409"


def close(payloads: Payloads) -> None:
    """Finish the components and add what is found on the way."""
    payloads.compile()
    _tag(payloads)
    if not _recursion(payloads):
        _samples(payloads)


def _tag(payloads: Payloads) -> None:
    """Give the constant that tells an object apart to the component that it is."""
    for place, tag in payloads.tags.items():
        name = payloads.names.get(place)
        shape = payloads.components[name].shape if name is not None else None
        if name is None or not isinstance(shape, ObjectShape):
            continue
        payloads.components[name] = replace(payloads.components[name], shape=replace(shape, tag=tag))
        if place in payloads.alone:
            message = f"{quoted(name)} is told apart by {quoted(tag[0])} in a union and cannot also stand alone"
            hint = "give one of the two places an object of its own"
            payloads.wrong(UNION, payloads.alone[place], message, hint)


def _recursion(payloads: Payloads) -> bool:
    """Refuse recursion that does not pass through an object with properties: no model could hold it."""
    graph = {name: list(_direct(each.shape)) for name, each in payloads.components.items()}
    looping = False
    done: set[str] = set()
    for start in graph:
        path: set[str] = set()
        ahead: list[tuple[str, bool]] = [(start, False)]
        while ahead:
            name, leaving = ahead.pop()
            if leaving:
                path.discard(name)
                done.add(name)
            elif name in path:
                looping = True
                message = f"schema {quoted(name)} leads back to itself without an object in between"
                payloads.wrong(RECURSION, payloads.nodes[name], message, "recur through a property of an object")
            elif name not in done:
                path.add(name)
                ahead.append((name, True))
                ahead += [(each, False) for each in graph.get(name, ())]
    return looping


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
    for node, shape in payloads.samples:
        for part, reason in misfits(node, shape, payloads.components):
            what = "default" if node.pointer.endswith("/default") else "example"
            payloads.wrong(SAMPLE, part, f"{what} does not fit its schema: it {reason}")
