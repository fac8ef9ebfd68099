"""Sessions from their opening to their end, what they push, and calls to other handlers."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from conftest import ANALYZE, REST, Gateway, Project, WorkerProcess

from routewright.bridge.codec import Call, Cancel, Close, Closed, Error, Goodbye, Invalidate, Open, Publish, Push, Reply

Serve = Callable[..., WorkerProcess]

LIFE = """
@on.connect(route="vision")
async def connected(context):
    context.session.state["name"] = context.principal.id if context.principal else "nobody"
    await asyncio.sleep(0.02)
    if context.session.address == "bad":
        raise HandlerError(context.session.path, "go away")
    if context.session.address == "worse":
        raise RuntimeError("secret")
    context.send(Finished("connected"))
@on.disconnect
def disconnected(context):
    Path("disconnected").open("a").write(f"{context.session.id} {context.session.state.get('name')}\\n")
    if context.session.id == 1: raise RuntimeError("hidden")
@on(Analyze)
async def analyze(message, context):
    return Analysis(message.depth, context.session.state.get("name", ""))
"""


def how(gateway: Gateway) -> Any:
    return msgspec.json.decode(gateway.take(Push).frame)["payload"]["how"]


def test_messages_wait_for_the_connect_handler(gateway: Gateway, serve: Serve) -> None:
    serve(LIFE + REST)
    asked = gateway.make(10, "analyze", '{"type": "analyze"}')
    late = gateway.make(10, "analyze", '{"type": "analyze"}', deadline=1)
    gone = gateway.make(10, "analyze", '{"type": "analyze"}')
    gateway.send(Open(10, "vision", principal={"id": "ada"}, fresh=True), asked, late, gone, Cancel(gone.correlation))
    cancelled = gateway.answer(gone.correlation)
    assert isinstance(cancelled, Error)
    assert cancelled.code == "cancelled"
    assert how(gateway) == "connected"
    answer = gateway.answer(asked.correlation)
    assert isinstance(answer, Reply)
    assert msgspec.json.decode(answer.frame or b"")["payload"]["note"] == "ada"
    timeout = gateway.answer(late.correlation)
    assert isinstance(timeout, Error)
    assert timeout.code == "timeout"


@pytest.mark.parametrize(
    ("address", "code", "close", "reason"),
    [
        ("bad", "unauthorized", 4501, "go away"),
        ("bad", "forbidden", 4503, "go away"),
        ("bad", "overloaded", 1013, "go away"),
        ("bad", "other", 1011, "go away"),
        ("worse", "handler_error", 1011, "the handler failed"),
    ],
)
def test_a_connect_handler_may_refuse(
    gateway: Gateway, serve: Serve, address: str, code: str, close: int, reason: str
) -> None:
    serve(LIFE + REST)
    asked = gateway.make(10, "analyze", '{"type": "analyze"}')
    gateway.send(Open(10, "vision", path=code, address=address, fresh=True), asked)
    assert gateway.take(Close) == Close(10, close, reason)
    waiting, after = gateway.answer(asked.correlation), gateway.ask(10, "analyze")
    assert isinstance(waiting, Error)
    assert (waiting.code, after.code) == (code, code)


def test_disconnect_runs_where_connect_has(gateway: Gateway, serve: Serve, project: Project) -> None:
    worker = serve(LIFE + REST, Open(10, "vision", fresh=True), Open(11, "vision"), Open(12, "lobby", fresh=True))
    assert how(gateway) == "connected"
    gateway.send(Open(13, "vision", fresh=True), Closed(13), Closed(11), Closed(12), Closed(10))
    assert gateway.ask(10, "analyze").code == "handler_error"
    worker.process.terminate()
    gateway.take(Goodbye)
    gateway.send(Goodbye())
    assert worker.end()[0] == 0
    lines = (project.folder.parent / "disconnected").read_text().splitlines()
    assert sorted(lines) == ["10 nobody", "12 None"]


def test_a_session_that_closes_cancels_what_runs_for_it(gateway: Gateway, serve: Serve) -> None:
    serve(
        REST
        + """
@on(Analyze)
async def analyze(message, context):
    context.send(Finished("begun"))
    await asyncio.Event().wait()
"""
    )
    correlation = gateway.request(1, "analyze", '{"type": "analyze"}')
    assert how(gateway) == "begun"
    gateway.send(Closed(1))
    answer = gateway.answer(correlation)
    assert isinstance(answer, Error)
    assert answer.code == "cancelled"


def test_a_session_may_be_kept_to_push_events(gateway: Gateway, serve: Serve) -> None:
    serve(
        REST
        + """
kept = []
async def tick(session: Session):
    for number in range(3):
        session.send(Finished(str(number)))
        await asyncio.sleep(0)
    while not session.closed:
        await asyncio.sleep(0.001)
    session.send(Finished("unheard"))
    kept[0].send(Finished("closed"))
@on("analyze")
async def analyze(message, context):
    if message.note:
        kept.append(context.session)
    else:
        kept.append(asyncio.create_task(tick(context.session)))
""",
        Open(10, "vision"),
    )
    assert gateway.ask(1, "analyze", {"note": "keep"}) is None
    assert gateway.ask(10, "analyze") is None
    assert [how(gateway) for _ in range(3)] == ["0", "1", "2"]
    gateway.send(Closed(10))
    last = gateway.take(Push)
    assert (last.session, msgspec.json.decode(last.frame)["payload"]["how"]) == (1, "closed")


def test_publish_goes_to_every_gateway(
    new_gateway: Callable[[], Gateway], new_worker: Callable[..., WorkerProcess], project: Project
) -> None:
    project.app(
        REST
        + """
@on(Analyze)
async def analyze(message, context):
    for topic, event in [("nowhere", {"type": "x"}), ("vision", {"type": "undeclared"}), ("clock", Progress(1))]:
        try:
            context.publish(topic, event)
        except ValueError as error:
            context.send(Finished(str(error)))
    context.publish("clock", Analysis(1))
    context.publish("voice", b"\\x00")
    context.publish("lobby", {"type": "anything", "payload": [1]})
    await asyncio.to_thread(context.publish, "vision", Finished("from a thread"))
"""
    )
    first, second = new_gateway(), new_gateway()
    worker = new_worker(first, second)
    first.greet(Open(1, "vision"))
    second.greet(Open(1, "vision"))
    assert worker.state()["state"] == "ready"
    assert first.ask(1, "analyze") is None
    problems = [how(first) for _ in range(3)]
    assert problems[0] == "there is no route 'nowhere'; there are: 'vision', 'lobby', 'voice', 'clock'"
    assert problems[1].startswith("'undeclared' given, expected a message of the handler of 'vision': Analysis")
    assert problems[2].startswith("Progress given, expected a message of the handler of 'clock'")
    for gateway in (first, second):
        assert [gateway.take(Publish) for _ in range(4)] == [
            Publish("clock", b'{"type":"time","payload":{"depth":1,"note":""}}'),
            Publish("voice", b"\x00", True),
            Publish("lobby", b'{"type":"anything","payload":[1]}'),
            Publish("vision", b'{"type":"finished","payload":{"how":"from a thread"}}'),
        ]


def test_invalidations_go_to_every_gateway(
    new_gateway: Callable[[], Gateway], new_worker: Callable[..., WorkerProcess], project: Project
) -> None:
    project.app(
        REST
        + """
@on(Analyze)
async def analyze(message, context):
    wrong = [("nothing", {}), (Progress, {}), (Analyze, {"payload": {"depth": "deep"}}), (None, {"payload": 1}),
             ({"payload": 1}, {}), (Analyze, {"route": "nowhere"})]
    for given, more in wrong:
        try:
            context.invalidate(given, **more)
        except ValueError as error:
            context.send(Finished(str(error)))
    context.invalidate()
    context.invalidate(Analyze)
    context.invalidate("analyze", {"depth": 2, "note": "a"})
    context.invalidate(Watch(3))
    context.invalidate({"type": "hello", "payload": 1}, route="lobby")
    await asyncio.to_thread(context.invalidate, Watch, Watch(4))
"""
    )
    first, second = new_gateway(), new_gateway()
    worker = new_worker(first, second)
    first.greet(Open(1, "vision"))
    second.greet(Open(1, "vision"))
    assert worker.state()["state"] == "ready"
    assert first.ask(1, "analyze") is None
    problems = [how(first) for _ in range(6)]
    assert problems[0].startswith("'nothing' given, expected a message that 'vision' takes: Analyze")
    assert problems[1].startswith("'Progress' given, expected a message that 'vision' takes: Analyze")
    assert problems[2].startswith("the payload of 'analyze' does not fit its declaration: Expected `int`")
    assert problems[3] == "a payload was given, and no message that it belongs to"
    assert problems[4].startswith("'dict' given, expected a message that 'vision' takes")
    assert problems[5].startswith("there is no route 'nowhere'")
    for gateway in (first, second):
        assert [gateway.take(Invalidate) for _ in range(6)] == [
            Invalidate("vision"),
            Invalidate("vision", "analyze"),
            Invalidate("vision", "analyze", b'{"type":"analyze","payload":{"depth":2,"note":"a"}}'),
            Invalidate("vision", "watch", b'{"type":"watch","payload":{"times":3,"note":""}}'),
            Invalidate("lobby", "hello", b'{"type":"hello","payload":1}'),
            Invalidate("vision", "watch", b'{"type":"watch","payload":{"times":4,"note":""}}'),
        ]


CALLING = """
@on(Analyze)
async def analyze(message, context):
    try:
        match message.note:
            case "lobby": found = await context.call("lobby", {"type": "hello"})
            case "voice": found = await context.call("voice", "text")
            case "watch": found = await context.call("vision", Watch(2))
            case "bytes": found = await context.call("voice", b"x")
            case "wrong": found = await context.call("clock", Watch())
            case _: found = await context.call("clock", {"type": "now", "payload": {"depth": 2}})
    except ValueError as error:
        found = str(error)
    return Analysis(message.depth, repr(found))
"""


def call(gateway: Gateway, note: str, *answers: Any) -> Any:
    """Ask a handler that calls another one, and answer that call."""
    correlation = gateway.request(1, "analyze", msgspec.json.encode({"type": "analyze", "payload": {"note": note}}))
    if answers:
        asked = gateway.take(Call)
        assert (asked.session, 0 < asked.deadline <= 10_000) == (1, True)
        for answer in answers:
            answer.correlation = asked.correlation
        gateway.send(*answers)
    answer = gateway.answer(correlation)
    return answer if isinstance(answer, Error) else msgspec.json.decode(answer.frame or b"null")["payload"]["note"]


def test_calls(gateway: Gateway, serve: Serve) -> None:
    serve(CALLING + REST)
    time = b'{"type":"time","payload":{"depth":9}}'
    assert call(gateway, "", Reply(0, time)) == "Analysis(depth=9, note='')"
    assert call(gateway, "", Reply(0)) == "None"
    assert call(gateway, "lobby", Reply(0, b'{"type":"hi","payload":3}')) == "{'type': 'hi', 'payload': 3}"
    assert call(gateway, "voice", Reply(0, b"\xff", binary=True)) == "b'\\xff'"
    parts = [Reply(0, b'{"type":"progress","payload":{"done":%d}}' % done, done == 2) for done in (1, 2)]
    assert call(gateway, "watch", *parts) == "[Progress(done=1), Progress(done=2)]"
    assert "str, not bytes" in call(gateway, "bytes")
    assert "Watch given, expected a message that 'clock' takes: Analyze ('now')" in call(gateway, "wrong")
    error = call(gateway, "", Error(0, "busy", "later", True, 1.5))
    assert (error.code, error.message, error.retryable, error.retry_after) == ("busy", "later", True, 1.5)
    assert call(gateway, "", Reply(0, b'{"type":"unknown"}')).code == "handler_error"


def test_a_cancelled_request_cancels_its_call(gateway: Gateway, serve: Serve) -> None:
    serve(CALLING + REST)
    correlation = gateway.request(1, "analyze", '{"type": "analyze"}')
    asked = gateway.take(Call)
    gateway.send(Cancel(correlation))
    assert gateway.take(Cancel) == Cancel(asked.correlation)
    answer = gateway.answer(correlation)
    assert isinstance(answer, Error)
    assert answer.code == "cancelled"


def test_a_call_fails_when_its_gateway_is_lost(gateway: Gateway, serve: Serve) -> None:
    worker = serve(
        ANALYZE
        + REST
        + """
@on.disconnect
async def disconnected(context):
    await context.call("clock", {"type": "now"})
""",
        Open(10, "vision", fresh=True),
        Open(11, "vision", fresh=True),
    )
    gateway.send(Closed(10))
    gateway.take(Call)
    gateway.close()
    gateway.bind()
    gateway.greet(Open(1, "vision"))
    assert gateway.ask(1, "analyze")["type"] == "analysis"
    lines = [worker.logged() for _ in range(3)]
    assert "the gateway is lost" in lines[0]["event"]
    assert {line["session"] for line in lines[1:]} == {10, 11}
    assert all("HandlerError: worker_lost: " in line["exception"] for line in lines[1:])


def test_parameters_and_principal(gateway: Gateway, serve: Serve) -> None:
    serve(
        ANALYZE
        + """
@on.any
async def any(message, context):
    return {"type": "seen", "payload": [context.route, context.parameters, context.session.address,
                                        context.principal and context.principal.scopes]}
"""
        + REST.replace("@on.any\nasync def rest_any(message): return message", ""),
        Open(10, "lobby", "/ws/rooms/12", {"room": "12"}, {"id": "ada", "scopes": ["a"]}, "10.0.0.1"),
    )
    assert gateway.ask(10, "x")["payload"] == ["lobby", {"room": 12}, "10.0.0.1", ["a"]]


def test_another_opening_of_a_session_renews_its_principal_and_nothing_else(gateway: Gateway, serve: Serve) -> None:
    serve(
        ANALYZE
        + """
@on.connect(route="lobby")
async def connected(context):
    context.session.state["begun"] = context.session.state.get("begun", 0) + 1
@on.any
async def any(message, context):
    return {"type": "seen", "payload": [context.session.state["begun"], context.parameters, context.principal.scopes]}
"""
        + REST.replace("@on.any\nasync def rest_any(message): return message", ""),
        Open(10, "lobby", "/ws/rooms/12", {"room": "12"}, {"id": "ada", "scopes": ["a"]}, fresh=True),
    )
    assert gateway.ask(10, "x")["payload"] == [1, {"room": 12}, ["a"]]
    gateway.send(Open(10, "lobby", "/ws/rooms/12", {"room": "12"}, {"id": "ada", "scopes": ["a", "b"]}))
    assert gateway.ask(10, "x")["payload"] == [1, {"room": 12}, ["a", "b"]]
