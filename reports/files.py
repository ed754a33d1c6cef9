"""A page as a file: one name for each form."""

from concurrent.futures import Executor
from datetime import datetime
from enum import StrEnum

from nervesys.queries.asking import Live
from nervesys.queries.reading import Json
from reports import html, paper
from reports.colours import Theme
from reports.draw import WIDTH, draw
from reports.fields import Moment


class Form(StrEnum):
    """What a page can be drawn as."""

    PDF = "pdf"
    PNG = "png"
    HTML = "html"


def drawn_file(page: Json, live: Live, seconds: float, form: Form, theme: Theme, executor: Executor) -> bytes:
    """A page, asked for and drawn; its times are those of this machine's clock.

    Args:
        page: as generated.
        live: whom to ask, and the end of the time range.
        seconds: of the time range.
        form: of the file.
        theme: of paper; HTML has both.
        executor: asks, as many questions at a time as it has workers.
    """
    model, _ = draw(page, live, {}, seconds, WIDTH, Moment(live.now), executor)
    zone = datetime.fromtimestamp(live.now).astimezone().tzinfo
    assert zone is not None, "an aware time has one"
    match form:
        case Form.PDF:
            return paper.pdf(model, WIDTH, zone, theme)
        case Form.PNG:
            return paper.png(model, WIDTH, zone, theme)
        case Form.HTML:
            return html.kept(model, html.style([page]), WIDTH, zone).encode()
