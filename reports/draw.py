"""From a page's JSON to its model, by asking Prometheus: what the live pages and the kept ones have in common."""

from collections.abc import Mapping
from concurrent.futures import Executor

from nervesys.prometheus import QueryFailed
from nervesys.queries.asking import Choice, Live
from nervesys.queries.reading import Json, panels_of
from reports.answers import Range, ask_page
from reports.build import drawn, place_of
from reports.fields import Moment
from reports.geometry import points_of
from reports.model import Page

WIDTH = 1400
"""Pixels of a page of which nobody says how wide it is."""


def draw(
    page: Json,
    live: Live,
    wanted: Mapping[str, str],
    seconds: float,
    width: float,
    moment: Moment,
    executor: Executor,
) -> tuple[Page, list[Choice]]:
    """Ask all that a page asks.

    Args:
        page: as generated.
        live: whom, and for which end of the time range.
        wanted: values of variables.
        seconds: of the time range.
        width: of the page, in pixels.
        moment: when, and for whom.
        executor: asks, as many questions at a time as it has workers.

    Returns:
        The model, and what its variables may be and are. Where Prometheus is away, every panel says so.
    """
    try:
        choices = live.choices(page, wanted)
    except QueryFailed:
        choices = []
    values = {choice.name: choice.value for choice in choices}
    points = {panel["id"]: points_of(place_of(panel), width) for panel in panels_of(page)}
    asked = ask_page(page, live, values, Range(seconds, points), executor)
    return drawn(page, asked, moment, live.now - seconds, live.now), choices
