"""Whether a browser's page may connect: the check of the ``Origin`` header (RFC 6455, 10.2).

Strategy: a missing header is no browser and passes. With an allow-list only its entries pass; without one, only the
origin that the request itself was sent to. Everything is compared in full: scheme, host and port.
"""

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def allowed(
    origins: Sequence[str], allow_list: Collection[str], host: str | None, *, secure: bool, loopback: bool
) -> bool:
    """Whether a request with these ``Origin`` headers may open a connection.

    Args:
        origins: every ``Origin`` header of the request.
        allow_list: origins such as ``https://app.example.com``, or ``*`` for any; empty means the same origin only.
        host: the ``Host`` header.
        secure: the request came over TLS.
        loopback: the gateway only listens on loopback; a host name that merely leads there (DNS rebinding) is then
            not taken for the same origin.
    """
    if not origins:
        return True
    if len(origins) > 1:
        return False
    if "*" in allow_list:
        return True
    origin = _normal(origins[0])
    if origin is None:
        return False
    if allow_list:
        return origin in {_normal(entry) for entry in allow_list}
    same = _normal(f"{'https' if secure else 'http'}://{host}") if host else None
    return origin == same and (not loopback or origin[1] in _LOOPBACK)


def _normal(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port in one spelling; ``None`` for what is no origin (``null``, a path, a user name, an empty
    query)."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or parts.netloc.endswith(":"):
        return None
    # more than that, even if it is empty or a blank that the parser leaves out, is none of an origin's (RFC 6454, 7.1)
    if origin.lower() != f"{scheme}://{parts.netloc}".lower():
        return None
    return scheme, parts.hostname.lower(), port if port is not None else _DEFAULT_PORTS[scheme]
