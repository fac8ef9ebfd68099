"""Paths that cover others: whatever fits the one fits the other as well.

Strategy: a trie of segments, in which a literal is looked up and only parameters are tried one by one.
"""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from routewright.scan.templates import Segment, segments, takes

T = TypeVar("T")


@dataclass(slots=True)
class _Branch(Generic[T]):
    literals: dict[str, "_Branch[T]"] = field(default_factory=dict)
    parameters: dict[Segment, "_Branch[T]"] = field(default_factory=dict)
    tails: list[T] = field(default_factory=list)
    ends: list[T] = field(default_factory=list)


class Coverage(Generic[T]):
    """Paths, each with something of its owner's."""

    def __init__(self) -> None:
        self._root: _Branch[T] = _Branch()

    def add(self, path: str, value: T) -> None:
        """Add a path."""
        branch = self._root
        for segment in segments(path):
            if segment.tail:
                branch.tails.append(value)
                return
            if segment.takes:
                # the name does not count, what it takes does
                branch = branch.parameters.setdefault(Segment("", segment.takes), _Branch())
            else:
                branch = branch.literals.setdefault(segment.text, _Branch())
        branch.ends.append(value)

    def covering(self, path: str) -> list[T]:
        """The values of the paths that every request which fits a path fits too, that path's own among them."""
        asked = segments(path)
        found: list[T] = []
        waiting = [(self._root, 0)]
        while waiting:
            branch, at = waiting.pop()
            if at == len(asked):
                found.extend(branch.ends)
                continue
            segment = asked[at]
            found.extend(branch.tails)
            if not segment.takes and segment.text in branch.literals:
                waiting.append((branch.literals[segment.text], at + 1))
            waiting.extend((below, at + 1) for kind, below in branch.parameters.items() if takes(kind, segment))
        return found
