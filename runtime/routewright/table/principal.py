"""Who a connection belongs to, as authentication found out."""

from typing import Any

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """``id`` is stable for one user or machine; ``scopes`` are what it may do; ``claims`` whatever else its credential
    says."""

    id: str
    scopes: tuple[str, ...] = ()
    claims: dict[str, Any] = msgspec.field(default_factory=dict)
