"""What has changed between two captures.

Strategy: a capture is remembered as a thumbnail, which is small enough to keep for every session and smooths out what
nobody would call a change.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.api.vision import grid

THUMBNAIL_SIDE: Final = 320
"""Pixels of a thumbnail's longer side at most."""

DIFFERENCE: Final = 12
"""A pixel has changed where one of its channels, from 0 to 255, differs by more than this."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is remembered of a capture: its size, and a thumbnail of height by width by 3."""

    width: int
    height: int
    thumbnail: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ChangedCell:
    column: int
    row: int
    share: float


@dataclass(frozen=True, slots=True)
class Change:
    """``share`` of all pixels that have changed; ``cells`` are those in which any pixel has."""

    share: float
    cells: tuple[ChangedCell, ...]


def snapshot(image: Image.Image) -> Snapshot:
    """Remember an RGB image."""
    scale = THUMBNAIL_SIDE / max(image.size)
    small = image
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        small = image.resize(size, Image.Resampling.BOX)
    return Snapshot(image.width, image.height, np.array(small))


def compare(before: Snapshot, after: Snapshot, *, columns: int = 8, rows: int = 6) -> Change:
    """What is different in ``after``. Between images of different sizes, everything is."""
    if (before.width, before.height) != (after.width, after.height):
        mask = np.ones(after.thumbnail.shape[:2], dtype=np.bool_)
    else:
        difference = np.abs(after.thumbnail.astype(np.int16) - before.thumbnail)
        mask = difference.max(axis=2) > DIFFERENCE
    cells = grid.shares(mask, columns, rows)
    changed = tuple(
        ChangedCell(int(column), int(row), round(float(cells[row, column]), 4)) for row, column in np.argwhere(cells)
    )
    return Change(round(float(mask.mean()), 4), changed)
