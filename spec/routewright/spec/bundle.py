"""Payload schemas as JSON that stands on its own.

Strategy: a ``$ref`` becomes ``#/$defs/COMPONENT``, and the components that are reached stand in one ``$defs``. So a
bundle is as large as what it is made of, whatever refers to what, and recursion needs no care.
"""

from typing import Any

from routewright.spec.node import Node
from routewright.spec.payload import Payloads, location

_SCHEMAS = ("items", "additionalProperties")
_LISTS = ("anyOf", "oneOf")


class Bundles:
    """Bundles of the schemas of one spec."""

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads
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
        reached: set[str] = set()
        return self._schema(node, reached), reached

    def _schema(self, node: Node, reached: set[str]) -> Any:
        if not isinstance(node.value, dict):
            return node.value
        schema: dict[str, Any] = {}
        for key, member in node.members():
            if key == "$ref":
                name = self._payloads.targets[location(node)]
                reached.add(name)
                schema[key] = f"#/$defs/{name}"
            elif key == "properties":
                schema[key] = {name: self._schema(each, reached) for name, each in member.members()}
            elif key in _LISTS:
                schema[key] = [self._schema(each, reached) for each in member.items()]
            elif key in _SCHEMAS:
                schema[key] = self._schema(member, reached)
            elif key not in ("$defs", "$schema"):
                schema[key] = member.value
        return schema
