"""The schemas that a reload and a plan compare: ``contracts.json``.

Strategy: one line a schema, so that a diff shows what changed and a large spec is written fast. What several messages
share stands once, in ``$defs``. Nothing reads the file until two tables are compared.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from routewright.spec.model import Route, Spec

CONTRACTS = "contracts.json"
"""The file of the schemas."""


def contracts(spec: Spec) -> dict[str, Any]:
    """The schemas of a spec as JSON: ``spec`` is its digest, ``$defs`` what schemas refer to, ``routes`` has for each
    route its ``parameters`` and the payloads of its ``messages`` (those that declare one)."""
    definitions: dict[str, Any] = {}
    routes: dict[str, Any] = {}
    for route in spec.routes:
        messages: dict[str, Any] = {}
        for message in route.messages:
            if message.payload is not None:
                messages[message.name] = _apart(message.schema, definitions)
        routes[route.name] = {"parameters": _parameters(route, definitions), "messages": messages}
    return {"spec": spec.digest, "$defs": dict(sorted(definitions.items())), "routes": routes}


def contracts_text(spec: Spec) -> str:
    """The text of ``contracts.json``."""
    found = contracts(spec)
    routes = (
        f"{_json(name)}: {{\n"
        f'   "parameters": {_lines(route["parameters"].items(), 3)},\n'
        f'   "messages": {_lines(route["messages"].items(), 3)}}}'
        for name, route in found["routes"].items()
    )
    return (
        f'{{"spec": {_json(found["spec"])},\n'
        f' "$defs": {_lines(found["$defs"].items(), 1)},\n'
        f' "routes": {_block(routes, 1)}}}\n'
    )


def _parameters(route: Route, definitions: dict[str, Any]) -> dict[str, Any]:
    document = route.document if isinstance(route.document, dict) else {}
    definitions.update(document.get("$defs", {}))
    declared = document.get("parameters", {})
    return {each.name: declared.get(each.name, {"type": "string"}) for each in route.parameters}


def _apart(schema: Any, definitions: dict[str, Any]) -> Any:
    """A schema without its ``$defs``, which are added to ``definitions``."""
    if not isinstance(schema, Mapping) or "$defs" not in schema:
        return schema
    definitions.update(schema["$defs"])
    return {key: value for key, value in schema.items() if key != "$defs"}


def _lines(members: Iterable[tuple[str, Any]], depth: int) -> str:
    return _block((f"{_json(name)}: {_json(value)}" for name, value in members), depth)


def _block(members: Iterable[str], depth: int) -> str:
    indent = "\n" + " " * (depth + 1)
    text = f",{indent}".join(members)
    return f"{{{indent}{text}}}" if text else "{}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)
