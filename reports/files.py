"""A page as a file: one name for each form."""

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
"""Variables of which nobody says what they should be."""


class Form(StrEnum):
    """What a page can be drawn as."""

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
    """A page, asked for and drawn; its times are those of this machine's clock.

    Args:
        page: as generated.
        live: whom to ask, and the end of the time range.
        seconds: of the time range.
        form: of the file.
        theme: of paper; HTML has both.
        executor: asks, as many questions at a time as it has workers.
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
