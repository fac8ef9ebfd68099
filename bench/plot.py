"""The plot of the main table: an SVG of bars, written by hand so that the bench needs no plotting library."""

from typing import Any
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, GAP, TOP = 960, 380, 15, 14, 64
COLOURS = {"1": "#8aa9c9", "16": "#2f5d8a"}
OURS = {"1": "#e0a96d", "16": "#b8621b"}


def bars(titles: dict[str, str], medians: dict[str, Any], facts: dict[str, Any]) -> str:
    """CPU microseconds a message of every server, cheapest first, one bar a window.

    Args:
        titles: name -> what to print.
        medians: name -> window -> ``{"cpu": microseconds}``.
        facts: of the machine, for the caption.
    """
    names = sorted(titles, key=lambda name: float(medians[name]["16"]["cpu"]))
    # A bar far longer than the rest would flatten them all: the scale ends at four times the median server.
    every = sorted(float(medians[name][window]["cpu"]) for name in names for window in COLOURS)
    limit = min(every[-1], 4 * every[len(every) // 2])
    height = TOP + len(names) * (2 * BAR + GAP) + 16
    caption = f"{facts['processor']}, {facts['python']}, server on one core, 50 connections"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="16" y="26" font-size="17">CPU microseconds of all server processes per message</text>',
        f'<text x="16" y="46" font-size="12" fill="#666666">{escape(caption)}; light: window 1, dark: window 16</text>',
    ]
    for index, name in enumerate(names):
        top = TOP + index * (2 * BAR + GAP)
        palette = OURS if name == "gateway" else COLOURS
        lines.append(
            f'<text x="{LABEL - 10}" y="{top + BAR + 5}" font-size="13" text-anchor="end">{escape(titles[name])}</text>'
        )
        for row, (window, colour) in enumerate(palette.items()):
            lines += _bar(float(medians[name][window]["cpu"]), limit, top + row * BAR, colour)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _bar(value: float, limit: float, top: int, colour: str) -> list[str]:
    room = WIDTH - LABEL - 90
    width = min(value, limit) / limit * room
    mark = " (cut)" if value > limit else ""
    return [
        f'<rect x="{LABEL}" y="{top}" width="{width:.1f}" height="{BAR - 1}" fill="{colour}"/>',
        f'<text x="{LABEL + width + 6:.1f}" y="{top + BAR - 4}" font-size="11">{value:.1f}{mark}</text>',
    ]
