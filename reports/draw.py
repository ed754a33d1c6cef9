"""Runs the queries of a dashboard and makes its model; shared by live pages and files."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import replace
from time import monotonic

from nervesys.clients.prometheus import QueryFailed
from nervesys.queries.dashboard_queries import Json, log_panels_of, panels_of
from nervesys.queries.query_runner import QueryRunner, VariableChoice
from nervesys.queries.variables import substitute
from reports.build import build_page, grid_position
from reports.fields import FormatContext
from reports.geometry import points_of
from reports.model import Body, Notice, PageModel
from reports.run_queries import TimeRange, query_page

LogPanelReader = Callable[[str, float, float], Future[Body]]
"""Begins to read what a LogQL query finds from one instant to another, in Unix seconds; by threads of its own."""
LONGEST_NAME = 60
"""Most letters of a rejected value that are shown."""
WIDTH = 1400
"""Default width of a page, in pixels."""


def draw(
    page: Json,
    live: QueryRunner,
    wanted: Mapping[str, str],
    seconds: float,
    width: float,
    context: FormatContext,
    executor: Executor,
    limit: float | None = None,
    logs: LogPanelReader | None = None,
) -> tuple[PageModel, list[VariableChoice]]:
    """Run the queries of a dashboard, and make its model.

    Args:
        page: the dashboard's JSON.
        live: runs the queries.
        wanted: values of variables.
        seconds: length of the time range.
        width: of the page, in pixels.
        context: time and links for the values.
        executor: runs as many queries at a time as it has workers.
        limit: seconds for all queries; panels of those that take longer say so. None for no limit.
        logs: reads the log records of panels; None where only a live page shows them.

    Returns:
        The model, and the variables with their options. If Prometheus is unavailable, every panel says so.
    """
    notes: tuple[str, ...] = ()
    deadline = monotonic() + (limit or 0)  # of all waits together: for queries and for log records
    try:
        choices = live.choices(page, wanted, seconds)
    except QueryFailed as err:
        choices, notes = [], (f"The values to choose from: {err}",)
    notes += tuple(
        f"{choice.label} {choice.rejected[:LONGEST_NAME]!r}: not in this time range; shown: {choice.selected or 'all'}"
        for choice in choices
        if choice.rejected and not choice.hidden
    )
    values = {choice.name: choice.value for choice in choices}
    values |= {"__url_time_range": context.range_query or "", "datasource": ""}  # of links that are made in queries
    points = {panel["id"]: points_of(grid_position(panel), width) for panel in panels_of(page)}
    start = live.now - seconds
    lines = {} if logs is None else _read_logs(page, values, start, live.now, logs)
    asked = query_page(page, live, values, TimeRange(seconds, points, limit, deadline), executor)
    asked = replace(asked, notes=notes + asked.notes)
    bodies = {panel["id"]: _log_body(lines.get(panel["id"]), limit, deadline) for panel in log_panels_of(page)}
    return build_page(page, asked, context, start, live.now, bodies), choices


def _read_logs(
    page: Json, values: Mapping[str, str], start: float, end: float, logs: LogPanelReader
) -> dict[int, Future[Body]]:
    """Begin to read the log records of panels, by panel id."""
    queries = {panel["id"]: substitute(panel["targets"][0]["expr"], values) for panel in log_panels_of(page)}
    return {name: logs(query, start, end) for name, query in queries.items()}


def _log_body(lines: Future[Body] | None, limit: float | None, deadline: float) -> Body:
    if lines is None:
        return Notice("Log records are shown on the live page, and in Grafana")
    try:
        return lines.result(None if limit is None else max(0, deadline - monotonic()))
    except TimeoutError:
        lines.cancel()
        return Notice(f"Reading takes longer than {limit:g} s; choose a shorter time range", failed=True)
