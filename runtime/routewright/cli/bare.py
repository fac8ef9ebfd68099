"""A table without types: what a spec compiles to, as far as tables are compared.

Strategy: the values of `routewright.spec.model` have the names and fields of what the runtime builds from them, so one
function copies them all, and nothing has to be rendered or imported.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec

import routewright.table as tables
from routewright.codegen.contracts import contracts_text
from routewright.codegen.digests import digests
from routewright.table import Table
from routewright.table.contracts import Contracts, Known

if TYPE_CHECKING:
    from routewright.spec.model import Spec

_CALLED = {"Gateway": "Settings", "Message": "MessageType"}
"""What the runtime calls differently."""

_TYPES = frozenset({"payload", "type"})
"""Fields that hold Python types, which a comparison has no use for: it has the schemas."""


def bare(spec: "Spec") -> Table:
    """The table of a spec, with all digests, but without types and pools."""
    found = digests(spec)
    routes = tuple(
        msgspec.structs.replace(
            _copy(route),
            digest=found.routes[route.name],
            contract=found.contracts[route.name],
            messages=tuple(
                msgspec.structs.replace(_copy(message), digest=digest)
                for message, digest in zip(route.messages, found.messages[route.name], strict=True)
            ),
        )
        for route in spec.routes
    )
    return Table(
        digest=spec.digest,
        spec=spec.file,
        title=spec.title,
        version=spec.version,
        description=spec.description,
        settings=_copy(spec.gateway),
        routes=routes,
        pools=(),
        extensions=spec.extensions,
    )


def contracts(spec: "Spec") -> Known:
    """The schemas of a spec, as a reload reads them from ``generated/``."""
    return Contracts(contracts_text(spec).encode(), spec.digest).routes()


def _copy(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_copy, value))
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    name = type(value).__name__
    kind = getattr(tables, _CALLED.get(name, name))
    fields = {
        field: _copy(getattr(value, field))
        for field in kind.__struct_fields__
        if field not in _TYPES and hasattr(value, field)
    }
    return kind(**fields, **({"digest": "", "contract": ""} if name == "Route" else {}))
