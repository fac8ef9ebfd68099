"""``learned``: whichever worker has served messages of this type best, as a contextual bandit.

Strategy: LinUCB with a linear model for each worker (Li, Chu, Langford & Schapire, "A Contextual-Bandit Approach to
Personalized News Article Recommendation", WWW 2010, algorithm 1), made to forget by an exponential discount (Russac,
Vernade & Cappé, "Weighted Linear Bandits for Non-Stationary Environments", NeurIPS 2019).

For each message type and worker it learns how the logarithm of the latency differs from what is usual for that type and
size of frame, as ``a + b * log(1 + in flight)``. Five discounted sums hold the model, and two by two numbers are solved
for each worker and choice. In logarithms the spread of latencies does not depend on their size, so there is nothing to
tune: 1 is "2.7 times slower". What is not known yet is taken for usual (ridge regression towards 0). A failure counts
as an answer that took `FAILURE` seconds, however soon it came.

The choice is the worker with the least expected cost. Exploring is bounded:

- A worker that has never answered this type gets one request at once, and no second one before it has answered.
- Otherwise a worker whose cost *might* be less (by the width of its confidence interval) is taken in the place of the
  best one in at most one of `EXPLORE` choices. Forgetting makes the interval of a worker that is avoided wider, until
  it is tried again: this is how a worker that has recovered is found.
- A worker of which more than `FAILING` of the recent answers were failures, or which has hardly any recent ones, is
  explored by one request at a time.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from routewright.policies.balance import Request, W

MEMORY = 10.0
"""Seconds in which an answer loses 63 % of its weight."""

EXPLORE = 50
"""At most one choice in so many is an exploration, in the long run."""

FAILING = 0.25
"""The share of failed answers above which a worker is only probed."""

FAILURE = 30.0
"""Seconds that a failure counts for."""

OPTIMISM = 1.0
"""How many widths of its confidence interval better an unsure worker is taken for (LinUCB's alpha)."""

_UNKNOWN = 1e6
"""What a worker costs that has not answered yet, while it has something in flight."""

_RIDGE = 1.0
_SHORTEST = 1e-5
_FLATTEST = -0.5
"""The least slope of the cost over the load: handlers that only wait are as quick under load, and get some all the same
where there is nobody better."""

_FRESH = MEMORY / 200
"""Seconds within which nothing is discounted anew."""


class Note(NamedTuple):
    """A choice: the message's type, its size class, and log(1 + in flight) of its worker before it."""

    type: str
    size: int
    load: float


_SESSION = Note("", 0, 0.0)


class _Usual:
    """The usual log-latency of one type and size class, without the load: a discounted mean over all workers."""

    __slots__ = ("at", "sum", "weight")

    def __init__(self) -> None:
        self.at = 0.0
        self.sum = 0.0
        self.weight = 0.0

    def learn(self, value: float, now: float) -> None:
        kept = math.exp((self.at - now) / MEMORY)
        self.sum = self.sum * kept + value
        self.weight = self.weight * kept + 1.0
        self.at = now

    @property
    def value(self) -> float:
        return self.sum / self.weight if self.weight else 0.0


class _Arm:
    """What is known of one worker for one message type: discounted sums over its answers, of 1, the load x, x * x, the
    difference y, x * y, and failures."""

    __slots__ = ("answers", "at", "explorations", "failed", "picks", "weight", "x", "xx", "xy", "y")

    def __init__(self, now: float) -> None:
        self.at = now
        self.answers = 0
        self.picks = 0
        self.explorations = 0
        self.weight = self.x = self.xx = self.y = self.xy = self.failed = 0.0

    def forget(self, now: float) -> None:
        if now - self.at < _FRESH:
            return
        kept = math.exp((self.at - now) / MEMORY)
        self.weight *= kept
        self.x *= kept
        self.xx *= kept
        self.y *= kept
        self.xy *= kept
        self.failed *= kept
        self.at = now

    def learn(self, load: float, difference: float, failed: bool, now: float) -> None:
        self.forget(now)
        self.answers += 1
        self.weight += 1.0
        self.x += load
        self.xx += load * load
        self.y += difference
        self.xy += load * difference
        self.failed += failed

    def expect(self, load: float) -> tuple[float, float]:
        """The cost under a load (as a logarithm, 0 being the usual latency without load), and how unsure it is."""
        ones, cross, squares = self.weight + _RIDGE, self.x, self.xx + _RIDGE
        determinant = ones * squares - cross * cross
        start = (squares * self.y - cross * self.xy) / determinant
        slope = max(_FLATTEST, (ones * self.xy - cross * self.y) / determinant)
        spread = (squares - 2.0 * cross * load + ones * load * load) / determinant
        return start + (1.0 + slope) * load, math.sqrt(spread)

    @property
    def doubtful(self) -> bool:
        """Whether it fails often, or next to nothing is known of it."""
        return self.weight < 1.0 or self.failed > FAILING * (self.weight + _RIDGE)


class _Type:
    """One message type: its usual latencies by size, its workers, and how much exploring is left."""

    __slots__ = ("arms", "budget", "usual")

    def __init__(self) -> None:
        self.arms: dict[bytes, _Arm] = {}
        self.usual = (_Usual(), _Usual(), _Usual())
        self.budget = 1.0


class Learned:
    """The least expected cost, and now and then what might be less."""

    def __init__(self) -> None:
        self._types: dict[str, _Type] = {}

    def pick(self, workers: Sequence[W], request: Request, now: float) -> tuple[W, Note]:
        """See `routewright.policies.balance.Policy`."""
        known = self._types.get(request.type)
        if known is None:
            known = self._types[request.type] = _Type()
        known.budget = min(1.0, known.budget + 1.0 / EXPLORE)
        best = hopeful = workers[0]
        least = hope = math.inf
        new: W | None = None
        for worker in workers:
            arm = known.arms.get(worker.identity)
            if arm is None:
                arm = known.arms[worker.identity] = _Arm(now)
            elif arm.answers:
                arm.forget(now)
            busy = len(worker.pending)
            cost, width = arm.expect(math.log1p(busy))
            if busy and arm.picks and not arm.answers:
                cost += _UNKNOWN
            if cost < least:
                best, least = worker, cost
            if cost - OPTIMISM * width < hope and not (busy and arm.doubtful):
                hopeful, hope = worker, cost - OPTIMISM * width
            if not arm.picks and new is None:
                new = worker
        chosen = best
        if new is not None:
            chosen = new
        elif hopeful is not best and known.budget >= 1.0:
            chosen = hopeful
            known.budget -= 1.0
        arm = known.arms[chosen.identity]
        arm.picks += 1
        arm.explorations += chosen is not best
        return chosen, Note(request.type, _size(request.size), math.log1p(len(chosen.pending)))

    def done(self, worker: bytes, note: Note | None, seconds: float, failed: bool, now: float) -> None:
        """See `routewright.policies.balance.Policy`. Without a ``note`` the worker was chosen for a whole session."""
        note = note or _SESSION
        known = self._types.get(note.type)
        arm = known.arms.get(worker) if known is not None else None
        if known is None or arm is None:
            return
        usual = known.usual[note.size]
        if failed:
            # how loaded a worker was says nothing of how bad a failure is
            arm.learn(0.0, math.log(FAILURE) - usual.value, True, now)
            return
        latency = math.log(max(seconds, _SHORTEST)) - note.load
        usual.learn(latency, now)
        arm.learn(note.load, latency - usual.value, False, now)

    def keep(self, workers: set[bytes]) -> None:
        """See `routewright.policies.balance.Policy`."""
        for known in self._types.values():
            known.arms = {worker: arm for worker, arm in known.arms.items() if worker in workers}

    def estimate(self, worker: bytes, now: float) -> dict[str, Any]:
        """By message type: ``picks``, ``explorations``, ``seconds`` (the expected cost without load, for the smallest
        frames it has seen) and ``failed`` (the recent share)."""
        return {"messages": {type: found for type in self._types if (found := self._estimate(type, worker, now))}}

    def _estimate(self, type: str, worker: bytes, now: float) -> dict[str, Any]:
        known = self._types[type]
        arm = known.arms.get(worker)
        if arm is None:
            return {}
        arm.forget(now)
        usual = next((usual for usual in known.usual if usual.weight), known.usual[0])
        return {
            "picks": arm.picks,
            "explorations": arm.explorations,
            "seconds": math.exp(usual.value + arm.expect(0.0)[0]) if arm.answers else None,
            "failed": arm.failed / arm.weight if arm.weight else 0.0,
        }


def _size(bytes: int) -> int:
    """Below 1 KiB, below 16 KiB, above."""
    return 0 if bytes < 1024 else 1 if bytes < 16 * 1024 else 2
