"""A route's ways of authentication, tried in order.

Strategy: the first way that knows a credential wins. Where none does, the client is told what is most worth knowing:
that it is known but not allowed, or that it cannot be told for now, rather than that one more way did not take it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from routewright.gateway.auth.credential import bounded, find, kind
from routewright.gateway.auth.identity import Denied, Identity, missing_scope
from routewright.gateway.auth.ticket import TicketWay
from routewright.hooks import First, PluginFailed, Refusal, UpgradeRequest
from routewright.table import ApiKey, Jwt, Plugin, Route, Ticket


class Way(Protocol):
    """One way: what the spec says of it, and its check."""

    @property
    def spec(self) -> Jwt | ApiKey | Ticket: ...

    async def verify(self, credential: str, address: str) -> Identity: ...


_WORTH = {"forbidden": 2, "overloaded": 1, "unauthorized": 0}
_VAGUE = frozenset({"malformed", "unknown", "algorithm", "issuer"})
_SCHEMES = {"jwt": "Bearer", "apiKey": "ApiKey", "ticket": "Ticket", "plugin": "Bearer"}


class Authenticator:
    """Who asks, on one route.

    Args:
        ways: in the order of the spec; `Plugin` stands for the chain of the route's plugins.
        outcomes: what has come of it, by kind and reason (``ok`` where it went well); counted here.
    """

    def __init__(self, ways: Sequence[Way | Plugin], outcomes: Counter[tuple[str, str]]) -> None:
        self._ways = ways
        self._outcomes = outcomes
        self.waits = any("message" in way.spec.sources for way in ways if not isinstance(way, Plugin))

    def of(self, route: str) -> "Authenticator":
        """The same ways for another route, whose tickets are its own."""
        ways = [way.of(route) if isinstance(way, TicketWay) else way for way in self._ways]
        return Authenticator(ways, self._outcomes)

    async def upgrade(self, request: UpgradeRequest, route: Route, plugins: First | None) -> Identity | None:
        """Who asks for a WebSocket; ``None`` where the first frame is to say it.

        Raises:
            Denied: nobody who may.
            Refusal, PluginFailed: so says a plugin.
        """
        return await self._try(request, route, plugins, mint=False)

    async def mint(self, request: UpgradeRequest, route: Route, plugins: First | None) -> Identity:
        """Who asks for a ticket: by any other way, in a header.

        Raises:
            Denied, Refusal, PluginFailed: see `upgrade`.
        """
        found = await self._try(request, route, plugins, mint=True)
        assert found is not None  # noqa: S101 - only a first frame is waited for
        return found

    async def message(self, credential: str, address: str, *, first: bool) -> Identity:
        """Who sends this credential in a frame.

        Args:
            first: nothing is known yet, so that only ways count that take the first frame.

        Raises:
            Denied: nobody who may.
        """
        denials: list[tuple[str, Denied]] = []
        for way in self._ways:
            if isinstance(way, Plugin) or (first and "message" not in way.spec.sources):
                continue
            try:
                return self._passed(way.spec, await way.verify(bounded(credential), address))
            except Denied as denied:
                denials.append((kind(way.spec), denied))
        raise self._denied(denials)

    async def _try(
        self, request: UpgradeRequest, route: Route, plugins: First | None, *, mint: bool
    ) -> Identity | None:
        denials: list[tuple[str, Denied]] = []
        for way in self._ways:
            if isinstance(way, Plugin):
                found = await self._ask(request, route, plugins)
                if found is not None:
                    return self._passed(way, found)
                continue
            if mint and isinstance(way.spec, Ticket):
                continue
            try:
                credential = find(way.spec, request, ("header",) if mint else None)
                if credential is not None:
                    return self._passed(way.spec, await way.verify(credential, request.address))
            except Denied as denied:
                denials.append((kind(way.spec), denied))
        if not denials and self.waits and not mint:
            return None
        raise self._denied(denials)

    async def _ask(self, request: UpgradeRequest, route: Route, plugins: First | None) -> Identity | None:
        if plugins is None:
            return None
        try:
            principal = await plugins.run_async(request, route)
        except Refusal as refusal:
            self._outcomes["plugin", refusal.code] += 1
            raise
        except PluginFailed:
            self._outcomes["plugin", "failed"] += 1
            raise
        return None if principal is None else Identity(principal, "plugin")

    def _passed(self, way: Jwt | ApiKey | Ticket | Plugin, identity: Identity) -> Identity:
        """The identity, which has the scopes that the way asks for."""
        missing = missing_scope(way.scopes, identity.principal)
        if missing:
            if isinstance(way, Plugin):
                self._outcomes["plugin", "scope"] += 1
            raise Denied("scope", f"the scope {missing!r} is needed here", "forbidden", scope=missing)
        self._outcomes[identity.kind, "ok"] += 1
        return identity

    def _denied(self, denials: list[tuple[str, Denied]]) -> Denied:
        if not denials:
            self._outcomes["none", "missing"] += 1
            return Denied("missing", "this route wants a credential")
        tried, denied = max(denials, key=lambda each: (_WORTH[each[1].code], each[1].reason not in _VAGUE))
        self._outcomes[tried, denied.reason] += 1
        return denied

    def challenge(self, denied: Denied) -> str:
        """The header ``WWW-Authenticate`` (RFC 9110, 11.6.1; RFC 6750, 3) of a denial."""
        kinds = ["plugin" if isinstance(way, Plugin) else kind(way.spec) for way in self._ways]
        schemes = dict.fromkeys(_SCHEMES[each] for each in kinds if each != "ticket" or len(kinds) == 1)
        first = next(iter(schemes))
        if denied.reason != "missing":
            error = "insufficient_scope" if denied.code == "forbidden" else "invalid_token"
            return f'{first} error="{error}", error_description="{denied.message}"'
        return ", ".join(schemes)
