"""Runs the queries of a dashboard and makes its model; shared by live pages and files."""

from collections.abc import Mapping
from concurrent.futures import Executor

from nervesys.clients.prometheus import QueryFailed
from nervesys.queries.asking import Choice, Live
from nervesys.queries.reading import Json, panels_of
from reports.answers import Range, ask_page
from reports.build import drawn, place_of
from reports.fields import Moment
from reports.geometry import points_of
from reports.model import Page

WIDTH = 1400
"""Default width of a page, in pixels."""


def draw(
    page: Json,
    live: Live,
    wanted: Mapping[str, str],
    seconds: float,
    width: float,
    moment: Moment,
    executor: Executor,
) -> tuple[Page, list[Choice]]:
    """Run the queries of a dashboard, and make its model.

    Args:
        page: the dashboard's JSON.
        live: runs the queries.
        wanted: values of variables.
        seconds: length of the time range.
        width: of the page, in pixels.
        moment: time and links for the values.
        executor: runs as many queries at a time as it has workers.

    Returns:
        The model, and the variables with their options. If Prometheus is unavailable, every panel says so.
    """
    try:
        choices = live.choices(page, wanted)
    except QueryFailed:
        choices = []
    values = {choice.name: choice.value for choice in choices}
    points = {panel["id"]: points_of(place_of(panel), width) for panel in panels_of(page)}
    asked = ask_page(page, live, values, Range(seconds, points), executor)
    return drawn(page, asked, moment, live.now - seconds, live.now), choices
