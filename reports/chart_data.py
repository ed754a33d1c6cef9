"""The data from which the page's script draws graphs and state timelines; `plot` draws the same ones as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from reports.geometry import plot_width
from reports.model import Graph, GraphLine, PageModel, Panel, Timeline, block_height
from reports.plot import TICK_PIXELS
from reports.scale import time_ticks

DIGITS = 6
"""Significant digits of a value; more than any format shows, and than a screen has pixels."""
AXIS_WIDTH = 60
"""Estimated width of the axis of values, in pixels."""


def page_data(page: PageModel, width: float, zone: tzinfo) -> Mapping[str, Any]:
    """What all graphs of a page have in common: time range, width, time zone and annotations."""
    marks = [[mark.at, mark.title, mark.colour] for mark in page.marks]
    zone_text = zone_name(zone, page.end)
    return {"start": page.start, "end": page.end, "width": width, "zone": zone_text, "marks": marks}


def zone_name(zone: tzinfo, at: float) -> str:
    """A time zone as browsers name it: `Asia/Kolkata`, or an offset such as `+05:30`."""
    if isinstance(zone, ZoneInfo) and zone.key:
        return zone.key
    offset = datetime.fromtimestamp(at, zone).strftime("%z")
    return f"{offset[:3]}:{offset[3:5]}"


def panel_data(panel: Panel, page: PageModel, width: float, zone: tzinfo) -> Mapping[str, Any]:
    """The data of a panel with a graph or a timeline.

    Args:
        panel: the panel.
        page: its page.
        width: of the page, in pixels.
        zone: time zone of the reader.
    """
    count = max(2, int((plot_width(panel, width) - AXIS_WIDTH) / TICK_PIXELS))
    common: dict[str, Any] = {"title": panel.title, "times": time_ticks(page.start, page.end, zone, count)}
    match panel.body:
        case Graph() as graph:
            return common | _graph(graph)
        case Timeline() as timeline:
            return common | _timeline(timeline)
    raise AssertionError("no other is drawn")


def _graph(graph: Graph) -> dict[str, Any]:
    steps = sorted({line.step for line in graph.lines})
    formats = list(dict.fromkeys(line.number_format for line in graph.lines))
    grids = [_grid([line for line in graph.lines if line.step == step], step) for step in steps]
    return {
        "kind": "graph",
        "ticks": [at for at, _ in graph.axis.ticks],
        "stacked": graph.stacked,
        "limits": graph.limits,
        "unknown": graph.unknown,
        "formats": [asdict(number_format) for number_format in formats],
        "grids": grids,
        "lines": [
            {
                "name": line.key.name,
                "colour": line.key.colour,
                "format": formats.index(line.number_format),
                "grid": steps.index(line.step),
            }
            | _values(line, grids[steps.index(line.step)]["from"])
            for line in graph.lines
        ],
    }


def _grid(lines: Sequence[GraphLine], step: float) -> dict[str, float]:
    """The times of all lines of one step. Prometheus cuts a step to milliseconds."""
    start = min(line.points[0][0] for line in lines)
    end = max(line.points[-1][0] for line in lines)
    return {"from": start, "step": math.floor(step * 1000) / 1000, "count": round((end - start) / step) + 1}


def _values(line: GraphLine, start: float) -> dict[str, Any]:
    """The place of the first value on the line's grid, and all values; None for a gap."""
    places = [round((at - start) / line.step) for at, _ in line.points]
    values: list[float | None] = [None] * (places[-1] - places[0] + 1)
    for place, (_, value) in zip(places, line.points, strict=True):
        values[place - places[0]] = rounded(value)
    return {"first": places[0], "values": values}


def rounded(value: float) -> float:
    """A value with as many digits as can be seen; all digits of a whole number."""
    whole = int(value)
    if whole == value:
        return whole
    return round(value, max(0, DIGITS - 1 - math.floor(math.log10(abs(value)))))


def _timeline(timeline: Timeline) -> dict[str, Any]:
    states = list(dict.fromkeys((span.text, span.colour) for lane in timeline.lanes for span in lane.spans))
    return {
        "kind": "timeline",
        "states": [(text, colour, block_height(colour)) for text, colour in states],
        "lanes": [
            {
                "name": lane.name,
                "spans": [[span.start, span.end, states.index((span.text, span.colour))] for span in lane.spans],
            }
            for lane in timeline.lanes
        ],
    }
