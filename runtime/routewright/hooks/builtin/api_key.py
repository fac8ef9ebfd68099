"""``api_key``: lets in who knows a key.

Settings: ``keys`` (a list of ``{"id", "sha256", "scopes"}``), or ``keysEnv`` (a variable that holds keys as
`routewright.hooks.keys` reads them), or ``keysFile`` (a file that does; it is read again when it changes); ``header``
(``X-API-Key``), ``bearer`` (``Authorization: Bearer`` works too: true), ``scopes`` (those that a key must have here).

The ``apiKey`` way of a route's ``auth`` does the same, and more; this plugin is for keys that stand in the settings.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import msgspec
from multidict import CIMultiDictProxy

from routewright.hooks.errors import Refusal
from routewright.hooks.keys import HEX, Key, Keys, line, make, read
from routewright.hooks.specs import hookimpl
from routewright.hooks.values import UpgradeRequest
from routewright.table import Principal

if TYPE_CHECKING:
    import typer


@final
class Wanted:
    """The settings of one route, prepared."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.header: str = settings.get("header", "X-API-Key")
        self.bearer: bool = settings.get("bearer", True)
        self.scopes = frozenset(settings.get("scopes", ()))
        keys: list[Key] = []
        if "keys" in settings:
            keys = msgspec.convert(settings["keys"], list[Key])
        elif "keysEnv" in settings:
            keys = read(os.environ.get(settings["keysEnv"], "").encode(), f"the variable {settings['keysEnv']}")
        self.keys = Keys(keys, Path(settings["keysFile"]) if "keysFile" in settings else None)


@hookimpl
def routewright_settings() -> dict[str, Any]:
    key = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "minLength": 1},
            "sha256": {"type": "string", "pattern": HEX},
            "scopes": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["id", "sha256"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "header": {"type": "string", "pattern": "^[A-Za-z0-9-]+$"},
            "bearer": {"type": "boolean"},
            "scopes": {"type": "array", "items": {"type": "string"}},
            "keys": {"type": "array", "items": key},
            "keysEnv": {"type": "string", "minLength": 1},
            "keysFile": {"type": "string", "minLength": 1},
        },
        "oneOf": [{"required": ["keys"]}, {"required": ["keysEnv"]}, {"required": ["keysFile"]}],
        "additionalProperties": False,
    }


@hookimpl
def routewright_prepare(settings: dict[str, Any]) -> Wanted:
    return Wanted(settings)


@hookimpl
def routewright_authenticate(request: UpgradeRequest, settings: Wanted) -> Principal:
    presented = _presented(request.headers, settings)
    if not presented:
        ways = f"{settings.header} or Authorization: Bearer" if settings.bearer else settings.header
        raise Refusal("unauthorized", f"an API key is needed: send it as {ways}", status=401)
    principal = settings.keys.find(presented.pop()) if len(presented) == 1 else None
    if principal is None:
        raise Refusal("unauthorized", "this API key is not known", status=401)
    missing = settings.scopes.difference(principal.scopes)
    if missing:
        raise Refusal("forbidden", f"this API key lacks the scope {min(missing)!r}", status=403)
    return principal


def _presented(headers: CIMultiDictProxy[str], settings: Wanted) -> set[str]:
    """Every key in the request: more than one is as good as none."""
    presented = set(headers.getall(settings.header, ()))
    if settings.bearer:
        for value in headers.getall("Authorization", ()):
            scheme, _, credential = value.partition(" ")
            if scheme.lower() == "bearer":
                presented.add(credential.strip())
    return presented - {""}


@hookimpl
def routewright_cli(app: "typer.Typer") -> None:
    @app.command("api-key")
    def api_key(id: str = "client", scopes: str = "") -> None:
        """Make a new API key: it is printed once, with what knows it: the entry for `keys` and the line of a file.

        Example: routewright api-key --id dashboard --scopes read,write
        """
        made = make(id, tuple(scope for scope in scopes.split(",") if scope))
        print(f"key:   {made.text}")
        print(f"entry: {json.dumps(msgspec.to_builtins(made.key))}")
        print(f"line:  {line(made.key)}")
