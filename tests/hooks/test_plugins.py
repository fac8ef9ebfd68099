"""Plugins of a project, from the table to the chains: every hook, found by module name."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from structlog.testing import capture_logs
from typer.testing import CliRunner

from routewright.hooks import (
    Incoming,
    Outgoing,
    PluginError,
    Plugins,
    Principal,
    Refusal,
    Reloaded,
    RouteHooks,
)

from .samples import a_request, a_route, a_session, a_table

Write = Callable[[str, str], Path]
Hooks = Callable[..., RouteHooks]

EVERY_HOOK = """
calls = []

@hookimpl
{kind} routewright_upgrade(request, route, settings): calls.append(("upgrade", request.path, route.name, settings))
@hookimpl
{kind} routewright_authenticate(settings, request): return Principal(id=settings["user"])
@hookimpl
{kind} routewright_connect(session): session.state["p"] = "connected"
@hookimpl
{kind} routewright_message(message, settings): return message.frame + settings["user"].encode()
@hookimpl
{kind} routewright_reply(reply, session): return reply.frame + session.state["p"].encode()
@hookimpl
{kind} routewright_disconnect(code): calls.append(("disconnect", code))
@hookimpl
{kind} routewright_startup(table): calls.append(("startup", table.digest))
@hookimpl
{kind} routewright_reload(report): calls.append(("reload", report.epoch))
@hookimpl
{kind} routewright_shutdown(): calls.append(("shutdown",))
"""


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_every_hook_of_a_connection_s_life(kind: str, write: Write, plugins: Plugins) -> None:
    write("plugins.every", EVERY_HOOK.format(kind=kind))
    route = a_route(("plugins.every", {"user": "ada"}))
    table = a_table(route)
    assert plugins.load(table) == ("plugins.every",)
    import plugins.every as plugin  # type: ignore[import-not-found]

    hooks = plugins.route(route)
    assert [chain.sync for chain in hooks.chains()] == [kind == "def"] * 6
    session = a_session(route)

    async def run(chain: Any, *arguments: Any) -> Any:
        return chain.run(*arguments) if chain.sync else await chain.run_async(*arguments)

    await plugins.startup(table)
    await run(hooks.upgrade, a_request(), route)
    assert await run(hooks.authenticate, a_request(), route) == Principal(id="ada")
    await run(hooks.connect, session)
    assert await run(hooks.message, session, Incoming("t", 1, b"in ")) == b"in ada"
    assert await run(hooks.reply, session, Outgoing(b"out ")) == b"out connected"
    await run(hooks.disconnect, session, 1001)
    await plugins.reloaded(Reloaded(epoch=2, digest="d2"))
    await plugins.shutdown()
    assert plugin.calls == [
        ("startup", "d1"),
        ("upgrade", "/ws/chat", "chat", {"user": "ada"}),
        ("disconnect", 1001),
        ("reload", 2),
        ("shutdown",),
    ]


def test_a_route_without_plugins_has_no_chains(hooks: Hooks) -> None:
    assert hooks() == RouteHooks()
    assert hooks().chains() == []


def test_hooks_that_nobody_implements_are_absent(write: Write, hooks: Hooks) -> None:
    write("one", "@hookimpl\ndef routewright_reply(): return b'x'")
    found = hooks("one")
    assert [chain.hook for chain in found.chains()] == ["routewright_reply"]
    assert found.message is None


def test_order_follows_the_spec_and_the_marks(write: Write, hooks: Hooks) -> None:
    for name, mark in [
        ("a", ""),
        ("b", "(trylast=True)"),
        ("c", "(tryfirst=True)"),
        ("d", ""),
        ("e", "(tryfirst=True)"),
    ]:
        write(name, f"@hookimpl{mark}\ndef routewright_message(message): return message.frame + b'{name}'")
    run = hooks("d", "b", "e", "a", "c").message
    assert run is not None
    assert run.plugins == ("e", "c", "d", "a", "b")
    assert run.run(a_session(), Incoming("t", 1, b"")) == b"ecdab"


def test_one_plugin_with_other_settings_on_each_route(write: Write, plugins: Plugins) -> None:
    write("tag", "@hookimpl\ndef routewright_message(settings): return settings['tag'].encode()")
    routes = [a_route(("tag", {"tag": tag}), name=tag) for tag in ("one", "two")]
    plugins.load(a_table(*routes))
    for route in routes:
        message = plugins.route(route).message
        assert message is not None
        assert message.run(a_session(route), Incoming("t", 1, b"")) == route.name.encode()


def test_one_plugin_twice_on_a_route(write: Write, hooks: Hooks) -> None:
    write("tag", "@hookimpl\ndef routewright_message(message, settings): return message.frame + settings['tag']")
    message = hooks(("tag", {"tag": b"1"}), ("tag", {"tag": b"2"})).message
    assert message is not None
    assert message.run(a_session(), Incoming("t", 1, b"")) == b"12"


def test_what_prepare_returns_becomes_the_settings(write: Write, hooks: Hooks) -> None:
    write(
        "prepared",
        "@hookimpl\ndef routewright_prepare(route, settings): return (route.name + settings['x']).encode()\n"
        "@hookimpl\ndef routewright_message(settings): return settings",
    )
    message = hooks(("prepared", {"x": "!"})).message
    assert message is not None
    assert message.run(a_session(), Incoming("t", 1, b"")) == b"chat!"


def test_a_specname_gives_a_hook_another_function_name(write: Write, hooks: Hooks) -> None:
    write(
        "named",
        "@hookimpl(specname='routewright_message')\ndef one(message): return message.frame + b'1'\n"
        "@hookimpl(specname='routewright_message')\ndef two(message): return message.frame + b'2'\n"
        "@hookimpl(optionalhook=True)\ndef routewright_of_a_later_version(anything): ...",
    )
    message = hooks("named").message
    assert message is not None
    assert message.run(a_session(), Incoming("t", 1, b"")) == b"12"
    assert message.plugins == ("named", "named")


WRONG = {
    "no hook at all": ("x = 1", "has no hook"),
    "no marker": (
        "def routewright_message(message): ...",
        "routewright_message is no hook yet: mark it with @hookimpl",
    ),
    "unknown hook": ("@hookimpl\ndef routewright_mesage(message): ...", "did you mean 'routewright_message'"),
    "unknown argument": (
        "@hookimpl\ndef routewright_message(msg): ...",
        "has no argument 'msg': it may take session, message, settings",
    ),
    "keyword only": ("@hookimpl\ndef routewright_message(*, settings): ...", "make it a plain argument"),
    "default": ("@hookimpl\ndef routewright_message(message, settings=None): ...", "make it a plain argument"),
    "variable arguments": ("@hookimpl\ndef routewright_message(*args): ...", "name the arguments"),
    "generator": ("@hookimpl\ndef routewright_message(): yield", "has a `yield`"),
    "async generator": ("@hookimpl\nasync def routewright_message(): yield", "has a `yield`"),
    "async cli": ("@hookimpl\nasync def routewright_cli(app): ...", "write `def`, not `async def`"),
    "syntax": ("def broken(:", "wrong.py:2: SyntaxError"),
    "import raises": ("\n1 / 0", "wrong.py:3: ZeroDivisionError: division by zero"),
    "import leaves": ("raise SystemExit(3)", "wrong.py:2: SystemExit: 3"),
    "missing package": ("import no_such_package_at_all", "it needs 'no_such_package_at_all'"),
    "no schema": ("@hookimpl\ndef routewright_settings(): return {'type': 'objekt'}", "is no JSON Schema"),
    "prepare fails": ("@hookimpl\ndef routewright_prepare(): return {}['k']", "routewright_prepare failed: KeyError"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_plugin_that_cannot_be_used_says_why(case: str, write: Write, hooks: Hooks) -> None:
    text, expected = WRONG[case]
    write("plugins.wrong", text)
    with pytest.raises(PluginError) as error:
        hooks("plugins.wrong")
    assert expected in str(error.value)
    assert "'plugins.wrong'" in str(error.value)


def test_wrappers_are_refused(write: Write, hooks: Hooks) -> None:
    write("wrapping", "@hookimpl(wrapper=True)\ndef routewright_message(): return (yield)")
    with pytest.raises(PluginError, match="is a wrapper, which a compiled chain cannot call"):
        hooks("wrapping")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plugins.absent", "write .*plugins/absent.py, or install its package"),
        ("api_kee", "did you mean 'api_key'"),
        ("not a module!", "is not installed, and is no module name"),
        ("../evil", "is not installed, and is no module name"),
        ("", "is not installed, and is no module name"),
        ("plugins.class", "is not installed, and is no module name"),
    ],
)
def test_a_name_that_leads_nowhere(name: str, expected: str, hooks: Hooks) -> None:
    with pytest.raises(PluginError, match=expected):
        hooks(name)


SCHEMA = """
@hookimpl
def routewright_settings():
    return {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "additionalProperties": False}
@hookimpl
def routewright_message(settings): return b"%d" % settings["n"]
"""


@pytest.mark.parametrize(
    ("settings", "expected"), [({"n": 0}, "settings.n: 0 is less than"), ({"m": 1}, "settings: .*'m' was unexpected")]
)
def test_settings_are_checked_against_the_plugin_s_schema(
    settings: dict[str, Any], expected: str, write: Write, hooks: Hooks
) -> None:
    write("strict", SCHEMA)
    assert hooks(("strict", {"n": 3})).message is not None
    with pytest.raises(PluginError, match=f"route 'chat', plugin 'strict': {expected}"):
        hooks(("strict", settings))


def test_prepare_may_refuse_what_a_schema_cannot_say(write: Write, hooks: Hooks) -> None:
    write("even", "@hookimpl\ndef routewright_prepare(settings): raise ValueError('n must be even')")
    with pytest.raises(PluginError, match="route 'chat', plugin 'even': n must be even: correct its settings"):
        hooks(("even", {"n": 3}))


async def test_a_plugin_that_does_not_start_stops_the_start_and_may_try_again(write: Write, plugins: Plugins) -> None:
    write("late", "ready = []\n@hookimpl\nasync def routewright_startup():\n    assert ready, 'the database is away'")
    table = a_table(a_route("late"))
    plugins.load(table)
    with pytest.raises(PluginError, match="'late' failed in routewright_startup: AssertionError: the database is away"):
        await plugins.startup(table)
    import late  # type: ignore[import-not-found]

    late.ready.append(1)
    await plugins.startup(table)
    assert late.ready == [1]


async def test_a_plugin_starts_once_and_stops_once(write: Write, plugins: Plugins) -> None:
    write(
        "counted",
        "calls = []\n"
        "@hookimpl\ndef routewright_startup(): calls.append('up')\n"
        "@hookimpl\ndef routewright_shutdown(): calls.append('down')",
    )
    table = a_table(a_route("counted"))
    plugins.load(table)
    import counted  # type: ignore[import-not-found]

    await plugins.startup(table)
    plugins.reload(table)
    await plugins.startup(table)
    assert counted.calls == ["up"]
    plugins.reload(a_table(a_route()))
    await plugins.startup(table)
    assert counted.calls == ["up", "down"]
    await plugins.shutdown()
    assert counted.calls == ["up", "down"]


async def test_two_starts_at_a_time_start_a_plugin_once(write: Write, plugins: Plugins) -> None:
    write(
        "slow",
        "import asyncio\ncalls = []\n"
        "@hookimpl\nasync def routewright_startup():\n    await asyncio.sleep(0)\n    calls.append('up')",
    )
    table = a_table(a_route("slow"))
    plugins.load(table)
    await asyncio.gather(plugins.startup(table), plugins.startup(table))
    assert sys.modules["slow"].calls == ["up"]


async def test_only_plugins_in_service_hear_of_reloads(write: Write, plugins: Plugins) -> None:
    text = "heard = []\n@hookimpl\ndef routewright_reload(report): heard.append(report.problems)\n# {}"
    write("listening", text.format("old"))
    table = a_table(a_route("listening"))
    plugins.load(table)
    import listening as old  # type: ignore[import-not-found]

    await plugins.startup(table)
    write("listening", text.format("new"))
    plugins.reload(table)
    await plugins.reloaded(Reloaded(epoch=1, digest="d1", problems=("the handler does not import",)))
    assert old.heard == [("the handler does not import",)]
    await plugins.startup(table)
    await plugins.reloaded(Reloaded(epoch=2, digest="d2"))
    assert old.heard == [("the handler does not import",)]
    assert sys.modules["listening"].heard == [()]


def test_commands_of_plugins_join_the_command_line(write: Write, plugins: Plugins) -> None:
    write(
        "verbs",
        "@hookimpl\ndef routewright_cli(app):\n    @app.command()\n    def greet(): print('hello from a plugin')",
    )
    write("broken", "@hookimpl\ndef routewright_cli(app): raise RuntimeError('no verbs today')")
    plugins.load(a_table(a_route("broken", "verbs")))
    app = typer.Typer()
    with capture_logs() as logs:
        plugins.cli(app)
    assert [log["plugin"] for log in logs] == ["broken"]
    result = CliRunner().invoke(app, ["greet"])
    assert result.output == "hello from a plugin\n"
    assert CliRunner().invoke(app, ["api-key"]).exit_code == 0


def test_the_refusal_reaches_the_gateway_as_it_was_raised(write: Write, hooks: Hooks) -> None:
    write("closed", "@hookimpl\ndef routewright_connect(): raise Refusal('forbidden', 'closed on Mondays')")
    connect = hooks("closed").connect
    assert connect is not None
    with pytest.raises(Refusal, match="closed on Mondays"):
        connect.run(a_session())
