"""``/ws/voice``: audio comes in, what is heard goes back.

Binary frames hold 16 kHz mono audio, signed 16-bit little-endian, in pieces of any length. Every 20 ms of it are
answered with a text frame::

    {"type": "level", "sequence": 12, "time": 0.24, "rms": -23.1, "peak": -14.9, "zeroCrossingRate": 0.08,
     "noiseFloor": -61.7, "speech": true}

Levels are in dBFS, ``time`` is in seconds from the beginning of the stream. ``{"type": "reset"}`` begins a new stream.
"""

from typing import Any

import msgspec

from backend.api.voice.stream import SAMPLE_RATE, WINDOW_SAMPLES, Report, VoiceStream
from routewright.handlers import Context, on


class Control(msgspec.Struct):
    """A text frame from the client."""

    type: str


@on.any
async def hear(frame: str | bytes, context: Context) -> str | None:
    """Answer each window of 20 ms that a binary frame completes, and each text frame."""
    if isinstance(frame, str):
        return control(frame, context.session.state)
    stream: VoiceStream = context.session.state.setdefault("stream", VoiceStream())
    answers = [text(level_frame(report)) for report in stream.feed(frame)]
    for answer in answers[:-1]:
        context.send(answer)
    return answers[-1] if answers else None


def control(frame: str, state: dict[str, Any]) -> str:
    """Do what a text frame asks for."""
    try:
        asked = msgspec.json.decode(frame, type=Control)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return error_frame("invalid_message", "a text frame is a JSON object with a type")
    if asked.type != "reset":
        return error_frame("unknown_type", f"there is no control message {asked.type[:100]!r}")
    state["stream"] = VoiceStream()
    return text({"type": "ready", "sampleRate": SAMPLE_RATE, "windowSamples": WINDOW_SAMPLES})


def level_frame(report: Report) -> dict[str, Any]:
    """What a client is told of one window."""
    return {
        "type": "level",
        "sequence": report.sequence,
        "time": round(report.time, 2),
        "rms": round(report.level.rms, 2),
        "peak": round(report.level.peak, 2),
        "zeroCrossingRate": round(report.level.zero_crossing_rate, 4),
        "noiseFloor": round(report.floor, 2),
        "speech": report.speech,
    }


def error_frame(code: str, message: str) -> str:
    """An error in the form that message routes give it."""
    hint = 'send {"type": "reset"} for a new stream, and audio in binary frames'
    return text({"type": "error", "error": {"code": code, "message": message, "retryable": False, "hint": hint}})


def text(frame: dict[str, Any]) -> str:
    """The JSON text of a frame."""
    return msgspec.json.encode(frame).decode()
