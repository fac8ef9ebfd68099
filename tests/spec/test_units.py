"""Durations, sizes and rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routewright.spec import units


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("10s", 10.0), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600.0), ("0s", 0.0)]
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert units.seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("512B", 512), ("64KiB", 65536), ("1.5KiB", 1536), ("1KB", 1000), ("2MiB", 2**21), ("1GB", 10**9)],
)
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert units.size(text) == size


@pytest.mark.parametrize(("text", "rate"), [("100/s", 100.0), ("30/m", 0.5), ("36/h", 0.01), ("0.5/s", 0.5)])
def test_rates_are_per_second(text: str, rate: float) -> None:
    assert units.rate(text) == rate


@pytest.mark.parametrize("text", ["", "10", "s", "10 s", "-1s", "1e3s", "10S", "10s\n", "١s", "1/2/s", "10/d", "64kib"])
def test_whatever_else_is_none(text: str) -> None:
    assert units.seconds(text) is units.size(text) is units.rate(text) is None


@given(number=st.integers(0, 10**6))
def test_units_are_multiples_of_each_other(number: int) -> None:
    assert units.seconds(f"{number}m") == units.seconds(f"{number * 60}s")
    assert units.size(f"{number}KiB") == units.size(f"{number * 1024}B")
    assert units.rate(f"{number * 60}/m") == pytest.approx(units.rate(f"{number}/s"))
