"""The JSON Schema of the route spec."""

import copy
import json
from functools import cache
from importlib import resources
from typing import Any


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
