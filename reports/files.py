"""Draws a dashboard to a file: PDF, PNG or HTML."""

from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import datetime
from enum import StrEnum

from nervesys.look.colours import Theme
from nervesys.queries.dashboard_queries import Json
from nervesys.queries.query_runner import QueryRunner
from reports import html, pdf
from reports.draw import WIDTH, draw
from reports.fields import FormatContext
from reports.pdf import DOTS_PER_PIXEL

DEFAULT_VALUES: Mapping[str, str] = {}
"""Default values for all variables."""


class FileFormat(StrEnum):
    """File format of a drawn dashboard."""

    PDF = "pdf"
    PNG = "png"
    HTML = "html"


def draw_file(
    page: Json,
    live: QueryRunner,
    seconds: float,
    file_format: FileFormat,
    theme: Theme,
    executor: Executor,
    wanted: Mapping[str, str] = DEFAULT_VALUES,
    dots_per_pixel: float = DOTS_PER_PIXEL,
) -> bytes:
    """Run the queries of a dashboard and draw it; times are in this machine's time zone.

    Args:
        page: the dashboard's JSON.
        live: runs the queries.
        seconds: length of the time range.
        file_format: file format.
        theme: of PDF and PNG; HTML has both.
        executor: runs as many queries at a time as it has workers.
        wanted: values of variables.
        dots_per_pixel: of a PNG.
    """
    model, _ = draw(page, live, wanted, seconds, WIDTH, FormatContext(live.now), executor)
    zone = datetime.fromtimestamp(live.now).astimezone().tzinfo
    assert zone is not None, "an aware time has one"
    match file_format:
        case FileFormat.PDF:
            return pdf.pdf(model, WIDTH, zone, theme)
        case FileFormat.PNG:
            return pdf.png(model, WIDTH, zone, theme, dots_per_pixel)
        case FileFormat.HTML:
            return html.render_file(model, html.style_sheet([page]), WIDTH, zone).encode()
