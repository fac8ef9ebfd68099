"""What changed policies and settings mean: field by field, in the spec's words, and from when on."""

from collections.abc import Iterator
from typing import Any

import msgspec

from routewright.table.kinds import POLICY, Change
from routewright.table.wording import value

_AT_OPENING = (("delivery",), ("compression",), ("limits", "connections"))
"""What a connection is given when it opens, and keeps."""


def policy_changes(old: Any, new: Any, left_out: frozenset[str], steps: tuple[str, ...]) -> Iterator[Change]:
    """The fields of two structs of one type that differ, as changes of policies; structs in them field by field."""
    for field in old.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if field in left_out or before == after:
            continue
        at = (*steps, key(field))
        if isinstance(before, msgspec.Struct) and isinstance(after, msgspec.Struct):
            yield from policy_changes(before, after, frozenset(), at)
            continue
        label = ".".join(at[2:] if at[:1] == ("messages",) else at)
        what = f"{label} was {_setting(before)}, is {_setting(after)}"
        yield Change(kind=POLICY, what=what, reason=_met(at), steps=at)


def key(field: str) -> str:
    """A field as the spec spells it: ``rate_limit`` is ``rateLimit``."""
    first, *rest = field.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _met(steps: tuple[str, ...]) -> str:
    if any(steps[: len(each)] == each for each in _AT_OPENING):
        return "Connections that open from now on meet it."
    return "Open connections meet it at their next message."


def _setting(found: Any) -> str:
    if found is None:
        return "off"
    if isinstance(found, msgspec.Struct):
        return _given(found)
    plain = msgspec.to_builtins(found)
    if isinstance(plain, list) and plain and all(isinstance(each, dict) and "name" in each for each in plain):
        return value([each if each.get("settings") else each["name"] for each in plain])
    return value(plain)


def _given(policy: msgspec.Struct) -> str:
    """What a policy says that is not the default, by the spec's keys."""
    differ = {}
    for field in msgspec.structs.fields(policy):
        found = getattr(policy, field.name)
        if found != field.default:
            differ[key(field.name)] = int(found) if isinstance(found, float) and found.is_integer() else found
    return value(differ) if differ else "on"
