"""Runs the queries of a dashboard and makes its model; shared by live pages and files."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace

from nervesys.clients.prometheus import QueryFailed
from nervesys.queries.dashboard_queries import Json, panels_of
from nervesys.queries.query_runner import QueryRunner, VariableChoice
from reports.build import build_page, grid_position
from reports.fields import FormatContext
from reports.geometry import points_of
from reports.model import PageModel
from reports.run_queries import TimeRange, query_page

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

    Returns:
        The model, and the variables with their options. If Prometheus is unavailable, every panel says so.
    """
    notes: tuple[str, ...] = ()
    try:
        choices = live.choices(page, wanted, seconds)
    except QueryFailed as err:
        choices, notes = [], (f"The values to choose from: {err}",)
    values = {choice.name: choice.value for choice in choices}
    values |= {"__url_time_range": context.range_query or "", "datasource": ""}  # of links that are made in queries
    points = {panel["id"]: points_of(grid_position(panel), width) for panel in panels_of(page)}
    asked = query_page(page, live, values, TimeRange(seconds, points, limit), executor)
    asked = replace(asked, notes=notes + asked.notes)
    return build_page(page, asked, context, live.now - seconds, live.now), choices
