"""The built-in ``access_log`` and ``audit``, and the lines they write."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from routewright.hooks import Incoming, Outgoing, PluginError, Plugins, Principal, Reloaded, RouteHooks
from routewright.hooks.lines import LineWriter, line

from .samples import a_request, a_route, a_session, a_table

Hooks = Callable[..., RouteHooks]

HOSTILE = '"}\n{"event": "forged"}\r\n\u2028\u2029\u0085\x00\x1b[2J'


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in file.read_text().splitlines()]


def run(chain: Any, *arguments: Any) -> None:
    assert chain is not None
    assert chain.sync
    assert chain.run(*arguments) is None


async def test_an_access_log_of_a_connection(plugins: Plugins, tmp_path: Path) -> None:
    route = a_route(("access_log", {"file": str(tmp_path / "a.jsonl")}))
    plugins.load(a_table(route))
    hooks = plugins.route(route)
    await plugins.startup(a_table(route))
    session = a_session(route, principal=Principal(id="ada"))
    run(hooks.upgrade, a_request(("User-Agent", "wscat"), ("Origin", "https://app.example")), route)
    run(hooks.connect, session)
    run(hooks.disconnect, session, 1001)
    await plugins.reloaded(Reloaded(epoch=2, digest="d2", changed=("chat",), problems=("a", "b")))
    await plugins.shutdown()
    lines = lines_of(tmp_path / "a.jsonl")
    times = [each.pop("time") for each in lines]
    assert times == sorted(times)
    assert lines[3].pop("seconds") >= 0
    who = {"session": 7, "route": "chat"}
    request = {"route": "chat", "method": "GET", "path": "/ws/chat", "address": "10.0.0.1", "secure": False}
    assert lines == [
        {"event": "startup", "digest": "d1", "routes": 1},
        {"event": "upgrade", **request, "agent": "wscat", "origin": "https://app.example"},
        {"event": "connect", **who, "path": "/ws/chat", "address": "10.0.0.1", "principal": "ada"},
        {"event": "disconnect", **who, "code": 1001, "principal": "ada"},
        {"event": "reload", "epoch": 2, "digest": "d2", "changed": ["chat"], "problems": 2},
    ]


async def test_nothing_a_client_sends_makes_a_line_or_a_field(plugins: Plugins, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    route = a_route(("access_log", {"file": str(file)}), ("audit", {"file": str(file)}))
    plugins.load(a_table(route))
    hooks = plugins.route(route)
    session = a_session(route, principal=Principal(id=HOSTILE))
    run(hooks.upgrade, a_request(("User-Agent", HOSTILE), ("Origin", "\udcff"), path=HOSTILE, method=HOSTILE), route)
    run(hooks.connect, session)
    run(hooks.message, session, Incoming(HOSTILE, HOSTILE * 1000, b"{}"))
    run(hooks.reply, session, Outgoing(b"{}", type=HOSTILE, id=HOSTILE))
    run(hooks.disconnect, session, 1006)
    await plugins.startup(a_table(route))
    await plugins.shutdown()
    lines = lines_of(file)
    expected = ["upgrade", "connect", "message", "reply", "disconnect", "startup"]
    assert [each["event"] for each in lines] == expected
    assert lines[0]["agent"] == lines[0]["path"] == HOSTILE
    assert max(len(text) for text in file.read_text().splitlines()) < 10_000


async def test_secrets_are_not_logged(plugins: Plugins, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    route = a_route(("access_log", {"file": str(file)}), ("audit", {"file": str(file), "digest": True}))
    plugins.load(a_table(route))
    hooks = plugins.route(route)
    secret = "s3cr3t-token"
    headers = [("Authorization", f"Bearer {secret}"), ("X-API-Key", secret), ("Cookie", secret)]
    run(hooks.upgrade, a_request(*headers, query={"token": secret}), route)
    run(hooks.message, a_session(route), Incoming("login", 1, b'{"password": "s3cr3t-token"}'))
    run(hooks.reply, a_session(route), Outgoing(b'{"token": "s3cr3t-token"}'))
    await plugins.startup(a_table(route))
    await plugins.shutdown()
    assert len(lines_of(file)) == 4
    assert secret not in file.read_text()


async def test_an_audit_of_messages_and_replies(plugins: Plugins, tmp_path: Path) -> None:
    route = a_route(("audit", {"file": str(tmp_path / "a.jsonl"), "digest": True}))
    plugins.load(a_table(route))
    hooks = plugins.route(route)
    await plugins.startup(a_table(route))
    session = a_session(route, principal=Principal(id="ada"))
    run(hooks.message, session, Incoming("ask", 5, b"question"))
    run(hooks.reply, session, Outgoing(b"part", final=False, type="answer", id=5))
    run(hooks.reply, a_session(route), Outgoing(b"event"))
    await plugins.shutdown()
    lines = lines_of(tmp_path / "a.jsonl")
    for each, frame in zip(lines, (b"question", b"part", b"event"), strict=True):
        del each["time"]
        assert each.pop("sha256") == hashlib.sha256(frame).hexdigest()
        assert each.pop("bytes") == len(frame)
    assert lines == [
        {"event": "message", "route": "chat", "session": 7, "principal": "ada", "type": "ask", "id": 5},
        {
            "event": "reply",
            "route": "chat",
            "session": 7,
            "principal": "ada",
            "type": "answer",
            "id": 5,
            "final": False,
        },
        {"event": "reply", "route": "chat", "session": 7},
    ]


async def test_a_sample_holds_a_message_with_its_reply(plugins: Plugins, tmp_path: Path) -> None:
    route = a_route(("audit", {"file": str(tmp_path / "a.jsonl"), "rate": 0.25}))
    plugins.load(a_table(route))
    hooks = plugins.route(route)
    await plugins.startup(a_table(route))
    for id in range(2000):
        run(hooks.message, a_session(route), Incoming("ask", id, b"?"))
        run(hooks.reply, a_session(route), Outgoing(b'{"type": "answer", "id": %d}' % id))
    await plugins.shutdown()
    lines = lines_of(tmp_path / "a.jsonl")
    asked = [each["id"] for each in lines if each["event"] == "message"]
    assert asked == [each["id"] for each in lines if each["event"] == "reply"]
    assert 300 < len(asked) < 700
    assert {each["type"] for each in lines} == {"ask", "answer"}


def test_without_a_file_lines_go_to_standard_error(hooks: Hooks, capfd: pytest.CaptureFixture[str]) -> None:
    writer = LineWriter(None)
    writer.write(Event("hello"))
    writer.close()
    assert capfd.readouterr() == ("", '{"text":"hello"}\n')


@pytest.mark.parametrize("plugin", ["access_log", "audit"])
@pytest.mark.parametrize("place", ["nowhere/a.jsonl", "."])
def test_a_file_that_cannot_be_is_found_at_load(plugin: str, place: str, hooks: Hooks, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=f"plugin '{plugin}': .*cannot be written"):
        hooks((plugin, {"file": str(tmp_path / place)}))


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"rate": 1.5}, {"payload": True}, {"file": 3}])
def test_wrong_settings(wrong: dict[str, Any], hooks: Hooks) -> None:
    with pytest.raises(PluginError, match="plugin 'audit': settings"):
        hooks(("audit", wrong))


class Event(msgspec.Struct):
    text: str


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_one_ascii_line(text: str) -> None:
    written = line(Event(text))
    assert written.isascii()
    assert written.decode().splitlines() == [written.decode()[:-1]]
    assert json.loads(written) == {"text": text}


def test_what_does_not_fit_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routewright.hooks.lines.GATHER", 60.0)
    writer = LineWriter(str(tmp_path / "a.jsonl"), bound=10)
    for number in range(15):
        writer.write(Event(str(number)))
    writer.close()
    lines = lines_of(tmp_path / "a.jsonl")
    assert [each.get("text") for each in lines[:10]] == [str(number) for number in range(10)]
    assert (lines[10]["event"], lines[10]["lines"]) == ("dropped", 5)
    assert len(lines) == 11


def test_a_file_that_is_rotated_or_fails_does_not_stop_the_writer(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "a.jsonl"
    file.parent.mkdir()
    writer = LineWriter(str(file))

    def write(text: str) -> None:
        writer.write(Event(text))
        writer.close()

    write("one")
    file.rename(file.with_suffix(".1"))
    write("two")
    assert [each["text"] for each in lines_of(file)] == ["two"]
    file.rename(file.with_suffix(".2"))
    file.mkdir()
    with capture_logs() as logs:
        write("lost")
    assert [log["plugin"] for log in logs] == [str(file)]
    file.rmdir()
    write("three")
    lines = lines_of(file)
    assert lines[0] == {"text": "three"}
    assert (lines[1]["event"], lines[1]["lines"]) == ("dropped", 1)
