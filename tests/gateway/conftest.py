"""A project on disk for each module of tests, served once for all of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

import pytest

from tests.served import Project, Served, serving

Serve: TypeAlias = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Serve a spec with its modules (name of a file -> text) for the length of a block."""

    @contextmanager
    def serve(spec: dict[str, Any], files: dict[str, str], *flags: str, **environment: str) -> Iterator[Served]:
        project = Project(tmp_path_factory.mktemp("project"))
        for name, text in files.items():
            project.write(name, text)
        project.spec(spec)
        with serving(project, "--no-watch", *flags, environment=environment) as served:
            yield served

    return serve
