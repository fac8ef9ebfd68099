"""Allowances: ``"x-allow": ["RW251"]`` with ``"x-allow-reason"`` (or ``"x-allow": {"RW251": "reason"}``) on any object
of a spec silences a warning for that object and what is below it.

Strategy: allowances are lifted out of a file as soon as it is read. So nothing else sees them: no rule of form, no
plugin, no digest. What only looks like one (the name of a property or a message, a part of an example) stays.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from routewright.spec.pointer import child

ALLOW, REASON = "x-allow", "x-allow-reason"

ABSENT = object()
"""In the place of what was not written."""

_NAMED = frozenset(
    (
        *("properties", "patternProperties", "dependentSchemas", "dependentRequired", "$defs", "definitions"),
        *("messages", "parameters", "schemas", "topics"),
    )
)
_DATA = frozenset(("examples", "default", "const", "enum", "settings"))


class Allowance(NamedTuple):
    """What was written at one object: ``holder`` is its pointer; the others are `ABSENT` where they were not there."""

    holder: str
    codes: Any
    reason: Any


def lift(text: str, value: Any) -> tuple[Allowance, ...]:
    """Take the allowances out of the value of a file whose text this is."""
    return tuple(_lifted(value)) if f'"{ALLOW}' in text else ()


def _lifted(value: Any) -> Iterator[Allowance]:
    ahead: list[tuple[str, Any, bool]] = [("", value, False)]
    while ahead:
        pointer, each, named = ahead.pop()
        if isinstance(each, list):
            ahead += [(child(pointer, at), item, False) for at, item in enumerate(each)]
        elif isinstance(each, dict):
            if not named and (ALLOW in each or REASON in each):
                yield Allowance(pointer, each.pop(ALLOW, ABSENT), each.pop(REASON, ABSENT))
            for key, member in each.items():
                if named or (key not in _DATA and not key.startswith("x-")):
                    ahead.append((child(pointer, key), member, not named and key in _NAMED))
