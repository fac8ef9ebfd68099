"""The built-in ``api_key``: who gets in, and where keys may come from."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from structlog.testing import capture_logs
from typer.testing import CliRunner

from routewright.hooks import PluginError, PluginFailed, Plugins, Principal, Refusal, RouteHooks

from .samples import a_request, a_route

Hooks = Callable[..., RouteHooks]


def an_entry(key: str, **fields: Any) -> dict[str, Any]:
    return {"id": key, "sha256": hashlib.sha256(key.encode()).hexdigest(), **fields}


ADA = an_entry("ada", scopes=["read", "write"])
BOB = an_entry("bob")


def enter(hooks: RouteHooks, *headers: tuple[str, str]) -> Principal | None:
    assert hooks.authenticate is not None
    assert hooks.authenticate.sync
    return hooks.authenticate.run(a_request(*headers), a_route())


def refusal(hooks: RouteHooks, *headers: tuple[str, str]) -> tuple[int, str, str]:
    with pytest.raises(Refusal) as caught:
        enter(hooks, *headers)
    return caught.value.status, caught.value.code, caught.value.message


@pytest.mark.parametrize(
    "header",
    [("X-API-Key", "ada"), ("x-api-key", "ada"), ("Authorization", "Bearer ada"), ("authorization", "bearer  ada")],
)
def test_a_known_key_lets_in(header: tuple[str, str], hooks: Hooks) -> None:
    found = hooks(("api_key", {"keys": [BOB, ADA]}))
    assert enter(found, header) == Principal(id="ada", scopes=("read", "write"))


@pytest.mark.parametrize(
    "headers",
    [
        [("X-API-Key", "adA")],
        [("X-API-Key", ADA["sha256"])],
        [("X-API-Key", "ada"), ("X-API-Key", "bob")],
        [("X-API-Key", "ada"), ("Authorization", "Bearer bob")],
        [("X-API-Key", "\udcff")],
    ],
)
def test_any_other_key_does_not(headers: list[tuple[str, str]], hooks: Hooks) -> None:
    found = hooks(("api_key", {"keys": [ADA, BOB]}))
    assert refusal(found, *headers) == (401, "unauthorized", "this API key is not known")


@pytest.mark.parametrize("headers", [[], [("Authorization", "Basic ada")], [("X-API-Key", "")], [("Cookie", "ada")]])
def test_no_key_is_told_how_to_send_one(headers: list[tuple[str, str]], hooks: Hooks) -> None:
    status, code, message = refusal(hooks(("api_key", {"keys": [ADA]})), *headers)
    assert (status, code) == (401, "unauthorized")
    assert "X-API-Key or Authorization: Bearer" in message


def test_the_header_can_be_another_and_the_only_one(hooks: Hooks) -> None:
    found = hooks(("api_key", {"keys": [ADA], "header": "X-Key", "bearer": False}))
    assert enter(found, ("X-Key", "ada")) is not None
    assert refusal(found, ("Authorization", "Bearer ada"))[0] == 401


def test_a_route_may_ask_for_scopes(hooks: Hooks) -> None:
    found = hooks(("api_key", {"keys": [ADA, BOB], "scopes": ["write"]}))
    assert enter(found, ("X-API-Key", "ada")) is not None
    assert refusal(found, ("X-API-Key", "bob")) == (403, "forbidden", "this API key lacks the scope 'write'")


def test_keys_come_from_a_variable(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KEYS", json.dumps([ADA]))
    assert enter(hooks(("api_key", {"keysEnv": "GATEWAY_KEYS"})), ("X-API-Key", "ada")) is not None


def test_a_key_withdrawn_from_the_file_lets_in_no_more(hooks: Hooks, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps([ADA, BOB]))
    found = hooks(("api_key", {"keysFile": str(file)}))
    assert enter(found, ("X-API-Key", "ada")) is not None
    file.write_text(json.dumps([BOB]))
    assert refusal(found, ("X-API-Key", "ada"))[0] == 401
    assert enter(found, ("X-API-Key", "bob")) is not None
    file.unlink()
    with capture_logs(), pytest.raises(PluginFailed):
        enter(found, ("X-API-Key", "bob"))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "plugin 'api_key': settings"),
        ({"keys": [ADA], "keysEnv": "X"}, "plugin 'api_key': settings"),
        ({"keys": [{"id": "ada", "sha256": "ada"}]}, r"settings.keys\[0\].sha256"),
        ({"keys": [{**ADA, "key": "ada"}]}, r"settings.keys\[0\]"),
        ({"keys": [ADA, {**BOB, "id": "ada"}]}, "two keys have the id 'ada'"),
        ({"keys": [ADA, {**ADA, "id": "bob"}]}, "two keys have the same sha256"),
        ({"keys": [ADA], "header": "X Key\r\n"}, r"settings.header"),
        ({"keysEnv": "NO_SUCH_VARIABLE"}, "the variable NO_SUCH_VARIABLE is empty"),
        ({"keysFile": "/nowhere/keys.json"}, "keysFile: No such file or directory: /nowhere/keys.json"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], expected: str, hooks: Hooks) -> None:
    with pytest.raises(PluginError, match=expected):
        hooks(("api_key", settings))


def test_what_a_broken_file_holds_is_not_told(hooks: Hooks, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('[{"id": "x", "sha256": "my-plain-password"}]')
    with pytest.raises(PluginError, match="holds no JSON list of keys") as error:
        hooks(("api_key", {"keysFile": str(tmp_path / "keys.json")}))
    assert "my-plain-password" not in str(error.value)


def test_the_command_makes_keys_that_let_in(plugins: Plugins, hooks: Hooks) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    plugins.cli(app)
    outputs = [CliRunner().invoke(app, ["api-key", "--id", "dash", "--scopes", "read,write"]).output for _ in range(2)]
    keys = [output.splitlines()[0].removeprefix("key:").strip() for output in outputs]
    entries = [json.loads(output.splitlines()[1].removeprefix("entry:")) for output in outputs]
    assert keys[0] != keys[1]
    found = hooks(("api_key", {"keys": entries[:1]}))
    assert enter(found, ("X-API-Key", keys[0])) == Principal(id="dash", scopes=("read", "write"))
    assert refusal(found, ("X-API-Key", keys[1]))[0] == 401
