"""A value of a spec together with its place, and the finding of a rule about it.

Strategy: rules run on whatever the user wrote, so every accessor answers with ``None`` or nothing where a value has
another type than it should; the rule about types reports that once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

from routewright.spec.document import Document
from routewright.spec.pointer import child


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found at an offset of a document, before it gets its code."""

    document: Document
    offset: int
    pointer: str
    message: str
    hint: str = ""


@final
class Node:
    """The value at one pointer of a document."""

    __slots__ = ("document", "pointer", "value")

    def __init__(self, document: Document, pointer: str, value: Any) -> None:
        self.document = document
        self.pointer = pointer
        self.value = value

    def below(self, token: str | int) -> "Node":
        """The member or item that is known to be there."""
        return Node(self.document, child(self.pointer, token), self.value[token])

    def get(self, *keys: str) -> "Node | None":
        """The member reached by these keys, if there is one."""
        pointer, value = self.pointer, self.value
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                return None
            pointer, value = child(pointer, key), value[key]
        return Node(self.document, pointer, value)

    def members(self) -> Iterator[tuple[str, "Node"]]:
        """Keys and values of an object, in the order they were written."""
        document, pointer = self.document, self.pointer
        if isinstance(self.value, dict):
            for key, value in self.value.items():
                yield key, Node(document, child(pointer, key), value)

    def items(self) -> Iterator["Node"]:
        """The items of an array."""
        if isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield Node(self.document, child(self.pointer, index), value)

    def text(self, *keys: str) -> str | None:
        """The string reached by these keys."""
        value = self.value
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                return None
            value = value[key]
        return value if isinstance(value, str) else None

    @property
    def where(self) -> str:
        """File, line and column, for messages that name a second place."""
        line, column = self.document.line_column(self.document.offset(self.pointer))
        return f"{self.document.name}:{line}:{column}"

    def finding(self, message: str, hint: str = "", *, key: bool = False) -> Finding:
        """Something is wrong with this value, or with its key."""
        return Finding(self.document, self.document.offset(self.pointer, key=key), self.pointer, message, hint)
