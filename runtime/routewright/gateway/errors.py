"""Error frames, and what each error code means for a client."""

from typing import Final, NamedTuple

import msgspec

from routewright.table.codes import ERRORS
from routewright.table.frames import Id

RETRYABLE: Final = frozenset(each.code for each in ERRORS if each.retryable)
"""Codes for which the same message may succeed later."""

CLOSE_CODES: Final = {
    "worker_lost": 1013,
    "overloaded": 1013,
    "circuit_open": 1013,
    "rate_limited": 4029,
    "unauthorized": 4501,
    "forbidden": 4503,
}
"""The close code of an error where there is no error frame; 1011 for any other."""


class _Detail(msgspec.Struct, omit_defaults=True, rename="camel"):
    code: str
    message: str
    path: str | msgspec.UnsetType
    retryable: bool
    retry_after: float | msgspec.UnsetType
    hint: str = ""


class _Frame(msgspec.Struct, omit_defaults=True, tag="error", tag_field="type"):
    id: Id | msgspec.UnsetType
    error: _Detail


_encode = msgspec.json.Encoder().encode


class Fault(NamedTuple):
    """Something that a client is told went wrong.

    Attributes:
        id: of the request; ``None`` where it has none.
        path: JSON path of the wrong node.
        retryable: the same message may succeed later; ``None`` where the code says it (see `RETRYABLE`).
        retry_after: seconds.
    """

    code: str
    message: str
    id: Id = None
    path: str = ""
    retryable: bool | None = None
    retry_after: float = 0.0
    hint: str = ""


def error_frame(fault: Fault) -> bytes:
    """The JSON of an error frame."""
    detail = _Detail(
        fault.code,
        fault.message,
        fault.path or msgspec.UNSET,
        fault.code in RETRYABLE if fault.retryable is None else fault.retryable,
        round(fault.retry_after, 3) if fault.retry_after else msgspec.UNSET,
        fault.hint,
    )
    return _encode(_Frame(msgspec.UNSET if fault.id is None else fault.id, detail))
