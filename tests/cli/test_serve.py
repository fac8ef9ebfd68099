"""``routewright serve`` and ``routewright call``, one against the other."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import COMMAND, FREE_PORTS, Run, environment, serving

GREETER = "/ws/greeter"


@pytest.fixture(scope="module")
def url(pristine: Path) -> Iterator[str]:
    """Where the project of ``init`` is served."""
    with serving(pristine, "--no-watch") as found:
        yield found + GREETER


@contextmanager
def free_port() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_reply_is_printed_as_json(run: Run, url: str) -> None:
    done = run("call", url, "greet", '{"name": "Ada"}')
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"type": "greeting", "id": 1, "payload": {"text": "Hello, Ada."}}
    assert done.stdout.count("\n") == 1


def test_a_payload_from_a_file_or_from_standard_input(run: Run, url: str, tmp_path: Path) -> None:
    (tmp_path / "ada.json").write_text('{"name": "Ada", "excited": true}')
    from_file = run("call", url, "greet", "@ada.json")
    from_stdin = run("call", url.replace("ws://", ""), "greet", "-", stdin='{"name": "Ada", "excited": true}')
    assert from_file.stdout == from_stdin.stdout
    assert json.loads(from_file.stdout)["payload"] == {"text": "Hello, Ada!"}


def test_a_stream_is_printed_part_by_part(run: Run, url: str) -> None:
    done = run("call", url, "count_down", '{"start": 1}')
    assert done.returncode == 0
    parts = [json.loads(line) for line in done.stdout.splitlines()]
    assert parts == [
        {"type": "count", "id": 1, "payload": {"left": 1}},
        {"type": "count", "id": 1, "payload": {"left": 0}},
        {"type": "count", "id": 1, "final": True},
    ]
    first = run("call", url, "count_down", '{"start": 1}', "--no-stream")
    assert len(first.stdout.splitlines()) == 1


def test_an_error_frame_is_printed_and_ends_with_1(run: Run, url: str) -> None:
    done = run("call", url, "greet", '{"name": ""}')
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["error"]["code"] == "invalid_message"


def test_a_credential_comes_from_a_variable(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("call", url, "greet", "--token-env", "GREETER_TOKEN")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--token-env GREETER_TOKEN: there is no such variable" in done.stderr
    monkeypatch.setenv("GREETER_TOKEN", "swordfish")
    assert run("call", url, "greet", '{"name": "Ada"}', "--token-env", "GREETER_TOKEN").returncode == 0
    done = run("call", url, "greet", "--token-env", "GREETER_TOKEN", "--token-in", "message")
    assert "refused the credential" in done.stderr
    assert "takes no credential in the first frame" in done.stderr
    assert "swordfish" not in done.stderr


def test_no_route_tells_near_ones(run: Run, url: str) -> None:
    done = run("call", url + "s", "greet")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: refused with 404: no route '/ws/greeters'\n  hint: did you mean /ws/greeter?\n"


def test_events_that_do_not_come_in_time(run: Run, url: str) -> None:
    done = run("call", url, "--events", "1", "--timeout", "0.2")
    assert (done.returncode, done.stderr) == (1, "error: no event within 0.2s\n  hint: wait longer with --timeout\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("greet", "{'name': 'Ada'}"), "PAYLOAD is not JSON"),
        (("greet", "@nosuch.json"), "PAYLOAD cannot be read"),
        (("greet", "--header", "token"), "--header 'token' has no name"),
    ],
)
def test_wrong_usage_of_call(run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run("call", "ws://127.0.0.1:1/", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize("url", ["ftp://host/x", "ws://", "ws://host:port/x"])
def test_what_is_no_url(run: Run, url: str) -> None:
    done = run("call", url, "greet")
    assert (done.returncode, done.stderr.partition("\n")[0]) == (2, f"error: {url!r} is no WebSocket URL")


def test_nobody_listens(run: Run) -> None:
    with free_port() as port:
        done = run("call", f"ws://127.0.0.1:{port}/ws", "greet")
    assert (done.returncode, done.stderr.splitlines()[1]) == (
        1,
        "  hint: is the gateway running? start it with `routewright serve`",
    )
    assert f"cannot connect to 127.0.0.1:{port}: Connection refused" in done.stderr


HANDLERS = """
from routewright.handlers import Context, on

@on("watch", route="ticks")
async def watch(message: None, context: Context) -> None:
    for number in range(3):
        context.send({"type": "tick", "payload": number})

@on.any(route="ticks")
async def echo(message: dict, context: Context) -> dict:
    return message

@on.any(route="raw")
async def back(frame: bytes | str, context: Context) -> bytes | str:
    return frame
"""

SPEC = """{
  "gateway": {"port": 9, "admin": {"port": 10}},
  "routes": [
    {"path": "/ws/ticks", "pythonModule": "both", "open": true, "messages": {
      "watch": {"from": "client"}, "tick": {"from": "handler", "payload": {"type": "integer"}}}},
    {"path": "/raw", "pythonModule": "both", "framing": "raw"}
  ]
}"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two routes, served where the environment says."""
    project = tmp_path_factory.mktemp("ticks")
    (project / "websocket-routes.json").write_text(SPEC)
    (project / "both.py").write_text(HANDLERS)
    variables = {"WEBSOCKET_PORT": "0", "ROUTEWRIGHT_ADMIN_PORT": "0", "ROUTEWRIGHT_LOG_FORMAT": "json"}
    with serving(project, "--no-watch", flags=(), **variables) as found:
        yield found


def test_the_environment_comes_before_the_spec(origin: str) -> None:
    assert int(origin.rpartition(":")[2]) not in (0, 9)


def test_events_are_printed_one_a_line(run: Run, origin: str) -> None:
    done = run("call", f"{origin}/ws/ticks", "watch", "--events", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"type": "tick", "payload": 0},
        {"type": "tick", "payload": 1},
    ]


def test_a_message_that_promises_no_answer_needs_none(run: Run, origin: str) -> None:
    done = run("call", f"{origin}/ws/ticks", "watch", "--timeout", "0.3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_undeclared_message_of_an_open_route(run: Run, origin: str) -> None:
    done = run("call", f"{origin}/ws/ticks", "anything", "[1, 2.50]")
    assert (done.returncode, json.loads(done.stdout)["payload"]) == (0, [1, 2.5])


def test_a_raw_route_is_not_for_call(run: Run, origin: str) -> None:
    done = run("call", f"{origin}/raw", "anything")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: this is a raw route")


def test_flags_come_before_the_environment(pristine: Path) -> None:
    with serving(pristine, "--no-watch", ROUTEWRIGHT_PORT="9") as found:
        assert not found.endswith(":9")


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ((), {"ROUTEWRIGHT_ADMIN_PORT": "x"}, "ROUTEWRIGHT_ADMIN_PORT is 'x': expected a port"),
        ((), {"ENABLE_RATE_LIMIT": "x"}, "ENABLE_RATE_LIMIT is 'x': expected true or false"),
        (("--drain", "soon"), {}, "--drain is 'soon': expected a duration"),
    ],
)
def test_a_setting_that_cannot_be(
    run: Run, demo: Path, arguments: tuple[str, ...], variables: dict[str, str], message: str
) -> None:
    done = run("serve", *arguments, cwd=demo, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {message}")


def test_a_wrong_spec_does_not_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text('{"routes": [{"path": "x"}]}')
    done = run("serve", "--port", "0", "--admin-port", "0")
    assert done.returncode == 1
    assert "websocket-routes.json:1:" in done.stderr


def test_a_worker_by_hand_needs_a_compiled_project(run: Run, tmp_path: Path) -> None:
    done = run("worker", "both", "--connect", "ipc:///nowhere")
    assert done.returncode == 1
    assert "routewright generate" in done.stderr


def test_warnings_are_logged_at_the_start_and_when_a_save_adds_some(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from routewright.handlers import on\n\n\n@on.any\nasync def answer(message): ...\n")
    spec = tmp_path / "websocket-routes.json"

    def save(**keys: object) -> None:
        route = {"path": "/ws/a", "pythonModule": "a", "rateLimit": False, **keys}
        spec.write_text(json.dumps({"routes": [route]}))

    def until(event: str) -> list[object]:
        """The numbers of warnings that are logged before that."""
        counts = []
        for line in log:
            found = json.loads(line)
            if found["event"] == event:
                return counts
            counts += [found["warnings"]] if found["event"] == "the spec has warnings" else []
        raise AssertionError(event)

    save()
    command = [COMMAND, "serve", *FREE_PORTS]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log = process.stderr
        try:
            assert until("ready") == [1]
            save(summary="Changed")
            assert until("reloaded") == []
            save(slowConsumer=False)
            assert until("reloaded") == [2]
        finally:
            process.terminate()
            log.read()
