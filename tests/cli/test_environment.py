"""Flags > environment > spec."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from routewright.cli.environment import overrides, settings
from routewright.table import Admin, Settings
from routewright.table.overrides import OverrideError

PORTS = st.integers(0, 65535)


@given(spec=PORTS, variable=st.none() | PORTS, named=st.none() | PORTS, flag=st.none() | PORTS)
@bounded(max_examples=100, deadline=None)
def test_the_first_that_is_given_holds(spec: int, variable: int | None, named: int | None, flag: int | None) -> None:
    environ = {
        "ROUTEWRIGHT_PORT": "" if variable is None else str(variable),
        "WEBSOCKET_PORT": "" if named is None else str(named),
    }
    expected = next(port for port in (flag, variable, named, spec) if port is not None)
    assert settings(Settings(port=spec), {"port": flag}, environ).port == expected


def test_what_is_not_given_stays() -> None:
    spec = Settings(host="10.0.0.1", admin=Admin(port=9, token_env="TOKEN"))
    flags: dict[str, Any] = {"host": None, "admin.port": 10}
    changed = settings(spec, flags, {"HOME": "/", "ROUTEWRIGHT_ADMIN_HOST": "::1"})
    assert changed == Settings(host="10.0.0.1", admin=Admin(host="::1", port=10, token_env="TOKEN"))


def test_a_wrong_variable_is_an_error_even_under_a_flag() -> None:
    with pytest.raises(OverrideError, match="ROUTEWRIGHT_PORT is 'x': expected a port"):
        overrides({"port": 1}, {"ROUTEWRIGHT_PORT": "x"})
