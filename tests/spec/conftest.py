"""Specs written to a folder of their own, and checked there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from routewright.spec import Checked, check
from routewright.spec.model import Message, Shape, Spec

Written = dict[str, Any] | str | bytes
Check = Callable[..., Checked]


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """``checked(spec, **files)``: check a spec, given as JSON value, text or bytes, with other files beside it."""
    monkeypatch.chdir(tmp_path)

    def run(spec: Written, **files: Written) -> Checked:
        for name, content in {"websocket-routes": spec, **files}.items():
            data = content if isinstance(content, str | bytes) else json.dumps(content, indent=2)
            path = Path(f"{name}.json")
            path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
        return check(Path("websocket-routes.json"))

    return run


@pytest.fixture
def valid(checked: Check) -> Callable[..., Spec]:
    """``valid(spec, **files)``: the resolved spec, which must have no errors."""

    def run(spec: Written, **files: Written) -> Spec:
        result = checked(spec, **files)
        assert result.errors == ()
        assert result.spec is not None
        return result.spec

    return run


@pytest.fixture
def message(valid: Callable[..., Spec]) -> Callable[..., Message]:
    """``message(payload, schemas={...}, **files)``: a valid route's one message with this payload."""

    def run(payload: Any, schemas: dict[str, Any] | None = None, **files: Written) -> Message:
        spec = valid(with_payload(payload, schemas), **files)
        return spec.routes[0].messages[0]

    return run


@pytest.fixture
def shape(message: Callable[..., Message]) -> Callable[..., Shape]:
    """The shape of a payload; see ``message``."""

    def run(payload: Any, schemas: dict[str, Any] | None = None, **files: Written) -> Shape:
        found = message(payload, schemas, **files).payload
        assert found is not None
        return found

    return run


@pytest.fixture
def codes(checked: Check) -> Callable[..., list[str]]:
    """The codes of the errors of a payload; see ``message``."""

    def run(payload: Any, schemas: dict[str, Any] | None = None, **files: Written) -> list[str]:
        return [problem.code for problem in checked(with_payload(payload, schemas), **files).errors]

    return run


def with_payload(payload: Any, schemas: dict[str, Any] | None = None) -> dict[str, Any]:
    """A spec whose one message ``look`` has this payload."""
    spec: dict[str, Any] = {
        "routes": [{"path": "/ws/vision", "pythonModule": "vision", "messages": {"look": {"payload": payload}}}]
    }
    return {"components": {"schemas": schemas}, **spec} if schemas is not None else spec
