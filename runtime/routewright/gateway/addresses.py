"""Where a request comes from: the client's address behind trusted proxies, and whether its page may connect."""

import functools
import ipaddress

from aiohttp import hdrs, web

from routewright.gateway.origin import allowed
from routewright.gateway.responses import Refuse
from routewright.table import Settings


def came_from(request: web.BaseRequest, settings: Settings) -> tuple[str, bool]:
    """The client's address, and whether it came by TLS.

    Raises:
        Refuse: it is a page of an origin that is not allowed.
    """
    address = peer(request)
    proxies = settings.trusted_proxies
    proxied = bool(proxies) and trusted(address, proxies)
    if proxied:
        address = forwarded_for(request, address, proxies)
    secure = request.secure or (proxied and request.headers.get("X-Forwarded-Proto") == "https")
    if not allowed(
        request.headers.getall(hdrs.ORIGIN, []),
        settings.allowed_origins,
        request.headers.get(hdrs.HOST),
        secure=secure,
        loopback=not proxied and is_loopback(settings.host),
    ):
        raise Refuse(
            403,
            "forbidden",
            "pages of this origin may not connect",
            hint="list the origin in gateway.allowedOrigins",
        )
    return address, secure


@functools.lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def trusted(address: str, proxies: tuple[str, ...]) -> bool:
    """Whether an address is one of these proxies, which are addresses or networks."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(proxy, strict=False) for proxy in proxies)


def peer(request: web.BaseRequest) -> str:
    """The address at the other end of the connection; ``local`` on a Unix socket."""
    transport = request.transport
    name = transport.get_extra_info("peername") if transport is not None else None
    return str(name[0]) if isinstance(name, tuple) else "local"


def forwarded_for(request: web.BaseRequest, peer: str, proxies: tuple[str, ...]) -> str:
    """The client's address: the last one that trusted proxies did not add for each other."""
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for entry in reversed([entry.strip() for entry in forwarded if entry.strip()]):
        try:
            address = str(ipaddress.ip_address(entry))
        except ValueError:
            return peer
        if not trusted(address, proxies):
            return address
    return peer
