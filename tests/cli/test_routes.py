"""``routewright routes``."""

import json
from pathlib import Path

from .conftest import Run

SPEC = """{
  "routes": [
    {"path": "/ws/rooms/{room}", "aliases": ["/chat/{room}"], "pythonModule": "rooms", "workers": 3, "rateLimit": false,
     "capabilities": ["chat"],
     "messages": {
       "say": {"from": "client", "payload": {"type": "string", "maxLength": 10}},
       "history": {"from": "client", "reply": {"message": "line", "stream": true}},
       "line": {"from": "handler", "payload": {"type": "string"}},
       "joined": {"from": "handler"}}},
    {"path": "/ws/audio", "worker": "dsp", "framing": "raw", "limits": {"messageBytes": "1MiB", "connections": 5}}
  ]
}
"""

TABLE = """\
PATH                 NAME   HANDLER     FRAMING  MESSAGES              POLICIES
/ws/rooms/{room}     rooms  rooms x3    message  > say                 rateLimit: off
  also /chat/{room}                              > history -> line...  limits: message 64KiB, 64 in flight
                                                 < joined              timeout: 30s
                                                                       circuitBreaker: 5 in a row, open 30s, 3 trials
                                                                       slowConsumer: disconnect at 1MiB or 10s
                                                                       delivery: 1000 frames, 1MiB or 120s
                                                                       batch: 64 frames or 64KiB
/ws/audio            audio  worker dsp  raw      any frame             rateLimit: 100/s, burst 200, per connection
                                                                       limits: message 1MiB, 64 in flight, 5 connections
                                                                       timeout: 30s
                                                                       circuitBreaker: 5 in a row, open 30s, 3 trials
                                                                       slowConsumer: disconnect at 1MiB or 10s
"""


def test_a_table_to_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(SPEC)
    done = run("routes")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", TABLE)
    assert not (tmp_path / "generated").exists()


def test_a_list_for_machines(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(SPEC)
    done = run("routes", "other.json", "--format", "json")
    rooms, audio = json.loads(done.stdout)
    assert (rooms["name"], rooms["aliases"], rooms["capabilities"]) == ("rooms", ["/chat/{room}"], ["chat"])
    assert rooms["messages"][1] == {
        "name": "history",
        "from": "client",
        "reply": "line",
        "stream": True,
        "timeout": 30.0,
    }
    assert (audio["source"], audio["handler"], audio["framing"], audio["open"]) == ("worker", "dsp", "raw", True)
