"""Reloading: which modules are imported anew, what stays, and what happens when the new code fails."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.hooks import Incoming, PluginError, Plugins, RouteHooks
from routewright.hooks.modules import imported

from .samples import a_route, a_session, a_table

Write = Callable[[str, str], Path]

SAYS = "@hookimpl\ndef routewright_message(): return {}\n"


def said(hooks: RouteHooks) -> bytes | None:
    assert hooks.message is not None
    return hooks.message.run(a_session(), Incoming("t", 1, b""))


def test_an_edit_of_the_same_second_and_size_is_seen(write: Write, plugins: Plugins) -> None:
    route = a_route("plugins.says")
    file = write("plugins.says", SAYS.format("b'old'"))
    status = file.stat()
    plugins.load(a_table(route))
    old = plugins.route(route)
    write("plugins.says", SAYS.format("b'new'"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file.stat().st_size == status.st_size
    assert plugins.reload(a_table(route)) == ("plugins.says",)
    assert said(plugins.route(route)) == b"new"
    assert said(old) == b"old"  # connections of the old epoch keep their chain
    assert not list(file.parent.glob("**/*.pyc"))


def test_byte_code_left_by_others_is_not_used(write: Write, plugins: Plugins) -> None:
    import py_compile

    route = a_route("stale")
    file = write("stale", SAYS.format("b'old'"))
    status = file.stat()
    py_compile.compile(str(file))
    write("stale", SAYS.format("b'new'"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    plugins.load(a_table(route))
    assert said(plugins.route(route)) == b"new"


def test_an_unchanged_plugin_keeps_its_state(write: Write, plugins: Plugins) -> None:
    table = a_table(a_route("kept", "changed"))
    write("kept", "state = []\n" + SAYS.format("None"))
    write("changed", SAYS.format("b'1'"))
    plugins.load(table)
    sys.modules["kept"].state.append(1)
    assert plugins.reload(table) == ()
    write("changed", SAYS.format("b'2'"))
    assert plugins.reload(table) == ("changed",)
    assert sys.modules["kept"].state == [1]
    assert said(plugins.route(table.routes[0])) == b"2"


@pytest.mark.parametrize(
    "statement",
    ["from plugins.deep.words import WORD", "from .deep import words\nWORD = words.WORD", "from .middle import WORD"],
)
def test_a_changed_module_takes_those_with_it_that_import_it(statement: str, write: Write, plugins: Plugins) -> None:
    route = a_route("plugins.says")
    write("plugins.deep.words", "WORD = b'old'")
    write("plugins.middle", "import plugins.deep.words\nWORD = plugins.deep.words.WORD")
    write("plugins.says", f"{statement}\n{SAYS.format('WORD')}")
    plugins.load(a_table(route))
    assert said(plugins.route(route)) == b"old"
    write("plugins.deep.words", "WORD = b'new'")
    assert plugins.reload(a_table(route)) == ("plugins.says",)
    assert said(plugins.route(route)) == b"new"


@pytest.mark.parametrize(
    "broken", ["def (", "1 / 0", "import plugins.new\n1 / 0", "x = 1", "@hookimpl\ndef routewright_x(): ..."]
)
def test_new_code_that_fails_leaves_the_old_in_place(broken: str, write: Write, plugins: Plugins) -> None:
    table = a_table(a_route("plugins.says"))
    write("plugins.new", "")
    write("plugins.helper", "WORD = b'old'")
    write("plugins.says", "from plugins.helper import WORD\n" + SAYS.format("WORD"))
    plugins.load(table)
    hooks, module = plugins.route(table.routes[0]), sys.modules["plugins.says"]
    write("plugins.helper", "WORD = b'new'")
    write("plugins.says", broken)
    for _ in range(2):
        with pytest.raises(PluginError, match="plugin 'plugins"):
            plugins.reload(table)
        assert plugins.route(table.routes[0]) is hooks
        assert sys.modules["plugins.says"] is module
        assert sys.modules["plugins"].says is module
        assert sys.modules["plugins.helper"].WORD == b"old"
        assert "plugins.new" not in sys.modules
    write("plugins.says", "from plugins.helper import WORD\n" + SAYS.format("WORD"))
    plugins.reload(table)
    assert said(plugins.route(table.routes[0])) == b"new"


def test_wrong_settings_on_a_reload_leave_everything_in_place(write: Write, plugins: Plugins) -> None:
    write(
        "even",
        "@hookimpl\ndef routewright_prepare(settings):\n    if settings: raise ValueError('none wanted')\n"
        + SAYS.format("b'1'"),
    )
    route = a_route("even")
    plugins.load(a_table(route))
    with pytest.raises(PluginError, match="none wanted"):
        plugins.reload(a_table(a_route(("even", {"n": 1}))))
    assert said(plugins.route(route)) == b"1"


def test_a_plugin_may_import_late_and_the_project_comes_first(write: Write, plugins: Plugins) -> None:
    write("colorsys", "WORD = b'mine'")
    write("lazy", "@hookimpl\ndef routewright_message():\n    import colorsys\n    return colorsys.WORD")
    sys.modules.pop("colorsys", None)
    table = a_table(a_route("lazy"))
    plugins.load(table)
    assert said(plugins.route(table.routes[0])) == b"mine"


def test_a_second_project_gets_its_own_modules(write: Write, plugins: Plugins, tmp_path: Path) -> None:
    table = a_table(a_route("plugins.says"))
    write("plugins.says", SAYS.format("b'one'"))
    plugins.load(table)
    other = tmp_path / "other"
    (other / "plugins").mkdir(parents=True)
    (other / "plugins" / "says.py").write_text("from routewright.hooks import *\n" + SAYS.format("b'two'"))
    second = Plugins(other)
    second.load(table)
    assert said(second.route(table.routes[0])) == b"two"
    assert said(plugins.route(table.routes[0])) == b"one"
    plugins.reload(table)
    assert said(plugins.route(table.routes[0])) == b"one"


def test_an_installed_module_is_found_by_its_name(
    tmp_path: Path, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "installed_words.py").write_text(
        "from routewright.hooks import *\n" + SAYS.format("b'installed'")
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    table = a_table(a_route("installed_words"))
    plugins.load(table)
    assert said(plugins.route(table.routes[0])) == b"installed"


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_can_be_searched_for_imports(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.py"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    assert {"a", "a.b"} <= imported("a.b.c", file)
