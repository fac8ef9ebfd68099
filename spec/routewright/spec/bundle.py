"""Payload schemas as JSON that stands on its own.

Strategy: a ``$ref`` becomes ``#/$defs/COMPONENT``, and the components that are reached stand in one ``$defs``. So a
bundle is as large as what it is made of, whatever refers to what, and recursion needs no care.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

from routewright.spec.keywords import SCHEMA_LISTS, SCHEMA_MAPS, SCHEMA_VALUES
from routewright.spec.node import Node
from routewright.spec.payload import Location, Payloads, location
from routewright.spec.pointer import child

_LEFT_OUT = frozenset({"$defs", "$schema", "$id", "$anchor"})


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
        schema: dict[str, Any] = {}
        for key, member in value.items():
            below = child(pointer, key)
            if key == "$ref":
                name = self._payloads.targets[path, pointer]
                reached.add(name)
                schema[key] = f"#/$defs/{name}"
            elif key in SCHEMA_VALUES:
                schema[key] = self._schema(member, path, below, reached)
            elif key in SCHEMA_LISTS:
                schema[key] = [
                    self._schema(each, path, child(below, index), reached) for index, each in enumerate(member)
                ]
            elif key in _LEFT_OUT:
                continue
            elif key in SCHEMA_MAPS:
                schema[key] = {
                    name: self._schema(each, path, child(below, name), reached) for name, each in member.items()
                }
            else:
                schema[key] = member
        return schema

    def part(self, name: str) -> Any:
        """The schema of a component, with its references rewritten."""
        return self._parts[name][0]

    def is_loose(self, node: Node) -> bool:
        """Whether a payload, or anything that it leads to, is more than its shape says."""
        return location(node) in self._payloads.loose or not self.loose.isdisjoint(self.rewritten(node)[1])

    @cached_property
    def loose(self) -> set[str]:
        """The components of which a part is more than its shape says, there or where their references lead."""
        loose = {name for place, name in self._payloads.names.items() if place in self._payloads.loose}
        users: dict[str, list[str]] = {}
        for name, (_, reached) in self._parts.items():
            for each in reached:
                users.setdefault(each, []).append(name)
        ahead = list(loose)
        while ahead:
            more = [name for name in users.get(ahead.pop(), ()) if name not in loose]
            loose.update(more)
            ahead += more
        return loose
