"""The example package, installed as users do, and entry points in general."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from routewright.hooks import Incoming, PluginError, Plugins, Principal, Refusal

from .samples import a_route, a_session, a_table

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the example package is installed in."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    shutil.copytree(EXAMPLE, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    offline = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    subprocess.run([*pip, "--target", str(folder / "site"), str(source)], check=True, env=offline)
    return folder / "site"


@pytest.fixture
def site(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(installed)
    return installed


async def test_the_example_is_found_by_its_entry_point(site: Path, plugins: Plugins, tmp_path: Path) -> None:
    (tmp_path / "moderators.txt").write_text("ada\ngrace\n")
    route = a_route(("slow_mode", {"seconds": 2, "exempt": str(tmp_path / "moderators.txt")}))
    plugins.load(a_table(route))
    import routewright_slow_mode as plugin  # type: ignore[import-not-found]

    assert Path(plugin.__file__).parent == site
    time = [100.0]
    plugin.clock = lambda: time[0]
    hooks = plugins.route(route)
    assert hooks.message is not None
    assert hooks.connect is not None
    assert (hooks.message.sync, hooks.connect.sync) == (True, False)

    client = a_session(route, principal=Principal(id="bob"))
    await hooks.connect.run_async(client)
    assert hooks.message.run(client, Incoming("say", 1, b"{}")) is None
    time[0] += 0.5
    with pytest.raises(Refusal) as refusal:
        hooks.message.run(client, Incoming("say", 2, b"{}"))
    assert (refusal.value.code, refusal.value.retry_after) == ("rate_limited", 1.5)
    time[0] += 1.5
    assert hooks.message.run(client, Incoming("say", 3, b"{}")) is None

    moderator = a_session(route, principal=Principal(id="ada"))
    await hooks.connect.run_async(moderator)
    for id in range(3):
        assert hooks.message.run(moderator, Incoming("say", id, b"{}")) is None


def test_its_settings_are_checked(site: Path, plugins: Plugins) -> None:
    with pytest.raises(PluginError, match=r"plugin 'slow_mode': settings\.seconds"):
        plugins.load(a_table(a_route(("slow_mode", {"seconds": 0}))))


def test_the_source_has_no_leftovers_of_a_build() -> None:
    assert sorted(file.name for file in EXAMPLE.iterdir() if file.name != "__pycache__") == [
        "README.md",
        "pyproject.toml",
        "routewright_slow_mode.py",
    ]


Package = Callable[..., None]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Install a package of one module by hand."""
    site = tmp_path / "packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def package(name: str, text: str, entry: str, target: str = "") -> None:
        (site / f"{name}.py").write_text(f"from routewright.hooks import *\n{text}")
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[routewright]\n{entry} = {name}{target}\n")

    return package


REPLIES = "@hookimpl\ndef routewright_message(): return b'{}'\n"


async def test_an_installed_plugin_hears_of_reloads_though_no_route_names_it(
    package: Package, plugins: Plugins
) -> None:
    package("onlooker", "started = []\n@hookimpl\ndef routewright_startup(table): started.append(table.digest)", "on")
    table = a_table(a_route())
    plugins.load(table)
    await plugins.startup(table)
    import onlooker  # type: ignore[import-not-found]

    assert onlooker.started == ["d1"]
    assert plugins.route(table.routes[0]).chains() == []


def test_a_broken_package_stops_only_those_who_name_it(package: Package, plugins: Plugins) -> None:
    package("broken_package", "1 / 0", "broken")
    with capture_logs() as logs:
        plugins.load(a_table(a_route()))
    assert [log["plugin"] for log in logs] == ["broken"]
    with pytest.raises(PluginError, match=r"broken_package.py:2: ZeroDivisionError.*see to the package broken_package"):
        plugins.load(a_table(a_route("broken")))


def test_two_packages_cannot_offer_one_name(package: Package, plugins: Plugins) -> None:
    package("first_words", REPLIES.format("1"), "words")
    package("second_words", REPLIES.format("2"), "words")
    with pytest.raises(PluginError, match="'words' is offered by first_words and second_words: uninstall one"):
        plugins.load(a_table(a_route("words")))
    with capture_logs() as logs:
        plugins.load(a_table(a_route()))
    assert [log["plugin"] for log in logs] == ["words"]


def test_no_package_takes_the_name_of_a_built_in_plugin(package: Package, plugins: Plugins) -> None:
    package("impostor", REPLIES, "audit")
    table = a_table(a_route("audit"))
    plugins.load(table)
    assert plugins.route(table.routes[0]).reply is not None
    assert "impostor" not in sys.modules


def test_an_instance_may_be_a_plugin_and_a_class_not(package: Package, plugins: Plugins) -> None:
    text = "class Words:\n    @hookimpl\n    def routewright_message(self, message): return b'w' + message.frame\n"
    package("instance_words", f"{text}words = Words()", "instance", ":words")
    package("class_words", text, "class", ":Words")
    route = a_route("instance")
    with capture_logs() as logs:
        plugins.load(a_table(route))
    assert [log["plugin"] for log in logs] == ["class"]
    message = plugins.route(route).message
    assert message is not None
    assert message.run(a_session(), Incoming("t", 1, b"!")) == b"w!"
    with pytest.raises(PluginError, match="'class' is the class Words: name an instance"):
        plugins.load(a_table(a_route("class")))


def test_one_plugin_may_go_by_two_names(package: Package, plugins: Plugins) -> None:
    package("twice_words", REPLIES, "words")
    route = a_route("words", "twice_words")
    plugins.load(a_table(route))
    message = plugins.route(route).message
    assert message is not None
    assert message.plugins == ("words", "twice_words")
    assert plugins.names() == ("words",)


def test_the_wheel_of_the_example_holds_only_its_module(installed: Path) -> None:
    assert sorted(file.name for file in installed.glob("*.py")) == ["routewright_slow_mode.py"]
