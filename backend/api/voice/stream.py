"""A stream of PCM bytes, cut into windows and reported on.

Strategy: bytes come in pieces of any length, odd ones too; what does not fill a window waits for the next piece. A
report's time is that of the stream, counted in samples, not that of a clock.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.api.voice.activity import WINDOW_SECONDS, VoiceActivity
from backend.api.voice.level import Level, measure

SAMPLE_RATE: Final = 16_000
WINDOW_SAMPLES: Final = round(SAMPLE_RATE * WINDOW_SECONDS)
_WINDOW_BYTES: Final = WINDOW_SAMPLES * 2


@dataclass(frozen=True, slots=True)
class Report:
    """What one window of 20 ms held.

    Attributes:
        sequence: its number in the stream, beginning with 0.
        time: where it begins, in seconds from the stream's beginning.
        floor: the noise floor in dBFS.
    """

    sequence: int
    time: float
    level: Level
    floor: float
    speech: bool


class VoiceStream:
    """One stream of 16 kHz mono audio, signed 16-bit little-endian."""

    __slots__ = ("_activity", "_carried", "_sequence")

    def __init__(self) -> None:
        self._activity = VoiceActivity()
        self._carried = b""
        self._sequence = 0

    def feed(self, data: bytes) -> list[Report]:
        """A report for each window that these bytes complete."""
        data = self._carried + data
        whole = len(data) - len(data) % _WINDOW_BYTES
        self._carried = data[whole:]
        if not whole:
            return []
        windows = np.frombuffer(data, dtype="<i2", count=whole // 2).reshape(-1, WINDOW_SAMPLES)
        return [self._report(level) for level in measure(windows)]

    def _report(self, level: Level) -> Report:
        sequence = self._sequence
        self._sequence += 1
        speech = self._activity.step(level)
        return Report(sequence, sequence * WINDOW_SAMPLES / SAMPLE_RATE, level, self._activity.floor, speech)
