"""Where images come from, and what is refused."""

import base64
import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import mss
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.api.vision.capture import MAX_PIXELS, SAMPLE, CaptureError, capture, decode, from_payload


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("ROUTEWRIGHT_VISION_SOURCE", raising=False)


def png(image: Image.Image, format: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


def header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_the_sample_is_seen_where_there_is_no_display() -> None:
    seen = capture()
    assert seen.source == "sample"
    assert seen.image.mode == "RGB"
    assert seen.image.tobytes() == Image.open(SAMPLE).convert("RGB").tobytes()


class Display:
    """Two monitors side by side: what `mss.MSS` is where there is a display."""

    monitors: ClassVar = [{"left": 0, "top": 0, "width": 2, "height": 1}]

    def __enter__(self) -> "Display":
        return self

    def __exit__(self, *_: object) -> None: ...

    def grab(self, area: object) -> SimpleNamespace:
        assert area is self.monitors[0]
        return SimpleNamespace(size=(2, 1), bgra=bytearray(b"\x30\x20\x10\xff\x60\x50\x40\x00"))


def test_the_screen_goes_before_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mss, "MSS", Display)
    seen = capture()
    assert (seen.source, seen.image.mode, seen.image.size) == ("screen", "RGB", (2, 1))
    assert seen.image.tobytes() == b"\x10\x20\x30\x40\x50\x60"


def test_a_file_goes_before_everything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "screen.png"
    monkeypatch.setenv("ROUTEWRIGHT_VISION_SOURCE", str(file))
    for color in ("#336699", "#993366"):
        Image.new("RGB", (7, 5), color).save(file)
        seen = capture()
        assert (seen.source, seen.image.size) == ("file", (7, 5))
        assert f"#{seen.image.tobytes()[:3].hex()}" == color


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTEWRIGHT_VISION_SOURCE", str(tmp_path / "none.png"))
    with pytest.raises(CaptureError, match="ROUTEWRIGHT_VISION_SOURCE cannot be read: No such file"):
        capture()


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:;base64,"])
def test_a_payload_is_base64_or_a_data_url(prefix: str) -> None:
    seen = from_payload(prefix + base64.b64encode(png(Image.new("RGB", (3, 2), "#102030"))).decode())
    assert (seen.source, seen.image.size, seen.image.getpixel((0, 0))) == ("payload", (3, 2), (16, 32, 48))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no base64 at all!", "not base64"),
        ("abc", "not base64"),
        ("ébc=", "not base64"),
        ("data:image/png,abcd", "not base64"),
        (base64.b64encode(b"GIF89a plainly no PNG").decode(), "cannot be read"),
    ],
)
def test_what_is_no_image_is_refused(text: str, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        from_payload(text)


@pytest.mark.parametrize("size", [(8000, 5001), (65536, 1), (10_000, 9_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_is_refused_by_its_claimed_size(size: tuple[int, int]) -> None:
    with pytest.raises(CaptureError, match="too large"):
        decode(header(*size))


def test_the_largest_size_passes_the_guard() -> None:
    assert MAX_PIXELS == 8000 * 5000
    with pytest.raises(CaptureError, match="cannot be read"):
        decode(header(8000, 5000))


@pytest.mark.parametrize(
    ("image", "color"),
    [
        (Image.new("L", (4, 4), 100), (100, 100, 100)),
        (Image.new("1", (4, 4), 1), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 0)), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (10, 20, 30, 255)), (10, 20, 30)),
        (Image.new("LA", (4, 4), (0, 255)), (0, 0, 0)),
        (Image.new("I;16", (4, 4), 0x8000), (128, 128, 128)),
        (Image.new("RGB", (4, 4), "#804020").quantize(4), (128, 64, 32)),
    ],
    ids=["grey", "bilevel", "transparent", "opaque", "grey-alpha", "sixteen-bit", "palette"],
)
def test_every_kind_of_png_becomes_rgb(image: Image.Image, color: tuple[int, int, int]) -> None:
    seen = decode(png(image))
    assert (seen.mode, seen.getpixel((1, 1))) == ("RGB", color)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_becomes_rgb(mode: str) -> None:
    seen = decode(png(Image.new(mode, (16, 16)), "JPEG"))
    assert (seen.mode, seen.size) == ("RGB", (16, 16))


WHOLE = [png(Image.effect_noise((24, 16), 40).convert("RGB"), format) for format in ("PNG", "JPEG")]


@given(st.sampled_from(WHOLE), st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_image_is_read_or_refused(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for each in (bytes(damaged), whole[:cut]):
        with suppress(CaptureError):
            assert decode(each).mode == "RGB"
