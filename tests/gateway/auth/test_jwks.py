"""Public keys that are fetched: how often, how long they are used, and what is no key."""

import asyncio
import json
from typing import Any

import pytest

from routewright.gateway.auth.identity import Denied
from routewright.gateway.auth.jwks import FRESH, LARGEST, STALE, Fetcher, Jwks
from tests.gateway.auth.issuer import KeyServer, ec_jwk, jwk


class Endpoint:
    """An issuer's endpoint and a clock, both moved by hand."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys) or [jwk()]
        self.now = 1000.0
        self.asked = 0
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.jwks = Jwks("https://id.example.com/keys", self.fetch, lambda: self.now)

    async def fetch(self, url: str) -> bytes:
        self.asked += 1
        await self.gate.wait()
        if self.down:
            raise OSError("down")
        return json.dumps({"keys": self.keys}).encode()

    async def find(self, key_id: str | None = "first", algorithm: str = "RS256") -> int:
        """How many keys fit."""
        return len(await self.jwks.find(key_id, algorithm))

    async def settled(self) -> None:
        """A fetch that began in the background is over."""
        if self.jwks._running is not None:
            await self.jwks._running


async def test_one_fetch_serves_all_who_wait() -> None:
    endpoint = Endpoint()
    endpoint.gate.clear()
    waiting = [asyncio.create_task(endpoint.find()) for _ in range(100)]
    await asyncio.sleep(0)
    endpoint.gate.set()
    assert await asyncio.gather(*waiting) == [1] * 100
    assert endpoint.asked == 1


async def test_old_keys_serve_while_new_ones_are_fetched() -> None:
    endpoint = Endpoint()
    await endpoint.find()
    endpoint.now += FRESH - 1
    await endpoint.find()
    assert endpoint.asked == 1
    endpoint.now += 2
    endpoint.gate.clear()
    assert await endpoint.find() == 1
    endpoint.gate.set()
    await endpoint.settled()
    assert endpoint.asked == 2


async def test_they_serve_within_a_bound_while_the_endpoint_is_down() -> None:
    endpoint = Endpoint()
    await endpoint.find()
    endpoint.down = True
    endpoint.now += STALE - 1
    assert await endpoint.find() == 1
    await endpoint.settled()
    endpoint.now += 2
    with pytest.raises(Denied) as caught:
        await endpoint.find()
    assert (caught.value.status, caught.value.reason) == (503, "keys")
    endpoint.down = False
    endpoint.now += 60
    assert await endpoint.find() == 1


async def test_failures_are_not_repeated_at_once() -> None:
    endpoint = Endpoint()
    endpoint.down = True
    for _ in range(1000):
        with pytest.raises(Denied):
            await endpoint.find()
        endpoint.now += 0.01
    assert endpoint.asked < 100


async def test_new_keys_are_found_at_once_and_made_up_ones_do_no_harm() -> None:
    endpoint = Endpoint()
    assert await endpoint.find() == 1
    endpoint.now += 1
    endpoint.keys = [jwk("second")]
    assert await endpoint.find("second") == 1
    assert await endpoint.find("first") == 0
    for number in range(1000):
        endpoint.now += 0.01
        assert await endpoint.find(f"made-up-{number}") == 0
    assert endpoint.asked <= 6


async def test_what_is_no_key_for_signatures_is_left_out() -> None:
    endpoint = Endpoint(
        {"kty": "oct", "kid": "first", "k": "c2VjcmV0"},
        jwk("first", use="enc"),
        {"kty": "RSA", "kid": "first", "n": "!", "e": "AQAB"},
        {"kty": "XYZ", "kid": "first"},
        ec_jwk(kid="first"),
        jwk("only", alg="RS512"),
    )
    assert await endpoint.find("first", "RS256") == 0
    assert await endpoint.find("first", "HS256") == 0
    assert await endpoint.find("first", "ES256") == 1
    assert await endpoint.find("first", "ES384") == 0
    assert (await endpoint.find("only", "RS512"), await endpoint.find("only", "RS256")) == (1, 0)
    assert await endpoint.find(None, "RS512") == 1


async def test_an_answer_without_keys_is_none() -> None:
    for keys in ([], [{"kty": "oct", "k": "c2VjcmV0"}]):
        endpoint = Endpoint()
        endpoint.keys = keys
        with pytest.raises(Denied):
            await endpoint.find()


async def test_a_fetch_takes_200_only_and_not_too_much() -> None:
    fetcher = Fetcher()
    with KeyServer().serving() as server:
        assert json.loads(await fetcher.fetch(server.url))["keys"][0]["kid"] == "first"
        server.status = 302
        with pytest.raises(ValueError, match="302"):
            await fetcher.fetch(server.url)
        server.status = 200
        server.keys = [{"kid": "x" * LARGEST}]
        with pytest.raises(ValueError, match="more than"):
            await fetcher.fetch(server.url)
    await fetcher.close()
