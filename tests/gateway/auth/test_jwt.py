"""Tokens that nobody would sign: whatever they are, the answer is a denial."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.gateway.auth.identity import Denied
from routewright.gateway.auth.jwt import TRIED, JwtWay
from routewright.gateway.auth.keys import VerifyingKey, public
from routewright.table import Jwt
from tests.gateway.auth.issuer import AUDIENCE, ISSUER, rsa_key, token

WAY = Jwt(algorithms=("RS256",), jwks=("https://id.example.com/",), issuer=ISSUER, audience=(AUDIENCE,), leeway=5.0)


async def keys(key_id: str | None, algorithm: str) -> list[VerifyingKey]:
    key = public(rsa_key("first").public_key())
    return [key] if key is not None else []


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
headers = st.fixed_dictionaries(
    {"alg": st.sampled_from(["RS256", "HS256", "none", "", None, 7])},
    optional={"kid": json_values, "typ": json_values, "crit": json_values, "b64": json_values, "jku": st.text()},
)
payloads = st.fixed_dictionaries(
    {"iss": st.just(ISSUER)}, optional={"exp": json_values, "nbf": json_values, "aud": json_values, "sub": json_values}
)
made_up = st.builds(
    lambda *parts: ".".join(map(part, parts)), headers | json_values, payloads | json_values, st.binary(max_size=300)
)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")) | made_up)
@settings(max_examples=300, deadline=None)
async def test_a_hostile_token_is_denied_and_nothing_else(made: str) -> None:
    with pytest.raises(Denied):
        await JwtWay(WAY, keys).verify(made, "")


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000], ids=["lists", "objects"])
async def test_a_deep_token_is_denied(deep: str) -> None:
    with pytest.raises(Denied):
        await JwtWay(WAY, keys).verify(f"{part({'alg': 'RS256'})}.{part(deep.encode())}.x", "")


@given(
    st.dictionaries(st.sampled_from(["sub", "exp", "nbf", "iat", "scope", "aud", "jti", "x"]), json_values, max_size=5)
)
@settings(max_examples=100, deadline=None)
async def test_a_signed_token_with_strange_claims_is_known_or_denied(changes: dict[str, Any]) -> None:
    try:
        identity = await JwtWay(WAY, keys).verify(token(**changes), "")
    except Denied:
        return
    assert identity.principal.id
    assert identity.expires is not None
    assert all(isinstance(scope, str) for scope in identity.principal.scopes)


async def test_scopes_and_principal_come_from_the_claims_that_the_spec_names() -> None:
    way = Jwt(algorithms=("RS256",), jwks=("x",), scopes_claim="scp", principal_claim="email")
    identity = await JwtWay(way, keys).verify(token(scp=["read", "read", 7, "write"], email="a@example.com"), "")
    assert (identity.principal.id, identity.principal.scopes) == ("a@example.com", ("read", "write"))
    assert identity.principal.claims["sub"] == "ada"


@pytest.mark.parametrize("tried", [1, 2, TRIED, TRIED + 1])
async def test_a_token_is_checked_with_each_key_that_fits_up_to_a_bound(tried: int) -> None:
    async def several(key_id: str | None, algorithm: str) -> list[VerifyingKey]:
        names = ["second"] * (tried - 1) + ["first"]
        return [key for name in names if (key := public(rsa_key(name).public_key())) is not None]

    verified = JwtWay(WAY, several).verify(token(), "")
    if tried <= TRIED:
        assert (await verified).principal.id == "ada"
    else:
        with pytest.raises(Denied, match="signature"):
            await verified


async def test_a_token_that_has_expired_is_not_tried_with_other_keys() -> None:
    async def several(key_id: str | None, algorithm: str) -> list[VerifyingKey]:
        return await keys(key_id, algorithm) + await keys(key_id, algorithm)

    with pytest.raises(Denied, match="expired"):
        await JwtWay(WAY, several).verify(token(exp=1), "")


def test_a_weak_key_is_none() -> None:
    assert public(rsa_key("weak", 1024).public_key()) is None
