"""How a worker is told of a session."""

from routewright.bridge.codec import Open
from routewright.hooks import SessionInfo
from routewright.table import Principal


def opening(info: SessionInfo, *, fresh: bool = False) -> Open:
    """What opens a session at a worker; ``fresh`` makes it run the connect handlers."""
    return Open(info.id, info.route.name, info.path, info.parameters, as_claims(info.principal), info.address, fresh)


def as_claims(principal: Principal | None) -> dict[str, object] | None:
    """A principal as it travels to a worker."""
    if principal is None:
        return None
    return {"id": principal.id, "scopes": list(principal.scopes), "claims": principal.claims}
