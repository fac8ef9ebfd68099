"""Whose address counts behind proxies."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from routewright.gateway.addresses import forwarded_for, is_loopback, trusted

PROXIES = ("10.0.0.0/8", "::1")


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ([], "10.0.0.1"),
        (["192.0.2.7"], "192.0.2.7"),
        (["203.0.113.9, 192.0.2.7"], "192.0.2.7"),
        (["203.0.113.9", "192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.1"),
        (["192.0.2.7, nonsense"], "10.0.0.1"),
        (["nonsense, 192.0.2.7, ,"], "192.0.2.7"),
        (["2001:DB8:0::1, ::1"], "2001:db8::1"),
    ],
)
def test_the_last_address_that_no_trusted_proxy_has_added_counts(headers: list[str], address: str) -> None:
    request = make_mocked_request("GET", "/", CIMultiDict(("X-Forwarded-For", each) for each in headers))
    assert forwarded_for(request, "10.0.0.1", PROXIES) == address


def test_proxies_are_addresses_and_networks() -> None:
    assert trusted("10.9.9.9", PROXIES)
    assert trusted("::1", PROXIES)
    assert not trusted("11.0.0.1", PROXIES)
    assert not trusted("local", PROXIES)


def test_what_is_this_machine_alone() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.0.2.7", "example.com", "")))
