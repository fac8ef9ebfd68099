"""Error frames, and what each error code means for a client."""

from typing import Final

import msgspec

from routewright.table.frames import Id

RETRYABLE: Final = frozenset(("rate_limited", "circuit_open", "overloaded", "timeout", "worker_lost"))
"""Codes for which the same message may succeed later."""

CLOSE_CODES: Final = {
    "worker_lost": 1013,
    "overloaded": 1013,
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


def error_frame(
    code: str,
    message: str,
    *,
    id: Id = None,
    path: str = "",
    retryable: bool | None = None,
    retry_after: float = 0.0,
    hint: str = "",
) -> bytes:
    """The JSON of an error frame; ``retryable`` follows from the code unless it is given."""
    if retryable is None:
        retryable = code in RETRYABLE
    wait = round(retry_after, 3) if retry_after else msgspec.UNSET
    return _encode(
        _Frame(
            msgspec.UNSET if id is None else id, _Detail(code, message, path or msgspec.UNSET, retryable, wait, hint)
        )
    )
