"""The caches of a live route, as a stage of its guard.

Strategy: each message that has a ``cache`` has a `ReplyCache` of its own. A key is the payload in canonical form (JSON
with sorted keys, as it was sent: ``1.0`` is not ``1``, and a default is not the same as leaving it out), and what
``vary`` names. Its tag is the payload as the handler's model has it, defaults filled in: so an invalidation by a
payload reaches every way to ask for it. What is kept is a frame without an ``id``.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from routewright.bridge.codec import Error, Reply
from routewright.gateway.fetch import Fetch, Outcome, request_frame, seen, with_id, without_id
from routewright.gateway.guard import Attempt
from routewright.hooks import SessionInfo
from routewright.policies.cache import Flight, ReplyCache
from routewright.table import Cache, MessageType
from routewright.table.frames import DECODE_ERRORS

if TYPE_CHECKING:
    from routewright.bridge.pool import WorkerPool
    from routewright.gateway.guard import Guard

BYTES = 32 * 1024 * 1024
"""What the replies that one route keeps may take in all; each of its messages has an equal share."""

Key: TypeAlias = tuple[Any, ...]
"""The canonical payload, then what each word of ``vary`` stands for."""


class _Payload(msgspec.Struct):
    payload: Any = msgspec.UNSET


_payload = msgspec.json.Decoder(_Payload).decode
_sorted = msgspec.json.Encoder(order="sorted").encode


class Caching:
    """The caches of one endpoint, by message."""

    def __init__(self, guard: "Guard") -> None:
        self._guard = guard
        self._caches: dict[str, MessageCache] = {}
        self._pool: WorkerPool | None = None

    def bind(self) -> bool:
        """Read the route; whether it has caches. What is kept stays only where the handler's contract, the message and
        the cache's settings are the same."""
        endpoint = self._guard.endpoint
        messages = [message for message in endpoint.route.messages if message.cache is not None]
        caches: dict[str, MessageCache] = {}
        for message in messages:
            old = self._caches.get(message.name)
            room = BYTES // len(messages)
            if (
                old is not None
                and endpoint.pool is self._pool
                and old.room == room
                and (old.message.digest, old.message.cache) == (message.digest, message.cache)
            ):
                old.message = message
                caches[message.name] = old
            elif message.cache is not None:
                caches[message.name] = MessageCache(self._guard, message, message.cache, room)
        self._caches, self._pool = caches, endpoint.pool
        return bool(caches)

    def enter(self, attempt: Attempt) -> bool:
        """Answer a request with what is kept, or let it wait for a fetch; see `routewright.gateway.guard.Stage`."""
        cache = self._caches.get(attempt.message.name)
        return cache is not None and cache.enter(attempt)

    def ended(self, attempt: Attempt, outcome: Outcome | None, now: float) -> None:
        """A message's own cache is told."""

    def forget(self, client: object) -> None:
        """Somebody has left: what is fetched by that session is no longer wanted."""
        for cache in self._caches.values():
            cache.forget(client)

    def invalidate(self, type: str, frame: bytes | None) -> None:
        """Forget what a handler says (see `routewright.bridge.codec.Invalidate`)."""
        cache = self._caches.get(type)
        if not type:
            self.clear()
        elif cache is not None and frame is None:
            cache.replies.clear()
        elif cache is not None and frame is not None:
            cache.invalidate(frame)

    def clear(self) -> None:
        """Forget everything."""
        for cache in self._caches.values():
            cache.replies.clear()

    def expire(self, now: float) -> None:
        """Give back the memory of what is too old to serve."""
        for cache in self._caches.values():
            cache.replies.expire(now)

    def figures(self) -> dict[str, int]:
        """What all its caches have counted."""
        replies = [cache.replies for cache in self._caches.values()]
        return {
            "hits": sum(each.hits for each in replies),
            "stale": sum(each.stale for each in replies),
            "joined": sum(each.joined for each in replies),
            "misses": sum(each.misses for each in replies),
            "invalidations": sum(each.invalidations for each in replies),
            "entries": sum(map(len, replies)),
            "bytes": sum(each.bytes for each in replies),
        }


class MessageCache:
    """The replies of one message. As a stage it is told how those end that wait."""

    def __init__(self, guard: "Guard", message: MessageType, settings: Cache, room: int) -> None:
        self.message = message
        self.room = room
        self.replies: ReplyCache[Key, bytes, bytes, Attempt] = ReplyCache(
            lambda key: self._modelled(key[0]),
            ttl=settings.ttl,
            stale_for=settings.stale_for,
            entries=settings.entries,
            bytes=room,
        )
        self._guard = guard
        self._vary = settings.vary
        self._told = tuple(_TOLD[word] for word in settings.vary)
        self._fetches: dict[Fetch, tuple[Flight[Key, bytes, Attempt], Attempt]] = {}

    def enter(self, attempt: Attempt) -> bool:
        """See `routewright.gateway.guard.Stage`."""
        try:
            payload = self._canonical(attempt.frame)
        except DECODE_ERRORS:
            return False
        info = attempt.client.info
        now = attempt.asked
        kept, flight = self.replies.ask((payload, *[told(info) for told in self._told]), attempt, now)
        if kept is None:
            attempt.stage = self
            self._guard.waiting += 1
        if flight is not None:
            self._fetch(flight, attempt, now)
        if kept is not None:
            attempt.reply(Reply(0, with_id(kept, attempt.envelope.id)), now)
        return True

    def ended(self, attempt: Attempt, outcome: Outcome | None, now: float) -> None:
        """Somebody waits no more."""
        self._guard.waiting -= 1
        if outcome is None:
            self.replies.withdraw(attempt)

    def forget(self, client: object) -> None:
        """Somebody has left: what is fetched by that session is no longer wanted."""
        for fetch, (flight, attempt) in tuple(self._fetches.items()):
            if fetch.owner is client:
                del self._fetches[fetch]
                self.replies.fail(flight)
                attempt.drop()

    def invalidate(self, frame: bytes) -> None:
        """Forget the replies to the payload of a client's frame. A frame that cannot be read means nothing."""
        try:
            self.replies.invalidate(self._modelled(self._canonical(frame)))
        except DECODE_ERRORS:
            return

    def _fetch(self, flight: Flight[Key, bytes, Attempt], asked: Attempt, now: float) -> None:
        """Ask the handler, by the further policies of the route."""
        guard = self._guard
        info = asked.client.info
        owner = asked.client if "session" in self._vary else None
        if owner is None:
            info = seen(info, guard.gateway.next_session(), self._vary)
        fetch = Fetch(guard.gateway.bridge, info, owner, self._done)
        frame = request_frame(self.message.name, flight.key[0])
        attempt = Attempt(guard, fetch, None, self.message, None, frame, False, now, self.message.timeout, None)
        self._fetches[fetch] = flight, attempt
        guard.attempts.add(attempt)
        guard.proceed(attempt, now)

    def _done(self, fetch: Fetch, outcome: Outcome, now: float) -> None:
        """Pass a fetch's end on to everyone who waits."""
        found = self._fetches.pop(fetch, None)
        if found is None:
            return
        flight, _ = found
        body = without_id(outcome) if isinstance(outcome, Reply) else None
        if body is not None:
            size = len(body) + len(flight.key[0]) + len(flight.tag)
            for attempt in self.replies.land(flight, body, size, now):
                attempt.reply(Reply(0, with_id(body, attempt.envelope.id)), now)
            return
        if isinstance(outcome, Reply) and outcome.frame is not None:
            outcome = Error(0, "handler_error", "the handler failed")
        for attempt in self.replies.fail(flight):
            if isinstance(outcome, Reply):
                attempt.reply(Reply(0), now)
            else:
                attempt.fail(outcome)

    def _canonical(self, frame: bytes) -> bytes:
        """The payload of a frame, its keys sorted; ``b""`` where the message declares none.

        Raises:
            one of `DECODE_ERRORS`.
        """
        if self.message.payload is None:
            return b""
        payload = _payload(frame).payload
        return b"{}" if payload is msgspec.UNSET else _encoded(payload)

    def _modelled(self, payload: bytes) -> bytes:
        """The payload as the handler's model has it."""
        if not payload:
            return b""
        try:
            return _encoded(msgspec.json.decode(payload, type=self.message.payload))
        except DECODE_ERRORS:
            return payload


def _encoded(value: Any) -> bytes:
    try:
        return _sorted(value)
    except OverflowError:
        # msgspec decodes integers of more than 64 bits, but does not encode them
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _principal(info: SessionInfo) -> Any:
    """Who the client is, and what it may do."""
    principal = info.principal
    return None if principal is None else (principal.id, principal.scopes)


_TOLD: dict[str, Callable[[SessionInfo], Any]] = {
    "principal": _principal,
    "parameters": lambda info: _sorted(info.parameters),
    "session": lambda info: info.id,
    "address": lambda info: info.address,
}
