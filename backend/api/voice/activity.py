"""Whether somebody speaks.

Strategy: a window is active where its energy stands out from the noise floor. The floor is the minimum of the smoothed
level over the last `FLOOR_SECONDS`, after R. Martin, "Noise Power Spectral Density Estimation Based on Optimal
Smoothing and Minimum Statistics" (IEEE Trans. Speech and Audio Processing 9(5), 2001), in one band: speech has gaps
within that time and noise has none, so the floor follows the noise even while somebody speaks. What crosses zero as
often as noise does begins no speech (Rabiner and Sambur, "An Algorithm for Determining the Endpoints of Isolated
Utterances", Bell System Technical Journal 54(2), 1975). Speech begins after a few active windows and outlasts the last
one by a hangover, as in ITU-T G.729 Annex B, so that clicks do not begin it and word ends do not end it.

A sound that lasts longer than `FLOOR_SECONDS` without a gap becomes noise: this is no detector of tones.
"""

from collections import deque
from typing import Final

from backend.api.voice.level import Level

WINDOW_SECONDS: Final = 0.02
FLOOR_SECONDS: Final = 1.6
SMOOTHING: Final = 0.6
"""How much of the last window's smoothed level stays in this one's."""

INITIAL_FLOOR: Final = -50.0
"""The floor in dBFS that is assumed until `FLOOR_SECONDS` have been heard, where what was heard is louder."""

QUIET: Final = -55.0
"""Below this level, in dBFS, nothing is taken for speech."""

MARGIN: Final = 9.0
"""Decibels above the floor that make a window active."""

NOISY_CROSSINGS: Final = 0.35
"""Zero-crossing rate from which on a window may go on with speech (as an s does), but not begin it."""

ONSET_WINDOWS: Final = 3
HANGOVER_WINDOWS: Final = 10


class VoiceActivity:
    """The state of one stream; windows of `WINDOW_SECONDS` go in one after another.

    Attributes:
        speech: somebody speaks, as of the last window.
        floor: the noise floor in dBFS.
    """

    __slots__ = ("_active", "_hangover", "_heard", "_smoothed", "floor", "speech")

    def __init__(self) -> None:
        self.speech = False
        self.floor = INITIAL_FLOOR
        self._smoothed: float | None = None
        windows = round(FLOOR_SECONDS / WINDOW_SECONDS)
        self._heard: deque[float] = deque([INITIAL_FLOOR] * windows, maxlen=windows)
        self._active = 0
        self._hangover = 0

    def step(self, level: Level) -> bool:
        """Hear one window; returns `speech`."""
        previous = level.rms if self._smoothed is None else self._smoothed
        self._smoothed = SMOOTHING * previous + (1 - SMOOTHING) * level.rms
        self._heard.append(self._smoothed)
        self.floor = min(self._heard)
        self._active = self._active + 1 if self._stands_out(level) else 0
        if self._active >= (1 if self.speech else ONSET_WINDOWS):
            self.speech = True
            self._hangover = HANGOVER_WINDOWS
        elif self._hangover:
            self._hangover -= 1
        else:
            self.speech = False
        return self.speech

    def _stands_out(self, level: Level) -> bool:
        if level.rms < QUIET or level.rms - self.floor < MARGIN:
            return False
        return self.speech or level.zero_crossing_rate < NOISY_CROSSINGS
