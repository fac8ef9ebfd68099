"""What a handler is given and what its client gets, through a real worker process."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from conftest import ANALYZE, REST, Gateway, WorkerProcess

from routewright.bridge.codec import Cancel, Close, Closed, Error, Open, Push, Reply

Serve = Callable[..., WorkerProcess]


def test_a_model_is_answered_by_the_model_of_the_declared_reply(gateway: Gateway, serve: Serve) -> None:
    serve(ANALYZE + REST)
    assert gateway.ask(1, "analyze", {"depth": 3, "note": "ü"}) == {
        "type": "analysis", "id": 7, "payload": {"depth": 3, "note": "ü"},
    }  # fmt: skip
    assert gateway.ask(1, "analyze")["payload"] == {"depth": 1, "note": ""}
    reply = gateway.answer(gateway.request(1, "analyze", '{"type": "analyze"}'))
    assert isinstance(reply, Reply)
    assert "id" not in msgspec.json.decode(reply.frame or b"")


def test_a_plain_payload_and_none(gateway: Gateway, serve: Serve) -> None:
    serve(ANALYZE + REST)
    assert gateway.ask(1, "count", 5) == {"type": "counted", "id": 7, "payload": 5}
    assert gateway.ask(1, "stop") == {"type": "stopped", "id": 7}


def test_a_frame_that_does_not_fit_is_refused_by_the_worker_too(gateway: Gateway, serve: Serve) -> None:
    serve(ANALYZE + REST)
    error = gateway.ask(1, "analyze", {"depth": "three"})
    assert (error.code, error.path) == ("invalid_message", "$.payload.depth")
    error = gateway.ask(1, "count", -1)
    assert (error.code, error.path) == ("invalid_message", "$.payload")


def test_an_undeclared_type_of_a_closed_route(gateway: Gateway, serve: Serve) -> None:
    serve(ANALYZE + REST)
    assert gateway.ask(1, "analyse").code == "unknown_type"


def test_an_open_route_hands_over_the_envelope(gateway: Gateway, serve: Serve) -> None:
    serve(
        ANALYZE
        + """
@on("watch")
async def watch(): yield Progress(1)
@on("count")
async def count(): pass
@on("stop")
async def stop(): pass
@on("describe")
async def describe(message, context): return {"type": "described", "payload": [message, context.parameters["room"]]}
@on.any(route="lobby")
async def rest(message): return {"type": "echo", "payload": message}
@on.any(route="voice")
async def voice(message): return message
"""
    )
    assert gateway.ask(2, "describe", {"a": 1}) == {"type": "described", "id": 7, "payload": [{"a": 1}, 5]}
    assert gateway.ask(2, "x", [1])["payload"] == {"type": "x", "payload": [1]}
    assert gateway.ask(2, "y")["payload"] == {"type": "y", "payload": None}


def test_a_raw_route_hands_over_the_frames_in_order(gateway: Gateway, serve: Serve) -> None:
    serve(
        ANALYZE
        + REST.replace("@on.any", '@on.any(route="lobby")')
        + """
@on.any(route="voice")
async def voice(message):
    if message == "slow":
        await asyncio.sleep(0.05)
    return message if message != b"nothing" else None
"""
    )
    first = gateway.make(3, "", "slow")
    second = gateway.make(3, "", b"\xff\x00", binary=True)
    third = gateway.make(3, "", b"nothing", binary=True)
    gateway.send(first, second, third)
    replies = [gateway.take(Reply) for _ in range(3)]
    assert replies == [
        Reply(first.correlation, b"slow"),
        Reply(second.correlation, b"\xff\x00", binary=True),
        Reply(third.correlation),
    ]
    error = gateway.answer(gateway.request(3, "", b"\xff"))
    assert isinstance(error, Error)
    assert error.code == "invalid_message"


STREAMS = """
@on("watch")
{kind} watch(message: Watch):
    for number in range(message.times):
        yield Progress(number)
    if message.note:
        raise HandlerError("tired", message.note)
"""


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_a_stream_ends_with_a_frame_of_its_own(gateway: Gateway, serve: Serve, kind: str) -> None:
    rest = REST.replace('@on("watch")\nasync def rest_watch(): yield Progress(1)', "")
    serve(ANALYZE + rest + STREAMS.format(kind=kind))

    def stream(payload: dict[str, Any]) -> list[Any]:
        correlation = gateway.request(1, "watch", msgspec.json.encode({"type": "watch", "id": "a", "payload": payload}))
        parts = [gateway.answer(correlation)]
        while isinstance(parts[-1], Reply) and not parts[-1].final:
            parts.append(gateway.answer(correlation))
        return parts

    parts = stream({"times": 3})
    frames = [msgspec.json.decode(part.frame) for part in parts]
    assert frames == [
        {"type": "progress", "id": "a", "payload": {"done": 0}},
        {"type": "progress", "id": "a", "payload": {"done": 1}},
        {"type": "progress", "id": "a", "payload": {"done": 2}},
        {"type": "progress", "id": "a", "final": True},
    ]
    assert [part.final for part in parts] == [False, False, False, True]
    (end,) = stream({"times": 0})
    assert msgspec.json.decode(end.frame) == {"type": "progress", "id": "a", "final": True}
    part, error = stream({"times": 1, "note": "out"})
    assert (part.final, error.code, error.message) == (False, "tired", "out")


def test_a_plain_function_runs_in_a_thread(gateway: Gateway, serve: Serve) -> None:
    serve(
        REST
        + """
main = threading.get_ident()
@on(Analyze)
def analyze(message, context):
    context.send(Finished(context.route))
    return Analysis(message.depth, str(threading.get_ident() != main))
"""
    )
    assert gateway.ask(1, "analyze", {"depth": 2})["payload"] == {"depth": 2, "note": "True"}
    assert msgspec.json.decode(gateway.take(Push).frame) == {"type": "finished", "payload": {"how": "vision"}}


WRONG = """
@on(Analyze)
async def analyze(message):
    answers = {
        "other": lambda: Progress(1),
        "none": lambda: None,
        "dict": lambda: {"type": "analysis", "payload": {"depth": 4}},
        "unfit": lambda: {"type": "analysis", "payload": {"depth": "x"}},
        "reply": lambda: {"type": "finished", "payload": {"how": "x"}},
        "keys": lambda: {"type": "analysis", "id": 3, "payload": {"depth": 1}},
        "json": lambda: Analysis(object()),
        "own": lambda: int("secret"),
        "exit": lambda: exit("bye"),
    }
    return answers[message.note]()
"""


def test_what_a_handler_may_return(gateway: Gateway, serve: Serve) -> None:
    worker = serve(REST + WRONG)
    assert gateway.ask(1, "analyze", {"note": "none"}) is None
    assert gateway.ask(1, "analyze", {"note": "dict"})["payload"] == {"depth": 4, "note": ""}
    expected = {
        "other": "Progress given, expected the declared reply of 'analyze': Analysis ('analysis')",
        "unfit": "the payload of 'analysis' does not fit its declaration: Expected `int`, got `str` - at `$.depth`",
        "reply": "'finished' given, expected the declared reply of 'analyze'",
        "keys": "further keys ('id')",
        "json": "object",
        "own": "invalid literal for int() with base 10: 'secret'",
        "exit": "bye",
    }
    for note, text in expected.items():
        error = gateway.ask(1, "analyze", {"note": note})
        assert (error.code, error.message) == ("handler_error", "the handler failed")
        line = worker.logged()
        assert line["handler"] == "app.analyze"
        assert line["type"] == "analyze"
        assert text in line["exception"]


def test_a_handler_error_reaches_the_client(gateway: Gateway, serve: Serve) -> None:
    serve(
        REST
        + """
@on(Analyze)
async def analyze(message):
    raise HandlerError("busy", "not \\ud800 now", retryable=True, retry_after=2)
"""
    )
    correlation = gateway.request(1, "analyze", '{"type": "analyze"}')
    assert gateway.answer(correlation) == Error(correlation, "busy", "not ? now", True, 2.0)


def test_a_shared_model_needs_the_name(gateway: Gateway, serve: Serve) -> None:
    worker = serve(
        ANALYZE
        + REST.replace("@on.any", '@on.any(route="lobby")')
        + """
@on.any(route="voice")
async def voice(message, context): return message
@on.connect(route="vision")
async def greet(context):
    try:
        context.send(Shape(4))
    except ValueError as error:
        context.send(Finished(str(error)))
    context.send({"type": "square", "payload": Shape(4)})
""",
        Open(9, "vision", fresh=True),
    )
    first, second = gateway.take(Push), gateway.take(Push)
    assert "several messages (square, triangle)" in msgspec.json.decode(first.frame)["payload"]["how"]
    assert msgspec.json.decode(second.frame) == {"type": "square", "payload": {"sides": 4}}
    assert worker.process.poll() is None


def test_context_variables_do_not_leak_between_requests(gateway: Gateway, serve: Serve) -> None:
    serve(
        REST
        + """
seen = contextvars.ContextVar("seen", default="")
@on(Analyze)
async def analyze(message):
    before = seen.get()
    if message.note:
        seen.set(message.note)
    return Analysis(message.depth, before)
"""
    )
    frames = [b'{"type":"analyze","payload":{"note":"%d"}}' % number for number in range(3)]
    gateway.send(*(gateway.make(1, "analyze", frame) for frame in frames))
    notes = [msgspec.json.decode(gateway.take(Reply).frame or b"")["payload"]["note"] for _ in frames]
    assert notes == ["", "", ""]


def test_a_handler_that_waits_is_a_task(gateway: Gateway, serve: Serve) -> None:
    serve(
        REST
        + """
@on(Analyze)
async def analyze(message):
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))
    return Analysis(message.depth, str(asyncio.current_task() is not None))
"""
    )
    assert gateway.ask(1, "analyze")["payload"]["note"] == "True"


CANCEL = """
@on(Analyze)
async def analyze(message, context):
    context.send(Finished("begun"))
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        context.send(Finished(f"cancelled {context.cancelled}"))
        raise
@on("count")
def count(message, context):
    context.send(Finished("begun"))
    while not context.cancelled:
        time.sleep(0.001)
    context.send(Finished("looked"))
    return {"type": "counted", "payload": 1}
"""


def how(gateway: Gateway) -> Any:
    return msgspec.json.decode(gateway.take(Push).frame)["payload"]["how"]


@pytest.mark.parametrize(("type", "last"), [("analyze", "cancelled True"), ("count", "looked")])
def test_cancel(gateway: Gateway, serve: Serve, type: str, last: str) -> None:
    serve(CANCEL + REST.replace('@on("count")\nasync def rest_count', "async def unused"))
    payload: Any = {} if type == "analyze" else 1
    correlation = gateway.request(1, type, msgspec.json.encode({"type": type, "payload": payload}))
    assert how(gateway) == "begun"
    gateway.send(Cancel(correlation), Cancel(correlation))
    assert how(gateway) == last
    answer = gateway.answer(correlation)
    assert (answer.code if isinstance(answer, Error) else "replied") == (
        "cancelled" if type == "analyze" else "replied"
    )
    assert gateway.settled(2) == []


def test_a_deadline_that_has_passed(gateway: Gateway, serve: Serve) -> None:
    serve(
        REST
        + """
@on(Analyze)
async def analyze(message, context):
    return Analysis(int(0 < context.remaining <= 10 and context.deadline > 0))
"""
    )
    assert gateway.ask(1, "analyze", deadline=0).code == "timeout"
    assert gateway.ask(1, "analyze", deadline=10_000)["payload"]["depth"] == 1


def test_a_request_of_no_known_session(gateway: Gateway, serve: Serve) -> None:
    serve(ANALYZE + REST)
    assert gateway.ask(99, "analyze").code == "handler_error"


def test_close(gateway: Gateway, serve: Serve) -> None:
    serve(
        REST
        + """
@on(Analyze)
async def analyze(message, context):
    try:
        context.close(1006)
    except ValueError:
        context.close(4999, "é" * 100)
"""
    )
    assert gateway.ask(1, "analyze") is None
    closing = gateway.take(Close)
    assert (closing.session, closing.code, closing.reason) == (1, 4999, "é" * 61)
    gateway.send(Closed(1, 4999))
    assert gateway.ask(1, "analyze").code == "handler_error"
