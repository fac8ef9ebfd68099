"""Who asks for a connection, as plugins and ``auth`` make it out, and what a client is told that they refuse."""

import contextlib
from collections.abc import Iterator

from aiohttp import web

from routewright.gateway.auth.authenticator import Authenticator
from routewright.gateway.auth.identity import Denied, Identity
from routewright.gateway.endpoint import Endpoint
from routewright.gateway.responses import Refuse
from routewright.hooks import PluginFailed, Refusal, UpgradeRequest


async def authenticate(
    request: web.BaseRequest, endpoint: Endpoint, path: str, address: str, secure: bool
) -> Identity | None:
    """Who asks; ``None`` where nobody wants to know, or where the first frame is to say it."""
    hooks, route, authenticator = endpoint.hooks, endpoint.route, endpoint.authenticator
    if hooks.upgrade is None and hooks.authenticate is None and authenticator is None:
        return None
    asked = upgrade_request(request, path, address, secure)
    with told(authenticator):
        if hooks.upgrade is not None:
            await hooks.upgrade.run_async(asked, route)
        if authenticator is not None:
            return await authenticator.upgrade(asked, route, hooks.authenticate)
        if hooks.authenticate is None:
            return None
        principal = await hooks.authenticate.run_async(asked, route)
        if principal is None:
            raise Denied("missing", "this route wants a credential")
        return Identity(principal, "plugin")


def upgrade_request(request: web.BaseRequest, path: str, address: str, secure: bool) -> UpgradeRequest:
    """The request as those see it who make out who asks."""
    return UpgradeRequest(
        method=request.method,
        path=path,
        query=request.rel_url.query,
        headers=request.headers,
        address=address,
        secure=secure,
    )


@contextlib.contextmanager
def told(authenticator: Authenticator | None) -> Iterator[None]:
    """Make HTTP answers of what stands against a client."""
    try:
        yield
    except (Denied, Refusal) as refusal:
        headers = {"Retry-After": str(max(1, round(refusal.retry_after)))} if refusal.retry_after else {}
        if isinstance(refusal, Denied) and authenticator is not None and refusal.code != "overloaded":
            headers["WWW-Authenticate"] = authenticator.challenge(refusal)
        elif refusal.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        raise Refuse(refusal.status, refusal.code, refusal.message, headers) from None
    except PluginFailed:
        raise Refuse(500, "handler_error", "a plugin failed") from None
