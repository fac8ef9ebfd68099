"""Durations, sizes and rates as a spec writes them."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_AMOUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)([A-Za-z]+)")
_RATE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)/(s|m|h)")


def seconds(text: str) -> float | None:
    """``"250ms"`` -> 0.25; ``None`` where the text is no duration."""
    amount = _amount(text, _SECONDS)
    return None if amount is None else round(amount, 9)


def size(text: str) -> int | None:
    """``"64KiB"`` -> 65536 bytes, rounded down; ``None`` where the text is no size."""
    amount = _amount(text, _BYTES)
    return None if amount is None else int(amount)


def rate(text: str) -> float | None:
    """``"30/m"`` -> 0.5 a second; ``None`` where the text is no rate."""
    found = _RATE.fullmatch(text)
    return float(found[1]) / _SECONDS[found[2]] if found else None


def _amount(text: str, units: dict[str, float] | dict[str, int]) -> float | None:
    found = _AMOUNT.fullmatch(text)
    if found is None or found[2] not in units:
        return None
    return float(found[1]) * units[found[2]]
