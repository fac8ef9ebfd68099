"""How a live route chooses workers, where its ``balance`` policy is not ``least-in-flight``.

Strategy: the policy is one of `routewright.policies.balance`, and each endpoint has its own, also where routes share
workers. Here is what it is asked with: the workers that have credit, and what is to be hashed.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from routewright.bridge.codec import Error
from routewright.bridge.pool import Worker
from routewright.gateway.circuit import FAILURES
from routewright.hooks import SessionInfo
from routewright.policies.balance import Policy, Request
from routewright.policies.balance.hashing import Hash, digest
from routewright.policies.balance.learned import Learned
from routewright.policies.balance.peak_ewma import PeakEwma
from routewright.table import Balance
from routewright.table.frames import DECODE_ERRORS

if TYPE_CHECKING:
    from routewright.bridge.pool import WorkerPool
    from routewright.gateway.endpoint import Endpoint
    from routewright.gateway.guard import Attempt

_POLICIES: dict[str, Callable[[], Policy]] = {"peak-ewma": PeakEwma, "hash": Hash, "learned": Learned}

KeyOf = Callable[[SessionInfo, bytes], int | None]
"""A client and its frame -> the digest of what is hashed; ``None``: it has none."""


class Balancing:
    """The choice among the workers of one endpoint.

    Attributes:
        settings: what the route says.
        picks: how often each worker was chosen, by its identity.
    """

    def __init__(self, endpoint: "Endpoint", settings: Balance, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.picks: dict[bytes, int] = {}
        self._endpoint = endpoint
        self._clock = clock
        self._policy = _POLICIES[settings.policy]()
        self._key: KeyOf | None = key_of(settings.key) if settings.policy == "hash" else None

    def pick(self, attempt: "Attempt", avoided: Worker | None) -> Worker | None:
        """See `routewright.gateway.guard.Balancer`."""
        found = self._pick(attempt.message.name, attempt.client.info, attempt.frame, avoided)
        if found is None:
            return None
        worker, attempt.note = found
        return worker

    def home(self, info: SessionInfo) -> Worker | None:
        """A worker for a session that keeps to one."""
        found = self._pick("", info, b"", None)
        return None if found is None else found[0]

    def done(self, attempt: "Attempt", worker: Worker, seconds: float, error: Error | None) -> None:
        """See `routewright.gateway.guard.Balancer`."""
        failed = error is not None and (error.retryable or error.code in FAILURES)
        self._policy.done(worker.identity, attempt.note, seconds, failed, self._clock())

    def figures(self) -> list[dict[str, Any]]:
        """How often each worker was chosen by this process, and what its policy thinks of it."""
        now = self._clock()
        return [
            {
                "gateway": os.getpid(),
                "worker": worker.process,
                "policy": self.settings.policy,
                "picks": self.picks.get(worker.identity, 0),
                **self._policy.estimate(worker.identity, now),
            }
            for worker in self._endpoint.pool.workers
        ]

    def _pick(self, type: str, info: SessionInfo, frame: bytes, avoided: Worker | None) -> tuple[Worker, Any] | None:
        pool = self._endpoint.pool
        free = [worker for worker in pool.ready if len(worker.pending) < worker.capacity]
        others = free if avoided is None else [worker for worker in free if worker is not avoided]
        if not free:
            return None
        key = None if self._key is None else self._key(info, frame)
        worker, note = self._policy.pick(others or free, Request(type, len(frame), key), self._clock())
        if worker.identity not in self.picks:
            self._forget(pool)
        self.picks[worker.identity] = self.picks.get(worker.identity, 0) + 1
        return worker, note

    def _forget(self, pool: "WorkerPool") -> None:
        """A worker is new: then others may be gone."""
        live = {worker.identity for worker in pool.workers}
        self.picks = {identity: count for identity, count in self.picks.items() if identity in live}
        self._policy.keep(live)


def key_of(key: str) -> KeyOf:
    """How to get at what is hashed: a word of the spec's ``balance.key``."""
    if key == "principal":
        return lambda info, frame: None if info.principal is None else digest(info.principal.id.encode())
    if key == "address":
        return lambda info, frame: digest(info.address.encode())
    if key == "session":
        return lambda info, frame: digest(b"%d" % info.id)
    decode = msgspec.json.Decoder(_holding(key.split("."))).decode
    names = len(key.split("."))
    encode = msgspec.json.Encoder(order="sorted").encode

    def field(info: SessionInfo, frame: bytes) -> int | None:
        try:
            value = decode(frame)
            for _ in range(names):
                value = value.held
            return None if value is msgspec.UNSET else digest(encode(value))
        except (*DECODE_ERRORS, AttributeError, OverflowError):
            return None

    return field


def _holding(names: list[str]) -> Any:
    """The struct of a JSON object of which one member matters, and of that one member."""
    inner: Any = Any if len(names) == 1 else _holding(names[1:])
    return msgspec.defstruct("Holding", [("held", inner, msgspec.UNSET)], rename={"held": names[0]})
