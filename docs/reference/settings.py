"""The page of settings: every environment variable, what it overrides and what it expects."""

from collections.abc import Iterable

from docs.reference.table import note, table
from routewright.table import Settings
from routewright.table.overrides import BACKEND, NAMED, RATE_LIMIT, SETTINGS, Kind, variable

_MEANINGS = {
    RATE_LIMIT: "`false` switches the rate limit of every route off",
    BACKEND: "where the upstreams of `proxy` routes are that name none",
}


def settings() -> Iterable[str]:
    """The parts of the page."""
    yield (
        "Flags come before environment variables, variables before the spec's `gateway` key, and that before the "
        "defaults. An empty variable is unset."
    )
    rows = [
        (f"`{variable(key)}`", f"`gateway.{key}`", _default(setting.field), note(setting.kind.expected))
        for key, setting in SETTINGS.items()
    ]
    yield table(("variable", "key of the spec", "default", "expects"), rows)
    yield "Further names:"
    yield table(("variable", "meaning", "expects"), [_named(name, *what) for name, what in NAMED.items()])


def _named(name: str, key: str, kind: Kind) -> tuple[str, str, str]:
    meaning = _MEANINGS.get(key, f"another name for `{variable(key)}`, which comes before it")
    return f"`{name}`", meaning, note(kind.expected)


def _default(field: tuple[str, ...]) -> str:
    value: object = Settings()
    for name in field:
        value = getattr(value, name, None)
    if value is None or value == ():
        return ""
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
