"""Which events of a route say the same thing anew: those of one topic, or of one type where there is no topic.

Strategy: looked at only while a client does not read. An event whose key cannot be found is kept beside all others.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import msgspec

from routewright.table import SlowConsumer
from routewright.table.frames import DECODE_ERRORS


class _Event(msgspec.Struct):
    type: str
    topic: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


Key: TypeAlias = Callable[[bytes], Hashable]
"""An event's payload bytes -> what it is the latest of; ``None`` where it stands alone."""

_decode = msgspec.json.Decoder(_Event).decode


def conflation(policy: SlowConsumer | None) -> Key:
    """The key by which a policy conflates; always ``None`` where it does not."""
    if policy is None or policy.policy != "conflate":
        return lambda frame: None
    name = policy.key

    def key(frame: bytes) -> Hashable:
        try:
            event = _decode(frame)
            value = _scalar(msgspec.json.decode(event.payload), name) if name is not None else None
        except DECODE_ERRORS:
            return None
        return (event.topic or event.type, value)

    return key


def _scalar(payload: Any, name: str) -> Hashable:
    value = payload.get(name) if isinstance(payload, dict) else None
    # 1 and true are equal in Python, and not in JSON
    return (type(value).__name__, value) if isinstance(value, str | int | float) else None
