"""Public keys and secrets that tokens are signed with (RFC 7518), each fit for some algorithms.

Strategy: which algorithm a key may check is decided by the key's own type and size and by the spec, never by a token.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from routewright.gateway.auth.identity import AuthError

Material: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey | bytes

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_RSA = frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"))
_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}

LEAST_RSA = 2048
"""Bits that an RSA key must have (RFC 7518, 3.3)."""


class VerifyingKey(NamedTuple):
    """A key and the algorithms that it is fit for."""

    material: Material
    algorithms: frozenset[str]


def public(material: Any, algorithm: str | None = None) -> VerifyingKey | None:
    """A public key, or ``None`` for what is none or too weak.

    Args:
        algorithm: the only one that the key's owner says it is for.
    """
    fit: frozenset[str]
    if isinstance(material, RSAPublicKey):
        fit = _RSA if material.key_size >= LEAST_RSA else frozenset()
    elif isinstance(material, EllipticCurvePublicKey):
        fit = frozenset((_CURVES.get(material.curve.name, ""),)) - {""}
    elif isinstance(material, Ed25519PublicKey | Ed448PublicKey):
        fit = frozenset(("EdDSA",))
    else:
        return None
    if algorithm is not None:
        fit &= {algorithm}
    return VerifyingKey(material, fit) if fit else None


def from_file(path: Path, algorithms: tuple[str, ...]) -> VerifyingKey:
    """The public key of a PEM file.

    Raises:
        AuthError: it cannot be read, or does not fit the algorithms.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AuthError(f"publicKey: {error.strerror}: {path}") from None
    if b"PRIVATE KEY" in data:
        raise AuthError(f"publicKey: {path} is a private key: only the issuer may have that")
    try:
        key = public(load_pem_public_key(data))
    except (ValueError, UnsupportedAlgorithm):
        raise AuthError(f"publicKey: {path} is no public key in PEM") from None
    if key is None or not key.algorithms.issuperset(algorithms):
        raise AuthError(f"publicKey: the key in {path} is not fit for {', '.join(algorithms)}")
    return key


def from_variable(name: str, algorithms: tuple[str, ...]) -> VerifyingKey:
    """The secret of an environment variable.

    Raises:
        AuthError: it is not set, or too short for the algorithms (RFC 7518, 3.2).
    """
    secret = os.environ.get(name, "").encode("utf-8", "surrogateescape")
    least = max(_SECRET_BYTES.get(each, 0) for each in algorithms)
    if not secret:
        raise AuthError(f"secretEnv: the variable {name} is not set")
    if len(secret) < least:
        raise AuthError(f"secretEnv: {name} has {len(secret)} bytes; {', '.join(algorithms)} needs {least}")
    return VerifyingKey(secret, frozenset(algorithms))
