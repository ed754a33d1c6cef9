"""Records the answers of a real Prometheus to all queries of all pages, and what our own page shows of them."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

from dashboards.grafana_json import Json
from nervesys.clients.prometheus import Series
from nervesys.queries.dashboard_queries import log_panels_of, panels_of
from nervesys.queries.query_runner import QueryRunner
from reports.build import build_page, grid_position
from reports.draw import WIDTH
from reports.fields import FormatContext
from reports.geometry import points_of
from reports.model import Bars, Body, Cell, Graph, NodeGraph, Notice, PageModel, Table, Tiles, Timeline
from reports.run_queries import PageResults, TimeRange, query_page


@dataclass(frozen=True)
class Recording:
    """A page at a time range.

    Attributes:
        page: its JSON.
        since: start of the range, such as `now-6h`.
        results: the answers.
        model: what our page shows of them.
    """

    page: Json
    since: str
    results: PageResults
    model: PageModel

    def as_json(self) -> Json:
        """For Grafana's libraries."""
        answers = {
            panel: [[{"labels": each.labels, "points": _points(each)} for each in answer.series] for answer in found]
            for panel, found in self.results.answers.items()
        }
        return {"page": self.page, "range": {"from": self.since, "to": "now"}, "values": {}, "answers": answers}


def record(page: Json, live: QueryRunner, since: str, seconds: float, executor: Executor) -> Recording:
    """Run all queries of a page with its variables as they are at first; panels of log records have none here."""
    page = page | {"panels": [panel for panel in page["panels"] if panel not in log_panels_of(page)]}
    range_query = f"from={since}&to=now"
    values = live.variables(page) | {"__url_time_range": range_query, "datasource": ""}
    points = {panel["id"]: points_of(grid_position(panel), WIDTH) for panel in panels_of(page)}
    results = query_page(page, live, values, TimeRange(seconds, points), executor)
    context = FormatContext(live.now, range_query)
    return Recording(page, since, results, build_page(page, results, context, live.now - seconds, live.now))


def without_data(recording: Recording) -> Recording:
    """The same page, where Prometheus knows nothing."""
    answers = {
        panel: [replace(answer, series=()) for answer in found] for panel, found in recording.results.answers.items()
    }
    results, model = replace(recording.results, answers=answers), recording.model
    context = FormatContext(model.end, f"from={recording.since}&to=now")
    made = build_page(recording.page, results, context, model.start, model.end)
    return replace(recording, results=results, model=made)


NOT_IN_JSON = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
"""Texts that JavaScript makes numbers of."""


def _points(series: Series) -> list[tuple[float, float | str]]:
    return [(at, NOT_IN_JSON.get(str(value), value)) for at, value in series.points]


def our_panels(model: PageModel) -> dict[str, Any]:
    """What our page shows, in the form of `main.js`, by the title of the panel."""
    return {panel.title: _body(panel.body) for panel in model.panels if panel.body is not None}


def _body(body: Body) -> Json:
    match body:
        case Notice():
            return {"empty": body.text}
        case Tiles():
            return {"shown": [{"name": tile.name, **_cell(tile.value)} for tile in body.tiles]}
        case Bars():
            return {"shown": [{"name": bar.name, **_cell(bar.value)} for bar in body.bars]}
        case Graph():
            return {"shown": [_line(line) for line in body.lines]}
        case Timeline():
            return {"shown": [_lane(lane.name, lane.link, lane.spans) for lane in body.lanes]}
        case NodeGraph():
            return {"shown": [{"source": e.source, "target": e.target, "text": e.text} for e in body.edges]}
        case Table():
            return {"columns": list(body.columns), "rows": [[_cell(cell) for cell in row] for row in body.rows]}
    raise AssertionError(f"no panel of ours is a {type(body).__name__}")


def _cell(cell: Cell) -> Json:
    return {"text": cell.text, "colour": cell.colour, "link": cell.link}


def _line(line: Any) -> Json:
    return {
        "name": line.key.name,
        "colour": line.key.colour,
        "text": line.number_format.text(line.points[-1][1]),
        "link": line.key.link,
    }


def _lane(name: str, link: str, spans: Sequence[Any]) -> Json:
    states = [{"text": span.text, "colour": span.colour} for span in spans]
    merged = [state for at, state in enumerate(states) if not at or states[at - 1]["text"] != state["text"]]
    return {"name": name, "link": link, "states": merged}
