"""Where in an upgrade request a credential stands.

Strategy: a way of authentication looks only where its spec says. Two different credentials in one request are as good
as none: what reads the first and what reads the last would not agree.
"""

from collections.abc import Iterator

from multidict import CIMultiDictProxy

from routewright.gateway.auth.identity import Denied
from routewright.hooks import UpgradeRequest
from routewright.table import ApiKey, Auth, Jwt, Plugin, Source, Ticket

SUBPROTOCOL = "routewright.auth."
"""What an offered subprotocol begins with that is a credential. It is never answered."""

LONGEST = 16 * 1024
"""Characters that a credential may have."""

_SCHEMES = {"jwt": ("bearer",), "apiKey": ("apikey", "bearer"), "ticket": ("ticket",)}


def kind(way: Jwt | ApiKey | Ticket) -> str:
    """The kind as the spec calls it."""
    return str(way.__struct_config__.tag)


def find(way: Jwt | ApiKey | Ticket, request: UpgradeRequest, sources: tuple[Source, ...] | None = None) -> str | None:
    """The credential for this way; ``None`` where there is none.

    Args:
        sources: where to look; by default where the way says.

    Raises:
        Denied: there are several, or it is too long.
    """
    sources = way.sources if sources is None else sources
    found = {each for source in sources for each in _at(source, way, request)} - {""}
    if len(found) > 1:
        raise Denied("ambiguous", "the request has more than one credential")
    return bounded(found.pop()) if found else None


def bounded(credential: str) -> str:
    """The credential.

    Raises:
        Denied: it is too long to be one.
    """
    if len(credential) > LONGEST:
        raise Denied("malformed", "the credential is too long")
    return credential


def _at(source: Source, way: Jwt | ApiKey | Ticket, request: UpgradeRequest) -> Iterator[str]:
    match source:
        case "header":
            yield from _in_headers(way, request.headers)
        case "subprotocol":
            for each in _subprotocols(request.headers):
                if each.startswith(SUBPROTOCOL):
                    yield each.removeprefix(SUBPROTOCOL)
        case "query":
            yield from request.query.getall(way.query, ())


def _in_headers(way: Jwt | ApiKey | Ticket, headers: CIMultiDictProxy[str]) -> Iterator[str]:
    if way.header is not None and way.header.lower() != "authorization":
        yield from (each.strip() for each in headers.getall(way.header, ()))
        return
    for value in headers.getall("Authorization", ()):
        scheme, _, credential = value.strip().partition(" ")
        if scheme.lower() in _SCHEMES[kind(way)]:
            yield credential.strip()
    if isinstance(way, ApiKey) and way.header is None:
        yield from (each.strip() for each in headers.getall("X-API-Key", ()))


def _subprotocols(headers: CIMultiDictProxy[str]) -> Iterator[str]:
    for value in headers.getall("Sec-WebSocket-Protocol", ()):
        yield from (each.strip() for each in value.split(","))


def offered(headers: CIMultiDictProxy[str]) -> list[str]:
    """The subprotocols that a client offers, without credentials."""
    return [each for each in _subprotocols(headers) if each and not each.startswith(SUBPROTOCOL)]


def carries(headers: CIMultiDictProxy[str]) -> bool:
    """Whether a subprotocol holds a credential: a browser then wants another one of its subprotocols answered."""
    return any(each.startswith(SUBPROTOCOL) for each in _subprotocols(headers))


def in_queries(ways: tuple[Auth, ...]) -> frozenset[str]:
    """The parameters of a URL that hold credentials."""
    return frozenset(way.query for way in ways if not isinstance(way, Plugin) and "query" in way.sources)
