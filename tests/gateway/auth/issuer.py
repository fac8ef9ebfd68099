"""An issuer of tokens: its keys, what it signs with them, and where its public keys are to be had."""

import functools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://id.example.com/"
AUDIENCE = "chat"


@functools.cache
def rsa_key(name: str = "first", bits: int = 2048) -> rsa.RSAPrivateKey:
    """A private key of this name, always the same."""
    return rsa.generate_private_key(65537, bits)


@functools.cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(name: str = "first") -> bytes:
    """The public key as a PEM file."""
    return (
        rsa_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def jwk(name: str = "first", **more: Any) -> dict[str, Any]:
    """The public key as an entry of a key set."""
    return {**RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True), "kid": name, "use": "sig", **more}


def ec_jwk(**more: Any) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(ec_key().public_key(), as_dict=True), "kid": "ec", **more}


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that hold for five minutes; ``None`` takes one away."""
    found = {"sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 300, "scope": "read", **changes}
    return {key: value for key, value in found.items() if value is not None}


def token(key: str = "first", algorithm: str = "RS256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token, signed with the key of this name."""
    return jwt.encode(claims(**changes), rsa_key(key), algorithm, headers={"kid": key, **(headers or {})})


class KeyServer:
    """Serves a key set by HTTP, and counts who asks."""

    def __init__(self) -> None:
        self.keys = [jwk()]
        self.asked = 0
        self.status = 200
        self.open = threading.Event()
        self.open.set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked += 1
                server.open.wait()
                body = json.dumps({"keys": server.keys}).encode()
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/keys.json"

    @contextmanager
    def serving(self) -> Iterator["KeyServer"]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            thread.join()
            self._http.server_close()
