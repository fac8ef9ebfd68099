"""docs/plugin-author.md: every code block is used, and its tables say what is so."""

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from routewright.hooks import Incoming, Plugins, Principal, Refusal, SessionInfo
from routewright.hooks.finding import BUILT_IN
from routewright.hooks.registry import ARGUMENTS

from .samples import a_request, a_route, a_session, a_table

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "plugin-author.md").read_text()
BLOCKS = re.findall(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
FILES = {title: text for _, title, text in BLOCKS if title}
EMITTING = "websocket-routes.json (with an emitter)"


@pytest.fixture
def written(project: Path) -> Path:
    """A project with every file of the page."""
    for title, text in FILES.items():
        file = project / title
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return project


def test_every_block_is_used() -> None:
    used = {"plugins/polite.py", "plugins/tenant.py", "plugins/redact.py", "test_plugins.py"}
    emitter = {EMITTING, "plugins/notes.py", "plugins/templates/events.txt.jinja", "generated/messages.md"}
    assert set(FILES) == {*used, *emitter, "websocket-routes.json", "pyproject.toml"}
    assert [text for language, title, text in BLOCKS if not title] == ["pip install docs/examples/plugin\n"]
    assert PAGE.count("```") == 2 * len(BLOCKS)
    assert (DOCS / "examples" / "plugin" / "pyproject.toml").is_file()


def test_the_first_plugin_does_what_the_page_says(written: Path, plugins: Plugins, tmp_path: Path) -> None:
    (listed,) = json.loads(FILES["websocket-routes.json"])["routes"]
    polite, access_log = listed["middleware"]
    access_log["settings"]["file"] = str(tmp_path / access_log["settings"]["file"])
    route = a_route(polite, (access_log["name"], access_log["settings"]))
    plugins.load(a_table(route))
    message = plugins.route(route).message
    assert message is not None
    with pytest.raises(Refusal, match="say please"):
        message.run(a_session(), Incoming("t", 1, b"now"))
    assert message.run(a_session(), Incoming("t", 1, b"now, please")) is None


async def test_the_second_plugin_asks_for_tenants(written: Path, plugins: Plugins) -> None:
    (written / "tenants.txt").write_text("acme\ninitech\n")
    route = a_route(("plugins.tenant", {"file": str(written / "tenants.txt")}))
    plugins.load(a_table(route))
    hooks = plugins.route(route)
    assert hooks.upgrade is not None
    assert hooks.authenticate is not None
    assert hooks.connect is not None
    with pytest.raises(Refusal, match="wss"):
        hooks.upgrade.run(a_request(), route)
    hooks.upgrade.run(a_request(secure=True), route)
    acme = await hooks.authenticate.run_async(a_request(("X-Tenant", "acme")), route)
    assert acme == Principal(id="acme", scopes=("chat",))
    assert await hooks.authenticate.run_async(a_request(), route) is None
    with pytest.raises(Refusal, match="no such tenant"):
        await hooks.authenticate.run_async(a_request(("X-Tenant", "umbrella")), route)
    hooks.connect.run(SessionInfo(id=1, route=route, path="/", principal=acme))
    with pytest.raises(Refusal, match="tenants only"):
        hooks.connect.run(a_session())


def test_the_emitter_writes_what_the_page_says(written: Path) -> None:
    (written / "generated" / "messages.md").unlink()
    (written / "websocket-routes.json").write_text(FILES[EMITTING])
    command = Path(sys.executable).with_name("routewright")
    ran = subprocess.run([command, "generate"], cwd=written, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert (written / "generated" / "messages.md").read_text() == FILES["generated/messages.md"]
    assert (written / "generated" / "events.txt").read_text() == "chat.said\n"


def test_the_page_s_tests_pass(written: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."]
    ran = subprocess.run([*command, "test_plugins.py"], cwd=written, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout


def test_the_page_lists_every_hook_with_its_arguments() -> None:
    listed = dict(re.findall(r"^\| `(routewright_\w+)\(([^)]*)\)`", PAGE, re.MULTILINE))
    assert {hook: tuple(filter(None, names.split(", "))) for hook, names in listed.items()} == ARGUMENTS


def test_the_page_lists_every_built_in_plugin() -> None:
    section = PAGE.split("## The built-in plugins")[1]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(BUILT_IN)


def test_the_page_quotes_the_refusal_and_the_entry_point_as_they_are() -> None:
    signature = str(inspect.signature(Refusal)).replace(": str", "").replace(": int", "").replace(": float", "")
    assert (
        signature.replace("*, ", "").replace(" = ", "=").partition(" ->")[0]
        == "(code, message, status=403, retry_after=0.0)"
    )
    assert "`Refusal(code, message, status=403, retry_after=0.0)`" in PAGE
    example = tomllib.loads((DOCS / "examples" / "plugin" / "pyproject.toml").read_text())
    quoted = tomllib.loads(FILES["pyproject.toml"])
    assert quoted["project"]["entry-points"] == example["project"]["entry-points"]
