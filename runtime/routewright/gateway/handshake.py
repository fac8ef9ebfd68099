"""The WebSocket handshake (RFC 6455, 4.2): what is asked, and the answer to it."""

import base64
import binascii
import hashlib
import re

from aiohttp import hdrs, web

from routewright.gateway.auth.credential import carries, offered
from routewright.gateway.responses import Refuse
from routewright.table.paths import Match

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def accept_key(request: web.BaseRequest, upgrade: str) -> str:
    """``Sec-WebSocket-Accept`` of a well-formed handshake.

    Raises:
        Refuse: it is none.
    """
    headers = request.headers
    version = {"Sec-WebSocket-Version": "13"}
    if request.method != hdrs.METH_GET or request.version < (1, 1):
        raise Refuse(400, "bad_handshake", "a handshake is a GET request of HTTP/1.1")
    if hdrs.TRANSFER_ENCODING in headers or headers.get(hdrs.CONTENT_LENGTH, "0") != "0":
        raise Refuse(400, "bad_handshake", "a handshake has no body")
    if upgrade.strip().lower() != "websocket":
        raise Refuse(
            426, "upgrade_required", f"cannot upgrade to {upgrade[:50]!r}", {"Upgrade": "websocket", **version}
        )
    tokens = [token.strip().lower() for value in headers.getall(hdrs.CONNECTION, []) for token in value.split(",")]
    if "upgrade" not in tokens:
        raise Refuse(400, "bad_handshake", "the Connection header does not say Upgrade")
    if headers.get(hdrs.SEC_WEBSOCKET_VERSION) != "13":
        raise Refuse(426, "upgrade_required", "the WebSocket version must be 13", version)
    keys = headers.getall(hdrs.SEC_WEBSOCKET_KEY, [])
    try:
        valid = len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise Refuse(400, "bad_handshake", "Sec-WebSocket-Key must be 16 bytes in base64")
    # SHA-1 is what RFC 6455 asks for; nothing secret depends on it
    digest = hashlib.sha1(keys[0].encode("ascii") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def switching(accept: str, more: str) -> bytes:
    """The answer to a handshake that succeeds; ``more`` are whole header lines."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"{more}Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode("ascii")


def location(match: Match) -> str:
    """The header line that names the path which was meant, where that is not the one asked for (RFC 9110, 8.7)."""
    return f"Content-Location: {match.pattern}\r\n" if match.near else ""


def subprotocol(request: web.BaseRequest) -> str:
    """The header that answers a subprotocol: none is spoken, but a client that has sent its credential as one wants
    another one answered."""
    if not carries(request.headers):
        return ""
    others = [each for each in offered(request.headers) if _TOKEN.fullmatch(each)]
    return f"Sec-WebSocket-Protocol: {others[0]}\r\n" if others else ""
