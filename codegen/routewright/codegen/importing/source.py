"""A document and what its references lead to, with notes of what cannot be followed."""

import re
from typing import Any, NamedTuple
from urllib.parse import unquote

_HOPS = 50
"""References that may lead to one another."""


class Place(NamedTuple):
    """A value of the document and its JSON pointer."""

    value: Any
    pointer: str

    def __truediv__(self, key: str | int) -> "Place":
        """A member; ``None`` where it has none."""
        found = None
        if isinstance(self.value, dict):
            found = self.value.get(key)
        elif isinstance(self.value, list) and isinstance(key, int) and key < len(self.value):
            found = self.value[key]
        return Place(found, f"{self.pointer}/{str(key).replace('~', '~0').replace('/', '~1')}")

    def text(self, key: str) -> str:
        """A member that is text; ``""`` where it is none."""
        found = self.value.get(key) if isinstance(self.value, dict) else None
        return found if isinstance(found, str) else ""


class Source:
    """A document. ``notes`` collects what cannot be carried over, in order and once each."""

    def __init__(self, document: Any) -> None:
        self.root = Place(document, "")
        self.notes: dict[str, None] = {}

    def note(self, text: str, place: Place | None = None) -> None:
        """Remember what was left out or assumed."""
        self.notes[f"#{place.pointer}: {text}" if place is not None else text] = None

    def members(self, place: Place) -> list[tuple[str, Place]]:
        """What an object holds, references followed; its own extensions are left out."""
        if not isinstance(place.value, dict):
            return []
        return [(key, self.follow(place / key)) for key in place.value if not key.startswith("x-")]

    def items(self, place: Place) -> list[Place]:
        """What a list holds, references followed."""
        return (
            [self.follow(place / index) for index in range(len(place.value))] if isinstance(place.value, list) else []
        )

    def follow(self, place: Place) -> Place:
        """The place itself, or what its ``$ref`` leads to; an empty object where that is nowhere."""
        for _ in range(_HOPS):
            reference = place.value.get("$ref") if isinstance(place.value, dict) else None
            if not isinstance(reference, str):
                return place
            found = self.find(reference)
            if found is None:
                self.note(f"the reference {reference} leads nowhere in this document", place)
                return Place({}, place.pointer)
            place = found
        self.note("references lead in a circle", place)
        return Place({}, place.pointer)

    def find(self, reference: str) -> Place | None:
        """Where a reference into this document leads."""
        if not reference.startswith("#"):
            return None
        place = self.root
        for part in filter(None, re.split("/", unquote(reference[1:]))):
            key = part.replace("~1", "/").replace("~0", "~")
            place = place / (int(key) if isinstance(place.value, list) and key.isascii() and key.isdigit() else key)
            if place.value is None:
                return None
        return place
