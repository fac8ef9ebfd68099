"""HTTP that cannot be parsed: refused with 400, and nothing of it is told on.

Strategy: aiohttp repeats the offending bytes to the client and in its log, with a traceback. They may hold a credential
(a header or query that is too long, a stray character beside a token), and anyone may send them as often as they like.
So its connection is told to answer as the listener answers everything else it refuses, and to log nothing. Bodies are
taken as they come: none is inflated.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from routewright.gateway.responses import Refuse, json_response

_CLIENTS = (HttpProcessingError, web.RequestPayloadError, ConnectionResetError)
"""What fails a request by the fault of its client, or because it has left."""


class HttpConnection(web.RequestHandler):
    """A connection of a ``web.Server`` before it becomes a WebSocket.

    Args:
        server: whose connection it is.
        refused: called with the code of each request that is no HTTP.
        settings: of ``web.RequestHandler``.
    """

    __slots__ = ("_refused",)

    def __init__(self, server: web.Server, refused: Callable[[str], None], **settings: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), auto_decompress=False, **settings)
        self._refused = refused

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that failed: by itself if it is malformed, else as aiohttp does (500, logged)."""
        if not isinstance(exc, _CLIENTS):
            return super().handle_error(request, status, exc, message)
        refusal = Refuse(400, "bad_request", "the request is no HTTP that can be read, or too long")
        self._refused(refusal.code)
        return json_response(refusal.status, refusal.body())
