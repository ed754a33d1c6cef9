"""Converts Grafana's grid of 24 columns to pixels: the sizes of panels and drawings."""

from collections.abc import Sequence

from reports.model import Graph, GridPosition, Key, NodeGraph, Timeline

COLUMNS, ROW, GAP = 24, 30, 8
NARROW = 900
"""Pages narrower than this, in pixels, have one panel per row."""
PADDING, TITLE, LEGEND_LINE = 10, 32, 20
LEGEND_LINES = 2
LETTER, SWATCH = 6.8, 26
BORDER = 2
SLACK = 4
"""Spare pixels, so that rounding in browsers causes no scroll bar."""


def width_of(place: GridPosition, page_width: float) -> float:
    """Inner width of a panel, in pixels."""
    if page_width < NARROW:
        return page_width - 2 * PADDING - BORDER
    column = (page_width - (COLUMNS - 1) * GAP) / COLUMNS
    return place.width * column + (place.width - 1) * GAP - 2 * PADDING - BORDER


def size_of(place: GridPosition, page_width: float, body: Graph | Timeline | NodeGraph) -> tuple[float, float]:
    """Width and height of the drawing in a panel, in pixels."""
    width = width_of(place, page_width)
    height = place.height * ROW + (place.height - 1) * GAP
    return width, height - TITLE - PADDING - BORDER - LEGEND_LINE * legend_lines(body.legend, width) - SLACK


def legend_lines(legend: Sequence[Key], width: float) -> int:
    """Number of lines of a legend; longer ones scroll."""
    filled = sum(len(key.name) * LETTER + SWATCH for key in legend)
    return min(LEGEND_LINES, -int(-filled // width))


def points_of(place: GridPosition, page_width: float) -> int:
    """Maximum number of points of a graph: one for two pixels."""
    return max(50, int(width_of(place, page_width) / 2))
