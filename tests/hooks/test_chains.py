"""Compiled chains: order, arguments, what comes out and what happens to exceptions."""

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from routewright.hooks import First, Gate, Incoming, Notice, Outgoing, PluginFailed, Principal, Refusal, Rewrite
from routewright.hooks.chains import Call, adapt, in_order

from .samples import a_request, a_route, a_session


class Mark:
    def __init__(self, name: int, kind: str) -> None:
        self.name, self.tryfirst, self.trylast = name, kind == "first", kind == "last"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["first", "plain", "last"])))
def test_order_is_first_plain_last_and_within_each_the_spec_s(kinds: list[str]) -> None:
    ordered = in_order([Mark(place, kind) for place, kind in enumerate(kinds)])
    expected = [place for wanted in ("first", "plain", "last") for place, kind in enumerate(kinds) if kind == wanted]
    assert [mark.name for mark in ordered] == expected


@pytest.mark.parametrize("given_names", [(), ("table",), ("session", "message")])
def test_every_subset_of_arguments_in_every_order_gets_what_it_names(given_names: tuple[str, ...]) -> None:
    values = {name: f"the {name}" for name in given_names}
    names = (*given_names, "settings")
    for size in range(len(names) + 1):
        for wanted in itertools.permutations(names, size):
            call = adapt(lambda *arguments: arguments, wanted, given_names, "the settings")
            assert call(*values.values()) == tuple(f"the {name}" for name in wanted)


def test_an_implementation_that_takes_everything_is_called_without_a_detour() -> None:
    def implementation(session: Any, message: Any) -> None: ...

    assert adapt(implementation, ("session", "message"), ("session", "message"), None) is implementation


def returning(value: Any) -> Call:
    return Call("p", lambda *_: value, waits=False)


def raising(error: Exception, name: str = "p") -> Call:
    def function(*_: Any) -> None:
        raise error

    return Call(name, function, waits=False)


def waiting(call: Call) -> Call:
    async def function(*arguments: Any) -> Any:
        await asyncio.sleep(0)
        return call.function(*arguments)

    return Call(call.plugin, function, waits=True)


async def outcome(chain: Any, *arguments: Any) -> Any:
    """What a chain gives, run as the gateway does."""
    if chain.sync:
        return chain.run(*arguments)
    return await chain.run_async(*arguments)


both = pytest.mark.parametrize("kind", [lambda call: call, waiting], ids=["sync", "async"])


@both
async def test_a_gate_calls_all_and_stops_at_a_refusal(kind: Any) -> None:
    called: list[str] = []
    calls = [Call(name, lambda *_, name=name: called.append(name), waits=False) for name in "abc"]
    calls.insert(2, raising(Refusal("forbidden", "no", status=451)))
    chain = Gate("routewright_upgrade", [kind(call) for call in calls])
    with pytest.raises(Refusal) as caught:
        await outcome(chain, a_request(), a_route())
    assert (caught.value.code, caught.value.message, caught.value.status) == ("forbidden", "no", 451)
    assert called == ["a", "b"]


@both
async def test_the_first_principal_wins(kind: Any) -> None:
    principals = [None, Principal(id="one"), Principal(id="two")]
    chain = First("routewright_authenticate", [kind(returning(each)) for each in principals])
    assert await outcome(chain, a_request(), a_route()) == Principal(id="one")
    nobody = First("routewright_authenticate", [kind(returning(None))])
    assert await outcome(nobody, a_request(), a_route()) is None


@both
async def test_a_rewrite_hands_each_plugin_what_the_one_before_left(kind: Any) -> None:
    def add(text: bytes) -> Call:
        return Call("p", lambda session, message: message.frame + text, waits=False)

    chain = Rewrite("routewright_message", [kind(add(b"1")), kind(returning(None)), kind(add(b"2"))], strict=True)
    message = Incoming("t", 1, b"0")
    assert await outcome(chain, a_session(), message) == b"012"
    assert message.frame == b"012"
    untouched = Rewrite("routewright_message", [kind(returning(None))], strict=True)
    assert await outcome(untouched, a_session(), message) is None


@both
async def test_a_message_is_refused_or_fails_and_the_rest_is_not_called(kind: Any) -> None:
    called: list[int] = []
    last = Call("last", lambda *_: called.append(1), waits=False)
    refused = Rewrite(
        "routewright_message", [kind(raising(Refusal("rate_limited", "slow", retry_after=2.0))), last], strict=True
    )
    with pytest.raises(Refusal) as caught:
        await outcome(refused, a_session(), Incoming("t", 1, b"0"))
    assert caught.value.retry_after == 2.0
    failed = Rewrite("routewright_message", [kind(raising(KeyError("k"), "broken")), last], strict=True)
    with capture_logs() as logs, pytest.raises(PluginFailed) as failure:
        await outcome(failed, a_session(), Incoming("t", 1, b"0"))
    assert (failure.value.plugin, failure.value.hook) == ("broken", "routewright_message")
    assert isinstance(failure.value.__cause__, KeyError)
    assert [(log["event"], log["plugin"], log["hook"]) for log in logs] == [
        ("plugin_failed", "broken", "routewright_message")
    ]
    assert called == []


@both
@pytest.mark.parametrize("error", [KeyError("k"), Refusal("forbidden", "too late")])
async def test_a_reply_goes_on_without_the_plugin_that_failed(kind: Any, error: Exception) -> None:
    chain = Rewrite("routewright_reply", [kind(returning(b"1")), kind(raising(error, "broken"))], strict=False)
    with capture_logs() as logs:
        assert await outcome(chain, a_session(), Outgoing(b"0")) == b"1"
    assert [log["plugin"] for log in logs] == ["broken"]


@both
async def test_a_notice_reaches_everyone(kind: Any) -> None:
    told: list[int] = []
    last = kind(Call("last", lambda session, code: told.append(code), waits=False))
    chain = Notice("routewright_disconnect", [kind(raising(RuntimeError("x"), "broken")), last])
    with capture_logs() as logs:
        await outcome(chain, a_session(), 1006)
    assert told == [1006]
    assert [log["plugin"] for log in logs] == ["broken"]


@both
@pytest.mark.parametrize(
    ("chain", "value", "arguments"),
    [
        (lambda calls: Gate("h", calls), True, (a_request(), a_route())),
        (lambda calls: First("h", calls), "root", (a_request(), a_route())),
        (lambda calls: Rewrite("h", calls, strict=True), "text", (a_session(), Incoming("t", 1, b"0"))),
        (lambda calls: Rewrite("h", calls, strict=True), bytearray(b"1"), (a_session(), Incoming("t", 1, b"0"))),
    ],
)
async def test_an_answer_of_the_wrong_kind_is_a_failure(kind: Any, chain: Any, value: Any, arguments: Any) -> None:
    with capture_logs(), pytest.raises(PluginFailed) as failure:
        await outcome(chain([kind(returning(value))]), *arguments)
    assert type(value).__name__ in str(failure.value.__cause__)


def test_a_plain_function_that_returns_a_coroutine_is_a_failure_that_says_so() -> None:
    async def hidden() -> None: ...

    chain = Gate("routewright_connect", [Call("p", lambda _: hidden(), waits=False)])
    with capture_logs(), pytest.raises(PluginFailed) as failure:
        chain.run(a_session())
    assert "async def" in str(failure.value.__cause__)


def test_one_waiting_member_makes_the_chain_wait() -> None:
    assert Gate("h", [returning(None)]).sync
    assert not Gate("h", [returning(None), waiting(returning(None))]).sync


def test_a_plugin_that_always_fails_does_not_flood_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    time = [100.0]
    monkeypatch.setattr("routewright.hooks.failures.time.monotonic", lambda: time[0])
    chain = Notice("routewright_disconnect", [raising(RuntimeError("x"))])
    with capture_logs() as logs:
        for _ in range(50):
            chain.run(a_session(), 1000)
        time[0] += 1.5
        chain.run(a_session(), 1000)
    assert [log["unlogged"] for log in logs] == [0, 49]


async def test_a_plugin_whose_own_work_was_cancelled_has_failed() -> None:
    async def give_up(_: Any) -> None:
        work = asyncio.create_task(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(work.cancel)
        await work

    chain = Gate("routewright_subscribe", [Call("p", give_up, waits=True)])
    with capture_logs() as logs, pytest.raises(PluginFailed):
        await chain.run_async(a_session())
    assert [log["plugin"] for log in logs] == ["p"]


async def test_cancelling_a_waiting_chain_is_no_failure_of_the_plugin() -> None:
    started = asyncio.Event()

    async def hang(_: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    chain = Gate("routewright_connect", [Call("p", hang, waits=True)])
    with capture_logs() as logs:
        task = asyncio.create_task(chain.run_async(a_session()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert logs == []
