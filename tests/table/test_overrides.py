"""Overrides: what flags and variables may change of a compiled table."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.table import Limits, Route, Settings, Table, Tls
from routewright.table.overrides import (
    DURATION,
    SETTINGS,
    SIZE,
    VARIABLES,
    OverrideError,
    apply,
    apply_to_table,
    from_environment,
    variable,
)

TEXTS = {
    "host": "::1",
    "port": "9001",
    "admin.host": "127.0.0.2",
    "admin.port": "0",
    "admin.tokenEnv": "OPERATOR_TOKEN",
    "allowedOrigins": "https://a.example, https://b.example",
    "trustedProxies": "10.0.0.0/8",
    "limits.connections": "500",
    "limits.connectionsPerAddress": "7",
    "limits.handshake": "2500ms",
    "limits.messageBytes": "1MiB",
    "tls.certificate": "cert.pem",
    "tls.key": "key.pem",
    "heartbeat": "10s",
    "drainSeconds": "2m",
    "dynamicRouting": "yes",
    "fuzzy.mode": "redirect",
    "fuzzy.threshold": "0.75",
    "bridge.endpoint": "tcp://10.0.0.1:8003",
    "bridge.publicKey": "K" * 40,
    "bridge.secretKeyEnv": "BRIDGE_SECRET",
    "bridge.clientKeys": "one,two",
}


def a_table(**changes: Any) -> Table:
    route = Route(name="a", path="/a", handler="a", digest="d", contract="c")
    return Table(digest="d", routes=(route,), pools=(), **changes)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, type) and issubclass(value, msgspec.Struct):
        return [leaf for field in msgspec.structs.fields(value) for leaf in leaves(field.type, (*path, field.name))]
    if value == Tls | None:
        return leaves(Tls, path)
    return [path]


def test_every_setting_can_be_overridden() -> None:
    assert sorted(setting.field for setting in SETTINGS.values()) == sorted(leaves(Settings))
    assert TEXTS.keys() == SETTINGS.keys()


def test_a_variable_is_named_by_the_keys() -> None:
    assert variable("port") == "ROUTEWRIGHT_PORT"
    assert variable("admin.tokenEnv") == "ROUTEWRIGHT_ADMIN_TOKEN_ENV"
    assert variable("limits.connectionsPerAddress") == "ROUTEWRIGHT_LIMITS_CONNECTIONS_PER_ADDRESS"
    assert variable("drainSeconds") == "ROUTEWRIGHT_DRAIN_SECONDS"


def test_every_variable_reaches_its_setting() -> None:
    environ = {variable(key): text for key, text in TEXTS.items()}
    changed = apply(Settings(), from_environment(environ))
    assert (changed.host, changed.port, changed.drain) == ("::1", 9001, 120.0)
    assert (changed.admin.host, changed.admin.port, changed.admin.token_env) == ("127.0.0.2", 0, "OPERATOR_TOKEN")
    assert changed.allowed_origins == ("https://a.example", "https://b.example")
    assert changed.trusted_proxies == ("10.0.0.0/8",)
    limits = changed.limits
    assert (limits.connections, limits.connections_per_address) == (500, 7)
    assert (limits.handshake, limits.message_bytes) == (2.5, 1024**2)
    assert changed.tls == Tls(certificate="cert.pem", key="key.pem")
    assert (changed.bridge.endpoint, changed.bridge.public_key) == ("tcp://10.0.0.1:8003", "K" * 40)
    assert (changed.bridge.secret_key_env, changed.bridge.client_keys) == ("BRIDGE_SECRET", ("one", "two"))


def test_an_empty_variable_is_unset() -> None:
    assert from_environment(dict.fromkeys(VARIABLES, "")) == {}
    assert from_environment(dict.fromkeys(VARIABLES, "  ")) == {}


def test_the_longer_name_of_a_setting_holds() -> None:
    assert from_environment({"WEBSOCKET_PORT": "1"}) == {"port": 1}
    assert from_environment({"WEBSOCKET_PORT": "1", "ROUTEWRIGHT_PORT": "2"}) == {"port": 2}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("WEBSOCKET_PORT", "http", "a port from 0 to 65535"),
        ("ROUTEWRIGHT_ADMIN_PORT", "65536", "a port from 0 to 65535"),
        ("ROUTEWRIGHT_PORT", "-1", "a port from 0 to 65535"),
        ("ROUTEWRIGHT_LIMITS_CONNECTIONS", "0", "a whole number above 0"),
        ("ROUTEWRIGHT_LIMITS_HANDSHAKE", "ten", "a duration"),
        ("ROUTEWRIGHT_LIMITS_HANDSHAKE", "10 days", "a duration"),
        ("ROUTEWRIGHT_LIMITS_MESSAGE_BYTES", "64 kilobytes", "a size"),
        ("ROUTEWRIGHT_LIMITS_MESSAGE_BYTES", "0", "a size"),
        ("ROUTEWRIGHT_ALLOWED_ORIGINS", "https://a.example,", "a list with commas"),
        ("ENABLE_RATE_LIMIT", "maybe", "true or false"),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected(name: str, text: str, expected: str) -> None:
    with pytest.raises(OverrideError) as caught:
        from_environment({name: text})
    assert str(caught.value).startswith(f"{name} is {text!r}: expected {expected}")


def test_a_certificate_wants_its_key() -> None:
    with pytest.raises(OverrideError, match="set ROUTEWRIGHT_TLS_KEY too"):
        apply(Settings(), {"tls.certificate": "a.pem"})
    spec = Settings(tls=Tls(certificate="a.pem", key="b.pem"))
    assert apply(spec, {"tls.certificate": "c.pem"}).tls == Tls(certificate="c.pem", key="b.pem")


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(OverrideError, match="'prot' is no setting"):
        apply(Settings(), {"prot": 1})


def test_the_rate_limit_can_be_turned_off_but_not_on() -> None:
    table = a_table()
    assert apply_to_table(table, from_environment({"ENABLE_RATE_LIMIT": "false"})).routes[0].rate_limit is None
    assert apply_to_table(table, from_environment({"ENABLE_RATE_LIMIT": "1"})) == table


def test_routes_without_a_message_limit_of_their_own_follow_the_gateway_s() -> None:
    table = a_table()
    own = msgspec.structs.replace(table.routes[0], name="own", limits=Limits(message_bytes=1024))
    table = msgspec.structs.replace(table, routes=(*table.routes, own))
    changed = apply_to_table(table, from_environment({"ROUTEWRIGHT_LIMITS_MESSAGE_BYTES": "1MiB"}))
    assert [route.limits.message_bytes for route in changed.routes] == [1024**2, 1024]


@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.text(max_size=12)))
@settings(max_examples=200, deadline=None)
def test_any_environment_gives_settings_or_an_error_that_names_the_variable(environ: dict[str, str]) -> None:
    problem = ""
    changed = a_table()
    try:
        changed = apply_to_table(changed, from_environment(environ))
    except OverrideError as error:
        problem = str(error)
    assert not problem or problem.startswith((*environ, "tls."))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(changed.settings), type=Settings) == changed.settings


@given(st.sets(st.sampled_from(sorted(TEXTS))))
@settings(max_examples=100, deadline=None)
def test_only_what_is_overridden_changes(keys: set[str]) -> None:
    spec = Settings(tls=Tls(certificate="spec.pem", key="spec.key"))
    changed = apply(spec, from_environment({variable(key): TEXTS[key] for key in keys}))
    for key, setting in SETTINGS.items():
        before: Any = spec
        after: Any = changed
        for name in setting.field:
            before, after = getattr(before, name), getattr(after, name)
        assert (before == after) == (key not in keys)


@given(st.integers(1, 10**6), st.sampled_from([("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]))
@settings(max_examples=50, deadline=None)
def test_durations_are_seconds(number: int, unit: tuple[str, float]) -> None:
    assert DURATION.parse(f"{number}{unit[0]}") == pytest.approx(number * unit[1])


@given(st.integers(1, 10**6), st.sampled_from([("", 1), ("B", 1), ("KiB", 1024), ("MiB", 1024**2), ("MB", 10**6)]))
@settings(max_examples=50, deadline=None)
def test_sizes_are_bytes(number: int, unit: tuple[str, int]) -> None:
    assert SIZE.parse(f"{number}{unit[0]}") == number * unit[1]


def proxied(handler: str) -> Table:
    route = Route(name="a", path="/ws/{a}", source="proxy", handler=handler, digest="d", contract="c")
    return Table(digest="d", routes=(route,), pools=())


def test_a_proxy_that_names_no_upstream_leads_to_the_backend() -> None:
    for url in ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/"):
        changed = apply_to_table(proxied(""), from_environment({"PYTHON_BACKEND_URL": url}))
        assert changed.routes[0].handler == "ws://127.0.0.1:8000/ws/{a}"
    named = apply_to_table(proxied("wss://x/y"), from_environment({"PYTHON_BACKEND_URL": "https://b.example/api"}))
    assert named.routes[0].handler == "wss://x/y"
    with pytest.raises(OverrideError, match="route 'a' has no upstream: set PYTHON_BACKEND_URL"):
        apply_to_table(proxied(""), {})


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://a", "http://a@b", "http://a/{x}", "http://a:0", "http://a?b"])
def test_a_backend_is_a_url_without_more(url: str) -> None:
    with pytest.raises(OverrideError, match=r'PYTHON_BACKEND_URL is .* expected a URL such as "http'):
        from_environment({"PYTHON_BACKEND_URL": url})
