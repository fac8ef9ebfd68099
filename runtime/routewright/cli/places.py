"""Where a change stands: the file, line and column of a part of a spec, followed through every ``$ref``."""

from collections.abc import Sequence
from typing import NamedTuple

from routewright.spec.library import Library, ReferenceProblem
from routewright.spec.node import Node


class Place(NamedTuple):
    """``line`` and ``column`` are from 1, columns in code points."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class Places:
    """The places of one spec.

    Args:
        folder: what the names of its files begin with, and what to write instead.
    """

    def __init__(self, library: Library, folder: tuple[str, str] = ("", "")) -> None:
        self._library = library
        self._folder = folder

    def of(self, steps: Sequence[str]) -> Place:
        """The place that these keys lead to, or the last on the way there that is written down."""
        node, depth = Node(self._library.spec, "", self._library.spec.value), 0
        for step in steps:
            found = self._below(node, step)
            for _ in range(100):
                reference = node.text("$ref")
                if found is not None or reference is None:
                    break
                try:
                    node = self._library.target(node, reference)
                except ReferenceProblem:
                    break
                found = self._below(node, step)
            if found is None:
                break
            node, depth = found, depth + 1
        offset = node.document.offset(node.pointer, key=True)
        line, column = node.document.line_column(offset)
        name = node.document.name
        if self._folder[0] and name.startswith(self._folder[0]):
            name = self._folder[1] + name.removeprefix(self._folder[0])
        return Place(name, line, column)

    def _below(self, node: Node, step: str) -> Node | None:
        if isinstance(node.value, list):
            return node.below(int(step)) if step.isdigit() and int(step) < len(node.value) else None
        return node.get(step)
