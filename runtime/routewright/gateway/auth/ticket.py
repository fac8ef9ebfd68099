"""Tickets: credentials that work once, within seconds, on one route.

Strategy: a ticket is the number of the gateway process that made it and 256 random bits; who it is for stays in that
process, under the ticket's hash. Whoever is shown a ticket of another process asks that one, through the supervisor. So
one place alone decides, and a ticket is used at most once, however many processes there are; it dies with its process.
Whoever shows a ticket uses it up, even where it does not fit.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from routewright.gateway.auth.identity import Denied, Identity
from routewright.policies.expiry import Calendar
from routewright.table import Ticket

MOST: Final = 10_000
"""Tickets of one process that may wait to be used."""

EACH: Final = 1000
"""Those of one principal among them, so that nobody takes the others' room."""

Redeem = Callable[[str, str, str], Awaitable[Identity]]
"""Ticket, route and address -> who it is; raises `Denied`."""

SPENT = "this ticket is not valid: it is used up, too old, or for another route"


class _Issued(NamedTuple):
    route: str
    address: str
    identity: Identity
    until: float


class Tickets:
    """The tickets that one gateway process has made. Pure: the time is an argument.

    Args:
        owner: the number of this process.
    """

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self._issued: dict[bytes, _Issued] = {}
        self._ends: Calendar[bytes] = Calendar()
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._issued)

    def mint(self, route: str, address: str, identity: Identity, ttl: float, now: float) -> str:
        """A new ticket, for ``ttl`` seconds.

        Args:
            address: the only one that may use it; ``""`` for any.

        Raises:
            Denied: too many are waiting to be used, in all or of this principal's.
        """
        for key in self._ends.due(now):
            self._take(key)
        principal = identity.principal.id
        if len(self._issued) >= MOST or self._of[principal] >= EACH:
            raise Denied("full", "too many tickets wait to be used", "overloaded", retry_after=ttl)
        text = f"{self.owner}.{secrets.token_urlsafe(32)}"
        key = _hash(text)
        self._issued[key] = _Issued(route, address, identity, now + ttl)
        self._ends.set(key, now + ttl)
        self._of[principal] += 1
        return text

    def redeem(self, text: str, route: str, address: str, now: float) -> Identity:
        """Whose ticket it is; it does not work again.

        Raises:
            Denied: nobody's, or not here, or no more.
        """
        issued = self._take(_hash(text))
        if issued is None:
            raise Denied("spent", SPENT)
        if issued.until <= now:
            raise Denied("expired", SPENT)
        if issued.route != route:
            raise Denied("route", SPENT)
        if issued.address and issued.address != address:
            raise Denied("address", SPENT)
        return issued.identity

    def _take(self, key: bytes) -> _Issued | None:
        issued = self._issued.pop(key, None)
        if issued is not None:
            self._ends.discard(key)
            principal = issued.identity.principal.id
            self._of[principal] -= 1
            if not self._of[principal]:
                del self._of[principal]
        return issued


def owner(text: str) -> int | None:
    """The number of the process that made a ticket; ``None`` where it is none."""
    number, dot, rest = text.partition(".")
    return int(number) if dot and rest and number.isascii() and number.isdigit() and len(number) <= 10 else None


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


class TicketWay:
    """Takes the tickets of one route."""

    def __init__(self, spec: Ticket, route: str, redeem: Redeem) -> None:
        self.spec = spec
        self._route = route
        self._redeem = redeem

    def of(self, route: str) -> "TicketWay":
        """The same for another route."""
        return TicketWay(self.spec, route, self._redeem)

    async def verify(self, credential: str, address: str) -> Identity:
        """Whose ticket it is.

        Raises:
            Denied: nobody's.
        """
        found = await self._redeem(credential, self._route, address)
        return Identity(found.principal, "ticket", found.expires)
