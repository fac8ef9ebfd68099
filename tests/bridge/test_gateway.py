"""The gateway's end of the bridge, against workers that are no more than a DEALER each."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.bridge import codec, echoes
from routewright.bridge.codec import (
    Call,
    Cancel,
    Close,
    Closed,
    Error,
    Goodbye,
    Heartbeat,
    Hello,
    Open,
    Publish,
    Push,
    Ready,
    Refused,
    Reply,
    Request,
)
from routewright.bridge.pool import Entry, WorkerPool
from tests.bridge.bench import PATIENCE, Asked, Bench, Peer


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


# Hello


async def test_a_worker_of_the_right_contract_is_welcome(bench: Bench) -> None:
    worker = await bench.worker(capacity=3, process=17)
    assert ("ready", "app") in bench.gateway.told
    (known,) = bench.gateway.pool.ready
    assert (known.name, known.language, known.capacity, known.process) == ("app", "test", 3, 17)
    assert worker.batches == 1


@pytest.mark.parametrize(
    ("hello", "reason"),
    [
        (Hello(2, "app", "d1", "test"), "protocol version 2 is not 1"),
        (Hello(1, "other", "d1", "test"), "no route of this gateway is answered by 'other'"),
        (
            Hello(1, "app", "d0", "test"),
            "'app' was built for contract d0, this gateway serves d1: "
            "run `routewright generate` and restart the worker",
        ),
        (Heartbeat(), "say hello first"),
    ],
)
async def test_others_are_refused_with_the_reason(bench: Bench, hello: Any, reason: str) -> None:
    peer = bench.peer()
    await peer.say(hello)
    assert await peer.hear() == Refused(reason)
    assert bench.gateway.pool.workers == []


async def test_what_is_no_batch_is_refused_and_harms_nobody(bench: Bench) -> None:
    worker = await bench.worker()
    peer = bench.peer()
    for junk in (b"", b"\xc1", b"\x93\x01\x02\x03", codec.encode([Ready()]), b"\x91" * 100_000):
        await peer.raw(junk)
        refused = await peer.hear()
        assert isinstance(refused, Refused)
    assert bench.gateway.bridge.bad_batches == 5
    asked = Asked()
    bench.gateway.ask(asked, 1)
    (request,) = await worker.requests(1)
    await worker.say(Reply(request.correlation, b"ok"))
    assert await asked.until(1) == [(1, "reply")]


async def test_a_worker_that_says_nonsense_keeps_what_it_owes(bench: Bench) -> None:
    worker = await bench.worker()
    asked = Asked()
    bench.gateway.ask(asked, 1)
    (request,) = await worker.requests(1)
    await worker.raw(b"nonsense")
    assert isinstance(await worker.hear(), Refused)
    await worker.say(Reply(request.correlation, b"ok"))
    assert await asked.until(1) == [(1, "reply")]


# Requests and their ends


async def test_a_request_is_what_the_client_sent(bench: Bench) -> None:
    worker = await bench.worker()
    bench.gateway.bridge.open(bench.gateway.pool.ready[0], Open(7, "app"))
    entry: Entry = (Asked(), "id", 0.0, 9e9, 1.5)
    number = bench.gateway.pool.ready[0].request(entry, 7, "greet", b"\x00\xff", True)
    assert await worker.hear() == Open(7, "app")
    assert await worker.hear() == Request(number, 7, "greet", 1500, b"\x00\xff", True)


async def test_parts_come_before_the_end_and_each_moves_the_deadline(bench: Bench) -> None:
    worker = await bench.worker()
    asked = Asked()
    bench.gateway.ask(asked, 1, seconds=10)
    (request,) = await worker.requests(1)
    for number, part in enumerate((b"a", b"b", b"c")):
        bench.clock.now += 6
        await worker.say(Reply(request.correlation, part, False), Push(number, b""))
        await bench.gateway.until("pushed", Push(number, b""))
    await worker.say(Reply(request.correlation, None))
    assert await asked.until(1) == [(1, "reply")]
    assert asked.parts == [(1, b"a"), (1, b"b"), (1, b"c"), (1, None)]


async def test_at_its_deadline_a_request_fails_and_is_cancelled(bench: Bench) -> None:
    worker = await bench.worker()
    asked = Asked()
    bench.gateway.ask(asked, "soon", seconds=2)
    bench.gateway.ask(asked, "later", seconds=5)
    soon, later = await worker.requests(2)
    bench.clock.now += 2
    assert await asked.until(1) == [("soon", "timeout")]
    assert await worker.hear() == Cancel(soon.correlation)
    await worker.say(Reply(soon.correlation, b"too late"), Reply(later.correlation, b"in time"))
    assert await asked.until(2) == [("soon", "timeout"), ("later", "reply")]
    assert asked.parts == [("later", b"in time")]


async def test_an_error_ends_a_request(bench: Bench) -> None:
    worker = await bench.worker()
    asked = Asked()
    bench.gateway.ask(asked, 1)
    (request,) = await worker.requests(1)
    await worker.say(Error(request.correlation, "teapot", "no"), Reply(request.correlation, b"after all"))
    await worker.say(Error(999, "nobody", "asked"), Reply(998, b""), Reply(997, b"", False), Push(1, b"done"))
    await bench.gateway.until("pushed", Push(1, b"done"))
    assert asked.ends == [(1, "teapot")]
    assert asked.parts == []


async def test_who_has_left_is_not_answered(bench: Bench) -> None:
    worker = await bench.worker()
    gone, stays = Asked(), Asked()
    known = bench.gateway.pool.ready[0]
    bench.gateway.bridge.open(known, Open(7, "app"))
    for asked in (gone, stays):
        bench.gateway.ask(asked, 1)
    assert await worker.hear() == Open(7, "app")
    requests = await worker.requests(2)
    bench.gateway.bridge.forget(gone)
    bench.gateway.bridge.close(known, 7, 1001)
    bench.gateway.bridge.close(known, 7, 1001)
    assert await worker.hear() == Closed(7, 1001)
    await worker.say(*(Reply(request.correlation, b"") for request in requests))
    assert await stays.until(1) == [(1, "reply")]
    assert gone.ends == []
    assert known.pending == {}


async def test_one_request_can_be_cancelled(bench: Bench) -> None:
    worker = await bench.worker()
    asked = Asked()
    for id in ("keep", "drop"):
        bench.gateway.ask(asked, id)
    keep, drop = await worker.requests(2)
    bench.gateway.bridge.cancel(asked, "drop")
    assert await worker.hear() == Cancel(drop.correlation)
    await worker.say(Reply(drop.correlation, b""), Reply(keep.correlation, b""))
    assert await asked.until(1) == [("keep", "reply")]


# Credits


async def test_no_worker_is_owed_more_than_its_capacity(bench: Bench) -> None:
    small, large = await bench.worker(capacity=2), await bench.worker(capacity=5)
    asked = Asked()
    chosen = [bench.gateway.ask(asked, id) for id in range(10)]
    assert sum(worker is None for worker in chosen) == 3
    assert len(await small.requests(2)) == 2
    requests = await large.requests(5)
    await large.say(Reply(requests[0].correlation, b""))
    await asked.until(1)
    assert bench.gateway.ask(asked, "next") is not None
    assert bench.gateway.ask(asked, "one too many") is None
    await large.requests(1)


async def test_the_worker_with_the_least_to_do_is_next(bench: Bench) -> None:
    one, two = await bench.worker(process=1), await bench.worker(process=2)
    asked = Asked()
    for id in range(6):
        bench.gateway.ask(asked, id)
    assert len(await one.requests(3)) == len(await two.requests(3)) == 3


class _Pending:
    def __init__(self, pending: int, capacity: int) -> None:
        self.pending = dict.fromkeys(range(pending))
        self.capacity = capacity


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=6))
def test_the_least_loaded_of_those_with_credit_is_picked(workers: list[tuple[int, int]]) -> None:
    pool = WorkerPool("app", "d")
    ready: list[Any] = [_Pending(*worker) for worker in workers]
    pool.ready = ready
    picked: Any = pool.pick()
    free = [worker for worker in ready if len(worker.pending) < worker.capacity]
    if free:
        assert picked in free
        assert len(picked.pending) == min(len(worker.pending) for worker in free)
    else:
        assert picked is None


# Loss


@pytest.mark.parametrize("how", ["process", "silence"])
async def test_each_request_of_a_lost_worker_fails_once(bench: Bench, how: str) -> None:
    worker = await bench.worker(process=41)
    asked = Asked()
    known = bench.gateway.pool.ready[0]
    bench.gateway.bridge.open(known, Open(7, "app"))
    for id in range(20):
        bench.gateway.ask(asked, id, seconds=1000)
    assert isinstance(await worker.hear(), Open)
    requests = await worker.requests(20)
    if how == "process":
        await worker.say(Reply(requests[0].correlation, b"just in time"), Push(1, b"sent"))
        await bench.gateway.until("pushed", Push(1, b"sent"))
        bench.gateway.bridge.gone("app", 40)
        assert known in bench.gateway.pool.ready
        bench.gateway.bridge.gone("app", 41)
    else:
        await worker.say(Reply(requests[0].correlation, b"just in time"))
        await asked.until(1)
        bench.clock.now += codec.DEAD + 0.1
    ends = await asked.until(20)
    assert sorted(ends) == [(0, "reply"), *((id, "worker_lost") for id in range(1, 20))]
    assert ("lost", 41, {7}) in bench.gateway.told
    assert bench.gateway.pool.workers == bench.gateway.pool.ready == []
    await worker.say(*(Reply(request.correlation, b"late") for request in requests))
    assert isinstance(await worker.hear(), Refused | Cancel)
    assert len(asked.ends) == 20
    assert bench.gateway.pool.pick() is None


async def test_a_worker_that_speaks_is_not_lost(bench: Bench) -> None:
    worker = await bench.worker()
    for number in range(5):
        bench.clock.now += codec.DEAD - 1
        await worker.say(Heartbeat(), Push(number, b""))
        await bench.gateway.until("pushed", Push(number, b""))
    assert len(bench.gateway.pool.ready) == 1


async def test_the_gateway_speaks_when_it_has_nothing_to_say(bench: Bench) -> None:
    worker = await bench.worker()
    bench.clock.now += codec.HEARTBEAT + 0.1
    async with asyncio.timeout(PATIENCE):
        assert codec.decode_from_gateway(await worker.socket.recv()) == [Heartbeat()]


# Leaving


async def test_a_released_worker_answers_what_it_has(bench: Bench) -> None:
    worker = await bench.worker()
    asked = Asked()
    bench.gateway.ask(asked, 1)
    known = bench.gateway.pool.ready[0]
    bench.gateway.bridge.release(known)
    bench.gateway.bridge.release(known)
    (request,) = await worker.requests(1)
    assert await worker.hear() == Goodbye()
    assert bench.gateway.pool.pick() is None
    await worker.say(Reply(request.correlation, b""))
    assert await asked.until(1) == [(1, "reply")]


async def test_a_worker_that_takes_its_leave_gets_no_more(bench: Bench) -> None:
    leaving, stays = await bench.worker(process=1), await bench.worker(process=2)
    await leaving.say(Goodbye())
    assert await leaving.hear() == Goodbye()
    asked = Asked()
    for id in range(4):
        bench.gateway.ask(asked, id)
    assert len(await stays.requests(4)) == 4


async def test_workers_of_a_pool_that_is_not_retained_may_leave(bench: Bench) -> None:
    worker = await bench.worker()
    bench.gateway.bridge.pool("app", "d2")
    bench.gateway.bridge.retain([("app", "d2")])
    assert await worker.hear() == Goodbye()
    late = bench.peer()
    await late.say(Hello(codec.VERSION, "app", "d1", "test"))
    assert isinstance(await late.hear(), Refused)


# What workers say unasked


async def test_the_observer_is_told_everything_in_order(bench: Bench) -> None:
    worker = await bench.worker()
    said = [
        Push(1, b"a"),
        Publish("topic", b"b", True),
        Call(5, "other", 1000, b"{}", 1),
        Cancel(5),
        Close(1, 4000, "bye"),
        Push(2, b"last"),
    ]
    await worker.say(*said)
    await bench.gateway.until("pushed", said[-1])
    assert bench.gateway.told[1:] == [
        ("pushed", said[0]),
        ("published", said[1]),
        ("called", said[2]),
        ("call_withdrawn", 5),
        ("close_asked", said[4]),
        ("pushed", said[5]),
    ]


# Economy


async def test_what_is_sent_in_one_tick_is_one_batch(bench: Bench) -> None:
    worker = await bench.worker(capacity=5000)
    sent = bench.gateway.bridge.batches_sent
    asked = Asked()
    for id in range(1000):
        bench.gateway.ask(asked, id)
    bench.gateway.bridge.open(bench.gateway.pool.ready[0], Open(8, "app"))
    requests = await worker.requests(1000)
    assert await worker.hear() == Open(8, "app")
    assert bench.gateway.bridge.batches_sent == sent + 1
    await worker.say(*(Reply(request.correlation, b"") for request in requests))
    assert await asked.until(1000) == [(id, "reply") for id in range(1000)]


async def test_nothing_stalls_under_a_storm(bench: Bench) -> None:
    """The socket's descriptor is edge-triggered: an event that is overlooked would end this in silence."""
    workers = [await bench.worker(capacity=50, process=number) for number in range(3)]
    asked = Asked()
    total = 6000

    async def serve(worker: Peer) -> None:
        while True:
            request = await worker.hear()
            await worker.say(Reply(request.correlation, b"{}"))

    serving = [asyncio.create_task(serve(worker)) for worker in workers]
    sent = 0
    async with asyncio.timeout(PATIENCE):
        while sent < total:
            if bench.gateway.ask(asked, sent) is None:
                await asked.until(len(asked.ends) + 1)
            else:
                sent += 1
    ends = await asked.until(total)
    assert sorted(ends) == [(id, "reply") for id in range(total)]
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


# Any order of events


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 2)),
        st.tuples(st.sampled_from(["reply", "error", "part", "twice"]), st.integers(0, 30)),
        st.tuples(st.just("time"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["lose", "goodbye"]), st.integers(0, 2)),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(ACTIONS)
def test_each_request_ends_exactly_once(actions: list[tuple[str, int]]) -> None:
    async def run() -> None:
        bench = Bench()
        try:
            peers = [await bench.worker(capacity=4, process=number) for number in range(3)]
            workers = list(bench.gateway.pool.ready)
            asked, ids, open_requests = Asked(), 0, list[tuple[int, int]]()
            for action, number in actions:
                if action == "ask":
                    if bench.gateway.ask(asked, ids, seconds=5) is not None:
                        ids += 1
                    open_requests = [
                        (at, correlation) for at, worker in enumerate(workers) for correlation in worker.pending
                    ]
                elif action == "time":
                    bench.clock.now += number
                elif action == "lose":
                    bench.gateway.bridge.gone("app", number)
                elif action == "goodbye":
                    await peers[number].say(Goodbye())
                elif open_requests:
                    at, correlation = open_requests[number % len(open_requests)]
                    answer = Error(correlation, "no", "") if action == "error" else Reply(correlation, b"")
                    if action == "part":
                        answer = Reply(correlation, b"", False)
                    await peers[at].say(answer, *([answer] if action == "twice" else []))
            async with asyncio.timeout(PATIENCE):
                # what is still under way may be a part of a stream, which begins the deadline anew
                while len(asked.ends) < ids:
                    bench.clock.now += 1000
                    await asyncio.sleep(0)
            await asyncio.sleep(0)
            ends = asked.ends
            assert sorted(id for id, _ in ends) == list(range(ids))
        finally:
            bench.close()

    asyncio.run(run())


async def test_an_echo_comes_after_all_that_was_published_before(bench: Bench) -> None:
    worker = await bench.worker()
    asked = Asked()
    bench.gateway.ask(asked, 1)
    settling = asyncio.create_task(bench.gateway.bridge.echoes.of(bench.gateway.bridge.workers.values(), 30.0))
    heard: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        while len(heard) < 2:
            heard += codec.decode_from_gateway(await worker.socket.recv())
    request, heartbeat = heard
    assert isinstance(request, Request)
    assert isinstance(heartbeat, Heartbeat)
    assert heartbeat.echo
    push = Push(7, b"{}")
    await worker.say(Reply(request.correlation), Heartbeat(heartbeat.echo - 1), push, heartbeat)
    async with asyncio.timeout(PATIENCE):
        await settling
    assert ("pushed", push) in bench.gateway.told


async def test_a_worker_without_echoes_is_waited_for_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echoes, "PATIENCE", 0.01)
    await bench.worker()
    bridge = bench.gateway.bridge
    (worker,) = bridge.workers.values()
    async with asyncio.timeout(PATIENCE):
        await bridge.echoes.of([worker], 30.0)
        await bridge.echoes.of([worker], 30.0)
    assert [type(message) for message in worker.out] == []
    # one that is lost is waited for no longer
    monkeypatch.setattr(echoes, "PATIENCE", 30.0)
    await bench.worker()
    other = next(each for each in bridge.workers.values() if each is not worker)
    settling = asyncio.create_task(bridge.echoes.of([worker, other], 30.0))
    await asyncio.sleep(0)
    bridge.lost(other)
    async with asyncio.timeout(PATIENCE):
        await settling
