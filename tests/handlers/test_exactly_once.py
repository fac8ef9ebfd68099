"""Whatever happens, and in whatever order: each request is answered by exactly one final reply or error."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.bridge.codec import Cancel, Close, Closed, Error, Open, Push, Reply, Request
from routewright.handlers import Context, HandlerError, on
from routewright.handlers.dispatch import Dispatch
from routewright.handlers.matching import Matching
from routewright.handlers.registry import Registry
from routewright.handlers.service import Service
from routewright.table import MessageType, Pool, Route, Table


class Ask(msgspec.Struct):
    do: str


class Answer(msgspec.Struct):
    do: str


KINDS = ("step", "task", "stream", "thread", "threaded")
DEEDS = ("now", "wait", "stubborn", "error", "crash", "wrong", "nothing", "exit")

TABLE = Table(
    digest="",
    routes=(
        Route(
            name="typed",
            path="/typed",
            handler="app",
            digest="",
            contract="",
            messages=(
                *(MessageType(name=kind, payload=Ask) for kind in KINDS),
                MessageType(name="answer", origin="handler", payload=Answer),
            ),
        ),
        Route(name="raw", path="/raw", handler="app", framing="raw", digest="", contract=""),
    ),
    pools=(Pool(name="app", routes=("typed", "raw"), digest=""),),
)


class Gate:
    """What waiting handlers wait for."""

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []
        self._open = False

    async def wait(self) -> None:
        if not self._open:
            self._waiters.append(asyncio.get_running_loop().create_future())
            await self._waiters[-1]

    def release(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def open(self) -> None:
        self._open = True
        self.release()


class Outlet:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.out: list[Any] = []

    def put(self, message: Any) -> None:
        self.out.append(message)

    def flush(self) -> None: ...
    def control(self, message: Any) -> None: ...

    async def writable(self) -> None:
        await asyncio.sleep(0)


def plain(do: str) -> Any:
    match do:
        case "error":
            raise HandlerError("no", "no")
        case "crash":
            raise RuntimeError("crash")
        case "exit":
            raise SystemExit(1)
        case "wrong":
            return 3
        case "nothing":
            return None
        case _:
            return Answer(do)


def registered(gate: Gate) -> Registry:
    registry = Registry()
    with registry.collecting():

        async def deed(do: str) -> Any:
            if do == "wait":
                await gate.wait()
            if do == "stubborn":
                try:
                    await gate.wait()
                except asyncio.CancelledError:
                    await gate.wait()
            return plain(do)

        @on("step")
        async def step(message: Ask) -> Any:
            return plain(message.do)

        @on("task")
        async def task(message: Ask, context: Context) -> Any:
            return await deed(message.do)

        @on("stream")
        async def stream(message: Ask, context: Context) -> Any:
            yield Answer("first")
            yield await deed(message.do)

        @on("thread")
        def thread(message: Ask, context: Context) -> Any:
            return plain(message.do)

        @on("threaded")
        def threaded(message: Ask) -> Any:
            yield Answer("first")
            yield plain(message.do)

        @on.any
        async def raw(message: str) -> Any:
            found = await deed(message)
            return message if isinstance(found, Answer) else found

        @on.connect
        async def connect(context: Context) -> None:
            await deed(context.session.path)

        @on.disconnect
        async def disconnect(context: Context) -> None:
            await deed(context.session.address)

    return registry


sessions = st.integers(1, 4)
deeds = st.sampled_from(DEEDS)
requests = st.builds(
    lambda session, kind, do, deadline: ("request", session, kind, do, deadline),
    sessions,
    st.sampled_from((*KINDS, "unknown", "broken")),
    deeds,
    st.sampled_from((0, 60_000, 60_000, 60_000)),
)
operations = st.one_of(
    requests,
    requests,
    requests,
    st.tuples(st.just("open"), sessions, st.booleans(), deeds, deeds),
    st.tuples(st.just("close"), sessions),
    st.tuples(st.just("cancel"), st.integers(1, 30)),
    st.tuples(st.sampled_from(("release", "yield", "batch"))),
)


class Schedule:
    """Plays operations against a dispatch."""

    def __init__(self, dispatch: Dispatch, gate: Gate) -> None:
        self.dispatch = dispatch
        self.gate = gate
        self.asked: list[Request] = []
        self._batch: list[Any] = []

    async def play(self, operation: tuple[Any, ...]) -> None:
        match operation:
            case ("request", session, kind, do, deadline):
                raw = session > 2
                frame = msgspec.json.encode({"type": kind, "payload": {"do": do}})
                if kind == "broken":
                    frame = b"\xff"
                elif raw:
                    frame = do.encode()
                request = Request(len(self.asked) + 1, session, "" if raw else kind, deadline, frame)
                self.asked.append(request)
                self._batch.append(request)
            case ("open", session, fresh, connect, disconnect):
                route = "raw" if session > 2 else "typed"
                self._batch.append(Open(session, route, connect, {}, None, disconnect, fresh))
            case ("close", session):
                self._batch.append(Closed(session))
            case ("cancel", correlation):
                self._batch.append(Cancel(correlation))
            case ("release",):
                self.gate.release()
            case ("yield",):
                self.deliver()
                await asyncio.sleep(0)
            case ("batch",):
                self.deliver()

    def deliver(self) -> None:
        batch, self._batch = self._batch, []
        self.dispatch.receive(batch)


async def finished(condition: Callable[[], bool], changed: asyncio.Event) -> None:
    async with asyncio.timeout(20):
        while not condition():
            changed.clear()
            await changed.wait()


async def run(schedule: list[tuple[Any, ...]], end: str) -> None:
    gate, outlet, idle = Gate(), Outlet(), asyncio.Event()
    matching = Matching(TABLE, TABLE.pools[0], registered(gate), file="app.py", project=Path())
    assert matching.problems == []
    service = Service(TABLE, matching.plans, idle.set)
    dispatch = Dispatch(service, outlet)
    played = Schedule(dispatch, gate)
    for operation in schedule:
        await played.play(operation)
    played.deliver()
    if end == "abandon":
        dispatch.abandon()
    if end == "lost":
        dispatch.lost()
        before = list(outlet.out)
    gate.open()
    await finished(lambda: not dispatch.runs.live, idle)
    service.threads.shutdown()
    if end == "lost":
        assert outlet.out == before
        return
    check(outlet.out, played.asked)
    assert not any(session._running or session._queue for session in dispatch.sessions.values())


def check(said: list[Any], asked: list[Request]) -> None:
    ended: list[int] = []
    for message in said:
        assert isinstance(message, Reply | Error | Push | Close)
        if isinstance(message, Reply | Error):
            assert message.correlation not in ended, "something follows the final answer"
            if isinstance(message, Error) or message.final:
                ended.append(message.correlation)
    assert sorted(ended) == [request.correlation for request in asked]
    for session in (3, 4):
        order = [request.correlation for request in asked if request.session == session]
        replied = [m.correlation for m in said if isinstance(m, Reply) and m.frame is not None]
        assert [one for one in replied if one in order] == [one for one in order if one in replied]


@given(st.lists(operations, max_size=40), st.sampled_from(("finish", "finish", "abandon", "lost")))
@settings(max_examples=300, deadline=None)
def test_each_request_has_exactly_one_end(schedule: list[tuple[Any, ...]], end: str) -> None:
    opened = [("open", session, session % 2 == 0, "now", "now") for session in range(1, 5)]
    asyncio.run(run([*opened, *schedule], end))
