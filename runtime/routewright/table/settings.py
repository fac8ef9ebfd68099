"""The gateway's own settings, as the spec's ``gateway`` key gives them (flags and environment may override)."""

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


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything below the spec's ``gateway`` key, durations in seconds, sizes in bytes. ``heartbeat`` is how long a
    connection may be silent before it is asked for a sign of life; without one after as long again it is dead."""

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
