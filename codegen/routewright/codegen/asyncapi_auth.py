"""Who may connect, in AsyncAPI's words: security schemes.

Strategy: one scheme for each place where a credential may be, named by its kind and that place, so that routes share
them. AsyncAPI knows headers and the query; a subprotocol is a header of the handshake, and the first frame the
"password" of a connection. How a credential is checked stays inside.
"""

import re
from collections.abc import Iterator
from typing import Any

from routewright.spec.model import Route
from routewright.spec.policies import ApiKey, Auth, Jwt, Plugin, Source, Ticket

KINDS = {Jwt: "jwt", ApiKey: "apiKey", Ticket: "ticket", Plugin: "plugin"}
"""How the spec calls each way."""

_API_KEY = "api_key"
_SCHEMES = {"jwt": "bearer", "apiKey": "ApiKey", "ticket": "Ticket"}
_ANYTHING = {"type": "apiKey", "in": "user", "description": "Whatever a plugin of the route asks for."}
_SUBPROTOCOL = {
    "type": "httpApiKey",
    "in": "header",
    "name": "Sec-WebSocket-Protocol",
    "description": 'Offered as the subprotocol "routewright.auth." and the credential, beside another one.',
}
_FRAME = {"type": "apiKey", "in": "password", "description": "The token of $auth, which is then the first frame."}


def schemes(route: Route) -> dict[str, dict[str, Any]]:
    """The ways to prove who one is on a route; each is enough."""
    found: dict[str, dict[str, Any]] = {}
    for way in route.auth:
        if not isinstance(way, Plugin):
            for source in way.sources:
                found |= {_key(key): scheme for key, scheme in _schemes(way, source)}
    asks_plugins = any(isinstance(way, Plugin) for way in route.auth)
    keys = _of_plugins(route) if asks_plugins or not route.auth else {}
    return found | (keys or ({"plugin": _ANYTHING} if asks_plugins else {}))


def ways(route: Route) -> list[dict[str, Any]]:
    """What a client has to know of each way, in the words of the spec."""
    return [_way(way) for way in route.auth]


def takes_frames(route: Route) -> bool:
    """Whether clients may send ``$auth``: a credential in a frame."""
    return route.framing == "message" and any(not isinstance(way, Plugin) for way in route.auth)


def _way(way: Auth) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": KINDS[type(way)]}
    if not isinstance(way, Plugin):
        found["from"] = list(way.sources)
        if way.header is not None:
            found["header"] = way.header
        if "query" in way.sources:
            found["query"] = way.query
    return {**found, "scopes": list(way.scopes)} if way.scopes else found


def _schemes(way: Jwt | ApiKey | Ticket, source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    kind = KINDS[type(way)]
    if source == "subprotocol":
        yield f"{kind}.subprotocol", _SUBPROTOCOL
    elif source == "message":
        yield f"{kind}.message", _FRAME
    elif source == "query":
        yield f"{kind}.query.{way.query}", {"type": "httpApiKey", "in": "query", "name": way.query}
    elif way.header is not None and way.header.lower() != "authorization":
        yield f"{kind}.header.{way.header}", {"type": "httpApiKey", "in": "header", "name": way.header}
    else:
        scheme = {"type": "http", "scheme": _SCHEMES[kind]}
        yield f"{kind}.{_SCHEMES[kind]}", {**scheme, "bearerFormat": "JWT"} if kind == "jwt" else scheme
        if kind == "apiKey" and way.header is None:
            yield f"{kind}.header.X-API-Key", {"type": "httpApiKey", "in": "header", "name": "X-API-Key"}


def _of_plugins(route: Route) -> dict[str, dict[str, Any]]:
    """The ways to show a key to the built-in plugin."""
    found: dict[str, dict[str, Any]] = {}
    for each in route.middleware:
        if each.name == _API_KEY:
            header = each.settings.get("header", "X-API-Key")
            found[_key(f"{_API_KEY}.{header}")] = {"type": "httpApiKey", "in": "header", "name": header}
            if each.settings.get("bearer", True):
                found[f"{_API_KEY}.bearer"] = {"type": "http", "scheme": "bearer"}
    return found


def _key(text: str) -> str:
    """A key that AsyncAPI takes among the components."""
    return re.sub(r"[^\w.-]", "_", text, flags=re.ASCII)
