"""Where everything in a JSON text stands, found when it is asked for.

Strategy: the way from the root to a node is walked level by level. The members of an object or the items of an array
are placed together, the first time one of them is wanted; whatever is inside them is passed over by the standard
library's decoder, at the speed of C.
"""

import json
import re

from routewright.spec.pointer import tokens
from routewright.spec.scanner import Place

_SPACE = re.compile(r"[ \t\n\r]*")
_KEY = re.compile(r'"([^"\\]*)"[ \t\n\r]*:[ \t\n\r]*')
_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_NEXT = re.compile(r"[ \t\n\r]*,?[ \t\n\r]*")
_skip = json.JSONDecoder().raw_decode


class Places:
    """The places of a text that is JSON without a key that stands twice."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._root = _Node(Place(_after(_SPACE, text, 0), -1))

    def get(self, pointer: str) -> Place | None:
        """Where the node at a pointer stands; ``None`` where there is none."""
        node: _Node | None = self._root
        for token in tokens(pointer):
            if node is None:
                return None
            if node.inside is None:
                node.inside = self._inside(node.place.value)
            node = node.inside.get(token)
        return node.place if node is not None else None

    def _inside(self, at: int) -> dict[str, "_Node"]:
        text = self._text
        opening = text[at]
        if opening not in "{[":
            return {}
        found: dict[str, _Node] = {}
        at = _after(_SPACE, text, at + 1)
        while text[at] not in "}]":
            if opening == "{":
                key, value = self._key(at)
                found[key] = _Node(Place(value, at))
            else:
                value = at
                found[str(len(found))] = _Node(Place(value, -1))
            at = _after(_NEXT, text, _skip(text, value)[1])
        return found

    def _key(self, at: int) -> tuple[str, int]:
        """A key, and where its value begins."""
        plain = _KEY.match(self._text, at)
        if plain is not None:
            return plain[1], plain.end()
        key, end = _skip(self._text, at)
        return key, _after(_COLON, self._text, end)


class _Node:
    __slots__ = ("inside", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.inside: dict[str, _Node] | None = None


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found is not None else at
