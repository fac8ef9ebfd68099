"""What flags and environment variables may change of the settings that a table was compiled with.

Strategy: one table of settings, keyed as in the spec (``limits.messageBytes``). The name of a variable is derived from
the key, its text is parsed by the setting's kind, and `apply` lays parsed values over a `Table`'s settings. Pure: the
environment is an argument.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec

from routewright.table.route import Route
from routewright.table.settings import Settings, Tls
from routewright.table.table import Table

T = TypeVar("T", bound=msgspec.Struct)

RATE_LIMIT = "rateLimit"
"""An override that is no setting of the gateway: ``False`` turns every route's rate limit off."""

BACKEND = "backend"
"""Another one: the upstream of the proxy routes that name none."""


class OverrideError(ValueError):
    """An override that cannot be used; the message names it and says what is expected."""


class Kind(NamedTuple):
    """How the text of an override is read. ``parse`` raises `ValueError` for what is not ``expected``."""

    expected: str
    parse: Callable[[str], Any]


_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZES = {
    "": 1,
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_QUANTITY = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]{0,3})")


def _quantity(text: str) -> tuple[float, str]:
    found = _QUANTITY.fullmatch(text.strip())
    if found is None or not text.isascii():
        raise ValueError(text)
    return float(found[1]), found[2]


def _duration(text: str) -> float:
    number, unit = _quantity(text)
    if unit not in _UNITS or not math.isfinite(number):
        raise ValueError(text)
    return number * _UNITS[unit]


def _size(text: str) -> int:
    number, unit = _quantity(text)
    if unit not in _SIZES or number * _SIZES[unit] < 1:
        raise ValueError(text)
    return int(number * _SIZES[unit])


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text.strip()):
            raise ValueError(text)
        number = int(text)
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return parse


def _share(text: str) -> float:
    number, unit = _quantity(text)
    if unit or not 0.6 <= number <= 1:
        raise ValueError(text)
    return number


def _mode(text: str) -> str:
    if text.strip() not in ("off", "suggest", "redirect"):
        raise ValueError(text)
    return text.strip()


def _text(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError(text)
    return text.strip()


def _texts(text: str) -> tuple[str, ...]:
    return tuple(_text(item) for item in text.split(","))


def _switch(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("true", "1", "yes", "on", "false", "0", "no", "off"):
        raise ValueError(text)
    return word in ("true", "1", "yes", "on")


def _url(text: str) -> str:
    """A URL as that of a WebSocket, without a slash at its end."""
    parts = urlsplit(text.strip())
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    plain = text.isprintable() and not set("{}@?#") & set(text) and " " not in text.strip()
    if scheme not in ("ws", "wss") or not parts.hostname or parts.port == 0 or not plain:
        raise ValueError(text)
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"


PORT = Kind("a port from 0 to 65535 (0: any free one)", _integer(0, 65535))
COUNT = Kind("a whole number above 0", _integer(1, 10**12))
DURATION = Kind('a duration such as "250ms", "10s" or "2m" (a bare number is seconds)', _duration)
SIZE = Kind('a size such as "64KiB" or "1MiB" (a bare number is bytes)', _size)
TEXT = Kind("a text in one line", _text)
LIST = Kind("a list with commas between its items", _texts)
SWITCH = Kind("true or false", _switch)
SHARE = Kind("a number from 0.6 to 1", _share)
MODE = Kind("off, suggest or redirect", _mode)
URL = Kind('a URL such as "http://127.0.0.1:8000"', _url)


class Setting(NamedTuple):
    """One setting: ``field`` is where it lies below `Settings`."""

    field: tuple[str, ...]
    kind: Kind


SETTINGS: dict[str, Setting] = {
    "host": Setting(("host",), TEXT),
    "port": Setting(("port",), PORT),
    "admin.host": Setting(("admin", "host"), TEXT),
    "admin.port": Setting(("admin", "port"), PORT),
    "admin.tokenEnv": Setting(("admin", "token_env"), TEXT),
    "allowedOrigins": Setting(("allowed_origins",), LIST),
    "trustedProxies": Setting(("trusted_proxies",), LIST),
    "limits.connections": Setting(("limits", "connections"), COUNT),
    "limits.connectionsPerAddress": Setting(("limits", "connections_per_address"), COUNT),
    "limits.handshake": Setting(("limits", "handshake"), DURATION),
    "limits.messageBytes": Setting(("limits", "message_bytes"), SIZE),
    "tls.certificate": Setting(("tls", "certificate"), TEXT),
    "tls.key": Setting(("tls", "key"), TEXT),
    "drainSeconds": Setting(("drain",), DURATION),
    "heartbeat": Setting(("heartbeat",), DURATION),
    "dynamicRouting": Setting(("dynamic_routing",), SWITCH),
    "fuzzy.mode": Setting(("fuzzy", "mode"), MODE),
    "fuzzy.threshold": Setting(("fuzzy", "threshold"), SHARE),
    "bridge.endpoint": Setting(("bridge", "endpoint"), TEXT),
    "bridge.publicKey": Setting(("bridge", "public_key"), TEXT),
    "bridge.secretKeyEnv": Setting(("bridge", "secret_key_env"), TEXT),
    "bridge.clientKeys": Setting(("bridge", "client_keys"), LIST),
}
"""Every setting of the spec's ``gateway`` key, under that key's own name."""


def variable(key: str) -> str:
    """The environment variable of a setting: ``limits.messageBytes`` -> ``ROUTEWRIGHT_LIMITS_MESSAGE_BYTES``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key.replace(".", "_"))
    return f"ROUTEWRIGHT_{words.upper()}"


NAMED = {
    "WEBSOCKET_PORT": ("port", PORT),
    "ENABLE_RATE_LIMIT": (RATE_LIMIT, SWITCH),
    "ENABLE_DYNAMIC_ROUTING": ("dynamicRouting", SWITCH),
    "PYTHON_BACKEND_URL": (BACKEND, URL),
}
"""Variables with a name of their own: the override that each one is, and how it is read."""

VARIABLES: dict[str, tuple[str, Kind]] = {
    **NAMED,
    **{variable(key): (key, setting.kind) for key, setting in SETTINGS.items()},
}
"""Every variable that overrides something; where two name one setting the later one holds."""


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The overrides that these variables ask for, parsed; an empty variable is unset.

    Raises:
        OverrideError: a value is not what its variable expects.
    """
    overrides: dict[str, Any] = {}
    for name, (key, kind) in VARIABLES.items():
        text = environ.get(name, "")
        if not text.strip():
            continue
        try:
            overrides[key] = kind.parse(text)
        except ValueError:
            raise OverrideError(f"{name} is {text[:100]!r}: expected {kind.expected}") from None
    return overrides


def apply(settings: Settings, overrides: Mapping[str, Any]) -> Settings:
    """``settings`` with these overrides (keys of `SETTINGS`, values parsed) in place of what the spec says.

    Raises:
        OverrideError: a key is no setting, or a TLS certificate comes without its key.
    """
    changes: dict[str, Any] = {}
    for key, value in overrides.items():
        if key in (RATE_LIMIT, BACKEND):
            continue
        if key not in SETTINGS:
            raise OverrideError(f"{key!r} is no setting of the gateway")
        head, *rest = SETTINGS[key].field
        if rest:
            changes.setdefault(head, {})[rest[0]] = value
        else:
            changes[head] = value
    for head, fields in changes.items():
        if isinstance(fields, dict):
            changes[head] = _tls(settings.tls, fields) if head == "tls" else _replace(getattr(settings, head), fields)
    return _replace(settings, changes)


def apply_to_table(table: Table, overrides: Mapping[str, Any]) -> Table:
    """The table with its settings overridden, and what its routes have from them: a route whose message limit is the
    gateway's gets the new one, no route has a rate limit where the overrides say so, and a proxy route that names no
    upstream has one.

    Raises:
        OverrideError: see `apply`; or nobody names the upstream of a proxy route.
    """
    before, after = table.settings, apply(table.settings, overrides)

    def overridden(route: Route) -> Route:
        changes: dict[str, Any] = {} if overrides.get(RATE_LIMIT, True) else {"rate_limit": None}
        if route.limits.message_bytes == before.limits.message_bytes != after.limits.message_bytes:
            changes["limits"] = _replace(route.limits, {"message_bytes": after.limits.message_bytes})
        return _replace(route, changes)

    routes = tuple(_led(overridden(route), overrides.get(BACKEND, "")) for route in table.routes)
    return _replace(table, {"settings": after, "routes": routes, "undeclared": overridden(table.undeclared)})


def _led(route: Route, backend: str) -> Route:
    """The route, with its upstream: that at the backend has the route's own path."""
    if route.source != "proxy" or route.handler:
        return route
    if not backend:
        raise OverrideError(f"route {route.name!r} has no upstream: set PYTHON_BACKEND_URL, or name one in the spec")
    return _replace(route, {"handler": f"{backend}{route.path}"})


def _tls(tls: Tls | None, fields: dict[str, str]) -> Tls:
    if tls is not None:
        return _replace(tls, fields)
    missing = {"certificate", "key"} - fields.keys()
    if missing:
        absent = f"tls.{missing.pop()}"
        given = f"tls.{next(iter(fields))}"
        raise OverrideError(f"{given} is given without {absent}: set {variable(absent)} too")
    return Tls(**fields)


def _replace(value: T, changes: dict[str, Any]) -> T:
    return msgspec.structs.replace(value, **changes) if changes else value
