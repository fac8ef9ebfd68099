"""All authentication of one gateway process: what several routes share, and each route's own part of it.

Strategy: it is prepared with a table and serves with its commit. What lasts over a reload is kept: fetched keys, and
tickets that wait to be used.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from routewright.gateway.auth.authenticator import Authenticator, Way
from routewright.gateway.auth.identity import AuthError, Denied, Identity
from routewright.gateway.auth.ticket import SPENT, Tickets, TicketWay, owner
from routewright.hooks import Plugins
from routewright.table import ApiKey, Auth, Jwt, Plugin, Route, Table, Ticket

if TYPE_CHECKING:
    from routewright.gateway.auth.jwks import Fetcher, Jwks

Elsewhere = Callable[[int, str, str, str], Awaitable[Identity]]
"""Has another process redeem a ticket: its number, then ticket, route and address; raises `Denied`."""


class Authentication:
    """What the routes of one gateway process authenticate with.

    Args:
        project: the folder that key files are relative to.
        clock: monotonic seconds.
        number: the operating system's, of this process.
    """

    def __init__(self, project: Path, clock: Callable[[], float], number: int) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.tickets = Tickets(number)
        self.elsewhere: Elsewhere | None = None
        self.jwks: dict[str, Jwks] = {}
        self._project = project
        self._clock = clock
        self._fetcher: Fetcher | None = None

    def prepare(self, table: Table, plugins: Plugins) -> dict[str, Authenticator]:
        """What each route of a table authenticates with, by the route's name; nothing for a route that lets all in.

        Raises:
            AuthError: a key or a secret cannot be read, or nothing answers a way.
        """
        found: dict[str, Authenticator] = {}
        # what a worker registers is guarded too, by the name of no route
        routes = (*table.routes, table.undeclared) if table.settings.dynamic_routing else table.routes
        for route in routes:
            try:
                if route.auth:
                    found[route.name] = self._authenticator(route, plugins)
            except AuthError as error:
                raise AuthError(f"route {route.name!r}: auth: {error}") from None
        used = {url for route in routes for way in route.auth if isinstance(way, Jwt) for url in way.jwks}
        self.jwks = {url: keys for url, keys in self.jwks.items() if url in used}
        return found

    def _authenticator(self, route: Route, plugins: Plugins) -> Authenticator:
        asks = plugins.route(route).authenticate
        named = any(isinstance(way, Plugin) for way in route.auth)
        if named and asks is None:
            raise AuthError('{"kind": "plugin"} is given, and no plugin of the route\'s "middleware" authenticates')
        if asks is not None and not named:
            plugin = asks.plugins[0]
            raise AuthError(f'the plugin {plugin!r} authenticates too: add {{"kind": "plugin"}}, or remove it')
        return Authenticator([self._way(way, route) for way in route.auth], self.outcomes)

    def _way(self, way: Auth, route: Route) -> Way | Plugin:
        match way:
            case Jwt():
                return self._jwt(way)
            case ApiKey():
                from routewright.gateway.auth.api_key import ApiKeyWay

                return ApiKeyWay(way, self._project)
            case Ticket():
                return TicketWay(way, route.name, self.redeem)
        return way

    def _jwt(self, way: Jwt) -> Way:
        # cryptography takes megabytes, which only routes with tokens are to cost
        from routewright.gateway.auth.jwks import Fetcher, Jwks
        from routewright.gateway.auth.jwt import JwtWay
        from routewright.gateway.auth.keys import VerifyingKey, from_file, from_variable

        if way.jwks:
            self._fetcher = self._fetcher or Fetcher()
            fetch = self._fetcher.fetch
            sets = [self.jwks.setdefault(url, Jwks(url, fetch, self._clock)) for url in way.jwks]

            async def fetched(key_id: str | None, algorithm: str) -> list[VerifyingKey]:
                for each in sets:
                    if found := await each.find(key_id, algorithm):
                        return found
                return []

            return JwtWay(way, fetched)
        if way.public_key is not None:
            key = from_file(self._project / way.public_key, way.algorithms)
        else:
            key = from_variable(way.secret_env or "", way.algorithms)

        async def known(key_id: str | None, algorithm: str) -> list[VerifyingKey]:
            return [key]

        return JwtWay(way, known)

    async def redeem(self, text: str, route: str, address: str) -> Identity:
        """Whose ticket it is, wherever it was made.

        Raises:
            Denied: nobody's.
        """
        number = owner(text)
        if number is None:
            raise Denied("malformed", SPENT)
        if number == self.tickets.owner:
            return self.redeem_here(text, route, address)
        if self.elsewhere is None:
            raise Denied("spent", SPENT)
        return await self.elsewhere(number, text, route, address)

    def redeem_here(self, text: str, route: str, address: str) -> Identity:
        """Whose ticket of this process it is.

        Raises:
            Denied: nobody's.
        """
        return self.tickets.redeem(text, route, address, self._clock())

    async def close(self) -> None:
        """Give up what is under way."""
        for keys in self.jwks.values():
            await keys.close()
        if self._fetcher is not None:
            await self._fetcher.close()
