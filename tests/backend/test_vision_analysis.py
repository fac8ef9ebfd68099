"""What is measured on drawn images of which the measures are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw, ImageFont

from backend.api.vision import grid
from backend.api.vision.analysis import analyze, brightness, dominant, edges, reduced
from backend.api.vision.capture import SAMPLE
from backend.api.vision.change import compare, snapshot

images = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40).map(lambda s: (*s, 3)))


def painted(size: tuple[int, int], ground: str, *boxes: tuple[tuple[int, int, int, int], str]) -> Image.Image:
    """Boxes are (left, top, right, bottom), the last two outside."""
    image = Image.new("RGB", size, ground)
    for (left, top, right, bottom), color in boxes:
        ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), fill=color)
    return image


def test_flat_colors_are_named_exactly_and_in_order() -> None:
    image = painted((100, 100), "#203040", ((0, 0, 100, 30), "#e0d0c0"), ((0, 90, 50, 100), "#ff0000"))
    found = analyze(image)
    assert [(color.hex, color.share) for color in found.colors] == [
        ("#203040", 0.65),
        ("#e0d0c0", 0.3),
        ("#ff0000", 0.05),
    ]
    assert (found.width, found.height) == (100, 100)


def test_near_colors_count_as_one_and_no_more_are_named_than_asked_for() -> None:
    image = painted((10, 10), "#808080", ((0, 0, 10, 4), "#838383"), ((0, 9, 10, 10), "#00ff00"))
    assert [(each.hex, each.share) for each in dominant(np.asarray(image), 1)] == [("#818181", 0.9)]
    assert len(dominant(np.asarray(image), 16)) == 2


@pytest.mark.parametrize(("color", "mean"), [("black", 0.0), ("white", 1.0), ("#808080", 0.502), ("#ff0000", 0.298)])
def test_brightness_of_one_color(color: str, mean: float) -> None:
    found = analyze(Image.new("RGB", (9, 9), color)).brightness
    assert (found.mean, found.deviation) == (mean, 0.0)


def test_brightness_of_black_and_white_halves() -> None:
    found = analyze(painted((10, 10), "black", ((0, 0, 5, 10), "white"))).brightness
    assert (found.mean, found.deviation) == (0.5, 0.5)


def test_text_is_denser_than_everything_else() -> None:
    image = Image.linear_gradient("L").resize((400, 300)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 200, 99, 299), fill="white")
    font = ImageFont.load_default(11)
    for line in range(7):
        draw.text((4, 203 + 13 * line), "The quick brown fox", font=font, fill="black")
    density = analyze(image, columns=4, rows=3).text_density
    assert len(density) == 3
    assert all(len(row) == 4 for row in density)
    text = density[2][0]
    others = [cell for row in density for cell in row][:8] + list(density[2][1:])
    assert text > 0.2
    assert max(others) < 0.05


@pytest.mark.parametrize("turned", [False, True])
def test_an_edge_is_found_where_it_is(turned: bool) -> None:
    luma = np.zeros((20, 20), np.uint8)
    luma[:, 10:] = 255
    found = edges(luma.T if turned else luma)
    found = found.T if turned else found
    assert found[:, 9:11].all()
    assert not found[:, :9].any()
    assert not found[:, 11:].any()


def test_a_weak_step_is_no_edge() -> None:
    luma = np.full((9, 9), 100, np.uint8)
    luma[:, 5:] = 100 + 63
    assert not edges(luma).any()
    luma[:, 5:] = 100 + 64
    assert edges(luma).any()


def test_a_large_image_is_measured_small_and_reported_large() -> None:
    image = painted((4000, 2000), "#203040", ((0, 0, 4000, 1000), "#e0d0c0"))
    assert reduced(image).size == (2000, 1000)
    found = analyze(image)
    assert (found.width, found.height) == (4000, 2000)
    assert {color.hex: color.share for color in found.colors} == {"#203040": 0.5, "#e0d0c0": 0.5}


def test_the_sample_has_text_and_a_ground() -> None:
    found = analyze(Image.open(SAMPLE).convert("RGB"))
    assert (found.width, found.height) == (960, 600)
    assert len(found.colors) == 5
    assert {"#1f4e6b", "#20242c", "#f4f1ea"} <= {color.hex for color in found.colors}
    cells = [cell for row in found.text_density for cell in row]
    assert max(cells) > 0.1
    assert min(cells) == 0.0


@given(images, st.integers(1, 16), st.integers(1, 32), st.integers(1, 32))
@settings(max_examples=80, deadline=None)
def test_measures_keep_their_bounds(pixels: np.ndarray, colors: int, columns: int, rows: int) -> None:
    found = analyze(Image.fromarray(pixels), colors=colors, columns=columns, rows=rows)
    assert 1 <= len(found.colors) <= colors
    shares = [color.share for color in found.colors]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1.0001 + 0.00005 * len(shares)
    assert 0 <= found.brightness.mean <= 1
    assert 0 <= found.brightness.deviation <= 0.5
    assert len(found.text_density) == rows
    assert all(len(row) == columns and all(0 <= cell <= 1 for cell in row) for row in found.text_density)


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 50), st.integers(1, 50))), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=80, deadline=None)
def test_a_grid_tells_of_exactly_the_cells_that_hold_something(mask: np.ndarray, columns: int, rows: int) -> None:
    found = grid.shares(mask, columns, rows)
    assert found.shape == (rows, columns)
    assert found.any() == mask.any()
    height, width = mask.shape
    if height % rows == 0 and width % columns == 0:
        assert found.mean() == pytest.approx(mask.mean())


@given(images)
@settings(max_examples=50, deadline=None)
def test_luma_of_half_the_brightness_range_is_exact(pixels: np.ndarray) -> None:
    luma = pixels[:, :, 0]
    found = brightness(luma)
    assert found.mean == pytest.approx(luma.astype(float).mean() / 255, abs=1e-4)
    assert found.deviation == pytest.approx(luma.astype(float).std() / 255, abs=1e-4)


def test_a_changed_box_is_found_in_its_cells() -> None:
    before = painted((80, 60), "navy")
    after = painted((80, 60), "navy", ((10, 0, 20, 10), "white"), ((75, 55, 80, 60), "white"))
    change = compare(snapshot(before), snapshot(after))
    assert [(cell.column, cell.row, cell.share) for cell in change.cells] == [(1, 0, 1.0), (7, 5, 0.25)]
    assert change.share == round(125 / 4800, 4)


def test_a_change_of_hue_alone_is_a_change() -> None:
    change = compare(snapshot(Image.new("RGB", (8, 6), "#ff0000")), snapshot(Image.new("RGB", (8, 6), "#0000ff")))
    assert change.share == 1.0


def test_another_size_changes_everything() -> None:
    change = compare(snapshot(Image.new("RGB", (80, 60))), snapshot(Image.new("RGB", (80, 61))), columns=2, rows=2)
    assert change.share == 1.0
    assert len(change.cells) == 4


def test_a_large_screen_is_remembered_small() -> None:
    seen = snapshot(painted((3000, 10), "black", ((1500, 0, 3000, 10), "white")))
    assert seen.thumbnail.shape == (1, 320, 3)
    assert (seen.width, seen.height) == (3000, 10)


@given(images, images)
@settings(max_examples=80, deadline=None)
def test_change_is_symmetric_and_none_against_itself(one: np.ndarray, other: np.ndarray) -> None:
    first, second = snapshot(Image.fromarray(one)), snapshot(Image.fromarray(other))
    assert compare(first, first) == compare(second, second)
    assert compare(first, first).share == 0.0
    assert compare(first, first).cells == ()
    if one.shape == other.shape:
        assert compare(first, second) == compare(second, first)
