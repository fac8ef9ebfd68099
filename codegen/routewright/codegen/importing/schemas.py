"""The schemas of a document, which are those of draft 7, as JSON Schema 2020-12.

Strategy: the way back from `routewright.codegen.asyncapi_schemas`. What a reference leads to becomes a component, named
after the last part of its pointer; so circles stay circles.
"""

from typing import Any

from routewright.codegen.importing.source import Place, Source
from routewright.spec import names
from routewright.spec.keywords import SCHEMA_LISTS, SCHEMA_MAPS, SCHEMA_VALUES

_MAPS = SCHEMA_MAPS - {"$defs"}
_DROPPED = ("$id", "$schema", "definitions", "$defs", "x-parser-schema-id", "externalDocs", "discriminator", "$anchor")
_QUIET = ("definitions", "$defs", "x-parser-schema-id", "$schema")
_FORMATS = ("application/vnd.aai.asyncapi", "application/schema+json", "application/schema+yaml")


class Schemas:
    """Schemas of one document. ``components`` are those that references lead to, by name."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.components: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def payload(self, message: Place) -> Any:
        """The payload's schema; ``None`` where the message has none, or one in a language that is not read."""
        place = message / "payload"
        if place.value is None:
            return None
        given = message.text("schemaFormat")
        if isinstance(place.value, dict) and "schemaFormat" in place.value:
            given, place = place.text("schemaFormat"), place / "schema"
        if given and not given.startswith(_FORMATS):
            self._source.note(f"a payload in {given} is not read: any payload is taken", place)
            return {}
        return self.schema(place)

    def schema(self, place: Place) -> Any:
        """A schema of the document as one of 2020-12."""
        value = place.value
        if not isinstance(value, dict):
            return value if isinstance(value, bool) else {}
        found: dict[str, Any] = {}
        for key, member in value.items():
            below = place / key
            if key == "$ref":
                found |= self._reference(member, place)
            elif key == "items" and isinstance(member, list):
                found["prefixItems"] = self._all(below)
                if "additionalItems" in value:
                    found["items"] = self.schema(place / "additionalItems")
            elif key == "additionalItems":
                continue
            elif key in SCHEMA_LISTS and isinstance(member, list):
                found[key] = self._all(below)
            elif key in _MAPS and isinstance(member, dict):
                found[key] = {each: self.schema(below / each) for each in member}
            elif key in SCHEMA_VALUES:
                found[key] = self.schema(below)
            elif key == "dependencies" and isinstance(member, dict):
                found |= self._dependencies(below)
            elif key in ("exclusiveMinimum", "exclusiveMaximum") and isinstance(member, bool):
                continue
            elif key == "example":
                found.setdefault("examples", [member])
            elif key in _DROPPED:
                if key not in _QUIET:
                    self._source.note(f'"{key}" is left out', place)
            else:
                found[key] = member
        return _plain(_strict(found, value))

    def _all(self, place: Place) -> list[Any]:
        return [self.schema(place / index) for index in range(len(place.value))]

    def _dependencies(self, place: Place) -> dict[str, Any]:
        required = {key: value for key, value in place.value.items() if isinstance(value, list)}
        schemas = {key: self.schema(place / key) for key, value in place.value.items() if not isinstance(value, list)}
        if not schemas:
            return {"dependentRequired": required}
        return {"dependentSchemas": schemas, **({"dependentRequired": required} if required else {})}

    def _reference(self, reference: Any, place: Place) -> dict[str, Any]:
        """A reference to a component, which is made where it is met first."""
        target = self._source.find(reference) if isinstance(reference, str) else None
        if target is None:
            self._source.note(f"the schema {reference} is not in this document: anything is taken instead", place)
            return {}
        if target.pointer not in self._names:
            name = self._free(target.pointer)
            self._names[target.pointer] = name
            self.components[name] = {}
            self.components[name] = self.schema(target)
        return {"$ref": f"#/components/schemas/{self._names[target.pointer]}"}

    def _free(self, pointer: str) -> str:
        last = pointer.rsplit("/", 1)[-1]
        plain = names.pascal(last) or "Schema"
        wanted = last if names.is_message(last) and "/" not in last else plain
        taken = {names.model(each, "Schema") for each in self.components}
        number, name = 1, wanted
        while names.model(name, "Schema") in taken:
            number += 1
            name = f"{plain}{number}"
        return name


def _strict(found: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Draft 4 said of a bound that it is exclusive; since then it is a bound of its own."""
    for word in ("Minimum", "Maximum"):
        bound = word.lower()
        if value.get(f"exclusive{word}") is True and bound in found:
            found[f"exclusive{word}"] = found.pop(bound)
    return found


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A reference that draft 7 had to wrap stands beside its neighbours again; one that has none was not wrapped."""
    only = schema.get("allOf")
    if (
        isinstance(only, list)
        and len(only) + len(schema) > 2
        and "$ref" not in schema
        and isinstance(only[0], dict)
        and set(only[0]) == {"$ref"}
    ):
        rest = {"allOf": only[1:]} if len(only) > 1 else {}
        return {**only[0], **{key: each for key, each in schema.items() if key != "allOf"}, **rest}
    return schema
