"""Policies in words, as ``routes`` and ``explain`` print them."""

from typing import Any

import pytest

from routewright.cli.policies import policies
from routewright.table import Balance, Batch, Cache, CircuitBreaker, Delivery, Limits, MessageType, Retry, Route


def a_route(**fields: Any) -> Route:
    return Route(name="a", path="/ws/a", handler="a", digest="", contract="", **fields)


@pytest.mark.parametrize(
    ("fields", "key", "words"),
    [
        ({"circuit_breaker": None}, "circuitBreaker", "off"),
        ({}, "circuitBreaker", "5 in a row, open 30s, 3 trials"),
        (
            {"circuit_breaker": CircuitBreaker(consecutive_failures=None, failure_rate=0.5, half_open_calls=1)},
            "circuitBreaker",
            "50% of 20 in 60s, open 30s, 1 trial",
        ),
        (
            {"circuit_breaker": CircuitBreaker(failure_rate=0.25, open_for=2.5)},
            "circuitBreaker",
            "5 in a row or 25% of 20 in 60s, open 2.5s, 3 trials",
        ),
        (
            {"circuit_breaker": CircuitBreaker(consecutive_failures=None)},
            "circuitBreaker",
            "by hand, open 30s, 3 trials",
        ),
        ({"delivery": Delivery(window=60, messages=50)}, "delivery", "50 frames, 1MiB or 60s"),
        ({"delivery": None}, "delivery", "off"),
        ({"batch": Batch(frames=8)}, "batch", "8 frames or 64KiB"),
        ({"batch": None}, "batch", "off"),
        ({"retry": Retry(attempts=4)}, "retry", "4 attempts, pauses from 0.1s to 2s"),
        (
            {"limits": Limits(connections=9, bulkhead=200)},
            "limits",
            "message 64KiB, 64 in flight, 9 connections, bulkhead 200",
        ),
        ({"balance": Balance(policy="hash", key="payload.id")}, "balance", "hash by payload.id"),
        (
            {"messages": (MessageType(name="ask", cache=Cache(stale_for=60, vary=())),)},
            "cache",
            "ask 10s and 60s stale, 1000 entries for everybody",
        ),
    ],
)
def test_a_policy_in_words(fields: dict[str, Any], key: str, words: str) -> None:
    assert policies(a_route(**fields))[key] == words


def test_what_is_off_by_default_is_left_out() -> None:
    kept = ["rateLimit", "limits", "timeout", "circuitBreaker", "slowConsumer"]
    assert list(policies(a_route())) == [*kept, "delivery", "batch"]
    assert list(policies(a_route(framing="raw"))) == list(policies(a_route(source="proxy"))) == kept
