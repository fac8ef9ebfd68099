"""The client's side of a proxy: opening and ending the WebSocket to an upstream.

Strategy: aiohttp's client, one session for all upstreams, without cookies, redirects, compression or proxies of the
environment. Everything that can go wrong is one of two errors: the upstream cannot be reached (which may pass), or it
has answered something else than a WebSocket (which will not).
"""

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any, TypeAlias

import aiohttp

from routewright.gateway.proxy.handshake import Handshake
from routewright.gateway.socket import CLOSE_WAIT, cut

Link: TypeAlias = "aiohttp.ClientWebSocketResponse[Any]"

SAID = {400: "bad_handshake", 401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "rate_limited"}
"""What an upstream may tell a client about itself: these answers go on to it, by their error codes."""

_PASSING = frozenset((408, 500, 502, 503, 504))


class Unreachable(Exception):
    """The upstream does not answer, or not now; it may later."""


class Refused(Exception):
    """The upstream has answered, and not by a WebSocket; ``status`` is what the client gets."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class UpstreamClient:
    """Opens the connections of one gateway process to all upstreams."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self, handshake: Handshake, *, largest: int, heartbeat: float | None) -> Link:
        """Open a WebSocket.

        Args:
            largest: bytes of a message that is still taken.
            heartbeat: seconds between two pings.

        Raises:
            Unreachable: there is no connection.
            Refused: there is one, and the other side does not want a WebSocket.
        """
        try:
            return await self._ready().ws_connect(
                handshake.url,
                protocols=handshake.protocols,
                headers=handshake.headers,
                max_msg_size=largest + 1,
                heartbeat=heartbeat,
                autoclose=False,
                decode_text=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_WAIT),
            )
        except aiohttp.WSServerHandshakeError as error:
            raise _answered(error.status) from None
        except _Redirected as error:
            raise _answered(error.status) from None
        except (aiohttp.InvalidURL, ValueError):
            raise Refused(502, "bad_upstream", "the upstream has no valid URL") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(type(error).__name__) from None

    async def close(self) -> None:
        """Close what is left."""
        if self._session is not None:
            await self._session.close()

    def _ready(self) -> aiohttp.ClientSession:
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_redirect.append(_redirected)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                skip_auto_headers=("User-Agent",),
                trace_configs=[trace],
                trust_env=False,
            )
        return self._session


async def end(link: Link, code: int, reason: str) -> None:
    """Close a WebSocket to an upstream as its client closed its own; one that does not answer is cut."""
    try:
        async with asyncio.timeout(CLOSE_WAIT):
            if code == 1005:
                await link.send_frame(b"", aiohttp.WSMsgType.CLOSE)
                while (await link.receive()).type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    pass
            sent = code if 1000 <= code < 5000 and code not in (1004, 1005, 1006, 1015) else 1001
            await link.close(code=sent, message=reason.encode()[:123])
    except (TimeoutError, aiohttp.ClientError, ConnectionError):
        with contextlib.suppress(RuntimeError):
            cut(link)


class _Redirected(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


async def _redirected(
    session: aiohttp.ClientSession, context: SimpleNamespace, found: aiohttp.TraceRequestRedirectParams
) -> None:
    """Nobody but the spec says where a client's frames go."""
    raise _Redirected(found.response.status)


def _answered(status: int) -> Unreachable | Refused:
    if status in _PASSING:
        return Unreachable(f"status {status}")
    if status in SAID:
        return Refused(status, SAID[status], f"the upstream refuses the handshake with status {status}")
    return Refused(502, "bad_upstream", f"the upstream answers the handshake with status {status}")
