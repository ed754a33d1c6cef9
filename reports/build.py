"""Makes the model of a page from a dashboard's JSON and the results of its queries. Pure."""

import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from nervesys.queries.dashboard_queries import Json
from reports.colours import series_colours
from reports.fields import Field, FormatContext
from reports.model import (
    Axis,
    Bar,
    Bars,
    Body,
    Cell,
    Graph,
    GraphLine,
    GridPosition,
    Key,
    Lane,
    Notice,
    PageModel,
    Panel,
    StateSpan,
    Text,
    Tile,
    Tiles,
    Timeline,
)
from reports.node_graph import node_graph
from reports.run_queries import PageResults, QueryResult, series_name
from reports.scale import ticks
from reports.table_merge import table

log = logging.getLogger(__name__)
GRID_LINES = 4
HEATMAP = "heatmap"
"""Format of a query whose series are the buckets of a histogram."""


@dataclass(frozen=True)
class NamedSeries:
    """One series of a panel.

    Attributes:
        name: for people.
        labels: its labels.
        points: (Unix seconds, value), without NaN and infinite values; at least one.
        step: seconds between two points.
    """

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]
    step: float

    @property
    def last(self) -> float:
        """The last value."""
        return self.points[-1][1]


def build_page(
    page: Json,
    asked: PageResults,
    context: FormatContext,
    start: float,
    end: float,
    bodies: Mapping[int, Body] = MappingProxyType({}),
) -> PageModel:
    """The model of a page.

    Args:
        page: the dashboard's JSON.
        asked: the results of its queries.
        context: time and links for the values.
        start: of the time range, in Unix seconds.
        end: of the time range, in Unix seconds.
        bodies: of panels that query no Prometheus, by panel id.
    """
    panels = tuple(_panel(page["uid"], panel, asked.answers, context, bodies) for panel in page["panels"])
    return PageModel(page["uid"], page["title"], page["description"], start, end, panels, asked.marks, asked.notes)


def panel_name(uid: str, panel: Json) -> str:
    """Name of a panel, unique among all dashboards."""
    return f"{uid}-{panel['id']}"


def grid_position(panel: Json) -> GridPosition:
    """Position and size of a panel."""
    grid = panel["gridPos"]
    return GridPosition(grid["x"], grid["y"], grid["w"], grid["h"])


def _panel(
    uid: str,
    panel: Json,
    answers: Mapping[int, Sequence[QueryResult]],
    context: FormatContext,
    bodies: Mapping[int, Body],
) -> Panel:
    body: Body | None = bodies.get(panel["id"])
    if body is None and panel["type"] != "row":
        body = _safe_body(panel, answers[panel["id"]], context)
    return Panel(panel_name(uid, panel), panel["title"], panel.get("description", ""), grid_position(panel), body)


def _safe_body(panel: Json, answers: Sequence[QueryResult], context: FormatContext) -> Body:
    """The body of a panel; values or options that it cannot have must not cost the other panels."""
    try:
        return build_body(panel, answers, context)
    except (ArithmeticError, LookupError, TypeError, ValueError) as err:
        log.exception("panel %s", panel["title"])
        return Notice(f"This panel cannot be shown: {type(err).__name__}: {err}", failed=True)


def build_body(panel: Json, answers: Sequence[QueryResult], context: FormatContext) -> Body:
    """The body of a panel; a notice if a query failed or returned nothing."""
    failures = [answer.failed for answer in answers if answer.failed]
    if failures:
        return Notice(failures[0], failed=True)
    if panel["type"] == "text":
        return Text(tuple(filter(None, panel["options"]["content"].split("\n\n"))))
    draw = BODY_BUILDERS.get(panel["type"])
    if draw is None:
        return Notice(f"Panels of type {panel['type']} are not drawn here", failed=True)
    return draw(panel, answers, context)


def _named_series(answers: Sequence[QueryResult]) -> Iterator[NamedSeries]:
    """Every series that has a finite value, in the order of the queries and of their results, as Grafana shows them."""
    for answer in answers:
        for series in answer.series:
            points = tuple(point for point in series.points if math.isfinite(point[1]))
            if points:
                name = series_name(series.labels, answer.target["legendFormat"])
                yield NamedSeries(name, series.labels, points, answer.step)


def _tiles(panel: Json, answers: Sequence[QueryResult], context: FormatContext) -> Body:
    found = list(_named_series(answers))
    if not found:
        return Tiles((Tile("", Cell(Field.of(panel, None, context).empty)),))
    named = len(found) > 1 or panel["options"]["textMode"] == "value_and_name"
    return Tiles(
        tuple(
            Tile(series.name if named else "", Field.of(panel, series.name, context).cell(series.last, series.labels))
            for series in found
        )
    )


def _bars(panel: Json, answers: Sequence[QueryResult], context: FormatContext) -> Body:
    buckets = answers[0].target["format"] == HEATMAP
    found = list(_buckets(_named_series(answers)) if buckets else _named_series(answers))
    field = Field.of(panel, None, context)
    if not found:
        return Notice(field.empty)
    top = field.config.get("max", max(series.last for series in found)) or 1
    return Bars(tuple(_bar(Field.of(panel, series.name, context), series, top) for series in found))


def _bar(field: Field, series: NamedSeries, top: float) -> Bar:
    cell = field.cell(series.last, series.labels)
    return Bar(field.display_name(series.name, series.labels), cell, min(1, max(0, series.last / top)))


def _buckets(found: Iterable[NamedSeries]) -> Iterator[NamedSeries]:
    """The buckets of a histogram, converted from cumulative, in ascending order."""
    below = 0.0
    for bucket in sorted(found, key=_bound):
        yield replace(bucket, points=((bucket.points[-1][0], bucket.last - below),))
        below = bucket.last


def _bound(bucket: NamedSeries) -> float:
    return float(bucket.labels.get("le", math.inf))


def _graph(panel: Json, answers: Sequence[QueryResult], context: FormatContext) -> Body:
    found = list(_named_series(answers))
    field = Field.of(panel, None, context)
    if not found:
        return Notice(field.empty)
    colours = series_colours(series.name for series in found)
    lines = tuple(_line(Field.of(panel, series.name, context), series, colours[series.name]) for series in found)
    custom = field.config["custom"]
    stacked = custom["stacking"]["mode"] == "normal"
    axis = _axis(field, lines, stacked=stacked)
    dashed = custom["thresholdsStyle"]["mode"] == "dashed"
    limits = tuple((at, colour) for at, colour in field.steps if dashed and axis.low < at <= axis.high)
    many = panel["options"]["legend"]["placement"] == "right"
    return Graph(lines, axis, stacked, limits, many=many)


def _line(field: Field, series: NamedSeries, colour: str) -> GraphLine:
    key = Key(series.name, field.fixed_colour or colour, field.link(series.labels, series.name))
    return GraphLine(key, series.points, series.step, field.number_format)


def _axis(field: Field, lines: Sequence[GraphLine], *, stacked: bool) -> Axis:
    """The axis: from the smallest to the largest value, at least to `axisSoftMax`, or as configured in the panel."""
    values = _sums(lines) if stacked else [value for line in lines for _, value in line.points]
    least_top = field.config["custom"].get("axisSoftMax", -math.inf)
    low, high = field.config.get("min", min(values)), field.config.get("max", max(*values, least_top))
    if high <= low:
        high = low + 1
    return Axis(tuple((at, field.text(at, trimmed=True)) for at in ticks(low, high, field.unit, GRID_LINES)))


def _sums(lines: Sequence[GraphLine]) -> list[float]:
    sums: defaultdict[float, float] = defaultdict(float)
    for line in lines:
        for at, value in line.points:
            sums[at] += value
    return list(sums.values())


def _timeline(panel: Json, answers: Sequence[QueryResult], context: FormatContext) -> Body:
    found = list(_named_series(answers))
    if not found:
        return Notice(Field.of(panel, None, context).empty)
    return Timeline(tuple(_lane(Field.of(panel, series.name, context), series) for series in found))


def _lane(field: Field, series: NamedSeries) -> Lane:
    return Lane(series.name, field.link(series.labels, series.name), tuple(_state_spans(field, series)))


def _state_spans(field: Field, series: NamedSeries) -> Iterator[StateSpan]:
    """Merge equal neighbouring values; each lasts until the next one, or for one step if nothing follows."""
    for value, start, end in _runs(series.points, series.step):
        cell = field.cell(value, series.labels)
        yield StateSpan(start, end, cell.text, cell.colour or "text")


def _runs(points: Sequence[tuple[float, float]], step: float) -> Iterator[tuple[float, float, float]]:
    """Value, start and end of each run of equal points without gaps."""
    value, start, end = points[0][1], points[0][0], points[0][0] + step
    for at, now in points[1:]:
        if now != value or at - end > step / 2:
            yield value, start, end
            value, start = now, at
        end = at + step
    yield value, start, end


BODY_BUILDERS: Mapping[str, Callable[[Json, Sequence[QueryResult], FormatContext], Body]] = {
    "bargauge": _bars,
    "gauge": _bars,
    "nodeGraph": node_graph,
    "stat": _tiles,
    "state-timeline": _timeline,
    "table": table,
    "timeseries": _graph,
}
