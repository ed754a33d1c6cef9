"""Draws graphs and state timelines as SVG, for HTML, PDF and PNG alike.

Colours are CSS variables, `var(--NAME)`: HTML defines them for both themes; for paper they are replaced.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from xml.sax.saxutils import escape

from reports.geometry import size_of
from reports.model import Annotation, Graph, Lane, NodeGraph, PageModel, Panel, StateSpan, Timeline, block_height
from reports.node_graph import draw_node_graph
from reports.scale import time_ticks
from reports.units import text_of

FONT = 11
LETTER = 6.4
"""Estimated width of a letter, in pixels."""
BELOW, ABOVE, RIGHT = 20, 8, 14
LANE_HEIGHT = 22
BLOCK = 0.9
"""Share of its lane that the highest block fills."""
TICK_PIXELS = 90
MARK_SPACING = 12
"""Pixels between two annotations; closer together, their lines would hide the graph, and only their flags are drawn."""
APART = 5
"""Smallest distance of bars, in pixels, that leaves a gap between them."""
SHADED = 4
"""Most lines with a shaded area; more would hide one another."""

Height = Callable[[float], float]
"""Converts a value to pixels from the top."""


@dataclass(frozen=True)
class Frame:
    """Size, time range and annotations of a drawing.

    Attributes:
        width: in pixels.
        height: in pixels.
        start: of the time range, in Unix seconds.
        end: of the time range, in Unix seconds.
        zone: time zone of the reader.
        marks: annotations.
    """

    width: float
    height: float
    start: float
    end: float
    zone: tzinfo
    marks: Sequence[Annotation] = ()


@dataclass(frozen=True)
class PlotArea:
    """The plotting area of a drawing."""

    frame: Frame
    left: float
    top: float
    right: float
    bottom: float

    def x(self, at: float) -> float:
        """Pixels from the left; times outside the range are moved to its edge."""
        share = (at - self.frame.start) / (self.frame.end - self.frame.start)
        return self.left + (self.right - self.left) * min(1, max(0, share))


def plot(panel: Panel, page: PageModel, width: float, zone: tzinfo) -> str:
    """The graph, timeline or node graph of a panel as SVG.

    Args:
        panel: a panel with one of them.
        page: its page.
        width: of the page, in pixels.
        zone: time zone of the reader.
    """
    assert isinstance(panel.body, Graph | Timeline | NodeGraph), "no other is drawn"
    frame = Frame(*size_of(panel, width), page.start, page.end, zone, page.marks)
    if isinstance(panel.body, NodeGraph):
        return _svg(frame, list(draw_node_graph(panel.body, frame.width, frame.height)))
    return graph(panel.body, frame) if isinstance(panel.body, Graph) else timeline(panel.body, frame)


def clock(at: float, zone: tzinfo) -> str:
    """Date and time in a time zone, as text."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def graph(model: Graph, frame: Frame) -> str:
    """A graph as SVG."""
    left = 12 + LETTER * max(len(text) for _, text in model.axis.ticks)
    area = PlotArea(frame, left, ABOVE, frame.width - RIGHT, frame.height - BELOW)

    def y(value: float) -> float:
        share = (value - model.axis.low) / (model.axis.high - model.axis.low)
        return area.bottom - (area.bottom - area.top) * min(1, max(0, share))

    parts = [*_unknown(model, area), *_time_grid(area)]
    for value, text in model.axis.ticks:
        parts.append(_level(area, y(value), "grid"))
        parts.append(_text(area.left - 6, y(value) + 4, text, anchor="end"))
    draw = _stacked if model.stacked else _lines
    parts += draw(model, area, y)
    parts += [_level(area, y(value), colour, dashes="6 4") for value, colour in model.limits]
    parts += _marks(area)
    return _svg(frame, parts)


def timeline(model: Timeline, frame: Frame) -> str:
    """A state timeline as SVG; it becomes higher if its rows would be too thin."""
    height = max(frame.height, LANE_HEIGHT * len(model.lanes) + ABOVE + BELOW)
    left = min(frame.width / 3, 12 + LETTER * 1.1 * max(len(lane.name) for lane in model.lanes))
    tall = Frame(frame.width, height, frame.start, frame.end, frame.zone, frame.marks)
    area = PlotArea(tall, left, ABOVE, frame.width - RIGHT, height - BELOW)
    each = (area.bottom - area.top) / len(model.lanes)
    parts = [*_time_grid(area)]
    for number, lane in enumerate(model.lanes):
        parts += _lane(lane, area, area.top + number * each, each)
    return _svg(tall, [*parts, *_marks(area)])


def _svg(frame: Frame, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 {frame.width:g} {frame.height:g}" width="{frame.width:g}" height="{frame.height:g}"'
    font = f'font-family="Nervesys Sans, system-ui, DejaVu Sans, sans-serif" font-size="{FONT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>{"".join(parts)}</svg>'


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="var(--faint)">{escape(text)}</text>'


def _level(area: PlotArea, y: float, colour: str, dashes: str = "none") -> str:
    ends = f'x1="{area.left:.1f}" x2="{area.right:.1f}" y1="{y:.1f}" y2="{y:.1f}"'
    return f'<line {ends} stroke="var(--{colour})" stroke-dasharray="{dashes}"/>'


def _upright(area: PlotArea, x: float, colour: str, dashes: str = "none") -> str:
    ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{area.top:.1f}" y2="{area.bottom:.1f}"'
    return f'<line {ends} stroke="var(--{colour})" stroke-dasharray="{dashes}"/>'


def _time_grid(area: PlotArea) -> Iterator[str]:
    frame = area.frame
    count = max(2, int((area.right - area.left) / TICK_PIXELS))
    for at, text in time_ticks(frame.start, frame.end, frame.zone, count):
        x = area.x(at)
        yield _upright(area, x, "grid")
        half = LETTER * len(text) / 2
        if half <= x <= frame.width - half:
            yield _text(x, area.bottom + 15, text, anchor="middle")


def _lines(model: Graph, area: PlotArea, y: Height) -> Iterator[str]:
    for line in reversed(model.lines):
        colour = f"var(--{line.key.colour})"
        for run in _runs(line.points, line.step):
            if len(run) == 1:
                yield f'<circle cx="{area.x(run[0][0]):.1f}" cy="{y(run[0][1]):.1f}" r="2" fill="{colour}"/>'
                continue
            path = "L".join(f"{area.x(at):.1f} {y(value):.1f}" for at, value in run)
            ends = f"{area.x(run[-1][0]):.1f} {area.bottom:.1f}L{area.x(run[0][0]):.1f} {area.bottom:.1f}"
            if len(model.lines) <= SHADED:
                yield f'<path d="M{path}L{ends}Z" fill="{colour}" fill-opacity=".08"/>'
            yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-linejoin="round"/>'


def _unknown(model: Graph, area: PlotArea) -> Iterator[str]:
    for start, end in model.unknown:
        left, height = area.x(start), area.bottom - area.top
        place = f'x="{left:.1f}" y="{area.top:.1f}" width="{area.x(end) - left:.1f}" height="{height:.1f}"'
        yield f'<rect {place} fill="var(--grid)"/>'


def _runs(points: Sequence[tuple[float, float]], step: float) -> Iterator[list[tuple[float, float]]]:
    """The runs of points without gaps."""
    run: list[tuple[float, float]] = []
    for point in points:
        if run and point[0] - run[-1][0] > 1.5 * step:
            yield run
            run = []
        run.append(point)
    yield run


def _stacked(model: Graph, area: PlotArea, y: Height) -> Iterator[str]:
    base: defaultdict[float, float] = defaultdict(float)
    apart = area.x(area.frame.start + model.step) - area.left
    half = model.step * (0.4 if apart >= APART else 0.5)
    for line in model.lines:
        path = ""
        for at, value in line.points:
            low, base[at] = base[at], base[at] + value
            if value:
                x, top, bottom = area.x(at - half), y(base[at]), y(low)
                path += f"M{x:.1f} {top:.1f}h{max(1, area.x(at + half) - x):.1f}V{bottom:.1f}H{x:.1f}Z"
        yield f'<path d="{path}" fill="var(--{line.key.colour})" fill-opacity=".8"/>'


def _lane(lane: Lane, area: PlotArea, top: float, height: float) -> Iterator[str]:
    room = int((area.left - 12) / LETTER)
    name = lane.name if len(lane.name) <= room else f"{lane.name[: room - 1]}…"
    yield _text(area.left - 8, top + height / 2 + 4, name, anchor="end")
    for span in lane.spans:
        yield _block(lane.name, span, area, top + height / 2, height * BLOCK * block_height(span.colour))


def _block(lane: str, span: StateSpan, area: PlotArea, middle: float, height: float) -> str:
    """A span, with its state as text where there is room."""
    start, end = area.x(span.start), area.x(span.end)
    place = f'x="{start:.1f}" y="{middle - height / 2:.1f}" width="{end - start:.1f}" height="{height:.1f}"'
    tooltip = f"<title>{escape(_span_tooltip(lane, span, area.frame.zone))}</title>"
    box = f'<rect {place} fill="var(--{span.colour})">{tooltip}</rect>'
    if height < FONT or LETTER * len(span.text) + 8 > end - start:
        return box
    return f'{box}<text x="{start + 4:.1f}" y="{middle + 4:.1f}" fill="var(--panel)">{escape(span.text)}</text>'


def _span_tooltip(name: str, span: StateSpan, zone: tzinfo) -> str:
    length = text_of(span.end - span.start, "s", 0, trimmed=True)
    return f"{name}: {span.text}, {_short_clock(span.start, zone)} to {_short_clock(span.end, zone)} ({length})"


def _short_clock(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%b %d, %H:%M:%S")


def _marks(area: PlotArea) -> Iterator[str]:
    crowded = len(area.frame.marks) * MARK_SPACING > area.right - area.left
    for mark in area.frame.marks:
        x = area.x(mark.at)
        tooltip = f"<title>{escape(f'{mark.title}, {_short_clock(mark.at, area.frame.zone)}')}</title>"
        flag = f"M{x - 4:.1f} {area.bottom + 5:.1f}L{x:.1f} {area.bottom:.1f}L{x + 4:.1f} {area.bottom + 5:.1f}Z"
        line = "" if crowded else _upright(area, x, mark.colour, dashes="3 3")
        yield f'<g opacity=".6">{line}<path d="{flag}" fill="var(--{mark.colour})"/>{tooltip}</g>'
