"""Converts Grafana's grid of 24 columns to pixels: the sizes of panels and drawings."""

from collections.abc import Sequence

from dashboards.style import LEGEND_WIDTH
from reports.model import Graph, GridPosition, Key, Panel, Timeline

COLUMNS, ROW, GAP = 24, 30, 8
NARROW = 900
"""Pages narrower than this, in pixels, have one panel per row."""
PADDING, TITLE, LEGEND_LINE = 10, 32, 20
LEGEND_LINES = 2
LEAST_WIDTH_BESIDE = 380
"""Width of a panel that has room for a legend at the right, in pixels."""
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


def plot_width(panel: Panel, page_width: float) -> float:
    """Width of the drawing in a panel, in pixels."""
    width = width_of(panel.place, page_width)
    return width - LEGEND_WIDTH if is_legend_beside(panel, page_width) else width


def size_of(panel: Panel, page_width: float) -> tuple[float, float]:
    """Width and height of the drawing in a panel, in pixels."""
    height = panel.place.height * ROW + (panel.place.height - 1) * GAP - TITLE - PADDING - BORDER - SLACK
    return plot_width(panel, page_width), height - LEGEND_LINE * legend_lines(panel, page_width)


def is_legend_beside(panel: Panel, page_width: float) -> bool:
    """Whether the legend stands at the right of a graph: of many names, where the panel is wide enough for both."""
    if not isinstance(panel.body, Graph) or not panel.body.many or page_width < NARROW:
        return False
    width = width_of(panel.place, page_width)
    return width >= LEAST_WIDTH_BESIDE and _filled_lines(panel.body.legend, width) > LEGEND_LINES


def legend_lines(panel: Panel, page_width: float) -> int:
    """Number of lines of a legend below its drawing; longer ones scroll."""
    if is_legend_beside(panel, page_width) or not isinstance(panel.body, Graph | Timeline):
        return 0
    return min(LEGEND_LINES, _filled_lines(panel.body.legend, width_of(panel.place, page_width)))


def _filled_lines(legend: Sequence[Key], width: float) -> int:
    filled = sum(len(key.name) * LETTER + SWATCH for key in legend)
    return -int(-filled // width)


def points_of(place: GridPosition, page_width: float) -> int:
    """Maximum number of points of a graph: one for two pixels."""
    return max(50, int(width_of(place, page_width) / 2))
