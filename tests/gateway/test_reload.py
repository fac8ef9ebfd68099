"""Reloads, seen by clients that stay connected: each case of the contract, by the real command."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.gateway.asking import ask, asking, handler, nonce, route
from tests.served import COMMAND, PATIENCE, Project, exchange, serving

SHORT = ("--drain", "300ms")


def reloaded(line: dict[str, Any]) -> bool:
    return line.get("event") == "reloaded"


def code_reloaded(line: dict[str, Any]) -> bool:
    return line.get("event") == "handler code reloaded"


def not_started(line: dict[str, Any]) -> bool:
    return line.get("event") == "a handler module does not start"


async def version(connection: ClientConnection) -> str:
    answer = await exchange(connection, ask())
    assert answer["type"] == "answer", answer
    return str(answer["payload"]["version"])


async def closed_with(connection: ClientConnection) -> int:
    """The close code, once the gateway has closed the connection."""
    async with asyncio.timeout(PATIENCE):
        await connection.wait_closed()
    assert connection.close_code is not None
    return connection.close_code


def routes(stats: Any) -> dict[str, Any]:
    """The figures of every route that is not retired."""
    return {each["name"]: each for each in stats["routes"] if not each["retired"]}


# The spec


async def test_a_spec_that_says_the_same_changes_nothing(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            workers = served.workers()
            project.spec(json.dumps({"routes": [route("alpha")]}) + "\n\n")
            stats = await served.until(lambda stats: stats["reloads"]["unchanged"])
            assert stats["reloads"] == {"done": 0, "refused": 0, "unchanged": stats["reloads"]["unchanged"]}
            assert routes(stats)["alpha"]["epoch"] == 1
            assert await version(connection) == "first"
            assert served.workers() == workers


async def test_a_spec_that_is_saved_while_the_workers_start_is_served(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("later_handler.py", handler())
    # the worker of this test is also its editor: it saves before it is ready, but after the compilation
    project.save("ready.json", json.dumps({"routes": [route("alpha"), route("later")]}))
    save = (
        "import os, pathlib\n"
        'ready = pathlib.Path(__file__).with_name("ready.json")\n'
        'if ready.exists():\n    os.replace(ready, ready.with_name("websocket-routes.json"))\n'
    )
    project.save("alpha_handler.py", save + handler())
    with serving(project) as served:
        await served.logged(reloaded)
        async with served.connect("/ws/later") as connection:
            assert await version(connection)


async def test_a_policy_reaches_open_connections(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            workers = served.workers()
            assert await version(connection) == "first"
            project.spec({"routes": [route("alpha", rateLimit={"rate": "1/m", "burst": 1})]})
            line = await served.logged(reloaded)
            assert (line["changed"], line["added"], line["removed"], line["kept"]) == (["alpha"], [], [], [])
            assert await version(connection) == "first"
            limited = await exchange(connection, ask(2))
            assert (limited["id"], limited["error"]["code"]) == (2, "rate_limited")
            assert served.workers() == workers, "a policy is no reason for new workers"


async def test_an_open_connection_may_use_a_message_that_was_added(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            unknown = await exchange(connection, {"type": "greet", "id": 1})
            assert unknown["error"]["code"] == "unknown_type"
            project.save("alpha_handler.py", handler() + GREET)
            await served.logged(not_started)
            project.spec({"routes": [with_greet()]})
            await served.logged(reloaded)
            assert await exchange(connection, {"type": "greet", "id": 2}) == {
                "type": "answer",
                "id": 2,
                "payload": {"hello": "world"},
            }
            assert await version(connection) == "first"


GREET = """

@on("greet")
async def greet(message, context: Context):
    return {"type": "answer", "payload": {"hello": "world"}}
"""


def with_greet() -> dict[str, Any]:
    changed = route("alpha")
    changed["messages"]["greet"] = {"from": "client", "reply": "answer"}
    return changed


def incompatible() -> dict[str, Any]:
    """``alpha``, whose ``ask`` has lost a property and gained one."""
    changed = route("alpha")
    changed["messages"]["ask"]["payload"] = {
        "type": "object",
        "properties": {"nonce": {"type": "integer"}},
        "required": ["nonce"],
    }
    return changed


async def test_an_incompatible_change_leaves_old_connections_on_the_old_epoch(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as old:
            project.save("alpha_handler.py", handler("second"))
            await served.logged(code_reloaded)
            project.spec({"routes": [incompatible()]})
            assert (await served.logged(reloaded))["changed"] == ["alpha"]
            async with served.connect("/ws/alpha") as new:
                assert (await exchange(old, ask(1, "text")))["payload"]["nonce"] == "text"
                assert (await exchange(new, ask(2, "text")))["error"]["code"] == "invalid_message"
                number = await exchange(new, '{"type": "ask", "id": 3, "payload": {"nonce": 3}}')
                assert number["payload"]["nonce"] == 3
                retired = [each for each in (await served.stats())["routes"] if each["retired"]]
                assert [(each["name"], each["connections"], each["epoch"]) for each in retired] == [("alpha", 1, 1)]


def widened() -> dict[str, Any]:
    """``alpha``, whose ``ask`` has an optional property more."""
    changed = route("alpha")
    changed["messages"]["ask"]["payload"]["properties"]["count"] = {"type": "integer", "maximum": 9}
    return changed


def planned(project: Project, before: dict[str, Any]) -> dict[str, Any]:
    """What ``plan`` says of a project whose spec was another: by route, what becomes of its connections."""
    old = project.folder / "before.json"
    old.write_text(json.dumps({"routes": [before]}))
    command = [COMMAND, "plan", str(project.spec_file), "--against", str(old), "--format", "json", "--fail-on", "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {each["route"]: (each["connections"], each["code"]) for each in json.loads(done.stdout)["routes"]}


async def test_an_optional_property_more_reaches_open_connections(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project, *SHORT) as served:
        async with served.connect("/ws/alpha") as connection:
            assert await version(connection) == "first"
            project.spec({"routes": [widened()]})
            assert (await served.logged(reloaded))["changed"] == ["alpha"]
            wrong = await exchange(connection, {"type": "ask", "id": 1, "payload": {"count": 10}})
            assert (wrong["error"]["code"], wrong["error"]["path"]) == ("invalid_message", "$.payload.count")
            right = await exchange(connection, {"type": "ask", "id": 2, "payload": {"count": 9}})
            assert (right["type"], right["id"]) == ("answer", 2)
            stats = await served.stats()
            assert [(each["connections"], each["epoch"]) for each in stats["routes"]] == [(1, 2)]
            assert planned(project, route("alpha")) == {"alpha": ("continue", None)}


async def test_the_plan_of_an_incompatible_change_is_what_happens(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project, *SHORT) as served:
        async with served.connect("/ws/alpha") as connection:
            project.spec({"routes": [incompatible()]})
            await served.logged(reloaded)
            assert planned(project, route("alpha")) == {"alpha": ("drain", await closed_with(connection))}


async def test_a_route_is_compared_with_the_one_that_serves(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            project.save("alpha_handler.py", "raise RuntimeError('broken')\n")
            project.spec({"routes": [incompatible()]})
            assert (await served.logged(reloaded))["kept"] == ["alpha"]
            before = len(served.lines)
            project.spec({"routes": [widened()]})
            await served.logged(not_started, before)
            project.save("alpha_handler.py", handler("second"))
            await served.until(lambda stats: routes(stats)["alpha"]["epoch"] > 1)
            assert await version(connection) == "second"


async def test_a_worker_of_an_old_epoch_is_not_started_again(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as old:
            (first,) = served.workers()
            project.spec({"routes": [incompatible()]})
            await served.logged(reloaded)
            async with served.connect("/ws/alpha") as new:
                os.kill(first, 9)
                assert await closed_with(old) == 4001
                stats = await served.until(lambda stats: len(stats["workers"]) == 1)
                assert stats["workers"][0]["restarts"] == 0
                assert (await exchange(new, '{"type": "ask", "payload": {"nonce": 3}}'))["payload"]["nonce"] == 3


async def test_old_connections_are_closed_with_4001_when_the_drain_window_ends(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project, *SHORT) as served:
        async with served.connect("/ws/alpha") as old:
            project.spec({"routes": [incompatible()]})
            await served.logged(reloaded)
            async with served.connect("/ws/alpha") as new:
                assert await closed_with(old) == 4001
                assert (await exchange(new, '{"type": "ask", "payload": {"nonce": 3}}'))["payload"]["nonce"] == 3
                stats = await served.until(lambda stats: len(stats["workers"]) == 1)
                assert [each["connections"] for each in stats["routes"]] == [1]


async def test_an_old_contract_can_come_back(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as first:
            project.spec({"routes": [incompatible()]})
            await served.logged(reloaded)
            project.save("alpha_handler.py", handler("second"))
            await served.logged(code_reloaded)
            before = len(served.lines)
            project.spec({"routes": [route("alpha")]})
            await served.logged(reloaded, before)
            async with served.connect("/ws/alpha") as third:
                assert await version(third) == "second"
            assert await version(first) in ("first", "second")


async def test_a_removed_route_takes_no_connections_and_closes_its_own_after_the_window(tmp_path: Path) -> None:
    project = asking(tmp_path, route("alpha"), route("beta"))
    with serving(project, *SHORT) as served:
        async with served.connect("/ws/alpha") as staying, served.connect("/ws/beta") as leaving:
            project.spec({"routes": [route("alpha")]})
            assert (await served.logged(reloaded))["removed"] == ["beta"]
            status, _, _ = await asyncio.to_thread(served.get, f"{served.http}/ws/beta")
            assert status == 404
            assert await closed_with(leaving) == 4504
            assert await version(staying) == "first"
            stats = await served.until(lambda stats: len(stats["workers"]) == 1)
            assert stats["connections"] == 1


async def test_a_removed_route_answers_inside_the_window(tmp_path: Path) -> None:
    project = asking(tmp_path, route("alpha"), route("beta"))
    with serving(project) as served:
        async with served.connect("/ws/beta") as leaving:
            project.spec({"routes": [route("alpha")]})
            await served.logged(reloaded)
            assert await version(leaving) == "first"


async def test_an_added_route_is_served(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        project.save("beta_handler.py", handler("new"))
        project.spec({"routes": [route("alpha"), route("beta")]})
        assert (await served.logged(reloaded))["added"] == ["beta"]
        async with served.connect("/ws/beta") as connection:
            assert await version(connection) == "new"


async def test_an_invalid_spec_leaves_the_old_table_serving(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            project.spec('{\n  "routes": [\n    {"path": "/ws/alpha", "pythonModul": "alpha_handler"}\n  ]\n}\n')
            line = await served.logged("the spec is invalid; the old table serves on")
            assert "websocket-routes.json:3:" in line["report"]
            assert line["problems"] >= 1
            stats = await served.stats()
            assert stats["reloads"]["refused"] == 1
            assert "websocket-routes.json:3:" in stats["problem"]
            assert await version(connection) == "first"
            async with served.connect("/ws/alpha") as other:
                assert await version(other) == "first"
            project.spec({"routes": [route("alpha", rateLimit={"rate": "100/s"})]})
            await served.logged(reloaded)
            assert (await served.stats())["problem"] == ""


async def test_a_spec_that_is_deleted_leaves_the_old_table_serving(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            text = project.spec_file.read_text()
            project.spec_file.unlink()
            await served.logged("the spec is invalid; the old table serves on")
            assert await version(connection) == "first"
            project.spec(text)
            assert (await served.until(lambda stats: not stats["problem"]))["reloads"]["done"] == 0


# Handler code


@pytest.mark.parametrize("way", ["by a rename", "in place"])
async def test_an_edited_handler_takes_over(tmp_path: Path, way: str) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            (old,) = served.workers()
            (project.save if way == "by a rename" else project.write)("alpha_handler.py", handler("second"))
            await served.logged(code_reloaded)
            assert await version(connection) == "second"
            assert old not in served.workers()


async def test_an_edit_of_the_same_size_in_the_same_second_takes_over(tmp_path: Path) -> None:
    project = asking(tmp_path)
    file = tmp_path / "alpha_handler.py"
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            stamp = file.stat()
            for text in ("other", "third"):
                before = len(served.lines)
                project.save("alpha_handler.py", handler(text))
                os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
                await served.logged(code_reloaded, before)
                assert await version(connection) == text


async def test_a_request_is_answered_by_the_code_that_began_it(tmp_path: Path) -> None:
    project = asking(tmp_path)
    gate = tmp_path / "gate"
    project.save("alpha_handler.py", waiting("first", gate))
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            await connection.send(ask(1))
            assert json.loads(await connection.recv())["payload"] == {"begun": True}
            project.save("alpha_handler.py", handler("second"))
            await served.logged(code_reloaded)
            assert await version(connection) == "second"
            gate.touch()
            late = json.loads(await connection.recv())
            assert (late["id"], late["payload"]["version"]) == (1, "first")


def waiting(version: str, gate: Path) -> str:
    """A handler that says that it has begun, and answers once a file is there."""
    return handler(version).replace(
        "    return",
        f"""    import asyncio
    from pathlib import Path

    context.send({{"type": "answer", "payload": {{"begun": True}}}})
    while not Path({str(gate)!r}).exists():
        await asyncio.sleep(0.005)
    return""",
    )


async def test_a_handler_that_does_not_import_leaves_the_old_one_serving(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            workers = served.workers()
            project.save("alpha_handler.py", handler("second") + "\nraise RuntimeError('broken')\n")
            line = await served.logged(not_started)
            assert line["file"] == str(tmp_path / "alpha_handler.py")
            assert line["line"] == len(handler().splitlines()) + 2
            assert "broken" in line["reason"]
            assert await version(connection) == "first"
            stats = await served.stats()
            assert served.workers() == workers
            assert "broken" in stats["workers"][0]["problems"][0]["message"]
            project.save("alpha_handler.py", handler("third"))
            await served.logged(code_reloaded)
            assert await version(connection) == "third"
            assert (await served.stats())["workers"][0]["problems"] == []


async def test_a_module_that_a_handler_imports_counts_as_its_code(tmp_path: Path) -> None:
    project = asking(tmp_path, route("alpha"), route("beta"))
    project.save("shared/words.py", "WORD = 'first'\n")
    project.save("alpha_handler.py", "from shared.words import WORD\n" + handler().replace("'first'", "WORD"))
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            processes = {each["pool"]: each["processes"] for each in (await served.stats())["workers"]}
            project.save("shared/words.py", "WORD = 'second'\n")
            assert (await served.logged(code_reloaded))["module"] == "alpha_handler"
            assert await version(connection) == "second"
            after = {each["pool"]: each["processes"] for each in (await served.stats())["workers"]}
            assert after["alpha_handler"] != processes["alpha_handler"]
            assert after["beta_handler"] == processes["beta_handler"], "it does not import the module"


async def test_an_imported_module_that_was_broken_from_the_start_is_seen_when_repaired(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("shared/words.py", "WORD = (\n")
    project.save("alpha_handler.py", "from shared.words import WORD\n" + handler().replace("'first'", "WORD"))
    with serving(project) as served:
        assert served.ready["event"] == "serving, but not every route is ready"
        status, _, body = await asyncio.to_thread(served.get, f"{served.ready['admin']}/readyz")
        assert status == 503
        assert f"{tmp_path}/shared/words.py:1" in json.loads(body)["routes"]["alpha"]["reason"]
        project.save("shared/words.py", "WORD = 'repaired'\n")
        await served.until(lambda stats: stats["workers"][0]["ready"])
        async with served.connect("/ws/alpha") as connection:
            assert await version(connection) == "repaired"


async def test_a_route_keeps_its_old_module_while_the_new_one_does_not_start(tmp_path: Path) -> None:
    project = asking(tmp_path)
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            project.spec({"routes": [route("alpha", pythonModule="omega_handler")]})
            assert (await served.logged(reloaded))["kept"] == ["alpha"]
            assert (await served.stats())["kept"] == ["alpha"]
            assert any(not_started(line) and line["module"] == "omega_handler" for line in served.lines)
            assert await version(connection) == "first"
            async with served.connect("/ws/alpha") as other:
                assert await version(other) == "first"
            before = len(served.lines)
            project.save("omega_handler.py", handler("omega"))
            assert (await served.logged(lambda line: reloaded(line) and not line["kept"], before))["changed"] == [
                "alpha"
            ]
            assert await version(connection) == "omega"
            await served.until(lambda stats: [each["pool"] for each in stats["workers"]] == ["omega_handler"])


# Everything else that a project is made of


async def test_generated_code_published_by_another_command_is_served(tmp_path: Path) -> None:
    project = asking(tmp_path)
    other = tmp_path / "elsewhere"
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            before = (await served.stats())["digest"]
            project.spec({"routes": [route("alpha", rateLimit={"rate": "1/m", "burst": 1})]})
            done = await asyncio.to_thread(
                subprocess.run, [str(COMMAND), "generate", str(project.spec_file)], capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            await served.logged(reloaded)
            assert (await served.stats())["digest"] != before
            assert await version(connection) == "first"
            assert (await exchange(connection, ask(2)))["error"]["code"] == "rate_limited"
    assert not other.exists()


async def test_a_schema_in_a_file_of_its_own_is_part_of_the_spec(tmp_path: Path) -> None:
    changed = route("alpha")
    changed["messages"]["ask"]["payload"] = {"$ref": "schemas/ask.json"}
    project = asking(tmp_path, changed)
    project.save("schemas/ask.json", json.dumps(nonce()))
    with serving(project) as served:
        async with served.connect("/ws/alpha") as old:
            assert await version(old) == "first"
            schema = {**nonce(depth={"type": "integer"}), "required": ["depth"]}
            project.save("schemas/ask.json", json.dumps(schema))
            assert (await served.logged(reloaded))["changed"] == ["alpha"]
            async with served.connect("/ws/alpha") as new:
                assert (await exchange(new, ask(1)))["error"]["code"] == "invalid_message"
                assert (await exchange(new, ask(2, depth=3)))["type"] == "answer"


def plugin(word: str) -> str:
    """A plugin that puts a word in the place of ``plain``."""
    return (
        "from routewright.hooks import hookimpl\n\n\n"
        "@hookimpl\ndef routewright_message(message):\n"
        f'    return message.frame.replace(b"plain", b"{word}")\n'
    )


async def test_a_plugin_that_is_edited_is_served_anew(tmp_path: Path) -> None:
    project = asking(tmp_path, route("alpha", middleware=["marking"]))
    project.save("marking.py", plugin("one"))
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            assert (await exchange(connection, ask(1, "plain")))["payload"]["nonce"] == "one"
            project.save("marking.py", plugin("two"))
            await served.logged(reloaded)
            assert (await exchange(connection, ask(2, "plain")))["payload"]["nonce"] == "two"


async def test_a_plugin_that_does_not_import_leaves_the_old_one_serving(tmp_path: Path) -> None:
    project = asking(tmp_path, route("alpha", middleware=["marking"]))
    project.save("marking.py", plugin("one"))
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            project.save("marking.py", plugin("two") + "\nraise RuntimeError('no good')\n")
            line = await served.logged("the new table is not served; the old one serves on")
            assert "marking.py" in line["report"]
            assert "no good" in line["report"]
            assert (await exchange(connection, ask(1, "plain")))["payload"]["nonce"] == "one"
            project.save("marking.py", plugin("three"))
            await served.logged(reloaded)
            assert (await exchange(connection, ask(2, "plain")))["payload"]["nonce"] == "three"


# Files that plugins write


EMITTER = """\
from routewright.hooks import hookimpl


@hookimpl
def routewright_templates():
    return "plugins/templates"


@hookimpl
def routewright_emit(spec):
    return {"words.txt": "first"}
"""


async def test_files_of_plugins_follow_their_templates_and_code(tmp_path: Path) -> None:
    project = asking(tmp_path)
    project.save("plugins/notes.py", EMITTER)
    project.save("plugins/templates/notes.md.jinja", "one {{ spec.routes | length }}\n")
    project.spec({"x-emitters": ["plugins.notes"], "routes": [route("alpha")]})
    generated = tmp_path / "generated"
    with serving(project) as served:
        async with served.connect("/ws/alpha") as connection:
            assert (generated / "notes.md").read_text() == "one 1\n"
            project.save("plugins/templates/notes.md.jinja", "two\n")
            await served.until(lambda stats: stats["reloads"]["unchanged"] == 1)
            assert (generated / "notes.md").read_text() == "two\n"
            project.save("plugins/notes.py", EMITTER.replace("first", "second"))
            await served.until(lambda stats: stats["reloads"]["unchanged"] == 2)
            assert (generated / "words.txt").read_text() == "second"
            project.save("plugins/templates/notes.md.jinja", "{{ nothing }}")
            await served.logged("the spec is invalid; the old table serves on")
            assert (generated / "notes.md").read_text() == "two\n"
            assert await version(connection) == "first"
