"""The ``gateway`` key of a spec -> `Gateway`."""

from typing import Any

from routewright.spec import units
from routewright.spec.model import Admin, Bridge, Fuzzy, Gateway, GatewayLimits, Tls


def gateway(value: dict[str, Any]) -> Gateway:
    """The settings of a gateway in which no problem was found."""
    admin, bridge, tls = value.get("admin", {}), value.get("bridge", {}), value.get("tls")
    fuzzy = value.get("fuzzy", {})
    return Gateway(
        host=value.get("host", "127.0.0.1"),
        port=int(value.get("port", 8001)),
        admin=Admin(
            host=admin.get("host", "127.0.0.1"),
            port=int(admin.get("port", 8002)),
            token_env=admin.get("tokenEnv"),
        ),
        allowed_origins=tuple(value.get("allowedOrigins", ())),
        trusted_proxies=tuple(value.get("trustedProxies", ())),
        limits=_limits(value.get("limits", {})),
        tls=Tls(certificate=tls["certificate"], key=tls["key"]) if tls is not None else None,
        drain=float(value.get("drainSeconds", 30)),
        heartbeat=units.seconds(value.get("heartbeat", "25s")) or 25.0,
        bridge=Bridge(
            endpoint=bridge.get("endpoint"),
            public_key=bridge.get("publicKey"),
            secret_key_env=bridge.get("secretKeyEnv"),
            client_keys=tuple(bridge.get("clientKeys", ())),
        ),
        dynamic_routing=value.get("dynamicRouting", False),
        fuzzy=Fuzzy(mode=fuzzy.get("mode", "suggest"), threshold=float(fuzzy.get("threshold", 0.9))),
    )


def _limits(value: dict[str, Any]) -> GatewayLimits:
    return GatewayLimits(
        connections=int(value.get("connections", 20_000)),
        connections_per_address=int(value.get("connectionsPerAddress", 1_000)),
        handshake=units.seconds(value.get("handshake", "10s")) or 10.0,
        message_bytes=units.size(value.get("messageBytes", "64KiB")) or 64 * 1024,
    )
