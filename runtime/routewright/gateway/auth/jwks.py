"""An issuer's public keys by URL (RFC 7517), fetched when they are needed and kept.

Strategy: the URL is the spec's, never a token's. One fetch at a time serves all who wait. Keys are fresh for `FRESH`
seconds; after that they are still used while new ones are fetched, and up to `STALE` seconds while the endpoint fails.
A token with an unknown key may mean that the keys have changed: it causes a fetch, but only so often (`UNKNOWN`), so
that made-up key ids do no harm. After a failure the next try waits (exponential backoff with full jitter).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import jwt
import msgspec
import structlog

from routewright.gateway.auth.identity import Denied
from routewright.gateway.auth.keys import VerifyingKey, public
from routewright.policies.backoff import Backoff
from routewright.policies.rate_limit import RateLimiter

FRESH: Final = 600.0
"""Seconds for which keys are not fetched again."""

STALE: Final = 3600.0
"""Seconds for which keys are used while new ones cannot be had."""

UNKNOWN: Final = (1 / 30, 4)
"""Fetches for unknown key ids: a second in the long run, and at once."""

TIMEOUT: Final = 5.0
"""Seconds that a fetch may take."""

LARGEST: Final = 256 * 1024
"""Bytes that an answer may have."""

MOST: Final = 100
"""Keys that are looked at."""

Fetch = Callable[[str], Awaitable[bytes]]

log = structlog.get_logger("routewright.auth")


class Keyset(msgspec.Struct):
    """An answer of the endpoint."""

    keys: list[dict[str, Any]]


class Jwks:
    """The keys of one URL.

    Args:
        fetch: the body that the URL answers with; raises whatever stands in the way.
        clock: monotonic seconds.
    """

    def __init__(self, url: str, fetch: Fetch, clock: Callable[[], float]) -> None:
        self.url = url
        self.fetches = 0
        self.failures = 0
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str | None, list[VerifyingKey]] = {}
        self._fetched: float | None = None
        self._next_try = 0.0
        self._backoff = Backoff(1.0, 60.0)
        self._unknown = RateLimiter(*UNKNOWN)
        self._running: asyncio.Task[None] | None = None

    async def find(self, key_id: str | None, algorithm: str) -> list[VerifyingKey]:
        """The keys of an id that are fit for an algorithm; without an id all that are.

        Raises:
            Denied: there are no keys at all for now.
        """
        now = self._clock()
        age = now - self._fetched if self._fetched is not None else STALE
        if age >= STALE:
            await self._renew(now)
            age = now - self._fetched if self._fetched is not None else STALE
            if age >= STALE:
                wait = max(1.0, self._next_try - now)
                raise Denied("keys", "the issuer's keys cannot be had for now", "overloaded", retry_after=wait)
        elif age >= FRESH:
            self._begin(now)
        found = self._fit(key_id, algorithm)
        if not found and age > 0 and not self._unknown.admit(now):
            await self._renew(now)
            found = self._fit(key_id, algorithm)
        return found

    def _fit(self, key_id: str | None, algorithm: str) -> list[VerifyingKey]:
        listed = [key for keys in self._keys.values() for key in keys] if key_id is None else self._keys.get(key_id, [])
        return [key for key in listed if algorithm in key.algorithms]

    async def _renew(self, now: float) -> None:
        task = self._begin(now)
        if task is not None:
            await asyncio.shield(task)

    def _begin(self, now: float) -> "asyncio.Task[None] | None":
        """The fetch that is under way, or a new one; ``None`` while it is too early after a failure."""
        if self._running is None and now >= self._next_try:
            self._running = asyncio.get_running_loop().create_task(self._run())
        return self._running

    async def _run(self) -> None:
        self.fetches += 1
        try:
            found = _read(await self._fetch(self.url))
        except Exception as error:
            self.failures += 1
            self._next_try = self._clock() + self._backoff.failed()
            log.warning("the keys of an issuer cannot be had", url=self.url, reason=_reason(error))
        else:
            self._keys = found
            self._fetched = self._clock()
            self._backoff.succeeded()
            self._next_try = 0.0
        finally:
            self._running = None

    async def close(self) -> None:
        """Give up a fetch that is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)


def _read(body: bytes) -> dict[str | None, list[VerifyingKey]]:
    """The public signing keys by their id. What is no such key is left out: shared secrets above all."""
    found: dict[str | None, list[VerifyingKey]] = {}
    for each in msgspec.json.decode(body, type=Keyset).keys[:MOST]:
        if each.get("kty") not in ("RSA", "EC", "OKP") or each.get("use", "sig") != "sig":
            continue
        algorithm = each.get("alg")
        try:
            material = jwt.PyJWK({key: value for key, value in each.items() if key != "alg"}).key
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        key = public(material, algorithm if isinstance(algorithm, str) else None)
        if key is not None:
            key_id = each.get("kid")
            found.setdefault(key_id if isinstance(key_id, str) else None, []).append(key)
    if not found:
        raise ValueError("it holds no public key that could be used")
    return found


def _reason(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__


class Fetcher:
    """Gets bodies by HTTP: whole, in time, not too large, and from nowhere else than asked."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, url: str) -> bytes:
        """The body of a 200 answer.

        Raises:
            aiohttp.ClientError, TimeoutError, ValueError: there is none.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT), headers={"Accept": "application/json"}
            )
        # a redirect would lead to where the spec has not been asked about
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"the answer is {response.status}, not 200")
            body = bytearray()
            async for chunk in response.content.iter_chunked(16 * 1024):
                body += chunk
                if len(body) > LARGEST:
                    raise ValueError(f"the answer has more than {LARGEST} bytes")
        return bytes(body)

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
