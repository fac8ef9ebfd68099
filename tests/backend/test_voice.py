"""Levels and voice activity of signals that are known for what they are."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from backend.api.voice.activity import FLOOR_SECONDS, HANGOVER_WINDOWS, ONSET_WINDOWS, VoiceActivity
from backend.api.voice.level import SILENCE, Level, decibels, measure
from backend.api.voice.stream import SAMPLE_RATE, WINDOW_SAMPLES, Report, VoiceStream

Signal = NDArray[np.float64]

WINDOWS_A_SECOND = SAMPLE_RATE // WINDOW_SAMPLES


def time(seconds: float) -> Signal:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def noise(seconds: float, level: float, seed: int = 1) -> Signal:
    """White noise of a level in dBFS."""
    return np.random.default_rng(seed).normal(0, 10 ** (level / 20), len(time(seconds)))


def voiced(seconds: float, amplitude: float = 0.3) -> Signal:
    """A vowel's harmonics on 140 Hz, four syllables a second with a gap after each."""
    t = time(seconds)
    sound = sum(np.sin(2 * np.pi * 140 * n * t) / n for n in range(1, 6))
    return amplitude * sound * np.clip(np.sin(2 * np.pi * 4 * t), 0, None)


def pcm(signal: Signal) -> bytes:
    return (np.clip(signal, -1, 1) * 32767).astype("<i2").tobytes()


def hear(*parts: Signal) -> list[Report]:
    return VoiceStream().feed(pcm(np.concatenate(parts)))


def share(reports: list[Report]) -> float:
    """How much of the time there is speech."""
    return sum(report.speech for report in reports) / len(reports)


def test_levels_of_known_signals() -> None:
    t = time(WINDOW_SAMPLES / SAMPLE_RATE)
    rows = [
        np.zeros_like(t),
        np.sin(2 * np.pi * 1000 * t + 0.1),
        np.full_like(t, -0.5),
        np.tile([0.5, -0.5], len(t) // 2),
    ]
    silence, sine, constant, square = measure(np.stack([np.frombuffer(pcm(row), "<i2") for row in rows]))
    assert silence == Level(SILENCE, SILENCE, 0.0)
    assert sine.rms == pytest.approx(-3.01, abs=0.01)
    assert sine.peak == pytest.approx(0.0, abs=0.05)
    assert sine.zero_crossing_rate == pytest.approx(2000 / SAMPLE_RATE, abs=0.004)
    assert constant.rms == pytest.approx(-6.02, abs=0.01)
    assert constant.zero_crossing_rate == 0.0
    assert square.zero_crossing_rate == 1.0


def test_the_lowest_sample_is_full_scale() -> None:
    (level,) = measure(np.full((1, WINDOW_SAMPLES), -32768, np.int16))
    assert (level.rms, level.peak) == (0.0, 0.0)
    assert decibels(0.0) == SILENCE


def test_silence_is_no_speech() -> None:
    assert share(hear(np.zeros_like(time(3)))) == 0.0


@pytest.mark.parametrize("level", [-70, -50, -40, -30, -20])
def test_steady_noise_is_no_speech(level: float) -> None:
    reports = hear(noise(5, level))
    assert share(reports) == 0.0
    assert reports[-1].floor == pytest.approx(level, abs=3)


@pytest.mark.parametrize("level", [-80, -60, -45, -38])
def test_speech_is_found_in_noise(level: float) -> None:
    reports = hear(noise(2, level), noise(3, level, seed=2) + voiced(3), noise(2, level, seed=3))
    before, during, after = (
        reports[: 2 * WINDOWS_A_SECOND],
        reports[2 * WINDOWS_A_SECOND + 10 : 5 * WINDOWS_A_SECOND],
        reports[5 * WINDOWS_A_SECOND + HANGOVER_WINDOWS + 1 :],
    )
    assert share(before) == 0.0
    assert share(during) > 0.9
    assert share(after) == 0.0


def test_an_unvoiced_sound_goes_on_with_speech_and_does_not_begin_it() -> None:
    hiss = noise(0.3, -25)
    pause = noise(2, -70)
    reports = hear(pause, hiss, pause, voiced(0.125), hiss, pause)
    alone = reports[2 * WINDOWS_A_SECOND : 4 * WINDOWS_A_SECOND]
    within = reports[round(4.45 * WINDOWS_A_SECOND) : round(4.7 * WINDOWS_A_SECOND)]
    assert share(alone) == 0.0
    assert share(within) == 1.0


def test_speech_at_the_very_beginning_is_found() -> None:
    assert share(hear(voiced(2))[10:]) > 0.9


def test_a_click_is_no_speech() -> None:
    click = np.zeros_like(time(2))
    click[16000 : 16000 + 2 * WINDOW_SAMPLES] = 0.9
    assert share(hear(click)) == 0.0


def test_a_hum_that_does_not_end_becomes_noise() -> None:
    reports = hear(0.1 * np.sin(2 * np.pi * 100 * time(4)))
    assert reports[20].speech
    assert not any(report.speech for report in reports[round((FLOOR_SECONDS + 0.5) * WINDOWS_A_SECOND) :])


def test_speech_begins_after_the_onset_and_outlasts_its_end_by_the_hangover() -> None:
    activity = VoiceActivity()
    loud, quiet = Level(-20.0, -15.0, 0.1), Level(-80.0, -75.0, 0.1)
    heard = [activity.step(level) for level in [loud] * 10 + [quiet] * 20]
    begin = ONSET_WINDOWS - 1
    assert heard == [False] * begin + [True] * (10 - begin + HANGOVER_WINDOWS) + [False] * (20 - HANGOVER_WINDOWS)


def test_sequence_and_time_go_on() -> None:
    stream = VoiceStream()
    first = stream.feed(bytes(2 * WINDOW_SAMPLES * 3 + 1))
    second = stream.feed(bytes(2 * WINDOW_SAMPLES - 1))
    assert [(report.sequence, report.time) for report in first + second] == [(0, 0), (1, 0.02), (2, 0.04), (3, 0.06)]
    assert stream.feed(b"") == []


@given(st.binary(max_size=6000), st.lists(st.integers(0, 6000), max_size=8))
@settings(max_examples=100, deadline=None)
def test_reports_do_not_depend_on_how_the_bytes_are_cut(data: bytes, cuts: list[int]) -> None:
    stream = VoiceStream()
    places = [0, *sorted(cuts), len(data)]
    pieces = [report for start, end in pairwise(places) for report in stream.feed(data[start:end])]
    assert pieces == VoiceStream().feed(data)
    assert len(pieces) == len(data) // (2 * WINDOW_SAMPLES)
    for report in pieces:
        assert SILENCE <= report.level.rms <= report.level.peak + 1e-9 <= 1e-9
        assert 0 <= report.level.zero_crossing_rate <= 1


@given(st.lists(st.floats(SILENCE, 0), max_size=400))
@settings(max_examples=50, deadline=None)
def test_the_floor_is_never_above_what_was_heard(levels: list[float]) -> None:
    activity = VoiceActivity()
    for level in levels:
        activity.step(Level(level, level, 0.1))
        assert SILENCE <= activity.floor <= 0
        assert not (activity.speech and max(levels) < -55)
