"""``routewright import``: documents as others write them, our own and back, and hostile ones."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings

from routewright.codegen.asyncapi import asyncapi
from routewright.codegen.importing import ImportProblem, drafted
from routewright.spec import check, report_text
from tests.emit.test_asyncapi import SPECS, valid
from tests.spec.conftest import with_payload
from tests.spec.schemas import specs

DOCUMENTS = Path(__file__).parent / "documents"


def routewright(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from routewright.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def written(folder: Path, text: str, name: str = "asyncapi.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def accepted(document: dict[str, Any], folder: Path) -> None:
    path = written(folder, json.dumps(document), "websocket-routes.json")
    checked = check(path)
    assert checked.spec is not None, report_text(checked, carets=True)


@pytest.mark.parametrize("name", ["chat.yaml", "market.yaml", "workspace.json"])
def test_a_document_becomes_a_project_that_checks(name: str, tmp_path: Path) -> None:
    done = routewright("import", str(DOCUMENTS / name), "--handlers", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "note: assumed: the document speaks as the gateway" in done.stderr
    generated = routewright("generate", cwd=tmp_path)
    assert generated.returncode == 0, generated.stderr
    checked = routewright("check", "--handlers", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr


def test_a_chat_of_asyncapi_3() -> None:
    draft = drafted(DOCUMENTS / "chat.yaml")
    (room,) = draft.document["routes"]
    assert (room["path"], room["pythonModule"]) == ("/v2/rooms/{roomId}", "handlers.room")
    assert {name: each["from"] for name, each in room["messages"].items()} == {
        "sendMessage": "client",
        "messageSent": "handler",
        "messagePosted": "handler",
        "typing": "both",
    }
    assert room["messages"]["sendMessage"]["reply"] == "messageSent"
    assert room["messages"]["sendMessage"]["examples"] == [{"text": "Hello"}]
    schemas = draft.document["components"]["schemas"]
    assert schemas["User"]["properties"]["manager"] == {"$ref": "#/components/schemas/User"}
    notes = "\n".join(draft.notes)
    for part in (
        '#/servers/events: server "events" is left out: its protocol is kafka',
        "#/channels/audit: the channel's protocol is kafka: it is left out",
        '#/operations/onSendMessage: "traits"',
        '#/components/messages/messagePosted: "headers"',
        '#/channels/room: the address "/rooms/{roomId}" becomes the path /v2/rooms/{roomId}',
    ):
        assert part in notes


def test_market_data_of_asyncapi_2() -> None:
    draft = drafted(DOCUMENTS / "market.yaml")
    requests, data = draft.document["routes"]
    assert requests["path"] == "/v1"
    assert requests["messages"]["ping"]["reply"] == "pong"
    assert requests["messages"]["subscribe"]["reply"] == "subscriptionStatus"
    ticker = requests["messages"]["ticker"]["payload"]
    assert [len(ticker["prefixItems"]), ticker["items"]] == [3, False]
    assert data["parameters"]["symbol"]["enum"] == ["btcusd", "ethbtc", "ethusd"]
    assert data["messages"]["marketUpdate"]["from"] == "handler"


def test_what_the_compiler_refuses_is_left_out_and_named() -> None:
    draft = drafted(DOCUMENTS / "workspace.json")
    (link,) = draft.document["routes"]
    assert "error_message" in link["messages"]
    assert link["messages"]["hello"]["examples"] == [{"type": "hello", "num_connections": 1}]
    notes = "\n".join(draft.notes)
    for part in (
        "reference ./other.json#/message leads nowhere",
        'the message "error" is called "error_message"',
        "application/vnd.apache.avro;version=1.9.0 is not read",
        "left out /components/schemas/reaction/properties/item/properties/ts/pattern",
        "left out /routes/0/messages/hello/examples/1",
    ):
        assert part in notes
    assert "/tmp" not in notes


def test_a_document_may_speak_as_the_client() -> None:
    (room,) = drafted(DOCUMENTS / "chat.yaml", as_client=True).document["routes"]
    assert room["messages"]["sendMessage"]["from"] == "handler"
    assert room["messages"]["messagePosted"]["from"] == "client"


@pytest.mark.parametrize(
    "path", [path for path in SPECS if '"auth"' not in path.read_text("utf-8")], ids=lambda path: path.parent.name
)
def test_what_was_exported_is_imported_and_exported_alike(path: Path, tmp_path: Path) -> None:
    exported = asyncapi(valid(path))
    draft = drafted(written(tmp_path, exported, "asyncapi.json"))
    assert draft.notes == ()
    accepted(draft.document, tmp_path)
    assert json.loads(asyncapi(valid(tmp_path / "websocket-routes.json"))) == json.loads(exported)


def test_all_but_the_checks_of_credentials_comes_back(tmp_path: Path) -> None:
    (path,) = [path for path in SPECS if path.parent.name == "auth"]
    exported = asyncapi(valid(path))
    draft = drafted(written(tmp_path, exported, "asyncapi.json"))
    left_out = '"auth" is left out: what credentials are checked with stands in no AsyncAPI document'
    scopes = "left out /routes/0/messages/start_job/scopes: "
    assert draft.notes[:2] == (f"#/channels/jobs: {left_out}", f"#/channels/rooms: {left_out}")
    assert [note for note in draft.notes[2:] if not note.startswith(scopes)] == []
    jobs = draft.document["routes"][0]
    assert set(jobs["messages"]) == {"start_job", "started", "job_done", "closing"}
    assert jobs["topics"]["jobs.{id}"] == {
        "messages": ["job_done"], "retain": True, "authorize": {"scopes": ["jobs:read"]},
    }  # fmt: skip
    assert jobs["circuitBreaker"] == {"openFor": "10s"}


@settings(max_examples=40, deadline=None)
@given(specs())
@example(with_payload({"type": "object", "additionalProperties": {"$ref": "#"}}))
@example(with_payload({"type": "array", "items": {"allOf": [{"$ref": "#"}]}}))
@example(with_payload({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "additionalProperties": {"$ref": "#"}}}}))
def test_whatever_is_exported_is_imported_and_exported_alike(document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checked = check(written(folder, json.dumps(document), "websocket-routes.json"))
        assume(checked.spec is not None)
        assert checked.spec is not None
        exported = asyncapi(checked.spec)
        draft = drafted(written(folder, exported, "asyncapi.json"))
        assert draft.notes == ()
        accepted(draft.document, folder)
        assert json.loads(asyncapi(valid(folder / "websocket-routes.json"))) == json.loads(exported)


def test_a_spec_that_is_there_is_kept(tmp_path: Path) -> None:
    spec = written(tmp_path, "mine", "websocket-routes.json")
    done = routewright("import", str(DOCUMENTS / "chat.yaml"), cwd=tmp_path)
    assert (done.returncode, spec.read_text()) == (1, "mine")
    assert "write over it with --force" in done.stderr
    assert routewright("import", str(DOCUMENTS / "chat.yaml"), "--force", cwd=tmp_path).returncode == 0
    assert json.loads(spec.read_text())["info"]["title"] == "Chat"


SOCKET = (
    "asyncapi: 2.0.0\ninfo: {title: a, version: '1'}\nchannels:\n  /a:\n    publish:\n      message:\n        name: m\n"
)
BOMB = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no AsyncAPI document"),
        ("[]", "no AsyncAPI document"),
        ("openapi: 3.0.0", "no AsyncAPI document"),
        ("asyncapi: 1.2.0", "AsyncAPI 1.2.0"),
        ("asyncapi: [", "asyncapi.yaml:1:12: not YAML"),
        ("asyncapi: !!python/object/apply:os.system [echo]", "not YAML: could not determine a constructor"),
        ("asyncapi: 2.0.0\nchannels: {}", "no channel"),
        (f"asyncapi: 2.0.0\n{BOMB}", "once its aliases are written out"),
        ("asyncapi: 2.0.0\na: &a\n  b: *a", "an alias stands inside"),
        ("asyncapi: 2.0.0\na: &a {x: 1}\nb: {<<: *a}", 'the merge key "<<"'),
        ("asyncapi: " + "[" * 100_000, "nested too deeply"),
        ("asyncapi: 2.0.0\na: " + "[" * 300 + "]" * 300, "nested"),
        ("# " + "x" * (4 * 1024 * 1024), "YAML of more than"),
        ("asyncapi: \0", "not YAML"),
    ],
)
def test_a_hostile_document_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ImportProblem) as raised:
        drafted(written(tmp_path, text))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "rest",
    [
        "        payload: {$ref: '#/components/schemas/a'}\ncomponents: {schemas: {a: {$ref: '#/channels/~1a'}}}",
        "        payload: {$ref: '#/x'}\nx: {$ref: '#/x'}",
        "        payload: {$ref: '#'}",
        "        payload: {$ref: 'http://x/y.json'}",
        "        payload: {$ref: 7}",
        "        payload: {type: nonsense, properties: [], required: {}, items: 3, enum: {}}",
        "        payload: [1]\n        examples: {a: 1}",
        "        payload: {allOf: 3, anyOf: [], dependencies: {a: 3}, additionalItems: 4}",
        "        payload: {type: object, properties: {'a\"b': {type: string}, on: {type: integer}, 7: {}}}",
        "        summary: 3\n        x-response: 7",
        "    parameters: {q: {schema: {type: object}}}",
        "        payload: {minimum: 99999999999999999999999999999}",
    ],
)
def test_nonsense_within_a_document_is_left_out(rest: str, tmp_path: Path) -> None:
    accepted(drafted(written(tmp_path, f"{SOCKET}{rest}\n")).document, tmp_path)
