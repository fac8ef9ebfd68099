"""A project folder with plugin modules, and the plugins of it."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from routewright.hooks import Plugins, RouteHooks

from .samples import Listed, a_route, a_table


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def write(project: Path) -> Callable[[str, str], Path]:
    """Write a module of the project, given by its dotted name: ``import`` of the hooks' names is put before it."""

    def write(module: str, text: str) -> Path:
        file = project / f"{module.replace('.', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"from routewright.hooks import *\n{text}")
        return file

    return write


@pytest.fixture
def plugins(project: Path) -> Iterator[Plugins]:
    before = set(sys.modules)
    plugins = Plugins(project)
    yield plugins
    asyncio.run(plugins.shutdown())
    for name in set(sys.modules) - before:
        if not name.startswith("routewright."):
            del sys.modules[name]


@pytest.fixture
def hooks(plugins: Plugins) -> Callable[..., RouteHooks]:
    """The chains of a route with these plugins."""

    def hooks(*middleware: Listed) -> RouteHooks:
        route = a_route(*middleware)
        plugins.load(a_table(route))
        return plugins.route(route)

    return hooks
