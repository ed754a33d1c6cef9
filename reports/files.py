"""Draws a dashboard to a file: PDF, PNG or HTML."""

from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import datetime
from enum import StrEnum

from nervesys.queries.asking import Live
from nervesys.queries.reading import Json
from reports import html, paper
from reports.colours import Theme
from reports.draw import WIDTH, draw
from reports.fields import Moment
from reports.paper import DOTS_PER_PIXEL

AS_AT_FIRST: Mapping[str, str] = {}
"""Default values for all variables."""


class Form(StrEnum):
    """File format of a drawn dashboard."""

    PDF = "pdf"
    PNG = "png"
    HTML = "html"


def drawn_file(
    page: Json,
    live: Live,
    seconds: float,
    form: Form,
    theme: Theme,
    executor: Executor,
    wanted: Mapping[str, str] = AS_AT_FIRST,
    dots_per_pixel: float = DOTS_PER_PIXEL,
) -> bytes:
    """Run the queries of a dashboard and draw it; times are in this machine's time zone.

    Args:
        page: the dashboard's JSON.
        live: runs the queries.
        seconds: length of the time range.
        form: file format.
        theme: of PDF and PNG; HTML has both.
        executor: runs as many queries at a time as it has workers.
        wanted: values of variables.
        dots_per_pixel: of a PNG.
    """
    model, _ = draw(page, live, wanted, seconds, WIDTH, Moment(live.now), executor)
    zone = datetime.fromtimestamp(live.now).astimezone().tzinfo
    assert zone is not None, "an aware time has one"
    match form:
        case Form.PDF:
            return paper.pdf(model, WIDTH, zone, theme)
        case Form.PNG:
            return paper.png(model, WIDTH, zone, theme, dots_per_pixel)
        case Form.HTML:
            return html.kept(model, html.style([page]), WIDTH, zone).encode()
