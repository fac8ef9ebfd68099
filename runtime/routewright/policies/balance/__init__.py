"""How a request's worker is chosen: one class for each ``balance`` policy of the spec.

Strategy: a policy sees only workers that are ready and have credit. It is told the time, and how each try ended; it
knows workers by their identity and keeps a few numbers for each. A choice costs O(workers).

``least-in-flight`` is `routewright.bridge.pool.WorkerPool.pick`, and has nothing to remember.
"""

from collections.abc import Sequence, Sized
from typing import Any, NamedTuple, Protocol, TypeVar


class Worker(Protocol):
    """What a policy needs to know of a worker: ``pending`` are the requests it has not answered; ``process`` is a
    number that every gateway process knows it by, 0 where there is none."""

    @property
    def identity(self) -> bytes: ...
    @property
    def process(self) -> int: ...
    @property
    def pending(self) -> Sized: ...


W = TypeVar("W", bound=Worker)


class Request(NamedTuple):
    """What a policy may look at: the message's type (``""`` for one that is not declared), the bytes of its frame, and
    the digest of what ``hash`` hashes (see `routewright.policies.balance.hashing.digest`; ``None``: it has none)."""

    type: str
    size: int
    key: int | None = None


class Policy(Protocol):
    """Chooses among workers, and learns from what came of it."""

    def pick(self, workers: Sequence[W], request: Request, now: float) -> tuple[W, Any]:
        """One of ``workers``, of which there is at least one; and what `done` is to be given with the outcome."""

    def done(self, worker: bytes, note: Any, seconds: float, failed: bool, now: float) -> None:
        """A try at a worker (its identity) has ended, after so many seconds."""

    def keep(self, workers: set[bytes]) -> None:
        """Forget every worker but these."""

    def estimate(self, worker: bytes, now: float) -> dict[str, Any]:
        """What it thinks of a worker, for people, in JSON's terms."""
