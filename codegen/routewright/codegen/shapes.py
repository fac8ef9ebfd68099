"""Walks over payload shapes: what a shape refers to, what a reference leads to, in which order components are written.

Strategy: components form a directed graph that may have cycles. Its strongly connected groups, dependencies first,
are computed once (Tarjan's algorithm, without recursion, so that a long chain of references is no danger) and serve
both the order of the generated classes and the digests.
"""

from collections.abc import Iterator, Mapping

from routewright.codegen.errors import RenderError
from routewright.spec.model import ArrayShape, Component, MapShape, ObjectShape, ReferenceShape, Shape, UnionShape

Components = Mapping[str, Component]


def children(shape: Shape) -> Iterator[Shape]:
    """The shapes directly inside a shape."""
    match shape:
        case ObjectShape(properties=properties):
            yield from (each.shape for each in properties)
        case ArrayShape(items=items):
            yield items
        case MapShape(values=values):
            yield values
        case UnionShape(options=options):
            yield from options


def references(shape: Shape, *, into_objects: bool = True) -> Iterator[str]:
    """Keys of the components that a shape refers to, in order; with ``into_objects`` false only those that are not
    inside an object's properties."""
    if isinstance(shape, ReferenceShape):
        yield shape.component
    elif into_objects or not isinstance(shape, ObjectShape):
        for child in children(shape):
            yield from references(child, into_objects=into_objects)


def target(shape: Shape, components: Components) -> Shape:
    """The shape itself, or what its references finally lead to.

    Raises:
        RenderError: they lead nowhere.
    """
    seen: set[str] = set()
    while isinstance(shape, ReferenceShape):
        if shape.component in seen or shape.component not in components:
            raise RenderError(f"component {shape.component!r}", "the reference leads nowhere")
        seen.add(shape.component)
        shape = components[shape.component].shape
    return shape


def groups(graph: Mapping[str, list[str]]) -> list[list[str]]:
    """The strongly connected groups of a graph (node -> successors), each after all that it leads to; the nodes of a
    group in the graph's own order."""
    order = {node: position for position, node in enumerate(graph)}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_nodes: list[str] = []
    is_open: set[str] = set()
    found: list[list[str]] = []
    for root in graph:
        if root in index:
            continue
        path = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        open_nodes.append(root)
        is_open.add(root)
        while path:
            node, successors = path[-1]
            following = next(successors, None)
            if following is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    group = _closed(open_nodes, node)
                    is_open.difference_update(group)
                    found.append(sorted(group, key=order.__getitem__))
            elif following not in index:
                index[following] = low[following] = len(index)
                open_nodes.append(following)
                is_open.add(following)
                path.append((following, iter(graph[following])))
            elif following in is_open:
                low[node] = min(low[node], index[following])
    return found


def _closed(open_nodes: list[str], root: str) -> list[str]:
    group = [open_nodes.pop()]
    while group[-1] != root:
        group.append(open_nodes.pop())
    return group


def component_groups(components: Components) -> list[list[str]]:
    """`groups` of the components by their references.

    Raises:
        RenderError: a reference names no component.
    """
    graph = {key: list(dict.fromkeys(references(each.shape))) for key, each in components.items()}
    for key, successors in graph.items():
        for successor in successors:
            if successor not in graph:
                raise RenderError(f"component {key!r}", f"refers to {successor!r}, which does not exist")
    return groups(graph)
