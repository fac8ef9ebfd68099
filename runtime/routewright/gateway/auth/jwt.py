"""JSON Web Tokens (RFC 7519), checked as RFC 8725 asks: algorithms pinned, issuer and audience known, an end in sight.

Strategy: before any key is looked for, the token's header and its unverified issuer must be of those that the spec
names; that keeps a stranger's tokens from causing a look for keys. PyJWT checks the signature and the claims with that
one algorithm. Whatever it makes of a hostile token, the answer is a denial.
"""

import json
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any, Final

import jwt
import msgspec

from routewright.gateway.auth.identity import Denied, Identity
from routewright.gateway.auth.keys import VerifyingKey
from routewright.table import Jwt, Principal

KeysOf = Callable[[str | None, str], Awaitable[list[VerifyingKey]]]
"""The keys that may have signed a token of this key id and algorithm; raises `Denied`."""

TRIED: Final = 8
"""Keys that one token is checked with, at most."""

LONGEST_ID: Final = 256
"""Characters that a principal's id may have."""

_WORDS: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (jwt.ExpiredSignatureError, "expired", "the token has expired"),
    (jwt.ImmatureSignatureError, "not_yet", "the token is not valid yet"),
    (jwt.InvalidAudienceError, "audience", "the token is for another audience"),
    (jwt.InvalidIssuerError, "issuer", "the token is by another issuer"),
    (jwt.InvalidSignatureError, "signature", "the token's signature is wrong"),
    (jwt.MissingRequiredClaimError, "incomplete", "the token lacks a claim that it must have"),
)
_PEEK: Final[Any] = {"verify_signature": False}


class JwtWay:
    """Checks the tokens of one issuer.

    Args:
        keys: where to get the keys from.
    """

    def __init__(self, spec: Jwt, keys: KeysOf) -> None:
        self.spec = spec
        self._keys = keys
        self._required = ["exp"] + (["iss"] if spec.issuer else []) + (["aud"] if spec.audience else [])

    async def verify(self, credential: str, address: str) -> Identity:
        """Who the token says it is.

        Raises:
            Denied: it does not hold.
        """
        key_id, algorithm = self._look(credential)
        denied = Denied("unknown_key", "the token is signed with an unknown key")
        fit = (key for key in await self._keys(key_id, algorithm) if algorithm in key.algorithms)
        # without an id, or while an issuer changes keys under one id, any of several may be the one
        for key in islice(fit, TRIED):
            try:
                return self._identity(self._claims(credential, key, algorithm))
            except Denied as refused:
                if refused.reason != "signature":
                    raise
                denied = refused
        raise denied

    def _look(self, token: str) -> tuple[str | None, str]:
        """The key id and algorithm that a token claims to be signed with."""
        try:
            found = jwt.api_jws.decode_complete(token, options=_PEEK)
            header, claims = found["header"], _object(found["payload"])
        except Exception:
            # a hostile token may make the parser raise anything, a RecursionError too
            raise Denied("malformed", "the credential is no token") from None
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self.spec.algorithms:
            raise Denied("algorithm", "the token is signed by an algorithm that is not taken")
        if self.spec.issuer is not None and claims.get("iss") != self.spec.issuer:
            raise Denied("issuer", "the token is by another issuer")
        if "crit" in header or not isinstance(key_id, str | None):
            raise Denied("malformed", "the token's header is not understood")
        return key_id, algorithm

    def _claims(self, token: str, key: VerifyingKey, algorithm: str) -> dict[str, Any]:
        spec = self.spec
        try:
            return jwt.decode(
                token,
                key.material,
                algorithms=[algorithm],
                issuer=spec.issuer,
                audience=spec.audience or None,
                leeway=spec.leeway,
                options={"require": self._required, "verify_aud": bool(spec.audience)},
            )
        except Exception as error:
            for kind, reason, message in _WORDS:
                if isinstance(error, kind):
                    raise Denied(reason, message) from None
            raise Denied("malformed", "the token does not hold") from None

    def _identity(self, claims: dict[str, Any]) -> Identity:
        name = claims.get(self.spec.principal_claim)
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
            raise Denied("principal", "the token does not say who it is for")
        scopes = claims.get(self.spec.scopes_claim, ())
        words = scopes.split() if isinstance(scopes, str) else scopes if isinstance(scopes, list | tuple) else ()
        held = tuple(dict.fromkeys(each for each in words if isinstance(each, str)))
        principal = Principal(id=name, scopes=held, claims=claims)
        try:
            msgspec.msgpack.encode(principal)
        except Exception:
            # numbers and texts that JSON has and the bridge has not
            raise Denied("malformed", "the token has claims that cannot be told on") from None
        return Identity(principal, "jwt", float(claims["exp"]) + self.spec.leeway)


def _object(payload: bytes) -> dict[str, Any]:
    found = json.loads(payload)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found
