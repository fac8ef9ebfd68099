"""How a worker begins and ends: states, goodbyes, lost gateways, dead parents."""

import signal
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import zmq
from conftest import ANALYZE, REST, Gateway, Project, WorkerProcess

from routewright.bridge.codec import VERSION, Error, Goodbye, Heartbeat, Hello, Open, Push, Ready, Refused, Reply

Serve = Callable[..., WorkerProcess]
NewWorker = Callable[..., WorkerProcess]

SLOW = """
@on(Analyze)
async def analyze(message, context):
    context.send(Finished("begun"))
    while not Path("go").exists():
        await asyncio.sleep(0.001)
    return Analysis(message.depth)
"""


def test_hello(gateway: Gateway, new_worker: NewWorker, project: Project) -> None:
    project.app(ANALYZE + REST)
    worker = new_worker(gateway)
    hello = gateway.take(Hello)
    assert (hello.version, hello.name, hello.digest, hello.language) == (VERSION, "app", "contract-of-app", "python")
    assert hello.process == worker.process.pid


def test_ready_only_after_every_gateway(
    new_gateway: Callable[[], Gateway], new_worker: NewWorker, project: Project
) -> None:
    project.app(ANALYZE + REST)
    first, second = new_gateway(), new_gateway()
    worker = new_worker(first, second)
    first.greet(Open(1, "vision"))
    assert first.ask(1, "analyze")["type"] == "analysis"
    second.greet()
    assert worker.state()["state"] == "ready"


def test_a_worker_that_is_refused(gateway: Gateway, new_worker: NewWorker, project: Project) -> None:
    project.app(ANALYZE + REST)
    worker = new_worker(gateway)
    gateway.take(Hello)
    gateway.send(Refused("another contract"))
    assert worker.state() == {"state": "refused", "reason": "another contract"}
    assert worker.end()[0] == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_with_nothing_in_flight(gateway: Gateway, serve: Serve, number: int) -> None:
    worker = serve(ANALYZE + REST)
    worker.process.send_signal(number)
    gateway.take(Goodbye)
    gateway.send(Goodbye())
    assert worker.end() == (0, "")


def test_a_dead_parent_before_any_gateway_is_there(new_worker: NewWorker, project: Project) -> None:
    project.app(ANALYZE + REST)
    worker = new_worker(arguments=("--connect", "ipc:///tmp/routewright-no-such-gateway"))
    worker.abandon()
    assert worker.end()[0] == 0


def test_what_runs_is_finished_first(gateway: Gateway, serve: Serve, project: Project) -> None:
    worker = serve(SLOW + REST)
    correlation = gateway.request(1, "analyze", '{"type": "analyze"}')
    gateway.take(Push)
    worker.process.terminate()
    gateway.take(Goodbye)
    more = gateway.request(1, "stop", '{"type": "stop"}')
    gateway.send(Goodbye())
    assert isinstance(gateway.answer(more), Reply)
    (project.folder.parent / "go").touch()
    assert isinstance(gateway.answer(correlation), Reply)
    assert worker.end()[0] == 0


def test_the_drain_has_an_end(gateway: Gateway, serve: Serve) -> None:
    worker = serve(SLOW + REST, arguments=("--drain", "0.05"))
    correlation = gateway.request(1, "analyze", '{"type": "analyze"}')
    gateway.take(Push)
    worker.process.terminate()
    gateway.take(Goodbye)
    gateway.send(Goodbye())
    answer = gateway.answer(correlation)
    assert isinstance(answer, Error)
    assert (answer.code, answer.retryable) == ("worker_lost", True)
    assert worker.end()[0] == 0


def test_a_stuck_thread_does_not_keep_the_process(gateway: Gateway, serve: Serve) -> None:
    worker = serve(
        REST
        + """
@on(Analyze)
def analyze(message, context):
    context.send(Finished("begun"))
    threading.Event().wait()
""",
        arguments=("--drain", "0"),
    )
    gateway.request(1, "analyze", '{"type": "analyze"}')
    gateway.take(Push)
    worker.process.terminate()
    assert worker.end()[0] == 0


def test_a_gateway_says_goodbye(gateway: Gateway, serve: Serve, project: Project) -> None:
    worker = serve(SLOW + REST)
    correlation = gateway.request(1, "analyze", '{"type": "analyze"}')
    gateway.take(Push)
    gateway.send(Goodbye())
    (project.folder.parent / "go").touch()
    assert isinstance(gateway.answer(correlation), Reply)
    assert worker.end()[0] == 0


def test_a_dead_parent(gateway: Gateway, serve: Serve) -> None:
    worker = serve(ANALYZE + REST)
    worker.abandon()
    gateway.take(Goodbye)
    gateway.send(Goodbye())
    assert worker.end()[0] == 0


def test_a_gateway_that_restarts_gets_a_new_hello(gateway: Gateway, serve: Serve) -> None:
    worker = serve(ANALYZE + REST)
    before = gateway.identity
    gateway.close()
    gateway.bind()
    gateway.greet(Open(1, "vision"))
    assert gateway.identity != before
    assert gateway.ask(1, "analyze")["type"] == "analysis"
    assert gateway.ask(2, "x").code == "handler_error"
    assert worker.logged()["event"] == "the gateway is lost: the connection broke"


def test_a_silent_gateway_is_lost(gateway: Gateway, new_worker: NewWorker, project: Project) -> None:
    project.app(ANALYZE + REST)
    worker = new_worker(gateway)
    gateway.greet(ready=Ready(heartbeat=0.02, dead=0.2))
    first = gateway.identity
    gateway.take(Heartbeat)
    gateway.greet(Open(1, "vision"))
    assert gateway.identity != first
    assert gateway.ask(1, "analyze")["type"] == "analysis"
    assert "silent" in worker.logged()["event"]


def test_a_gateway_that_has_forgotten_the_worker(gateway: Gateway, serve: Serve) -> None:
    worker = serve(ANALYZE + REST)
    gateway.send(Refused("say hello first"))
    gateway.greet(Open(1, "vision"))
    assert gateway.ask(1, "analyze")["type"] == "analysis"
    assert "given this worker up" in worker.logged()["event"]


def test_a_gateway_of_another_protocol(gateway: Gateway, serve: Serve) -> None:
    worker = serve(ANALYZE + REST)
    gateway.send(msgspec.Raw(b"\xc1"))
    gateway.greet(Open(1, "vision"))
    assert "another protocol" in worker.logged()["event"]


def test_a_tcp_bridge_needs_keys(new_worker: NewWorker, project: Project) -> None:
    project.app(ANALYZE + REST)
    worker = new_worker(arguments=("--connect", "tcp://127.0.0.1:1"))
    code, text = worker.end()
    assert code == 2
    assert "ROUTEWRIGHT_BRIDGE_SERVER_KEY" in text


def test_a_tcp_bridge_with_keys(new_worker: NewWorker, project: Project) -> None:
    project.app(ANALYZE + REST)
    server_public, server_secret = zmq.curve_keypair()
    public, secret = zmq.curve_keypair()
    context: zmq.Context[Any] = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.LINGER, 0)
    router.setsockopt(zmq.RCVTIMEO, 20_000)
    router.setsockopt(zmq.CURVE_SERVER, 1)
    router.setsockopt(zmq.CURVE_SECRETKEY, server_secret)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    keys = {"SERVER": server_public, "PUBLIC": public, "SECRET": secret}
    environment = {f"ROUTEWRIGHT_BRIDGE_{name}_KEY": key.decode() for name, key in keys.items()}
    new_worker(arguments=("--connect", f"tcp://127.0.0.1:{port}"), environment=environment)
    _, data = router.recv_multipart()
    router.close()
    context.term()
    assert msgspec.msgpack.decode(data)[0][2] == "app"
