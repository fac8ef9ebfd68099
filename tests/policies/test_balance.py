"""The balance policies in a model: workers that answer one request after the other, at random times of fixed seeds."""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routewright.policies.balance import Policy, Request, W
from routewright.policies.balance.hashing import Hash, digest
from routewright.policies.balance.learned import EXPLORE, Learned
from routewright.policies.balance.peak_ewma import FAILURE, PeakEwma

POLICIES: dict[str, Callable[[], Policy]] = {"peak-ewma": PeakEwma, "hash": Hash, "learned": Learned}
LEARNERS = ("peak-ewma", "learned")


@dataclass(eq=False)
class Modelled:
    """A worker that takes ``seconds`` on average, and fails so often; a failure comes after a tenth of that."""

    process: int
    seconds: float = 0.001
    failing: float = 0.0
    pending: set[int] = field(default_factory=set)
    free: float = 0.0
    picks: int = 0

    @property
    def identity(self) -> bytes:
        return b"worker %d" % self.process


class Model:
    """A policy, its workers, and requests that come at random."""

    def __init__(self, policy: Policy, workers: Sequence[Modelled], rate: float, seed: int) -> None:
        self.policy = policy
        self.workers = workers
        self.rate = rate
        self.random = random.Random(seed)
        self.now = 1000.0
        self.asked = 0
        self.failed = 0
        self._ends: list[tuple[float, int, Modelled, Any, float, bool]] = []

    def run(self, seconds: float) -> list[float]:
        """Let requests come for so long; each worker's share of them."""
        before = [worker.picks for worker in self.workers]
        asked, until = self.asked, self.now + seconds
        while self.now < until:
            self.now += self.random.expovariate(self.rate)
            self._answer()
            self._ask()
        return [(worker.picks - old) / (self.asked - asked) for worker, old in zip(self.workers, before, strict=True)]

    def _ask(self) -> None:
        worker, note = self.policy.pick(self.workers, Request("look", 100, digest(b"%d" % self.asked)), self.now)
        self.asked += 1
        worker.picks += 1
        worker.pending.add(self.asked)
        failed = self.random.random() < worker.failing
        took = self.random.expovariate(1 / worker.seconds) * (0.1 if failed else 1.0)
        worker.free = max(self.now, worker.free) + took
        heapq.heappush(self._ends, (worker.free, self.asked, worker, note, self.now, failed))

    def _answer(self) -> None:
        while self._ends and self._ends[0][0] <= self.now:
            at, number, worker, note, since, failed = heapq.heappop(self._ends)
            worker.pending.discard(number)
            self.failed += failed
            self.policy.done(worker.identity, note, at - since, failed, at)


def four(**third: Any) -> list[Modelled]:
    """Three like each other and one that is not."""
    return [Modelled(1), Modelled(2), Modelled(3, **third), Modelled(4)]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("policy", LEARNERS)
@pytest.mark.parametrize("rate", [20.0, 300.0])
@pytest.mark.parametrize("bad", [{"seconds": 0.05}, {"failing": 1.0}, {"failing": 0.6}], ids=["slow", "fails", "often"])
def test_a_bad_worker_gets_little(policy: str, bad: dict[str, float], rate: float, seed: int) -> None:
    model = Model(POLICIES[policy](), four(**bad), rate, seed)
    assert model.run(30.0)[2] < 1 / EXPLORE


def test_who_looks_at_load_alone_sends_most_to_whoever_fails_soonest() -> None:
    class Least:
        def pick(self, workers: Sequence[W], request: Request, now: float) -> tuple[W, None]:
            return min(workers, key=lambda worker: len(worker.pending)), None

        def done(self, worker: bytes, note: None, seconds: float, failed: bool, now: float) -> None: ...
        def keep(self, workers: set[bytes]) -> None: ...
        def estimate(self, worker: bytes, now: float) -> dict[str, Any]:
            return {}

    model = Model(Least(), four(failing=1.0), 3000.0, 1)
    assert model.run(1.0)[2] > 0.15


@pytest.mark.parametrize("policy", LEARNERS)
@pytest.mark.parametrize("good", [{"seconds": 0.001}, {"failing": 0.0}], ids=["was slow", "failed"])
def test_a_worker_that_has_recovered_is_found_again(policy: str, good: dict[str, float]) -> None:
    workers = four(**{"seconds": 0.05} if "seconds" in good else {"failing": 1.0})
    model = Model(POLICIES[policy](), workers, 100.0, 7)
    assert model.run(30.0)[2] < 1 / EXPLORE
    workers[2].seconds, workers[2].failing = 0.001, 0.0
    model.run(90.0)
    assert model.run(60.0)[2] > 0.02


@pytest.mark.parametrize("policy", LEARNERS)
def test_a_worker_that_turns_bad_is_left(policy: str) -> None:
    workers = four()
    model = Model(POLICIES[policy](), workers, 100.0, 3)
    model.run(20.0)
    for worker in workers[:2]:
        worker.failing = 1.0
    model.run(10.0)
    assert sum(model.run(30.0)[:2]) < 2 / EXPLORE


@pytest.mark.parametrize("policy", LEARNERS)
def test_under_load_all_good_workers_share(policy: str) -> None:
    shares = Model(POLICIES[policy](), four(), 3000.0, 2).run(3.0)
    assert min(shares) > 0.1


@pytest.mark.parametrize("policy", LEARNERS)
def test_a_new_worker_gets_one_request_until_it_answers(policy: str) -> None:
    chosen = POLICIES[policy]()
    workers = [Modelled(1), Modelled(2)]
    for number in range(40):
        worker, note = chosen.pick(workers, Request("look", 1), 100.0 + number)
        chosen.done(worker.identity, note, 0.01, False, 100.0 + number)
    workers.append(Modelled(3))
    picks: Counter[int] = Counter()
    for number in range(20):
        worker, note = chosen.pick(workers, Request("look", 1), 141.0)
        picks[worker.process] += 1
        worker.pending.add(number)
    assert picks[3] == 1


def test_learned_keeps_what_it_knows_apart_by_type() -> None:
    learned = Learned()
    workers = [Modelled(1), Modelled(2)]
    for number in range(400):
        now = 100.0 + number / 10
        for type, slow in (("draw", 1), ("print", 2)):
            worker, note = learned.pick(workers, Request(type, 1), now)
            learned.done(worker.identity, note, 0.5 if worker.process == slow else 0.01, False, now)
    now = 140.0
    picks = {type: learned.pick(workers, Request(type, 1), now)[0].process for type in ("draw", "print")}
    assert picks == {"draw": 2, "print": 1}
    of_first = learned.estimate(workers[0].identity, now)["messages"]
    assert of_first["draw"]["seconds"] > 3 * of_first["print"]["seconds"]


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 100), st.booleans(), st.floats(0, 20)), max_size=300))
def test_learned_explores_no_more_than_it_may(answers: list[tuple[int, float, bool, float]]) -> None:
    learned, now = Learned(), 100.0
    workers = [Modelled(number) for number in range(4)]
    for load, seconds, failed, pause in answers:
        now += pause
        worker, note = learned.pick(workers, Request("look", 1), now)
        worker.pending = set(range(load))
        learned.done(worker.identity, note, seconds, failed, now)
    explored = sum(
        arm["explorations"] for worker in workers for arm in learned.estimate(worker.identity, now)["messages"].values()
    )
    # the first request of each worker, and the one exploration that is free, are beside the budget
    assert explored <= len(workers) + 1 + len(answers) / EXPLORE


def test_a_failing_worker_is_probed_by_one_request_at_a_time() -> None:
    learned, now = Learned(), 100.0
    workers = [Modelled(1), Modelled(2)]
    for _ in range(30):
        worker, note = learned.pick(workers, Request("look", 1), now)
        learned.done(worker.identity, note, 0.01, worker.process == 2, now)
        now += 0.01
    picks = []
    for number in range(5000):
        now += 0.02
        worker, note = learned.pick(workers, Request("look", 1), now)
        if worker.process == 2:
            picks.append(number)
            worker.pending.add(number)
        else:
            learned.done(worker.identity, note, 0.01, False, now)
    # it never answers: so there is one probe in these 100 seconds
    assert len(picks) == 1


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=50, unique=True), st.integers(2, 8))
def test_hash_moves_the_keys_of_a_lost_worker_alone(keys: list[bytes], count: int) -> None:
    workers = [Modelled(number) for number in range(count)]
    chosen = Hash()
    before = {key: chosen.pick(workers, Request("look", 1, digest(key)), 0.0)[0] for key in keys}
    lost = before[keys[0]]
    left = [worker for worker in workers if worker is not lost]
    for key in keys:
        after = chosen.pick(left, Request("look", 1, digest(key)), 0.0)[0]
        assert after is before[key] or before[key] is lost


def test_hash_spreads_keys_evenly() -> None:
    workers = [Modelled(number) for number in range(4)]
    chosen = Hash()
    picks = Counter(
        chosen.pick(workers, Request("look", 1, digest(b"%d" % key)), 0.0)[0].process for key in range(4000)
    )
    assert all(900 < picks[worker.process] < 1100 for worker in workers)


def test_gateway_processes_agree_on_a_key_by_the_workers_process() -> None:
    @dataclass
    class Seen:
        identity: bytes
        process: int
        pending: tuple[()] = ()

    here = [Seen(b"a", 11), Seen(b"b", 12), Seen(b"c", 13)]
    there = [Seen(b"x", 12), Seen(b"y", 13), Seen(b"z", 11)]
    one, other = Hash(), Hash()
    for key in range(100):
        request = Request("look", 1, digest(b"%d" % key))
        assert one.pick(here, request, 0.0)[0].process == other.pick(there, request, 0.0)[0].process


def test_hash_tells_workers_apart_that_are_all_process_1() -> None:
    @dataclass
    class Seen:
        identity: bytes
        process: int = 1
        pending: tuple[()] = ()

    workers = [Seen(b"a"), Seen(b"b"), Seen(b"c")]
    chosen = Hash()
    picks = Counter(
        chosen.pick(workers, Request("look", 1, digest(b"%d" % key)), 0.0)[0].identity for key in range(300)
    )
    assert min(picks[worker.identity] for worker in workers) > 60


def test_without_a_key_hash_looks_at_the_load() -> None:
    workers = [Modelled(1, pending={1, 2}), Modelled(2, pending={3})]
    assert Hash().pick(workers, Request("look", 1, None), 0.0)[0].process == 2


def test_peak_ewma_takes_a_peak_at_once_and_forgets_it_slowly() -> None:
    chosen = PeakEwma()
    chosen.done(b"w", None, 0.1, False, 100.0)
    chosen.done(b"w", None, 2.0, False, 100.1)
    assert chosen.estimate(b"w", 100.1) == {"seconds": 2.0}
    chosen.done(b"w", None, 0.1, False, 100.2)
    assert 1.9 < chosen.estimate(b"w", 100.2)["seconds"] < 2.0
    assert chosen.estimate(b"w", 130.0)["seconds"] < 0.11
    chosen.done(b"w", None, 0.001, True, 130.0)
    assert chosen.estimate(b"w", 130.0) == {"seconds": FAILURE}


@pytest.mark.parametrize("policy", POLICIES)
def test_workers_that_are_gone_are_forgotten(policy: str) -> None:
    chosen = POLICIES[policy]()
    workers = [Modelled(number) for number in range(3)]
    for worker in workers:
        found, note = chosen.pick([worker], Request("look", 1, 1), 100.0)
        chosen.done(found.identity, note, 0.1, False, 100.0)
    before = [chosen.estimate(worker.identity, 100.0) for worker in workers]
    chosen.keep({workers[0].identity})
    after = [chosen.estimate(worker.identity, 100.0) for worker in workers]
    nothing = {"messages": {}} if policy == "learned" else {}
    assert after == [before[0], nothing, nothing]
    # an answer that is late
    chosen.done(workers[1].identity, note, 0.1, False, 101.0)
