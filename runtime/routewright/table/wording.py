"""What a schema's loss is called, in words: ``depth: maximum was 10, is 5``."""

import json
from collections.abc import Sequence
from typing import Any

from routewright.table.loss import Loss

_LONGEST = 60
"""Characters of a value that are shown."""


def place(steps: Sequence[str]) -> str:
    """Steps into a schema as a path: ``("properties", "a", "items")`` is ``.a[]``."""
    text, rest = "", list(steps)
    while rest:
        keyword = rest.pop(0)
        name = rest.pop(0) if keyword in ("properties", "patternProperties", "prefixItems") and rest else ""
        if keyword == "properties":
            text += f".{name}"
        elif keyword == "patternProperties":
            text += f".<{name}>"
        elif keyword == "prefixItems":
            text += f"[{name}]"
        else:
            text += {"items": "[]", "additionalProperties": ".*"}.get(keyword, "")
    return text


def happened(loss: Loss, *, narrowed: bool) -> str:
    """What has happened at a place.

    Args:
        narrowed: the new schema refuses what the old one accepts, and not the other way round.
    """
    old, new = (loss.given, loss.limit) if narrowed else (loss.limit, loss.given)
    match loss.keyword:
        case "required":
            return "is required now" if narrowed else "is no longer required"
        case "properties":
            return "property removed" if narrowed else "optional property added"
        case "additionalProperties" if loss.given is True:
            return "further properties are refused now" if narrowed else "further properties are allowed now"
        case "additionalProperties":
            return "property removed" if narrowed else "property added"
        case "enum" if loss.given is None:
            return f"only {value(new)} allowed now" if narrowed else f"no longer limited to {value(old)}"
        case "enum":
            values = ", ".join(value(each) for each in loss.given)
            return f"{values} no longer allowed" if narrowed else f"{values} allowed now"
        case "type":
            return f"type was {_kinds(old)}, is {_kinds(new)}"
        case "false":
            return "nothing is allowed any more" if narrowed else "was not allowed"
        case "":
            return "the schema has changed"
        case keyword if isinstance(old, dict | list | None) and isinstance(new, dict | list | None):
            return f"{keyword} has changed"
    return f"{loss.keyword} was {value(old)}, is {value(new)}"


def value(found: Any) -> str:
    """A value of a spec in one short line."""
    if found is None:
        return "none"
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _kinds(kinds: Any) -> str:
    return " or ".join(kinds) if isinstance(kinds, list) and kinds else "none"
