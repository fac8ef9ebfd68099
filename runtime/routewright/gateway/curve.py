"""CURVE on a ``tcp://`` bridge: who may connect, and how the gateway's own workers do.

An ``ipc://`` bridge needs none of it: its folder is private. Over TCP the gateway shows its key, and only workers whose
public key it knows get in (ZeroMQ's ZAP, RFC 27): those of ``gateway.bridge.clientKeys``, and the processes that the
gateway starts itself, which share a key pair that is made at every start.
"""

import os
from typing import Any

import zmq
from zmq.auth.asyncio import AsyncioAuthenticator

from routewright.table import Bridge

_DOMAIN = "routewright"


class CurveError(Exception):
    """A ``tcp://`` bridge without the keys it needs; the message says which."""


def needed(bridge: Bridge) -> bool:
    """Whether this bridge can be reached from elsewhere."""
    return bridge.endpoint is not None and bridge.endpoint.startswith("tcp://")


def worker_environment(bridge: Bridge) -> tuple[str, dict[str, str]]:
    """A new public key for the gateway's own workers, and the variables that hand them the pair. Both are empty where
    none is needed."""
    if not needed(bridge):
        return "", {}
    public, secret = (key.decode("ascii") for key in zmq.curve_keypair())
    return public, {
        "ROUTEWRIGHT_BRIDGE_SERVER_KEY": bridge.public_key or "",
        "ROUTEWRIGHT_BRIDGE_PUBLIC_KEY": public,
        "ROUTEWRIGHT_BRIDGE_SECRET_KEY": secret,
    }


class Guard:
    """Lets known workers in, and nobody else."""

    def __init__(self, bridge: Bridge, own_workers: str, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        """Raises CurveError: a key is missing."""
        self._secret = os.environ.get(bridge.secret_key_env or "", "").encode()
        self._public = (bridge.public_key or "").encode()
        if not (self._secret and self._public):
            raise CurveError(
                f"a tcp:// bridge needs CURVE keys: bridge.publicKey, and the secret key in {bridge.secret_key_env!r}"
            )
        self._known = {key.encode() for key in (*bridge.client_keys, own_workers) if key}
        self._authenticator = AsyncioAuthenticator(context)

    def start(self) -> None:
        """Begin to answer ZeroMQ's questions; before the socket is bound."""
        self._authenticator.start()
        self._authenticator.configure_curve_callback(domain=_DOMAIN, credentials_provider=self)

    def configure(self, router: "zmq.Socket[bytes]") -> None:
        """Set the keys on the socket."""
        for option, value in (
            (zmq.CURVE_SERVER, 1),
            (zmq.CURVE_SECRETKEY, self._secret),
            (zmq.CURVE_PUBLICKEY, self._public),
            (zmq.ZAP_DOMAIN, _DOMAIN.encode()),
        ):
            router.setsockopt(option, value)

    def callback(self, domain: str, key: Any) -> bool:
        """What the authenticator asks: whether a worker with this public key may connect."""
        return bytes(key) in self._known

    def stop(self) -> None:
        """Answer no more."""
        self._authenticator.stop()
