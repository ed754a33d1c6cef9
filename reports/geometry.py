"""From the grid of 24 columns to pixels: how large a panel's drawing may be."""

from collections.abc import Sequence

from reports.model import Graph, Key, Place, Timeline

COLUMNS, ROW, GAP = 24, 30, 8
NARROW = 900
"""Pages narrower than this, in pixels, have one panel a line."""
PADDING, TITLE, LEGEND_LINE = 10, 32, 20
LEGEND_LINES = 2
LETTER, SWATCH = 6.8, 26
BORDER = 2
SLACK = 4
"""Pixels that a drawing leaves free, so that no browser's rounding makes it scroll."""


def width_of(place: Place, page_width: float) -> float:
    """Pixels from a panel's left padding to its right one."""
    if page_width < NARROW:
        return page_width - 2 * PADDING - BORDER
    column = (page_width - (COLUMNS - 1) * GAP) / COLUMNS
    return place.width * column + (place.width - 1) * GAP - 2 * PADDING - BORDER


def size_of(place: Place, page_width: float, body: Graph | Timeline) -> tuple[float, float]:
    """Width and height of what is drawn in a panel, in pixels."""
    width = width_of(place, page_width)
    height = place.height * ROW + (place.height - 1) * GAP
    return width, height - TITLE - PADDING - BORDER - LEGEND_LINE * legend_lines(body.legend, width) - SLACK


def legend_lines(legend: Sequence[Key], width: float) -> int:
    """Lines that a legend fills; what does not fit is scrolled to."""
    filled = sum(len(key.name) * LETTER + SWATCH for key in legend)
    return min(LEGEND_LINES, -int(-filled // width))


def points_of(place: Place, page_width: float) -> int:
    """Points that a graph of this width deserves: one each two pixels."""
    return max(50, int(width_of(place, page_width) / 2))
