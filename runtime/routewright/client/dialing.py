"""One attempt to connect: from a URL to an open WebSocket, or to the reason why there is none.

Strategy: what the gateway says when it refuses is read from its answer (HTTP status, JSON body, ``Retry-After``),
because it decides whether and when to come again.
"""

import asyncio
import inspect
import os
import ssl as tls
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import urlencode, urlsplit, urlunsplit

import aiohttp
import msgspec
from multidict import CIMultiDict

from routewright.client.discovery import body, discover, fill
from routewright.client.errors import ClientError, ConnectionLost, NoSuchRoute, Terminal
from routewright.client.frames import SUBPROTOCOL

Token: TypeAlias = str | Callable[[], Awaitable[str]]
"""A credential, or what fetches one; it is called at every attempt."""

TokenPlace: TypeAlias = Literal["header", "subprotocol", "query", "message"]
"""Where a credential travels; ``message``: in the first frame."""

Socket: TypeAlias = "aiohttp.ClientWebSocketResponse[Any]"

FINAL_STATUS = frozenset({400, 401, 403, 404, 405, 410, 426})
"""HTTP statuses after which there is no use in coming again."""

_CLOSE = 2.0
_REFUSAL = 64 * 1024


class Target(NamedTuple):
    """Where to connect: a WebSocket URL, or a gateway's origin and what to look for there."""

    url: str
    capability: str | None = None
    route: str | None = None
    parameters: Mapping[str, object] = {}

    @property
    def name(self) -> str:
        """What is connected to, without credentials: the key of a saved session."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        looked_for = self.capability or self.route or ""
        values = ",".join(f"{name}={value}" for name, value in sorted(self.parameters.items()))
        return " ".join(filter(None, (f"{parts.scheme}://{host}{parts.path}", looked_for, values)))


class Dialed(NamedTuple):
    """An open connection; ``token`` is a credential that its first frame is to present."""

    socket: Socket
    token: str | None

    @property
    def reliable(self) -> bool:
        """The gateway has chosen the subprotocol."""
        return self.socket.protocol == SUBPROTOCOL


class Dialer:
    """Opens connections to one target."""

    def __init__(
        self,
        target: Target,
        *,
        token: Token | None,
        token_in: TokenPlace,
        token_name: str | None,
        headers: Mapping[str, str],
        ssl: tls.SSLContext | bool,
        largest: int,
        connect_timeout: float,
        reliable: bool,
    ) -> None:
        self.target = target
        self.token = token
        self.token_in = token_in
        self._token_name = token_name
        self._headers = headers
        self._ssl = ssl
        self._largest = largest
        self._reliable = reliable
        self._timeout = aiohttp.ClientTimeout(total=connect_timeout)
        self._session: aiohttp.ClientSession | None = None

    async def dial(self) -> Dialed:
        """Connect.

        Raises:
            Terminal: the gateway does not want this client.
            NoSuchRoute: the gateway has nothing of what is looked for.
            ConnectionLost: nobody answered, or not now.
        """
        session = self._opened()
        token = await self.fetch()
        url = await self._resolved(session)
        headers, protocols = CIMultiDict(self._headers), [SUBPROTOCOL] if self._reliable else []
        first = None
        if token is not None:
            match self.token_in:
                case "header":
                    headers[self._token_name or "Authorization"] = token if self._token_name else f"Bearer {token}"
                case "subprotocol":
                    protocols.append(f"routewright.auth.{token}")
                case "query":
                    url = _with_query(url, self._token_name or "token", token)
                case "message":
                    first = token
        return Dialed(await self._handshake(session, url, headers, protocols), first)

    @property
    def renews(self) -> bool:
        """Whether there may be another credential than the last one."""
        return callable(self.token)

    async def fetch(self) -> str | None:
        """The credential of this moment.

        Raises:
            ConnectionLost: there is none for now.
        """
        if self.token is None or isinstance(self.token, str):
            return self.token
        try:
            async with asyncio.timeout(self._timeout.total):
                fetched: object = self.token()
                token = await fetched if inspect.isawaitable(fetched) else fetched
                if isinstance(token, str):
                    return token
                raise TypeError(f"it gave {type(token).__name__}, not str")
        except ClientError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise ConnectionLost(f"the token provider failed: {said}") from error

    async def close(self) -> None:
        """Give back what is held."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, raise_for_status=_refused, middlewares=(_stay,)
            )
        return self._session

    async def _resolved(self, session: aiohttp.ClientSession) -> str:
        url, capability, route, parameters = self.target
        if capability is None and route is None:
            parts = urlsplit(url)
            return urlunsplit(parts._replace(path=fill(parts.path, parameters)))
        origin = url.rstrip("/")
        try:
            document = await discover(session, origin, headers=self._headers, ssl=self._ssl)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from None
        found = document.find(capability=capability, route=route)
        if found.framing == "raw":
            raise NoSuchRoute(f"{found.name!r} is a raw route: it takes frames, not messages")
        try:
            path = fill(found.path, parameters)
        except TypeError as error:
            raise NoSuchRoute(f"{found.name!r} needs other parameters: {error}") from None
        return "ws" + origin.removeprefix("http") + path

    async def _handshake(
        self, session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], protocols: list[str]
    ) -> Socket:
        try:
            return await session.ws_connect(
                url,
                headers=headers,
                protocols=protocols,
                ssl=self._ssl,
                max_msg_size=self._largest,
                decode_text=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE),
            )
        except aiohttp.WSServerHandshakeError as error:
            raise Terminal(error.status, f"the server speaks no WebSocket here: {error.message}") from None
        except aiohttp.InvalidURL:
            raise Terminal(400, "that is no URL") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise Terminal(495, f"the server's certificate is not trusted: {error}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from None


class _Error(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""
    hint: str = ""


class _Refusal(msgspec.Struct):
    error: _Error = _Error()


async def _stay(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Go nowhere else: a redirect, which aiohttp follows in a handshake too, would take the credential along."""
    response = await handler(request)
    if 300 <= response.status < 400 and "Location" in response.headers:
        response.close()
        raise Terminal(
            response.status, f"redirected to {response.headers['Location'][:200]!r}", hint="connect to that URL"
        )
    return response


async def _refused(response: aiohttp.ClientResponse) -> None:
    """Raise what an HTTP status that is no success means."""
    if response.status < 400:
        return
    try:
        said = msgspec.json.decode(await body(response, _REFUSAL), type=_Refusal).error
    except (aiohttp.ClientError, OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = _Error()
    status = response.status
    text = f"refused with {status}: {said.message or response.reason}"
    response.close()
    if status in FINAL_STATUS:
        raise Terminal(status, text, hint=said.hint)
    raise ConnectionLost(text, status=status, retry_after=_seconds(response.headers.get("Retry-After")), hint=said.hint)


def _seconds(header: str | None) -> float | None:
    """``Retry-After`` in seconds; a date is not waited for."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None


def _unreachable(error: Exception) -> ConnectionLost:
    if isinstance(error, aiohttp.ClientConnectorError):
        where = f"{error.host}:{error.port}"
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            return ConnectionLost(f"cannot connect to {where}: TLS failed: {error.os_error}", hint="ws:// goes without")
        number = error.errno or 0
        # those of name resolution are none of the system's
        known = number > 0 and not isinstance(error, aiohttp.ClientConnectorDNSError)
        reason = os.strerror(number) if known else error.strerror or str(error.os_error)
        return ConnectionLost(
            f"cannot connect to {where}: {reason}", hint="is the gateway running? start it with `routewright serve`"
        )
    if isinstance(error, aiohttp.ServerDisconnectedError):
        # its text is the response, as far as there is one
        return ConnectionLost("cannot connect: the server hung up during the handshake")
    return ConnectionLost(f"cannot connect: {str(error) or type(error).__name__}")


def _with_query(url: str, name: str, value: str) -> str:
    """The URL with one more query parameter."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode({name: value}))))))
