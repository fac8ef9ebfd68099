"""``api_key``: lets in who knows a key.

Settings: ``keys`` (a list of ``{"id", "sha256", "scopes"}``), or ``keysEnv`` (a variable that holds that list as
JSON), or ``keysFile`` (a file that does; it is read again when it changes); ``header`` (``X-API-Key``), ``bearer``
(``Authorization: Bearer`` works too: true), ``scopes`` (those that a key must have here).

Only the SHA-256 of a key is kept anywhere. That is enough for keys of 256 random bits, as ``routewright api-key``
makes them, and not for passwords. A key's ``id`` and ``scopes`` are the principal's.
"""

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, final

import msgspec
from multidict import CIMultiDictProxy

from routewright.hooks.errors import Refusal
from routewright.hooks.specs import hookimpl
from routewright.hooks.values import UpgradeRequest
from routewright.table import Principal

if TYPE_CHECKING:
    import typer

HEX: Final = "^[0-9a-f]{64}$"


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that lets in, known by its hash."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    sha256: Annotated[str, msgspec.Meta(pattern=HEX)]
    scopes: tuple[str, ...] = ()


@final
class Keys:
    """The settings of one route, prepared."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.header: str = settings.get("header", "X-API-Key")
        self.bearer: bool = settings.get("bearer", True)
        self.scopes = frozenset(settings.get("scopes", ()))
        self._file = Path(settings["keysFile"]) if "keysFile" in settings else None
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[bytes, Principal] = {}
        if "keys" in settings:
            self._keys = _principals(msgspec.convert(settings["keys"], list[Key]))
        elif "keysEnv" in settings:
            self._keys = _parse(os.environ.get(settings["keysEnv"], "").encode(), f"the variable {settings['keysEnv']}")
        self._refresh()

    def find(self, presented: str) -> Principal | None:
        """Whose key it is. Takes as long for a wrong key as for a right one."""
        self._refresh()
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
        found = None
        for known, principal in self._keys.items():
            if hmac.compare_digest(known, digest):
                found = principal
        return found

    def _refresh(self) -> None:
        """Read the file if it is another than before.

        Raises:
            ValueError: it cannot be read, or holds no keys; nobody is let in by keys that may have been withdrawn.
        """
        if self._file is None:
            return
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self._stamp:
                self._keys = _parse(self._file.read_bytes(), str(self._file))
                self._stamp = stamp
        except OSError as error:
            raise ValueError(f"keysFile: {error.strerror}: {self._file}") from error


def _parse(text: bytes, place: str) -> dict[bytes, Principal]:
    if not text.strip():
        raise ValueError(f"{place} is empty; it must hold a JSON list of keys (`routewright api-key` prints one)")
    try:
        return _principals(msgspec.json.decode(text, type=list[Key]))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"{place} holds no JSON list of keys: {error}") from None


def _principals(keys: list[Key]) -> dict[bytes, Principal]:
    names = [key.id for key in keys]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two keys have the id {twice[0]!r}")
    principals = {bytes.fromhex(key.sha256): Principal(id=key.id, scopes=key.scopes) for key in keys}
    if len(principals) < len(keys):
        raise ValueError("two keys have the same sha256")
    return principals


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
def routewright_prepare(settings: dict[str, Any]) -> Keys:
    return Keys(settings)


@hookimpl
def routewright_authenticate(request: UpgradeRequest, settings: Keys) -> Principal:
    presented = _presented(request.headers, settings)
    if not presented:
        ways = f"{settings.header} or Authorization: Bearer" if settings.bearer else settings.header
        raise Refusal("unauthorized", f"an API key is needed: send it as {ways}", status=401)
    principal = settings.find(presented.pop()) if len(presented) == 1 else None
    if principal is None:
        raise Refusal("unauthorized", "this API key is not known", status=401)
    missing = settings.scopes.difference(principal.scopes)
    if missing:
        raise Refusal("forbidden", f"this API key lacks the scope {min(missing)!r}", status=403)
    return principal


def _presented(headers: CIMultiDictProxy[str], settings: Keys) -> set[str]:
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
        """Make a new API key: it is printed once, with the entry for `keys` that knows it.

        Example: routewright api-key --id dashboard --scopes read,write
        """
        key = f"rw_{secrets.token_urlsafe(32)}"
        entry = {
            "id": id,
            "sha256": hashlib.sha256(key.encode()).hexdigest(),
            "scopes": [scope for scope in scopes.split(",") if scope],
        }
        print(f"key:   {key}")
        print(f"entry: {json.dumps(entry)}")
