"""What an image looks like: its dominant colors, its brightness, and where it holds text.

Strategy: an image of more than `MEASURED_PIXELS` is first reduced by a whole factor, so that the time of an analysis is
bounded whatever the size of the screen; every measure below is then one pass of numpy over the pixels.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.api.vision import grid

MEASURED_PIXELS: Final = 2_500_000

EDGE: Final = 0.25
"""A pixel lies on an edge where its gradient is above this part of the steepest step (black to white)."""

COLOR_RADIUS: Final = 40.0
"""Colors nearer than this in RGB (each channel from 0 to 255) count as one."""


@dataclass(frozen=True, slots=True)
class Color:
    """``hex`` is ``#rrggbb``; ``share`` the part of the pixels that have about this color."""

    hex: str
    share: float


@dataclass(frozen=True, slots=True)
class Brightness:
    """Mean and standard deviation of the luma (ITU-R BT.601), from 0 (black) to 1 (white)."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """``text_density`` is rows of columns, each the share of a cell's pixels that lie on an edge."""

    width: int
    height: int
    colors: tuple[Color, ...]
    brightness: Brightness
    text_density: tuple[tuple[float, ...], ...]


def analyze(image: Image.Image, *, colors: int = 5, columns: int = 8, rows: int = 6) -> Analysis:
    """Measure an RGB image; takes some 100 ms for a large one, so run it in a thread."""
    measured = reduced(image)
    luma = np.asarray(measured.convert("L"))
    density = grid.shares(edges(luma), columns, rows)
    return Analysis(
        width=image.width,
        height=image.height,
        colors=dominant(np.asarray(measured), colors),
        brightness=brightness(luma),
        text_density=tuple(tuple(round(float(cell), 4) for cell in row) for row in density),
    )


def reduced(image: Image.Image) -> Image.Image:
    """The image itself, or averaged over squares of a whole number of pixels, with at most `MEASURED_PIXELS`."""
    factor = math.ceil(math.sqrt(image.width * image.height / MEASURED_PIXELS))
    return image if factor <= 1 else image.reduce(factor)


def brightness(luma: NDArray[np.uint8]) -> Brightness:
    """See `Brightness`; ``luma`` is height by width."""
    return Brightness(round(float(luma.mean()) / 255, 4), round(float(luma.std()) / 255, 4))


def edges(luma: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pixels lie on an edge.

    Text is dense in sharp edges of all directions, while windows, photographs and gradients are not: the share of edge
    pixels tells them apart well enough for a map. The gradient is Sobel's, in 3 by 3 pixels (Gonzalez and Woods,
    "Digital Image Processing", 10.2.5); the outermost row of pixels is repeated outwards.
    """
    padded = np.pad(luma, 1, mode="edge").astype(np.int16)
    smooth_down = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    smooth_across = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    across = (smooth_down[:, 2:] - smooth_down[:, :-2]).astype(np.float32)
    down = (smooth_across[2:] - smooth_across[:-2]).astype(np.float32)
    steep: NDArray[np.bool_] = across * across + down * down > (EDGE * 4 * 255) ** 2
    return steep


def dominant(pixels: NDArray[np.uint8], count: int) -> tuple[Color, ...]:
    """The most frequent colors, at most ``count``, the most frequent first.

    The popularity algorithm (Heckbert, "Color Image Quantization for Frame Buffer Display", 1982) on a histogram of 16
    levels a channel: the fullest bin gives a color, its pixels' mean, and takes with it all bins whose own mean is
    nearer than `COLOR_RADIUS`; then the fullest bin that is left, and so on.

    Args:
        pixels: height by width by 3.
    """
    flat = pixels.reshape(-1, 3)
    levels = flat >> 4
    codes = levels[:, 0].astype(np.intp) << 8 | levels[:, 1].astype(np.intp) << 4 | levels[:, 2]
    counts = np.bincount(codes, minlength=4096)
    sums = np.stack([np.bincount(codes, weights=flat[:, channel], minlength=4096) for channel in range(3)], axis=1)
    used = np.flatnonzero(counts)
    left = counts[used].copy()
    means = sums[used] / left[:, None]
    found: list[tuple[int, str]] = []
    while len(found) < count and left.any():
        seed = int(left.argmax())
        near = np.linalg.norm(means - means[seed], axis=1) < COLOR_RADIUS
        red, green, blue = (round(float(channel)) for channel in means[seed])
        found.append((int(left[near].sum()), f"#{red:02x}{green:02x}{blue:02x}"))
        left[near] = 0
    found.sort(key=lambda each: -each[0])
    return tuple(Color(hex, round(pixels_of / len(flat), 4)) for pixels_of, hex in found)
