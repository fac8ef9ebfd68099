"""Flags and environment variables, laid over what the spec says of the gateway: flags > environment > spec."""

from collections.abc import Mapping
from typing import Any

from routewright.table import Settings
from routewright.table.overrides import apply, from_environment


def overrides(flags: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What to change of the spec's settings, by key (``admin.port``); a flag that is ``None`` was not given.

    Raises:
        routewright.table.overrides.OverrideError: a variable's value is not what it expects.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    return from_environment(environ) | given


def settings(spec: Settings, flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The settings that hold.

    Raises:
        routewright.table.overrides.OverrideError: see `overrides`.
    """
    return apply(spec, overrides(flags, environ))
