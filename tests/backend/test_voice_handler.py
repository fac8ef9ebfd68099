"""``/ws/voice``: frames in, frames out."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.api.voice_handler import hear
from routewright.handlers import Context

WINDOW = 640


async def talk(context: Context, frame: str | bytes) -> list[dict[str, Any]]:
    """All frames that answer this one, in their order."""
    last = await hear(frame, context)
    frames = context.session.received()  # type: ignore[attr-defined]
    return [json.loads(each) for each in [*frames, *([] if last is None else [last])]]


async def test_each_window_is_answered(context: Context) -> None:
    assert await talk(context, bytes(WINDOW - 1)) == []
    answers = await talk(context, bytes(2 * WINDOW + 1))
    assert answers == [
        {
            "type": "level",
            "sequence": sequence,
            "time": sequence / 50,
            "rms": -120.0,
            "peak": -120.0,
            "zeroCrossingRate": 0.0,
            "noiseFloor": floor,
            "speech": False,
        }
        for sequence, floor in enumerate([-120.0, -120.0, -120.0])
    ]


async def test_reset_begins_a_new_stream(context: Context) -> None:
    await talk(context, bytes(WINDOW + 7))
    assert await talk(context, '{"type": "reset"}') == [{"type": "ready", "sampleRate": 16000, "windowSamples": 320}]
    assert await talk(context, bytes(WINDOW - 1)) == []
    assert [answer["sequence"] for answer in await talk(context, bytes(1))] == [0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_message"),
        ("hello", "invalid_message"),
        ("[]", "invalid_message"),
        ('{"type": 1}', "invalid_message"),
        ("[" * 100_000, "invalid_message"),
        ('{"type": "restart"}', "unknown_type"),
    ],
)
async def test_other_text_is_answered_with_an_error(context: Context, text: str, code: str) -> None:
    (answer,) = await talk(context, text)
    assert (answer["type"], answer["error"]["code"]) == ("error", code)
    assert "reset" in answer["error"]["hint"]


@given(st.lists(st.one_of(st.text(max_size=40), st.binary(max_size=2000)), max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_comes_is_answered_with_json(context: Context, frames: list[str | bytes]) -> None:
    for frame in frames:
        answers = await talk(context, frame)
        assert {answer["type"] for answer in answers} <= {"level", "ready", "error"}
        if isinstance(frame, str):
            assert len(answers) == 1
