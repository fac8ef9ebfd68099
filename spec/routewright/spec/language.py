"""The JSON Schema of the route spec."""

import copy
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from routewright.spec.pointer import tokens


@cache
def _read() -> dict[str, Any]:
    text = resources.files("routewright.spec").joinpath("schema.json").read_text("utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


@cache
def keys(definition: str) -> frozenset[str]:
    """The keys that an object of the spec may have, by the schema's name for it."""
    return frozenset(_read()["$defs"][definition]["properties"])


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the route spec: the file ``schema.json`` of this package, for editors to complete
    from and for `routewright.spec.form` to check by. The caller may change what it gets."""
    return copy.deepcopy(_read())


@cache
def form() -> Any:
    """The schema to check a spec's form by: every ``$ref`` replaced by what it names, because following one costs more
    than checking, and without what others read: payload schemas and allowances. Not to be changed."""
    whole = schema()
    definitions = whole.pop("$defs")
    # Allowances are lifted out of a file before its form is looked at.
    definitions["payload"] = definitions["allow"] = definitions["allowReason"] = True
    return _inlined(whole, definitions)


def _inlined(value: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_inlined(each, definitions) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" not in value:
        return {key: _inlined(each, definitions) for key, each in value.items()}
    named = definitions[tokens(value["$ref"][1:])[-1]]
    siblings = {key: each for key, each in value.items() if key != "$ref"}
    return _inlined({**named, **siblings}, definitions) if isinstance(named, dict) else named
