"""``hash``: the same worker for the same key.

Strategy: rendezvous hashing (Thaler & Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM
Transactions on Networking 6(1), 1998). Every worker has a weight for every key, and the heaviest one gets the request.
When it leaves, or has no credit, the next one does: only its own keys move. Two gateway processes agree, because a
weight comes from the worker's process number; workers that share one (each the first process of its own container) are
told apart by their identities, on which two gateway processes do not agree.

A request without a key goes to whoever has the fewest in flight.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from routewright.policies.balance import Request, W

_MASK = (1 << 64) - 1


def digest(key: bytes) -> int:
    """64 bits of BLAKE2b."""
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")


class Hash:
    """The heaviest worker for a key."""

    def __init__(self) -> None:
        self._seeds: dict[bytes, tuple[int, int]] = {}

    def pick(self, workers: Sequence[W], request: Request, now: float) -> tuple[W, None]:
        """See `routewright.policies.balance.Policy`."""
        key = request.key
        if key is None:
            return min(workers, key=lambda worker: len(worker.pending)), None
        best, heaviest = workers[0], (-1, -1)
        for worker in workers:
            seeds = self._seeds.get(worker.identity)
            if seeds is None:
                process, own = digest(str(worker.process).encode()), digest(worker.identity)
                seeds = self._seeds[worker.identity] = process, own
            weight = _mixed(seeds[0] ^ key), _mixed(seeds[1] ^ key)
            if weight > heaviest:
                best, heaviest = worker, weight
        return best, None

    def done(self, worker: bytes, note: None, seconds: float, failed: bool, now: float) -> None:
        """Nothing is learned."""

    def keep(self, workers: set[bytes]) -> None:
        """See `routewright.policies.balance.Policy`."""
        self._seeds = {worker: seeds for worker, seeds in self._seeds.items() if worker in workers}

    def estimate(self, worker: bytes, now: float) -> dict[str, Any]:
        """Nothing is estimated."""
        return {}


def _mixed(number: int) -> int:
    """A number's bits, stirred: the finalizer of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014)."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)
