"""Finding a route: the discovery document of a gateway, and the path of what is looked for.

Strategy: the document is asked for at each attempt to connect, because a reload may have moved the route.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from routewright.client.errors import ConnectionLost, NoSuchRoute

DOCUMENT = "/.well-known/websocket-routes"
_LONGEST = 64 * 1024 * 1024

_PARAMETER = re.compile(r"\{(\w+)(\.\.\.)?\}")


class Message(msgspec.Struct):
    """A message, as the document tells of it; ``origin`` is who sends it."""

    name: str
    origin: str = msgspec.field(default="client", name="from")
    reply: str | None = None
    stream: bool = False
    summary: str = ""


class Description(msgspec.Struct):
    """A route, as the document tells of it."""

    name: str = ""
    path: str = ""
    aliases: list[str] = []
    capabilities: list[str] = []
    framing: str = "message"
    subprotocols: list[str] = []
    messages: list[Message] = []


class Document(msgspec.Struct):
    """The discovery document. ``spec`` changes whenever the spec does."""

    spec: str = ""
    title: str = ""
    version: str = ""
    routes: list[Description] = []

    def find(self, *, capability: str | None = None, route: str | None = None) -> Description:
        """The first route with that capability, or the one of that name.

        Raises:
            NoSuchRoute: there is none.
        """
        for each in self.routes:
            if each.name == route or capability in each.capabilities:
                return each
        if route is not None:
            raise NoSuchRoute(f"the gateway has no route {route!r}; {_listed([each.name for each in self.routes])}")
        offered = sorted({name for each in self.routes for name in each.capabilities})
        raise NoSuchRoute(f"no route of the gateway offers {capability!r}; {_listed(offered)}")


def fill(path: str, parameters: Mapping[str, object]) -> str:
    """A route's path with values in the place of its parameters.

    Raises:
        TypeError: there is a parameter without a value, or a value without a parameter.
    """
    names = [found[1] for found in _PARAMETER.finditer(path)]
    missing = [name for name in names if name not in parameters]
    unknown = [name for name in parameters if name not in names]
    if missing or unknown:
        raise TypeError(
            f"{path} needs the parameters {', '.join(names) or '(none)'}: "
            + "; ".join(
                [*(f"{name!r} is missing" for name in missing), *(f"{name!r} is not one of them" for name in unknown)]
            )
        )
    return _PARAMETER.sub(lambda found: quote(str(parameters[found[1]]), safe="/" if found[2] else ""), path)


async def discover(session: aiohttp.ClientSession, origin: str, **options: Any) -> Document:
    """The document of the gateway at ``origin`` (``http://host:port``).

    Raises:
        ConnectionLost: what answers is something else.
        aiohttp.ClientError, OSError: nobody answers.
    """
    async with session.get(origin + DOCUMENT, **options) as response:
        try:
            return msgspec.json.decode(await body(response, _LONGEST), type=Document)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise ConnectionLost(f"{response.url.with_user(None)} is no discovery document") from None


async def body(response: aiohttp.ClientResponse, longest: int) -> bytes:
    """What a response says, up to so many bytes."""
    found = bytearray()
    while len(found) < longest and (chunk := await response.content.read(longest - len(found))):
        found += chunk
    return bytes(found)


async def describe(session: aiohttp.ClientSession, url: str) -> Description:
    """What the gateway says of the route at an HTTP URL; nothing where there is none, or some other server."""
    try:
        async with session.get(url, allow_redirects=False) as response:
            return msgspec.json.decode(await body(response, _LONGEST), type=Description)
    except (aiohttp.ClientError, OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Description()


def _listed(names: list[str]) -> str:
    return f"there are: {', '.join(names[:20])}" if names else "it has none"
