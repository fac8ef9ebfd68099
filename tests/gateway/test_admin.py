"""The operators' listener: health, readiness with its reasons, metrics, figures, and who may ask."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.gateway.conftest import Serve
from tests.gateway.wire import asked, handshake
from tests.served import COMMAND, PATIENCE, Project, Served, exchange

ECHO = """
from routewright.handlers import HandlerError, on

@on.any
async def echo(message):
    if message["type"] == "refuse":
        raise HandlerError("teapot", "no")
    return {"type": "echo"}
"""
BROKEN = """

import no_such_module
"""
LACKING = """
from routewright.handlers import on

@on("one")
async def one(_): return None
"""
SPEC: dict[str, Any] = {
    "defaults": {"rateLimit": False},
    "routes": [
        {"path": "/ws/echo", "pythonModule": "echo", "workers": 2},
        {"path": "/ws/broken", "pythonModule": "broken"},
        {
            "path": "/ws/lacking",
            "pythonModule": "lacking",
            "messages": {"one": {"from": "client"}, "two": {"from": "client"}},
        },
        {"path": "/ws/missing", "pythonModule": "no.such.module"},
        {"path": "/ws/absent", "worker": "absent"},
    ],
}
FILES = {"echo.py": ECHO, "broken.py": BROKEN, "lacking.py": LACKING}
SMALL: dict[str, Any] = {"routes": [{"path": "/ws/echo", "pythonModule": "echo"}]}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, FILES) as served:
        yield served


def page(served: Served, name: str, **headers: str) -> tuple[int, dict[str, str], Any]:
    status, got, body = served.get(f"{served.ready['admin']}{name}", headers)
    return status, got, json.loads(body) if "json" in got["Content-Type"] else body.decode()


def line_of(served: Served, text: str) -> int:
    """The line of the spec that holds a text."""
    lines = served.project.spec_file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_health_is_about_the_process_alone(served: Served) -> None:
    assert page(served, "/healthz")[::2] == (200, {"status": "ok"})


def test_readiness_gives_the_reason_with_its_place(served: Served) -> None:
    status, _, body = page(served, "/readyz")
    assert (status, body["ready"], body["draining"]) == (503, False, False)
    routes = body["routes"]
    folder = served.project.folder
    assert routes["echo"] == {"ready": True}
    assert routes["broken"]["reason"].startswith(f"{folder}/broken.py:3: ")
    assert "no_such_module" in routes["broken"]["reason"]
    assert routes["lacking"]["reason"] == (
        f"{folder}/lacking.py:1: route 'lacking' declares the message 'two' "
        f"(websocket-routes.json:{line_of(served, 'two')}), but no handler answers it"
    )
    assert "there is no module 'no'" in routes["missing"]["reason"]
    assert routes["absent"] == {"ready": False, "reason": "no worker 'absent' is connected"}


async def test_the_other_routes_serve(served: Served) -> None:
    async with served.connect("/ws/echo") as echo:
        assert await exchange(echo, {"type": "x"}) == {"type": "echo"}
    assert (await asked(served, handshake("/ws/broken"))).status == 503


def test_the_log_says_it_too(served: Served) -> None:
    line = served.wait_for(lambda line: line.get("module") == "broken")
    assert line["event"] == "a handler module does not start"
    assert (line["file"], line["line"], line["routes"]) == (f"{served.project.folder}/broken.py", 3, ["broken"])


async def test_the_metrics_are_prometheus_and_count(served: Served) -> None:
    def figures() -> dict[str, dict[tuple[str, ...], float]]:
        status, headers, text = page(served, "/metrics")
        assert status == 200
        assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        found: dict[str, dict[tuple[str, ...], float]] = {}
        for family in text_string_to_metric_families(text):
            assert family.documentation
            for sample in family.samples:
                labels = tuple(value for _, value in sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[labels] = sample.value
        return found

    before = figures()
    async with served.connect("/ws/echo") as echo:
        for type in ("x", "x", "refuse", "$reserved"):
            await exchange(echo, {"type": type})
        during = figures()
    await asked(served, handshake("/ws/echo", "Origin: http://evil.com"))
    after = figures()

    def more(name: str, *labels: str) -> float:
        return after[name].get(labels, 0) - before.get(name, {}).get(labels, 0)

    assert during["routewright_connections"]["false", "echo"] == 1
    assert more("routewright_connections_opened_total", "echo") == 1
    assert more("routewright_messages_received_total", "echo") == 4
    assert more("routewright_replies_total", "echo") == 2
    assert more("routewright_errors_total", "teapot", "echo") == 1
    assert more("routewright_errors_total", "unknown_type", "echo") == 1
    assert more("routewright_refused_total", "forbidden") == 1
    assert more("routewright_received_bytes_total", "echo") > 40
    assert more("routewright_sent_bytes_total", "echo") > 40
    assert more("routewright_reply_seconds_count", "echo") == 2
    assert more("routewright_reply_seconds_sum", "echo") > 0
    assert after["routewright_workers"]["echo", "ready"] == after["routewright_workers"]["echo", "wanted"] == 2
    assert after["routewright_workers"]["broken", "ready"] == 0
    assert after["routewright_worker_restarts_total"]["echo",] == 0
    assert after["routewright_gateway_restarts_total"][()] == 0
    assert after["routewright_reloads_total"]["done",] == 0
    assert after["routewright_epoch"]["0",] == 1
    buckets = [value for labels, value in after["routewright_reply_seconds_bucket"].items() if labels[1] == "echo"]
    assert buckets == sorted(buckets)
    assert buckets[-1] == after["routewright_reply_seconds_count"]["echo",]


async def test_the_figures_say_the_same_in_json(served: Served) -> None:
    async with served.connect("/ws/echo") as echo:
        await exchange(echo, {"type": "x"})
        stats = await served.stats()
    assert stats["connections"] == 1
    echo_route = next(route for route in stats["routes"] if route["name"] == "echo")
    assert (echo_route["connections"], echo_route["path"], echo_route["retired"]) == (1, "/ws/echo", False)
    gateway = stats["gateways"][0]
    assert {"sent", "received", "bad", "workers"} <= gateway["bridge"].keys()
    assert {"process", "epoch", "digest", "writes", "memory"} <= gateway.keys()
    assert [worker["language"] for worker in gateway["bridge"]["workers"]] == ["python"] * 2
    groups = {group["pool"]: group for group in stats["workers"]}
    assert len(groups["echo"]["processes"]) == 2
    assert groups["broken"]["problems"][0]["line"] == 3


def test_there_is_nothing_else(served: Served) -> None:
    status, _, body = page(served, "/secrets")
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert "/stats" in body["pages"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_it_only_reads(served: Served, method: str) -> None:
    assert (await admin(served, f"{method} /stats HTTP/1.1\r\nHost: localhost\r\n\r\n"))[0] == 405


async def admin(served: Served, request: str) -> tuple[int, bytes]:
    """Status and rest of the answer to a request as it is written."""
    port = int(served.ready["admin"].rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1).encode("latin-1"))
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8002", 200),
        ("127.0.0.1:8002", 200),
        ("[::1]:8002", 200),
        ("evil.com", 403),
        ("localhost.evil.com", 403),
        ("127.0.0.1.evil.com:8002", 403),
        ("", 403),
        ("[", 403),
        ("localhost@evil.com", 403),
    ],
)
async def test_without_a_token_only_loopback_hosts_are_answered(served: Served, host: str, status: int) -> None:
    assert (await admin(served, f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"))[0] == status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer s3cret", 200),
        ("Bearer s3cre", 401),
        ("Bearer s3cret2", 401),
        ("Bearer ", 401),
        ("bearer s3cret", 200),
        ("Basic s3cret", 401),
        ("s3cret", 401),
        ("Bearer \xff\xfe", 401),
        (None, 401),
    ],
)
async def test_with_a_token_nobody_else_is_answered(guarded: Served, authorization: str | None, status: int) -> None:
    header = f"Authorization: {authorization}\r\n" if authorization is not None else ""
    for name in ("/healthz", "/stats", "/nothing") if status == 401 else ("/healthz", "/stats"):
        assert (await admin(guarded, f"GET {name} HTTP/1.1\r\nHost: evil.com\r\n{header}\r\n"))[0] == status


@pytest.fixture(scope="module")
def guarded(serve: Serve) -> Iterator[Served]:
    spec = {**SMALL, "gateway": {"admin": {"host": "0.0.0.0", "tokenEnv": "ADMIN_TOKEN"}}}
    with serve(spec, FILES, ADMIN_TOKEN="s3cret") as served:
        yield served


def refused(folder: Path, spec: dict[str, Any], *flags: str, **environment: str) -> str:
    """What ``serve`` prints instead of serving."""
    project = Project(folder)
    project.spec(spec)
    project.write("echo.py", ECHO)
    done = subprocess.run(
        [COMMAND, "serve", str(project.spec_file), "--port", "0", "--admin-port", "0", *flags],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


def test_a_public_listener_without_a_token_does_not_start(tmp_path: Path) -> None:
    why = "the admin listener does not bind to 0.0.0.0 without a token: set gateway.admin.tokenEnv"
    assert why in refused(tmp_path, SMALL, "--admin-host", "0.0.0.0")


def test_a_token_that_is_not_set_does_not_start(tmp_path: Path) -> None:
    spec = {**SMALL, "gateway": {"admin": {"host": "0.0.0.0", "tokenEnv": "ADMIN_TOKEN"}}}
    assert "gateway.admin.tokenEnv names ADMIN_TOKEN, which is not set" in refused(tmp_path, spec, ADMIN_TOKEN="")


def test_a_spec_with_a_public_listener_and_no_token_is_an_error(tmp_path: Path) -> None:
    report = refused(tmp_path, {**SMALL, "gateway": {"admin": {"host": "0.0.0.0"}}})
    assert 'the admin listener on "0.0.0.0" is public and has no token' in report
