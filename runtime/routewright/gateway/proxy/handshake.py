"""What an upstream is asked: its address, and what it is told of the client.

Strategy: nothing of the client's handshake goes on that is not named here or in the route's ``headers``. What the
client may put into the address is percent-encoded, so it never adds a segment or a parameter of its own.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote_plus

from multidict import CIMultiDict, CIMultiDictProxy

from routewright.gateway.auth.credential import offered
from routewright.hooks import SessionInfo
from routewright.table import Route

_PLACEHOLDER = re.compile(r"\{(\w+)(?:\.\.\.)?\}", re.ASCII)


class Handshake(NamedTuple):
    """A client's handshake as its upstream gets it."""

    url: str
    headers: CIMultiDict[str]
    protocols: tuple[str, ...]


def address(route: Route, parameters: Mapping[str, str], query: str, secret: Collection[str] = ()) -> str:
    """The upstream's URL for one client.

    Args:
        parameters: the path's, as text.
        query: of the client's URL, as it came; its parameters named in ``secret`` are left out.
    """
    tails = {each.name for each in route.parameters if each.tail}

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return quote(parameters.get(name, ""), safe="/" if name in tails else "")

    url = _PLACEHOLDER.sub(value, route.handler)
    kept = [each for each in query.split("&") if each and unquote_plus(each.partition("=")[0]) not in secret]
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(kept)}" if kept else url


def headers(came: CIMultiDictProxy[str], info: SessionInfo, *, secure: bool) -> CIMultiDict[str]:
    """The headers of the upstream's handshake. The forwarding ones are of the gateway's own making: whatever a client
    says there is not passed on."""
    found: CIMultiDict[str] = CIMultiDict()
    upstream = info.route.upstream
    for name in ("User-Agent", *(upstream.headers if upstream is not None else ())):
        for value in came.getall(name, []):
            found.add(name, value)
    found["X-Forwarded-For"] = info.address
    found["X-Forwarded-Proto"] = "https" if secure else "http"
    found["X-Forwarded-Host"] = came.get("Host", "")
    return found


def protocols(came: CIMultiDictProxy[str]) -> tuple[str, ...]:
    """The subprotocols that the client offers, in its order (RFC 6455, 4.1), without a credential for the gateway."""
    return tuple(dict.fromkeys(offered(came)))
