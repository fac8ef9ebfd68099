"""Tokens that hold for nobody."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from tests.gateway.auth.issuer import claims, jwk, pem, token


def forged(algorithm: str, key: bytes, **header: Any) -> str:
    """A token that is signed with bytes that no library would take for a secret."""

    def text(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = text({"alg": algorithm, "typ": "JWT", "kid": "first", **header}) + b"." + text(claims())
    digest = hmac.new(key, signed, hashlib.sha256).digest() if key else b""
    return (signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode()


FORGERIES: list[tuple[str, Callable[[], str]]] = [
    ("none", lambda: forged("none", b"")),
    ("None", lambda: forged("None", b"")),
    ("the public key as a secret", lambda: forged("HS256", pem())),
    ("the public key as a secret, called RS256", lambda: forged("RS256", pem())),
    ("no signature", lambda: token().rpartition(".")[0] + "."),
    ("another key", lambda: token("second", headers={"kid": "first"})),
    ("another algorithm of the key", lambda: token(algorithm="RS512")),
    ("an embedded key", lambda: token("second", headers={"kid": "first", "jwk": jwk("second")})),
    ("a key at the client's own", lambda: token("second", headers={"kid": "x", "jku": "http://127.0.0.1:1/"})),
    ("an unknown extension", lambda: token(headers={"crit": ["exp"]})),
    ("another issuer", lambda: token(iss="https://evil.example.com/")),
    ("no issuer", lambda: token(iss=None)),
    ("another audience", lambda: token(aud="mail")),
    ("no audience", lambda: token(aud=None)),
    ("expired", lambda: token(exp=time.time() - 10)),
    ("no end", lambda: token(exp=None)),
    ("an endless end", lambda: token(exp=float("inf"))),
    ("not yet", lambda: token(nbf=time.time() + 60)),
    ("nobody", lambda: token(sub=None)),
    ("no token", lambda: "routewright"),
]
"""What is wrong with a token, and one of which that is true."""
