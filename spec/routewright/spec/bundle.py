"""Payload schemas as JSON that stands on its own.

Strategy: a ``$ref`` becomes ``#/$defs/COMPONENT``, and the components that are reached stand in one ``$defs``. So a
bundle is as large as what it is made of, whatever refers to what, and recursion needs no care. An object's
type is written out where the spec leaves it to be understood.
"""

from pathlib import Path
from typing import Any

from routewright.spec.keywords import speaks_of_objects
from routewright.spec.node import Node
from routewright.spec.payload import Location, Payloads, location
from routewright.spec.pointer import child

_SCHEMAS = ("items", "additionalProperties")
_LISTS = ("anyOf", "oneOf")


class Bundles:
    """Bundles of the schemas of one spec."""

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads
        self._rewritten: dict[Location, tuple[Any, set[str]]] = {}
        self._parts = {name: self.rewritten(node) for name, node in payloads.nodes.items()}

    def bundle(self, node: Node) -> Any:
        """One schema with all that it reaches."""
        schema, reached = self.rewritten(node)
        definitions = self.definitions(reached)
        return {**schema, "$defs": definitions} if definitions else schema

    def definitions(self, names: set[str]) -> dict[str, Any]:
        """These components and all that they reach, by name."""
        found: dict[str, Any] = {}
        ahead = sorted(names)
        while ahead:
            name = ahead.pop()
            if name not in found:
                found[name], more = self._parts[name]
                ahead += sorted(more)
        return {name: found[name] for name in sorted(found)}

    def rewritten(self, node: Node) -> tuple[Any, set[str]]:
        """A schema with its references rewritten, and the components that it refers to."""
        place = location(node)
        if place not in self._rewritten:
            reached: set[str] = set()
            self._rewritten[place] = self._schema(node.value, *place, reached), reached
        return self._rewritten[place]

    def _schema(self, value: Any, path: Path, pointer: str, reached: set[str]) -> Any:
        if not isinstance(value, dict):
            return value
        schema: dict[str, Any] = {"type": "object"} if speaks_of_objects(value) else {}
        for key, member in value.items():
            below = child(pointer, key)
            if key == "$ref":
                name = self._payloads.targets[path, pointer]
                reached.add(name)
                schema[key] = f"#/$defs/{name}"
            elif key == "properties":
                schema[key] = {
                    name: self._schema(each, path, child(below, name), reached) for name, each in member.items()
                }
            elif key in _LISTS:
                schema[key] = [
                    self._schema(each, path, child(below, index), reached) for index, each in enumerate(member)
                ]
            elif key in _SCHEMAS:
                schema[key] = self._schema(member, path, below, reached)
            elif key not in ("$defs", "$schema"):
                schema[key] = member
        return schema
