"""How loud a window of audio is, and how often it crosses zero."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SILENCE: Final = -120.0
"""The level of digital silence, in dBFS; no window of 16-bit samples that holds any sound is below it."""


@dataclass(frozen=True, slots=True)
class Level:
    """Measures of one window.

    Attributes:
        rms: root mean square in dBFS: 0 is a constant at full scale, -3.01 a sine of full scale.
        peak: the largest absolute sample in dBFS.
        zero_crossing_rate: the share of neighboring samples of which one is negative and the other not. Voiced speech
            stays below 0.25 or so, white noise has 0.5.
    """

    rms: float
    peak: float
    zero_crossing_rate: float


def measure(windows: NDArray[np.int16]) -> list[Level]:
    """The level of each window; ``windows`` is their number by samples, of which there must be two or more."""
    samples = windows.astype(np.float64) / 32768
    rms = np.sqrt(np.mean(samples * samples, axis=1))
    peak = np.abs(samples).max(axis=1)
    negative = windows < 0
    crossings = np.mean(negative[:, 1:] != negative[:, :-1], axis=1)
    return [
        Level(decibels(float(r)), decibels(float(p)), float(c)) for r, p, c in zip(rms, peak, crossings, strict=True)
    ]


def decibels(amplitude: float) -> float:
    """An amplitude from 0 to 1 in dBFS, `SILENCE` at least."""
    return max(SILENCE, 20 * math.log10(amplitude)) if amplitude > 0 else SILENCE
