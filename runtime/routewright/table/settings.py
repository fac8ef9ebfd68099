"""The gateway's own settings, as the spec's ``gateway`` key gives them (flags and environment may override)."""

from typing import Literal

import msgspec


class Admin(msgspec.Struct, frozen=True, kw_only=True):
    """The operators' listener. ``token_env`` names the variable that holds its bearer token; without a token it only
    binds to loopback."""

    host: str = "127.0.0.1"
    port: int = 8002
    token_env: str | None = None


class GatewayLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the whole gateway: connections in all and per address, seconds for a handshake, and bytes of one
    message where no route says otherwise."""

    connections: int = 20_000
    connections_per_address: int = 1_000
    handshake: float = 10.0
    message_bytes: int = 64 * 1024


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """PEM files for the public listener."""

    certificate: str
    key: str


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """Where workers connect. ``endpoint`` ``None`` means an ``ipc://`` socket in a private folder; ``tcp://`` needs
    CURVE keys (Z85 text, the secret one from the variable named by ``secret_key_env``)."""

    endpoint: str | None = None
    public_key: str | None = None
    secret_key_env: str | None = None
    client_keys: tuple[str, ...] = ()


class Fuzzy(msgspec.Struct, frozen=True, kw_only=True):
    """What a path of no route is answered with: a plain 404, one that names near paths, or the nearest route, if it is
    at least so alike (0 to 1) and no other is as near."""

    mode: Literal["off", "suggest", "redirect"] = "suggest"
    threshold: float = 0.9


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything below the spec's ``gateway`` key, durations in seconds, sizes in bytes. ``heartbeat`` is how long a
    connection may be silent before it is asked for a sign of life; without one after as long again it is dead.
    With ``dynamic_routing`` workers may register routes that the spec does not name, and near paths may match."""

    host: str = "127.0.0.1"
    port: int = 8001
    admin: Admin = Admin()
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    limits: GatewayLimits = GatewayLimits()
    tls: Tls | None = None
    drain: float = 30.0
    heartbeat: float = 25.0
    bridge: Bridge = Bridge()
    dynamic_routing: bool = False
    fuzzy: Fuzzy = Fuzzy()
