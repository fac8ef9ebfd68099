"""Where an image of the workspace comes from.

Strategy: the first of these that gives an image: the file that ROUTEWRIGHT_VISION_SOURCE names, the screen, the sample
image. Whatever the source, a capture holds an RGB image whose size has been checked before its pixels were decoded.
"""

import base64
import binascii
import io
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import mss
from PIL import Image

Source = Literal["screen", "payload", "file", "sample"]

SOURCE_VARIABLE: Final = "ROUTEWRIGHT_VISION_SOURCE"
"""The environment variable that names an image file to look at instead of the screen; it is read at every capture."""

SAMPLE: Final = Path(__file__).with_name("sample.png")

MAX_PIXELS: Final = 40_000_000
"""An 8K screen has 33 million."""

MAX_SIDE: Final = 65_535

_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
"""What Pillow raises on a broken file."""


class CaptureError(Exception):
    """There is no image; the message says why, and what to do about it, and may be shown to whoever asked."""


@dataclass(frozen=True, slots=True)
class Capture:
    """An image of mode RGB, and where it came from."""

    source: Source
    image: Image.Image


def capture() -> Capture:
    """The workspace as it is now.

    Raises:
        CaptureError: the file that ROUTEWRIGHT_VISION_SOURCE names is no image.
    """
    file = os.environ.get(SOURCE_VARIABLE)
    if file:
        return Capture("file", _read(Path(file)))
    screen = _screen()
    if screen is not None:
        return Capture("screen", screen)
    return Capture("sample", _read(SAMPLE))


def from_payload(text: str) -> Capture:
    """The image that ``text`` holds in base64, alone or as a ``data:`` URL.

    Raises:
        CaptureError: it is not base64, or not a PNG or JPEG image of at most `MAX_PIXELS`.
    """
    head, comma, rest = text.partition(",")
    encoded = rest if comma and head.startswith("data:") and head.endswith(";base64") else text
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CaptureError(f"the image is not base64 ({error}): encode the bytes of a PNG or JPEG file") from error
    return Capture("payload", decode(data))


def decode(data: bytes) -> Image.Image:
    """The first frame of a PNG or JPEG file, on white where it is transparent.

    Raises:
        CaptureError: it is neither, it is broken, or it has more than `MAX_PIXELS`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                raise CaptureError(f"the image is too large: {width} by {height} pixels, at most {MAX_PIXELS} in all")
            return _opaque(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise CaptureError(f"the image is too large: at most {MAX_PIXELS} pixels in all") from error
    except _UNREADABLE as error:
        raise CaptureError("the image cannot be read: send a whole PNG or JPEG file") from error


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode == "I;16":
        # Pillow clips where it should scale.
        return image.point(lambda value: value / 256, "L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _read(file: Path) -> Image.Image:
    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise CaptureError(f"the image file of {SOURCE_VARIABLE} cannot be read: {error.strerror}") from error


def _screen() -> Image.Image | None:
    """All monitors as one image; ``None`` where there is no display."""
    try:
        with mss.MSS() as display:
            shot = display.grab(display.monitors[0])
    except mss.ScreenShotError:
        return None
    return Image.frombytes("RGB", shot.size, bytes(shot.bgra), "raw", "BGRX")
