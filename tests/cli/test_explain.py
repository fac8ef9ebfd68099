"""``routewright explain``."""

import json
from pathlib import Path

import pytest

from .conftest import Run

SPEC = """{
  "routes": [
    {"path": "/ws/rooms/lobby", "name": "lobby", "pythonModule": "lobby"},
    {"path": "/ws/rooms/{room}", "name": "rooms", "aliases": ["/chat/{room}"], "pythonModule": "rooms",
     "parameters": {"room": {"type": "integer", "minimum": 1}},
     "middleware": ["audit", {"name": "access_log"}],
     "limits": {"messageBytes": "1KiB"},
     "messages": {
       "say": {"from": "client", "summary": "Say something", "reply": "said", "timeout": "5s", "payload": {
         "type": "object", "required": ["text"], "properties": {
           "text": {"type": "string", "minLength": 1},
           "times": {"type": "integer"},
           "loud": {"type": "boolean", "default": false}}}},
       "said": {"from": "handler"}}},
    {"path": "/ws/{rest...}", "name": "rest", "pythonModule": "rest"},
    {"path": "/audio", "worker": "dsp", "framing": "raw"}
  ]
}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "websocket-routes.json").write_text(SPEC)
    return tmp_path


def test_a_parameter_beats_a_tail(run: Run, project: Path) -> None:
    done = run("explain", "/ws/rooms/42")
    assert (done.returncode, done.stderr) == (0, "")
    route, _, hooks = done.stdout.partition("  hook       ")
    assert (
        route
        == """\
/ws/rooms/42 leads to route 'rooms'
  why        matches /ws/rooms/{room} with its parameters, the route's path
  not        /ws/{rest...} of route 'rest': a literal (rooms) beats a tail ({rest...})
  parameter  room = 42
  handler    rooms
  framing    message
  policy     rateLimit: 100/s, burst 200, per connection
             limits: message 1KiB, 64 in flight
             timeout: 30s
             circuitBreaker: 5 in a row, open 30s, 3 trials
             slowConsumer: disconnect at 1MiB or 10s
             delivery: 1000 frames, 1MiB or 120s
             batch: 64 frames or 64KiB
             middleware: audit, access_log
"""
    )
    assert "message: audit" in hooks
    assert "connect: access_log" in hooks


def test_a_literal_beats_a_parameter(run: Run, project: Path) -> None:
    done = run("explain", "ws://shop.example:8001/ws/rooms/lobby?token=1")
    assert done.returncode == 0
    assert done.stdout.startswith("/ws/rooms/lobby leads to route 'lobby'\n")
    assert "/ws/rooms/{room} of route 'rooms': a literal (lobby) beats a parameter ({room})" in done.stdout


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ('"workers": 2', "the one with the fewest requests in flight"),
        (
            '"workers": 2, "balance": {"policy": "peak-ewma"}',
            "the least recent latency (it fades in 10s, a failure counts 1s) times the requests in flight",
        ),
        (
            '"workers": 2, "balance": {"policy": "hash", "key": "payload.text"}',
            "the same one for the same payload.text; where there is none, the one with the fewest requests in flight",
        ),
        (
            '"workers": 2, "balance": {"policy": "learned"}',
            "the least latency to be expected of this message type under its load, by the answers of the last 10s "
            "(a failure counts 30s); at most 1 request in 50 tries another one",
        ),
    ],
)
def test_how_a_worker_is_chosen(run: Run, project: Path, changed: str, said: str) -> None:
    text = SPEC.replace('"pythonModule": "rooms"', f'"pythonModule": "rooms", {changed}')
    (project / "websocket-routes.json").write_text(text)
    assert f"  worker     {said}\n" in run("explain", "/ws/rooms/42").stdout
    raw = run("explain", "/audio").stdout
    assert "  worker   for a whole connection: the one with the fewest requests in flight\n" in raw


def test_how_long_a_reply_is_kept(run: Run, project: Path) -> None:
    kept = '"reply": "said", "idempotent": true, "cache": {"staleFor": "1m"}'
    (project / "websocket-routes.json").write_text(SPEC.replace('"reply": "said"', kept))
    done = run("explain", "/ws/rooms/42", '{"type": "say", "payload": {"text": "hello"}}')
    assert "  cache    10s and 60s stale, 1000 entries by principal, parameters\n" in done.stdout


def test_an_alias_is_named(run: Run, project: Path) -> None:
    done = run("explain", "/chat/7")
    assert done.returncode == 0
    assert "matches /chat/{room} with its parameters, the route's alias (its path is /ws/rooms/{room})" in done.stdout


def test_a_parameter_that_does_not_fit(run: Run, project: Path) -> None:
    done = run("explain", "/ws/rooms/zero")
    assert done.returncode == 1
    assert "room = 'zero'" in done.stdout
    assert "error: the handshake is refused with 400: path parameter 'room': " in done.stderr


def test_no_route_and_near_ones(run: Run, project: Path) -> None:
    done = run("explain", "/audo")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: no route answers /audo\n  hint: near: /audio\n"


def test_a_frame_with_its_defaults(run: Run, project: Path) -> None:
    done = run("explain", "/chat/7", '{"type": "say", "id": "a", "payload": {"text": "hi"}}')
    assert done.returncode == 0
    assert done.stdout.endswith("""\
frame of message 'say'
  summary  Say something
  decoded  {"type":"say","id":"a","payload":{"text":"hi","loud":false}}
  reply    said
  timeout  5s
""")


def test_a_whole_float_is_an_integer(run: Run, project: Path) -> None:
    done = run("explain", "/chat/7", '{"type": "say", "payload": {"text": "hi", "times": 2.0}}')
    assert done.returncode == 0
    assert '  decoded  {"type":"say","payload":{"text":"hi","times":2,"loud":false}}\n' in done.stdout


def test_a_frame_of_an_open_route(run: Run, project: Path) -> None:
    done = run("explain", "/ws/other", "-", stdin='{"type": "anything", "payload": [1, 2]}')
    assert done.returncode == 0
    assert '  decoded  {"type":"anything","payload":[1, 2]}\n' in done.stdout


def test_a_raw_frame(run: Run, project: Path) -> None:
    (project / "frame").write_bytes(bytes(range(200)))
    done = run("explain", "/audio", "@frame")
    assert done.returncode == 0
    assert "frame of 200 bytes\n  goes  to the handler as it is" in done.stdout


@pytest.mark.parametrize(
    ("frame", "code", "path"),
    [
        ('{"type": "say", "id": 7, "payload": {"text": ""}}', "invalid_message", "$.payload.text"),
        ('{"type": "sai", "id": 7}', "unknown_type", "$.type"),
        ("{", "invalid_json", None),
    ],
)
def test_a_refused_frame_shows_what_the_client_gets(
    run: Run, project: Path, frame: str, code: str, path: str | None
) -> None:
    done = run("explain", "/chat/7", frame)
    assert done.returncode == 1
    told = json.loads(done.stdout.partition("frame is refused, and its client is told:\n")[2])
    assert told["type"] == "error"
    assert told.get("id") == (7 if path else None)
    assert (told["error"]["code"], told["error"].get("path")) == (code, path)


def test_a_frame_that_is_too_large(run: Run, project: Path) -> None:
    done = run("explain", "/chat/7", "-", stdin="x" * 1025)
    assert done.returncode == 1
    assert "closed with 1009: 1025 bytes are more than this route's 1KiB" in done.stderr


def test_a_plugin_that_is_not_there(run: Run, project: Path) -> None:
    (project / "websocket-routes.json").write_text(SPEC.replace('"audit"', '"auditt"'))
    done = run("explain", "/chat/7")
    assert done.returncode == 1
    assert "error: the hooks cannot be loaded: plugin 'auditt'" in done.stderr
